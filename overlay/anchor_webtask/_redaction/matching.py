"""Finds and replaces secrets in text, even if a server has escaped, re-encoded or truncated them.

A server may send a secret back escaped for JSON, URLs or HTML (once or twice), escaped as in Python's repr of bytes,
with changed upper and lower case, decoded with the wrong encoding, or cut off. So the escapes in the text are undone,
and all white space is made equal. The same is done to the secret, which is then searched for in the text. The time of a
search is proportional to the length of the text, whatever a server sends.
"""

from __future__ import annotations

import bisect
import html
import re
import unicodedata
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

MIN_TRUNCATED_PREFIX: Final = 8
"""At the end of a text or a quotation, where a secret may be cut off, this many first characters of it are redacted."""

MIN_PREFIX_ANYWHERE: Final = 24
"""Anywhere in a text, this many first characters of a secret are redacted; for a short secret, half of it."""

MIN_ASCII_PART: Final = 4
"""A secret's ASCII characters without its other characters are redacted if there are this many; httpx logs them so."""

_LAYERS: Final = 3
"""How many layers of escapes are undone, such as JSON in JSON, or a URL in a URL."""

_ESCAPE: Final = re.compile(
    r"""\\++(?:u\{[0-9a-fA-F]{1,6}\}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|x[0-9a-fA-F]{2}|[0-3][0-7]{2}|[bfnrt])?"""
    r"""|%[0-9a-fA-F]{2}|&(?:\#[0-9]{1,7}|\#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});"""
)
_BLANK: Final = re.compile(r"[\s\x00-\x1f\x7f-\x9f\xad+]+")
_DOTTED_CAPITAL_I: Final = re.compile("\u0130")  # the only letter whose lower case has two characters
_ENDS: Final = frozenset("\"'`…")


class SecretForms:
    """The forms in which a non-empty secret is searched for."""

    __slots__ = ("plain", "unescaped")

    def __init__(self, secret: str) -> None:
        self.plain = secret
        """The secret unchanged."""
        self.unescaped = tuple({reading for form in _forms(secret) if (reading := _unescape(form)[0])})
        """The secret with its escapes undone, in each way in which its non-ASCII characters may have been changed."""


def replace_secrets(text: str, secrets: Iterable[SecretForms], replacement: str) -> str:
    """Return the text with each secret in it replaced, even if the text contains only a part of the secret."""
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


def _places(text: str, secrets: Iterable[SecretForms]) -> Iterator[tuple[int, int]]:
    reading, origin = _unescape(text)
    lower = reading.lower()
    for secret in secrets:
        # The unchanged text is searched, too: characters before a secret may turn its beginning into an escape.
        yield from _occurrences(text, secret.plain, may_be_cut=False)
        for form in secret.unescaped:
            # For a short secret, upper and lower case must match, since an ordinary word may have the same letters.
            is_short = len(form) < MIN_TRUNCATED_PREFIX
            found = _occurrences(reading if is_short else lower, form if is_short else form.lower(), may_be_cut=True)
            yield from (origin(start, end) for start, end in found)


def _occurrences(text: str, secret: str, *, may_be_cut: bool) -> Iterator[tuple[int, int]]:
    may_be_cut = may_be_cut and len(secret) > MIN_TRUNCATED_PREFIX
    start = secret[:MIN_TRUNCATED_PREFIX] if may_be_cut else secret
    at = text.find(start)
    while at >= 0:
        length = _common(text, at, secret, len(start))
        end = at + length
        is_long_enough = length >= min(max(MIN_TRUNCATED_PREFIX, len(secret) // 2), MIN_PREFIX_ANYWHERE)
        if length == len(secret) or is_long_enough or end == len(text) or text[end] in _ENDS:
            yield at, end
        at = text.find(start, end if length == len(secret) else at + 1)


def _common(text: str, at: int, secret: str, known: int) -> int:
    """Return the length of the longest beginning of a secret that is in the text at position `at`.

    The caller already knows that the first `known` characters of the secret are there.
    """
    least, most = known, len(secret)
    while least < most:
        middle = (least + most + 1) // 2
        if text.startswith(secret[:middle], at):
            least = middle
        else:
            most = middle - 1
    return least


def _forms(secret: str) -> Iterator[str]:
    """Yield a secret, and the forms that it has after other programs have changed its non-ASCII characters."""
    yield secret
    if secret.isascii():
        return
    for form in ("NFC", "NFD"):
        yield unicodedata.normalize(form, secret)
    bytes_ = secret.encode(errors="replace")
    yield bytes_.decode("latin-1")  # as httpx decodes headers
    yield bytes_.decode("latin-1").encode().decode("latin-1")
    units = secret.encode("utf-16-be", errors="surrogatepass")
    yield "".join(chr(int.from_bytes(units[at : at + 2])) for at in range(0, len(units), 2))  # as in JSON escapes
    rest = "".join(filter(str.isascii, secret))
    if len(rest) >= MIN_ASCII_PART:
        yield rest
        for replacement in "?\ufffd":
            yield "".join(character if character.isascii() else replacement for character in secret)


def _unescape(text: str) -> tuple[str, Callable[[int, int], tuple[int, int]]]:
    """Return a text with its escapes undone, and a function that maps places in the result to places in the text."""
    origins: list[Callable[[int, int], tuple[int, int]]] = []
    for pattern, meaning in (*[(_ESCAPE, _unescaped)] * _LAYERS, (_BLANK, _blank), (_DOTTED_CAPITAL_I, _i_without_dot)):
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


def _unescaped(escape: str) -> str:
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


def _blank(_: str) -> str:
    return " "


def _i_without_dot(_: str) -> str:
    return "i"
