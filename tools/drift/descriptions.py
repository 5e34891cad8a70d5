"""Compares descriptions, examples, extensions and unknown keywords, and finds the changed words of a text."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Any, Final

from tools.drift.anchors import WRITTEN
from tools.drift.normal_form import differs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.drift.rows import Row
    from tools.drift.spot import Spot

_EXAMPLES: Final = ("example", "examples")
_RELATED: Final = 0.5  # below this similarity, both texts are shown in full, without marked words
_FEW: Final = 2  # up to this number of changed places, words are marked even if the texts are not similar
_LONG: Final = 100_000  # the maximum number of word pairs; more pairs take too long to compare if all words are alike
_TEXTS: Final = ("$comment", "description", "externalDocs", "summary", "title")


def rest(old: dict[str, Any], new: dict[str, Any], known: set[str], spot: Spot) -> Iterator[Row]:
    """Compare the keys that no other function compares: descriptions, examples, extensions and unknown keys.

    Args:
        old: The object in the old document.
        new: The object in the new document.
        known: The keys that other functions compare.
        spot: The place of both objects.

    Yields:
        A row for each key that differs, except the known ones. An example whose structure has changed has
        its own kind of row, because it shows that the API's responses have changed, even if the schema has not.
    """
    for key in dict.fromkeys([*old, *new]):
        before, after = old.get(key), new.get(key)
        if key in known or not differs(old, new, key):
            continue
        here = spot.under(key)
        if key in _EXAMPLES:
            restructured = before is not None and after is not None and _structure(before) != _structure(after)
            yield here.row("example-shape" if restructured else "example", before, after, note=key)
        elif key in _TEXTS:
            yield here.row("text", before, after, note=key)
        elif key == WRITTEN:
            yield here.row("spelling", before, after)
        else:
            yield here.row("extension" if key.startswith("x-") else "not-understood", before, after, note=key)


def without(schema: Any) -> Any:
    """Return a schema without its descriptions and examples."""
    if not isinstance(schema, dict):
        return schema
    return {key: value for key, value in schema.items() if key not in {*_TEXTS, *_EXAMPLES}}


def difference(before: str, after: str) -> list[tuple[str, str]]:
    """Compare two texts word by word.

    Args:
        before: The old text.
        after: The new text.

    Returns:
        Pairs of a sign and a piece of text: `=` for unchanged, `-` for removed, `+` for added. The pieces with `=` and
        `+` together are the new text.
    """
    olds, news = (re.findall(r"\s+|\w+|[^\w\s]", text) for text in (before, after))
    if len(olds) * len(news) > _LONG:
        return _long_difference(olds, news)
    matcher = difflib.SequenceMatcher(None, olds, news, autojunk=False)
    hunks = [code for code in matcher.get_opcodes() if code[0] != "equal"]
    if len(hunks) > _FEW and matcher.ratio() < _RELATED:
        return [("-", before), ("+", after)]
    pieces: list[tuple[str, str]] = []
    for what, start, end, new_start, new_end in matcher.get_opcodes():
        removed, added = "".join(olds[start:end]), "".join(news[new_start:new_end])
        pieces += [("=", removed)] if what == "equal" else [pair for pair in (("-", removed), ("+", added)) if pair[1]]
    return pieces


def _long_difference(olds: list[str], news: list[str]) -> list[tuple[str, str]]:
    """Compare two lists of words that are too long to be compared word by word: only their beginnings and ends."""
    head = _shared(olds, news)
    tail = _shared(olds[head:][::-1], news[head:][::-1])
    removed, added = ("".join(words[head : len(words) - tail]) for words in (olds, news))
    pieces = [("=", "".join(olds[:head])), ("-", removed), ("+", added), ("=", "".join(olds[len(olds) - tail :]))]
    return [(sign, text) for sign, text in pieces if text]


def _shared(one: list[str], other: list[str]) -> int:
    """Return how many words two lists have in common at their beginning."""
    return next(
        (at for at, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), min(len(one), len(other))
    )


def _structure(value: Any) -> Any:
    """Return the structure of an example: its keys, and the types of its values."""
    if isinstance(value, dict):
        return {key: _structure(child) for key, child in value.items()}
    if isinstance(value, list):
        return [_structure(value[0])] if value else []
    return type(value).__name__
