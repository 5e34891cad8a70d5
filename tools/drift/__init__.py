"""`make drift`: compares two states of the API, and reports each change with its severity and its effects."""
