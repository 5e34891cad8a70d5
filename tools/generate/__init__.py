"""`make generate` and `make check`: `generated/` is built from the spec, the overlay and the generator's config."""
