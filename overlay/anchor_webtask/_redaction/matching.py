"""Finds and replaces secrets in text, even if a server has escaped, re-encoded or truncated them.

A text is searched in several readings, and the same is done to the secret as to the text:

    UNESCAPED     the escapes of JSON, URLs, HTML and Python's repr of bytes are undone, and all white space is equal
    FOLDED        also, characters are equal that differ only in case, in accents or as Unicode's compatible characters
    ASCII         of the unescaped text, only the ASCII characters: the others may be lost, replaced or badly decoded
    ASCII_FOLDED  the same in lower case

Since only some characters of a short secret are left to compare, its case must match. The time of a search is
proportional to the length of the text, whatever a server sends.
"""

from __future__ import annotations

import functools
import unicodedata
from enum import Enum, auto
from typing import TYPE_CHECKING, Final, NamedTuple

from anchor_webtask._redaction.readings import blank, chain, fold, is_lost, keep_ascii, unescape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from anchor_webtask._redaction.readings import Origin

MIN_TRUNCATED_PREFIX: Final = 8
"""At the end of a text or a quotation, where a secret may be cut off, this many first characters of it are redacted."""

MIN_PREFIX_ANYWHERE: Final = 24
"""Anywhere in a text, this many first characters of a secret are redacted; for a short secret, half of it."""

MIN_ASCII_PART: Final = 4
"""A secret's ASCII characters without its other characters are redacted if there are this many."""

_ENDS: Final = frozenset("\"'`…")


class Reading(Enum):
    """How a text and a secret are read before they are compared; see the module's docstring."""

    UNESCAPED = auto()
    FOLDED = auto()
    ASCII = auto()
    ASCII_FOLDED = auto()


class _Form(NamedTuple):
    """A form of a secret, in the reading in which it is searched for.

    `begins_lost` and `ends_lost` say whether the reading leaves out the secret's first and last characters.
    """

    reading: Reading
    text: str
    begins_lost: bool = False
    ends_lost: bool = False


class SecretForms:
    """The forms in which a non-empty secret is searched for."""

    __slots__ = ("forms", "plain")

    def __init__(self, secret: str) -> None:
        self.plain = secret
        """The secret unchanged."""
        self.forms = tuple({form for form in _forms(secret) if form.text})


def replace_secrets(text: str, secrets: Iterable[SecretForms], replacement: str, min_match: int = 1) -> str:
    """Return the text with each secret in it replaced, even if the text contains only a part of the secret.

    Args:
        text: The text.
        secrets: What to search for.
        replacement: What replaces each secret.
        min_match: How many characters of a secret, without their escapes, must match.
    """
    if not text:
        return text
    places = sorted(_places(text, secrets, min_match))
    if not places:
        return text
    pieces: list[str] = []
    done = 0
    for start, end in places:
        if start >= done:
            pieces += (text[done:start], replacement)
        done = max(done, end)
    return "".join((*pieces, text[done:]))


class _Readings:
    """The readings of one text, each of which is made when it is first needed."""

    def __init__(self, text: str) -> None:
        self.unescaped, self._origin = unescape(text)
        self._made: dict[Reading, tuple[str, Origin]] = {}

    def __getitem__(self, reading: Reading) -> tuple[str, Origin]:
        """Return a reading, and a function that maps its places to places in the unescaped text."""
        if reading not in self._made:
            self._made[reading] = self._make(reading)
        return self._made[reading]

    def _make(self, reading: Reading) -> tuple[str, Origin]:
        match reading:
            case Reading.UNESCAPED:
                return blank(self.unescaped)
            case Reading.FOLDED:
                return chain(*self[Reading.UNESCAPED], fold)
            case Reading.ASCII:
                return keep_ascii(self.unescaped)
            case Reading.ASCII_FOLDED:
                text, origin = self[Reading.ASCII]
                return text.lower(), origin

    def place(self, form: _Form, start: int, end: int) -> tuple[int, int]:
        """Return the place in the text that a place in a form's reading was read from."""
        is_complete = end - start == len(form.text)
        start, end = self[form.reading][1](start, end)
        unescaped = self.unescaped
        while form.begins_lost and start > 0 and is_lost(unescaped[start - 1]):
            start -= 1
        while form.ends_lost and is_complete and end < len(unescaped) and is_lost(unescaped[end]):
            end += 1
        return self._origin(start, end)


def _places(text: str, secrets: Iterable[SecretForms], min_match: int) -> Iterator[tuple[int, int]]:
    readings = _Readings(text)
    for secret in secrets:
        if len(secret.plain) < min_match:
            continue
        # The unchanged text is searched, too: characters before a secret may turn its beginning into an escape.
        yield from _occurrences(text, secret.plain, may_be_cut=False)
        for form in secret.forms:
            for start, end in _occurrences(readings[form.reading][0], form.text, may_be_cut=True):
                if end - start >= min_match:
                    yield readings.place(form, start, end)


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


def _forms(secret: str) -> Iterator[_Form]:
    """Yield the forms of a secret: in its own characters, in those of a wrong encoding, and only its ASCII characters.

    Where too few characters would be left, an ordinary word might have them, so the case must match.
    """
    for characters in {secret, *_other_characters(secret)}:
        unescaped = blank(unescape(characters)[0])[0]
        folded = fold(unescaped)[0]
        is_short = len(folded) < MIN_TRUNCATED_PREFIX
        yield _Form(Reading.UNESCAPED, unescaped) if is_short else _Form(Reading.FOLDED, folded)
    for characters in set() if secret.isascii() else {unicodedata.normalize(form, secret) for form in ("NFC", "NFD")}:
        unescaped = unescape(characters)[0]
        part = keep_ascii(unescaped)[0]
        if len(part) >= MIN_ASCII_PART:
            is_short = len(part) < MIN_TRUNCATED_PREFIX
            yield _Form(
                Reading.ASCII if is_short else Reading.ASCII_FOLDED,
                part if is_short else part.lower(),
                begins_lost=is_lost(unescaped[0]),
                ends_lost=is_lost(unescaped[-1]),
            )


def _other_characters(secret: str) -> Iterator[str]:
    """Yield what other programs make of a secret's non-ASCII characters."""
    if secret.isascii():
        return
    for form in ("NFC", "NFD"):
        yield unicodedata.normalize(form, secret)
    units = secret.encode("utf-16-be", errors="surrogatepass")
    yield "".join(chr(int.from_bytes(units[at : at + 2])) for at in range(0, len(units), 2))  # as in JSON escapes
    for decode in _WRONG_DECODERS:
        once = decode(secret.encode(errors="replace"))
        yield once
        yield decode(once.encode(errors="replace"))


def _as_windows_1252(bytes_: bytes, undefined: str) -> str:
    """Decode bytes as Windows-1252, with a replacement for the five bytes that it does not define."""
    return bytes_.decode("cp1252", errors="replace").replace("\ufffd", undefined)


def _as_windows_1252_of_browsers(bytes_: bytes) -> str:
    """Decode bytes as Windows-1252, with the control character of the same number for a byte that is not defined."""
    return "".join(
        bytes_[at : at + 1].decode("latin-1") if character == "\ufffd" else character
        for at, character in enumerate(bytes_.decode("cp1252", errors="replace"))
    )


_WRONG_DECODERS: Final[tuple[Callable[[bytes], str], ...]] = (
    lambda bytes_: bytes_.decode("latin-1"),  # as httpx decodes headers
    _as_windows_1252_of_browsers,
    *(functools.partial(_as_windows_1252, undefined=undefined) for undefined in ("\ufffd", "?", "")),
)
