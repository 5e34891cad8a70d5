"""Composes the spec from which code is generated: applies the overlay to the vendored spec."""
