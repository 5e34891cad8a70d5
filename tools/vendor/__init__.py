"""`make vendor`: a new spec is read from a file, an address or standard input, and stored in the repository."""
