"""What is printed may quote documents from outside."""

from __future__ import annotations


def printable(text: str) -> str:
    """Return a text that does nothing to a terminal, whatever the document holds that it quotes."""
    return "".join(c if c == "\n" or c.isprintable() else c.encode("unicode_escape").decode() for c in text)
