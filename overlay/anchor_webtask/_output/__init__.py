"""Typed answers: the JSON Schema that is sent for `output`, and the value that an answer becomes."""
