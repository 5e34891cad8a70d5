"""Builds requests that start and check tasks, and reads the responses; only this package uses the generated code."""
