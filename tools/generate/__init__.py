"""`make generate` and `make check`: build `generated/` from the spec, the overlay and the generator's config."""
