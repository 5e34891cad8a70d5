"""`make vendor`: takes a new spec from a file, an address or standard input."""
