"""Text that is safe to print: documents from outside may hold characters that control a terminal."""

from __future__ import annotations


def printable(text: str) -> str:
    """Return a text in which characters that could control the terminal are written as escapes."""
    return "".join(c if c == "\n" or c.isprintable() else c.encode("unicode_escape").decode() for c in text)
