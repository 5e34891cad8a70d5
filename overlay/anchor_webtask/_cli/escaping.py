"""Makes texts of servers and users harmless for a terminal, and values JSON that every program can read.

A terminal obeys control characters: those of ASCII, such as escape, and those of Latin-1. Others turn the direction of
text, so that a line reads differently from what it is. All of them are shown by their codes.
"""

from __future__ import annotations

import functools
import json
import math
import re
from typing import Any, Final

# Controls (but tab and line break), bidirectional and invisible formatting, separators of lines, halves of surrogate
# pairs, and tags.
_UNSAFE: Final = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f"
)
_UNSAFE_IN_TEXT: Final = re.compile(f"[{_UNSAFE}]")
_UNSAFE_IN_LINE: Final = re.compile(f"[{_UNSAFE}\t\n]")


def harmless(text: str) -> str:
    """Return a text of many lines without control characters."""
    return _UNSAFE_IN_TEXT.sub(_code, text)


def harmless_line(text: str) -> str:
    """Return a text without control characters and line breaks."""
    return _UNSAFE_IN_LINE.sub(_code, text)


def _code(match: re.Match[str]) -> str:
    code = ord(match[0])
    if match[0] in "\t\n":
        return " "
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def json_text(value: Any, *, indent: int | None = None, ascii_only: bool = False) -> str:
    """Return a value as JSON without control characters, in one line unless `indent` is given.

    JSON has no infinities, but an answer may have them, and 1e999 in a server's JSON is one: they are written as text.
    """
    dumps = functools.partial(json.dumps, ensure_ascii=ascii_only, indent=indent, default=str, allow_nan=False)
    try:
        text = dumps(value)
    except ValueError:
        text = dumps(_finite(value))
    return json_harmless(text)


def _finite(value: Any) -> Any:
    match value:
        case float() if not math.isfinite(value):
            return json.dumps(value)
        case dict():
            return {key: _finite(each) for key, each in value.items()}
        case list() | tuple():
            return [_finite(each) for each in value]
    return value


def json_harmless(text: str) -> str:
    """Return a JSON text with its control characters escaped, which are all in texts of JSON."""
    return _UNSAFE_IN_TEXT.sub(_json_code, text)


def _json_code(match: re.Match[str]) -> str:
    return json.dumps(match[0])[1:-1] if match[0] != "\x7f" else "\\u007f"
