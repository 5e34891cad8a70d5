"""Composes the spec that code is generated from: the vendored spec with the overlay applied."""
