"""Typed answers: makes the JSON Schema that is sent for `output`, and converts the answer to a value of its type."""
