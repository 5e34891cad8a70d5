"""Where a value stands in a TOML file: the standard library's parser does not say it."""

from __future__ import annotations

import bisect
import re
import tomllib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

Place = tuple[str | int, ...]
"""The keys and indices that lead to a value."""

_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")
_MAX_KEY: Final = 100  # characters of one key in a message

_TOKEN: Final = re.compile(
    r'''"""(?:[^\\]|\\.)*?"{3,5}'''  # up to two quotation marks may stand before the closing three
    r"""|'''.*?'{3,5}"""
    r'''|"(?:[^"\\\n]|\\.)*"'''
    r"""|'[^'\n]*'"""
    r"|\#[^\n]*"
    r"|[\[\]{}\n]",
    re.DOTALL,
)


def place_text(place: Place) -> str:
    """Return a place for a message, such as `scenario[2].faults[0].status`, in one line."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{_key_text(step)}" for step in place)
    return "".join(steps).removeprefix(".")


def _key_text(key: str) -> str:
    shown = key if len(key) <= _MAX_KEY else f"{key[:_MAX_KEY]}…"
    return shown if _BARE_KEY.fullmatch(key) else repr(shown)


def line_of(text: str, place: Place) -> int:
    """Return the line at which the statement begins that sets the value at a place.

    Each beginning of a valid file that ends with a statement is a valid file, too. The statement in question is the
    last one of the shortest beginning that has the value.

    Args:
        text: A valid TOML file.
        place: The place of a value in the file.
    """
    statements = list(_statements(text))

    def has_value(statement: tuple[int, int]) -> bool:
        return _has(tomllib.loads(text[: statement[1]]), place)

    begin, _ = statements[bisect.bisect_left(statements, True, key=has_value)]
    return text.count("\n", 0, begin) + 1


def _statements(text: str) -> Iterator[tuple[int, int]]:
    """Yield the places where each statement of a valid file begins and ends; an empty line counts as a statement."""
    begin = depth = 0
    for token in _TOKEN.finditer(text):
        match token[0]:
            case "[" | "{":
                depth += 1
            case "]" | "}":
                depth -= 1
            case "\n" if depth == 0:
                yield begin, token.end()
                begin = token.end()
            case _:
                pass
    yield begin, len(text)


def _has(content: Any, place: Place) -> bool:
    for step in place:
        try:
            content = content[step]
        except (KeyError, IndexError, TypeError):
            return False
    return True
