"""What the programs share: reading, writing and searching OpenAPI documents in YAML or JSON."""
