"""Reads a text in other ways, such as without its escapes, and knows where each character of a reading comes from."""

from __future__ import annotations

import bisect
import functools
import html
import re
import unicodedata
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

_LAYERS: Final = 3
"""How many layers of escapes are undone, such as JSON in JSON, or a URL in a URL."""

_ESCAPE: Final = re.compile(
    r"""\\++(?:u\{[0-9a-fA-F]{1,6}\}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|x[0-9a-fA-F]{2}|[0-3][0-7]{2}|[bfnrt])?"""
    r"""|%[0-9a-fA-F]{2}|&(?:\#[0-9]{1,7}|\#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});"""
)
_BLANK: Final = re.compile(r"[\s\x00-\x1f\x7f-\x9f\xad+]+")
_NOT_ASCII: Final = re.compile(r"[^\x00-\x7f]")
_LOST: Final = re.compile(r"[^\x00-\x7f]+|\?+")
"""What is left where a character was lost: nothing, question marks, or any characters that are not ASCII."""

Origin: TypeAlias = "Callable[[int, int], tuple[int, int]]"
"""Maps a place in a reading to the place in the text that it was read from."""


def unescape(text: str) -> tuple[str, Origin]:
    """Return a text with its escapes undone."""
    result: tuple[str, Origin] = (text, _same_place)
    for _ in range(_LAYERS):
        if not _ESCAPE.search(result[0]):
            break
        result = chain(*result, functools.partial(_substituted, pattern=_ESCAPE, meaning=_meaning))
    return result


def blank(text: str) -> tuple[str, Origin]:
    """Return a text in which all white space is equal."""
    return _substituted(text, _BLANK, lambda _: " ")


def keep_ascii(text: str) -> tuple[str, Origin]:
    """Return the ASCII characters of a text, without question marks, which often replace other characters."""
    return chain(*_substituted(text, _LOST, lambda _: ""), blank)


def fold(text: str) -> tuple[str, Origin]:
    """Return a text in which characters are equal that differ only in case, accents or compatibility."""
    folded, origin = _substituted(text, _NOT_ASCII, _folded_character)
    return folded.lower(), origin


@functools.lru_cache(maxsize=1024)
def _folded_character(character: str) -> str:
    folded = unicodedata.normalize("NFKD", character).casefold()
    return "".join(each for each in folded if not unicodedata.combining(each)).replace("\u0131", "i")


def is_lost(character: str) -> bool:
    return not character.isascii() or character == "?"


def _same_place(start: int, end: int) -> tuple[int, int]:
    return start, end


def chain(text: str, origin: Origin, read: Callable[[str], tuple[str, Origin]]) -> tuple[str, Origin]:
    """Return the reading of a reading, and a function that maps places in it to the places that `origin` returns."""
    result, inner = read(text)
    return result, lambda start, end: origin(*inner(start, end))


def _substituted(text: str, pattern: re.Pattern[str], meaning: Callable[[str], str]) -> tuple[str, Origin]:
    if not pattern.search(text):
        return text, _same_place
    pieces: list[str] = []
    begins: list[int] = []  # where each piece begins in the new text
    places: list[tuple[int, int]] = []  # where each piece begins and ends in the old text
    size = done = 0
    for found in pattern.finditer(text):
        for piece, place in ((text[done : found.start()], (done, found.start())), (meaning(found[0]), found.span())):
            if piece:
                pieces.append(piece)
                begins.append(size)
                places.append(place)
                size += len(piece)
        done = found.end()
    pieces.append(text[done:])
    begins.append(size)
    places.append((done, len(text)))

    def origin(start: int, end: int) -> tuple[int, int]:
        first, last = (bisect.bisect_right(begins, at) - 1 for at in (start, end - 1))
        return _before(places[first], start - begins[first], pieces[first])[0], _before(
            places[last], end - 1 - begins[last], pieces[last]
        )[1]

    return "".join(pieces), origin


def _before(place: tuple[int, int], offset: int, piece: str) -> tuple[int, int]:
    """Return the place that a character of a piece had in the old text.

    If the piece's length has changed, the place is that of the complete piece.
    """
    start, end = place
    return (start + offset, start + offset + 1) if end - start == len(piece) else place


def _meaning(escape: str) -> str:
    """Return the character that an escape stands for."""
    if escape[0] == "&":
        return html.unescape(escape)
    if escape[0] == "%":
        return chr(int(escape[1:], 16))
    name = escape.lstrip("\\")
    if not name:
        return ""  # only backslashes, which escape the next character or one another
    if name[0] in "01234567":
        return chr(int(name, 8))
    number = int(name[1:].strip("{}"), 16) if len(name) > 1 else ord(" ")
    return chr(number) if number <= 0x10FFFF else ""
