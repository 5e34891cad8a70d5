"""Finds JSON in a text: between words, or in a code fence."""

from __future__ import annotations

import functools
import json
import re
from typing import TYPE_CHECKING, Any, Final

from anchor_webtask import _importing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_BEGINNING: Final = r"[{\[]"  # compiled on first use: most programs never need it
_MIN_READ: Final = 10_000
_PART: Final = 16_384
"""Characters after which the rest of a text is copied: an error of `json` counts all lines before it."""


def _finite(text: str) -> float:
    """Return a float; refuse one that is too large, since it would become an infinity."""
    number = float(text)
    if number - number != 0:
        raise ValueError(text)
    return number


def _refuse(constant: str) -> None:
    """Refuse `NaN` and the infinities: Python's decoder accepts them, but they are not JSON."""
    raise ValueError(constant)


STRICT: Final = json.JSONDecoder(parse_float=_finite, parse_constant=_refuse)
"""Reads JSON, and refuses what becomes NaN or an infinity."""


@functools.cache
def exact() -> json.JSONDecoder:
    """Return a decoder that does the same, with Decimals in place of floats."""
    with _importing.lock:
        from decimal import Decimal

    def finite_decimal(text: str) -> Decimal:
        _finite(text)
        return Decimal(text)

    return json.JSONDecoder(parse_float=finite_decimal, parse_constant=_refuse)


def embedded_json(text: str, load: Callable[[str, int], tuple[Any, int]]) -> Iterator[Any]:
    """Yield each JSON object and array in a text, but not those inside of other ones.

    Args:
        text: The text.
        load: Reads the JSON that begins at a place in the text; returns it with the place after it.
    """
    beginning = re.compile(_BEGINNING)
    position, part, begun = 0, text, 0
    left = 4 * len(text) + _MIN_READ  # brackets that are never closed could make this read the text once for each
    while left > 0 and (begin := beginning.search(text, position)):
        start = begin.start()
        if start - begun > _PART:
            part, begun = text[start:], start
        try:
            value, end = load(part, start - begun)
        except json.JSONDecodeError as error:
            position = start + 1
            left -= error.pos + begun - start + 1
        except (ValueError, RecursionError):
            position = start + 1
            left -= _MIN_READ
        else:
            position = begun + end
            yield value
