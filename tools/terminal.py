"""Makes text safe to print: documents from outside may contain characters that control a terminal."""

from __future__ import annotations


def printable(text: str) -> str:
    """Return the text with an escape sequence in place of each character that could control the terminal."""
    return "".join(c if c == "\n" or c.isprintable() else c.encode("unicode_escape").decode() for c in text)
