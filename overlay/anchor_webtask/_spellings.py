"""How a secret may be spelled in text that comes back from elsewhere, and how it's found there.

Whoever echoes a secret does it in their own way: escaped as some JSON, URL or HTML library does, as Python shows bytes,
in another case, read by the wrong encoding, or cut off. So not spellings of the whole are looked for, but, character by
character, any spelling of each.
"""

from __future__ import annotations

import functools
import html.entities
import re
import unicodedata
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

ENOUGH: Final = 8
"""So many of a secret's first characters give it away: text that has been cut off may have no more."""

SHORTEST_REST: Final = 4
"""From this length on, what is left of a secret without its non-ASCII characters is one: httpx logs such a rest."""

_CONTROLS: Final = {"\b": "b", "\t": "t", "\n": "n", "\f": "f", "\r": "r"}


class Spelled:
    """A secret, not empty, to be found in text."""

    __slots__ = ("_rest", "_start")

    def __init__(self, secret: str) -> None:
        may_lack = sum(map(str.isascii, secret)) >= SHORTEST_REST
        lacking = [may_lack and not character.isascii() for character in secret]
        length = count = 0
        while length < len(secret) and (length < ENOUGH or count < SHORTEST_REST):
            count += not lacking[length]
            length += 1
        parts = [*zip(secret, lacking, strict=True)]
        self._start = re.compile("".join(_pattern(*part) for part in parts[:length]), re.IGNORECASE)
        self._rest = parts[length:]

    def replaced(self, text: str, replacement: str) -> str:
        """Return the text with something else in each place where the secret stands, or as much of it as was left."""
        pieces: list[str] = []
        done = 0
        while found := self._start.search(text, done):
            pieces += (text[done : found.start()], replacement)
            done = found.end()
            for part in self._rest:
                more = _compiled(*part).match(text, done)
                if more is None:
                    break
                done = more.end()
        return "".join((*pieces, text[done:]))


@functools.lru_cache(maxsize=4096)
def _compiled(character: str, may_lack: bool) -> re.Pattern[str]:
    return re.compile(_pattern(character, may_lack), re.IGNORECASE)


@functools.lru_cache(maxsize=4096)
def _pattern(character: str, may_lack: bool) -> str:
    """Return what matches one character of a secret, in whatever spelling."""
    # The longest first, so that no part of a spelling is taken for all of it.
    spellings = sorted(set(_spellings(character)), key=len, reverse=True)
    return f"(?:{'|'.join(spellings)}){'?' if may_lack else ''}"


def _spellings(character: str) -> Iterator[str]:
    """Yield patterns; a backslash may itself have been escaped, and that again."""
    code = ord(character)
    yield re.escape(character)
    yield re.escape(unicodedata.normalize("NFD", character))
    utf8, latin1 = (character.encode(encoding, errors="replace") for encoding in ("utf-8", "latin-1"))
    for sent in (utf8, latin1, utf8.decode("latin-1").encode()):
        yield "".join(f"%{byte:02x}" for byte in sent)  # in URLs
        yield "".join(rf"\\+x{byte:02x}" for byte in sent)  # by Python, of bytes
        yield re.escape(sent.decode("latin-1"))  # by what takes it for another encoding, as httpx does with headers
    units = character.encode("utf-16-be", errors="surrogatepass")
    yield "".join(rf"\\+u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))  # in JSON
    yield rf"\\+U{code:08x}"  # by Python
    yield rf"&#(?:0*{code}|x0*{code:x});"  # in HTML
    if name := html.entities.codepoint2name.get(code):
        yield f"&{name};"
    if character in "\"'/\\":
        yield rf"\\+{re.escape(character)}"
    if character == "\\":
        yield r"\\+"
    if character in _CONTROLS:
        yield rf"\\+{_CONTROLS[character]}"
    if character.isspace() or not character.isprintable():
        yield r"[ +]"
