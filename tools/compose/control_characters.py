"""Escapes control characters in descriptions, which could hide text from a reviewer.

Descriptions become docstrings, which reviewers read in terminals and browsers. Control characters, and characters that
reverse the direction of the text, could make a terminal or browser show a different text.
"""

from __future__ import annotations

import re
from typing import Any, Final

from tools.openapi import walk

_PROSE: Final = ("description", "summary", "title", "example")
_DECEIVING: Final = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]"
)


def escape(document: dict[str, Any]) -> None:
    """Escape control characters in descriptions, summaries, titles and examples that are text, in place."""
    for node in walk.objects(document):
        for key in _PROSE:
            text = node.get(key)
            if isinstance(text, str) and _DECEIVING.search(text):
                node[key] = _DECEIVING.sub(lambda found: ascii(found[0])[1:-1], text)
