"""Typed answers: from `output` to the JSON Schema that is sent, and from the answer's JSON to the value."""
