"""Finds out quickly whether a text of our own, such as an id or a URL, may contain a long part of a secret.

Almost no text does, and the question comes up for each start and each log record. So only plain text is judged here,
which is ASCII without escapes and white space. For other texts the answer is always that a secret may be in it.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final

from anchor_webtask import _importing

if TYPE_CHECKING:
    from collections.abc import Iterable

MIN_LONG_MATCH: Final = 16
"""In a text of our own, this many characters of a secret must match."""

_NOT_PLAIN: Final = r"[\\%&+\s\x00-\x1f\x7f]"  # compiled on first use: that takes a millisecond
_STEP: Final = MIN_LONG_MATCH // 2
"""Every part with `MIN_LONG_MATCH` characters contains a part that begins at a multiple of `_STEP` and has `_STEP`."""


def searchable(secrets: Iterable[str]) -> str:
    """Return a text that contains every plain text to which other programs may change a long secret, in lower case."""
    joined = "\n".join(secrets)
    if "\\" in joined or "%" in joined or "&" in joined:
        with _importing.lock:
            from anchor_webtask._redaction.readings import unescape

        joined, _ = unescape(joined)
    if joined.isascii():
        return joined.lower()
    # What may be left of a secret: its characters without accents, or only its ASCII characters.
    folded = unicodedata.normalize("NFKD", joined.casefold()).replace("\u0131", "i")
    lossy = (unicodedata.normalize(form, joined).replace("?", "") for form in ("NFC", "NFD"))
    return "\n".join(text.encode("ascii", "ignore").decode().lower() for text in (folded, *lossy))


def may_contain(text: str, secrets: str) -> bool:
    """Whether a text may contain a long part of a secret.

    Args:
        text: The text.
        secrets: What `searchable` returned for the secrets.
    """
    if not text.isascii() or not (text.replace("-", "").isalnum() or re.search(_NOT_PLAIN, text) is None):
        return True
    lower = text.lower()
    # A question mark may stand for a lost character, which the variants leave out.
    return _has_long_part(lower, secrets) or ("?" in lower and _has_long_part(lower.replace("?", ""), secrets))


def _has_long_part(text: str, secrets: str) -> bool:
    for at in range(0, len(text) - _STEP + 1, _STEP):
        if text[at : at + _STEP] in secrets:
            starts = range(max(at - _STEP, 0), min(at, len(text) - MIN_LONG_MATCH) + 1)
            if any(text[start : start + MIN_LONG_MATCH] in secrets for start in starts):
                return True
    return False
