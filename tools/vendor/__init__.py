"""`make vendor`: reads a new spec from a file, a URL or standard input, checks it, and stores it in the repository."""
