"""The maintainers' programs behind `make`; not part of the wheel."""
