"""`make generate` and `make check`: builds `generated/` from the spec, the overlay and the generator's config."""
