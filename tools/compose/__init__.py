"""The composed spec, from which code is generated: the vendored spec with the overlay applied."""
