"""What the programs share: how OpenAPI documents in YAML or JSON are read, written and searched."""
