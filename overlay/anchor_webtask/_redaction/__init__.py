"""Keeps secrets out of everything that is shown: sealed values, redacted text, and interruptions without frames."""
