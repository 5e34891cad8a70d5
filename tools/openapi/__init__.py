"""Reads, writes and searches OpenAPI documents in YAML or JSON; shared by the programs in `tools`."""
