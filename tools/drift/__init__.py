"""Compares two states of the API: what changed, for whom, and how bad it is."""
