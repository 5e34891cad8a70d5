"""Builds the distributions, checks them, and reads the changelog for a release."""
