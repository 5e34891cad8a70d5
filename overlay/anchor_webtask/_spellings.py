"""How a secret may be spelled in text that comes back from elsewhere, and how it's found there.

Whoever echoes a secret does it in their own way: escaped as some JSON, URL or HTML library does, once or twice, as
Python shows bytes, in another case, read by the wrong encoding, or cut off. So the text is read as it was meant, with
escapes undone and all white space alike, the secret is read in the same way, and then one is looked for in the other.
It takes time in proportion to the text, whatever a server sends.
"""

from __future__ import annotations

import bisect
import html
import re
import unicodedata
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

ENOUGH: Final = 8
"""So many of a secret's first characters give it away where a text ends with them: it may have been cut off."""

PLENTY: Final = 24
"""So many do anywhere, or half of the secret if that is less."""

SHORTEST_REST: Final = 4
"""From this length on, what is left of a secret without its non-ASCII characters is one: httpx logs such a rest."""

_LAYERS: Final = 3
"""How often escapes are undone: JSON in JSON, a URL in a URL."""

_ESCAPE: Final = re.compile(
    r"""\\++(?:u\{[0-9a-fA-F]{1,6}\}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|x[0-9a-fA-F]{2}|[0-3][0-7]{2}|[bfnrt])?"""
    r"""|%[0-9a-fA-F]{2}|&(?:\#[0-9]{1,7}|\#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});"""
)
_BLANK: Final = re.compile(r"[\s\x00-\x1f\x7f-\x9f\xad+]+")
_LOWERS_TO_TWO: Final = re.compile("\u0130")  # the one letter whose lower case is longer
_ENDS: Final = frozenset("\"'`…")


class Spelled:
    """A secret, not empty, as it's looked for."""

    __slots__ = ("plain", "read")

    def __init__(self, secret: str) -> None:
        self.plain = secret
        """As it is."""
        self.read = tuple({reading for form in _forms(secret) if (reading := _read(form)[0])})
        """As it reads in a text, whatever has happened to its non-ASCII characters."""


def without(text: str, secrets: Iterable[Spelled], replacement: str) -> str:
    """Return the text with something else in place of each secret, or of as much of it as was left."""
    if not text:
        return text
    places = sorted(_places(text, secrets))
    if not places:
        return text
    pieces: list[str] = []
    done = 0
    for start, end in places:
        if start >= done:
            pieces += (text[done:start], replacement)
        done = max(done, end)
    return "".join((*pieces, text[done:]))


def _places(text: str, secrets: Iterable[Spelled]) -> Iterator[tuple[int, int]]:
    reading, origin = _read(text)
    lower = reading.lower()
    for secret in secrets:
        # Also as it is: what precedes it in the text may make an escape of its beginning.
        yield from _occurrences(text, secret.plain, may_be_cut=False)
        for form in secret.read:
            # In a few characters, case tells what is meant from what only looks like it.
            is_short = len(form) < ENOUGH
            found = _occurrences(reading if is_short else lower, form if is_short else form.lower(), may_be_cut=True)
            yield from (origin(start, end) for start, end in found)


def _occurrences(text: str, secret: str, *, may_be_cut: bool) -> Iterator[tuple[int, int]]:
    may_be_cut = may_be_cut and len(secret) > ENOUGH
    start = secret[:ENOUGH] if may_be_cut else secret
    at = text.find(start)
    while at >= 0:
        length = _common(text, at, secret, len(start))
        end = at + length
        is_plenty = length >= min(max(ENOUGH, len(secret) // 2), PLENTY)
        if length == len(secret) or is_plenty or end == len(text) or text[end] in _ENDS:
            yield at, end
        at = text.find(start, end if length == len(secret) else at + 1)


def _common(text: str, at: int, secret: str, known: int) -> int:
    """Return how much of a secret stands at a place, of which so much is known to."""
    least, most = known, len(secret)
    while least < most:
        middle = (least + most + 1) // 2
        if text.startswith(secret[:middle], at):
            least = middle
        else:
            most = middle - 1
    return least


def _forms(secret: str) -> Iterator[str]:
    """Yield a secret as others may have taken its non-ASCII characters."""
    yield secret
    if secret.isascii():
        return
    for form in ("NFC", "NFD"):
        yield unicodedata.normalize(form, secret)
    bytes_ = secret.encode(errors="replace")
    yield bytes_.decode("latin-1")  # as httpx reads headers
    yield bytes_.decode("latin-1").encode().decode("latin-1")
    units = secret.encode("utf-16-be", errors="surrogatepass")
    yield "".join(chr(int.from_bytes(units[at : at + 2])) for at in range(0, len(units), 2))  # as JSON escapes them
    rest = "".join(filter(str.isascii, secret))
    if len(rest) >= SHORTEST_REST:
        yield rest
        for replacement in "?\ufffd":
            yield "".join(character if character.isascii() else replacement for character in secret)


def _read(text: str) -> tuple[str, Callable[[int, int], tuple[int, int]]]:
    """Return a text as it was meant, and what says where a part of that stands in the text itself."""
    origins: list[Callable[[int, int], tuple[int, int]]] = []
    for pattern, meaning in (*[(_ESCAPE, _unescaped)] * _LAYERS, (_BLANK, _blank), (_LOWERS_TO_TWO, _plain_i)):
        if pattern.search(text):
            text, origin = _substituted(text, pattern, meaning)
            origins.append(origin)

    def origin_of(start: int, end: int) -> tuple[int, int]:
        for origin in reversed(origins):
            start, end = origin(start, end)
        return start, end

    return text, origin_of


def _substituted(
    text: str, pattern: re.Pattern[str], meaning: Callable[[str], str]
) -> tuple[str, Callable[[int, int], tuple[int, int]]]:
    pieces: list[str] = []
    begins: list[int] = []  # where each piece begins in the new text …
    places: list[tuple[int, int]] = []  # … and from where to where it was in the old one
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
    """Return where one character of a piece was: in its place if that is as long, else the whole place."""
    start, end = place
    return (start + offset, start + offset + 1) if end - start == len(piece) else place


def _unescaped(escape: str) -> str:
    if escape[0] == "&":
        return html.unescape(escape)
    if escape[0] == "%":
        return chr(int(escape[1:], 16))
    name = escape.lstrip("\\")
    if not name:
        return ""  # an escape of what follows, or a backslash: as many of them as there may be
    if name[0] in "01234567":
        return chr(int(name, 8))
    number = int(name[1:].strip("{}"), 16) if len(name) > 1 else ord(" ")
    return chr(number) if number <= 0x10FFFF else ""


def _blank(_: str) -> str:
    return " "


def _plain_i(_: str) -> str:
    return "i"
