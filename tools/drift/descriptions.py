"""What a document says in words and shows in examples."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Any, Final

from tools.drift.normal_form import differs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.drift.rows import Row
    from tools.drift.spot import Spot

_EXAMPLES: Final = ("example", "examples")
_RELATED: Final = 0.5  # what has less in common is read more easily as two texts …
_LONG: Final = 100_000  # so many pairs of words are compared in time, even where all words are alike
_FEW: Final = 2  # … if more than so many places differ
_TEXTS: Final = ("$comment", "description", "externalDocs", "summary", "title")


def rest(old: dict[str, Any], new: dict[str, Any], known: set[str], spot: Spot) -> Iterator[Row]:
    """Compare the words and the examples of two objects, and what nothing is known of.

    Args:
        old: An object of the old document.
        new: The one of the new.
        known: The keys that are compared elsewhere.
        spot: Where they are.

    Yields:
        A row for each other key that isn't the same. An example whose shape is another shows that the API answers
        otherwise, whatever the schema says.
    """
    for key in dict.fromkeys([*old, *new]):
        before, after = old.get(key), new.get(key)
        if key in known or not differs(old, new, key):
            continue
        here = spot.under(key)
        if key in _EXAMPLES:
            other = before is not None and after is not None and _shape(before) != _shape(after)
            yield here.row("example-shape" if other else "example", before, after, note=key)
        elif key in _TEXTS:
            yield here.row("text", before, after, note=key)
        else:
            yield here.row("extension" if key.startswith("x-") else "not-understood", before, after, note=key)


def without(schema: Any) -> Any:
    """Return a schema without its words and examples."""
    if not isinstance(schema, dict):
        return schema
    return {key: value for key, value in schema.items() if key not in {*_TEXTS, *_EXAMPLES}}


def difference(before: str, after: str) -> list[tuple[str, str]]:
    """Compare two texts word by word.

    Args:
        before: The old text.
        after: The new one.

    Returns:
        Pairs of `=`, `-` or `+` and a piece of text; those with `=` and `+` together are the new text.
    """
    olds, news = (re.findall(r"\s+|\w+|[^\w\s]", text) for text in (before, after))
    if len(olds) * len(news) > _LONG:
        return [("-", before), ("+", after)]
    matcher = difflib.SequenceMatcher(None, olds, news, autojunk=False)
    hunks = [code for code in matcher.get_opcodes() if code[0] != "equal"]
    if len(hunks) > _FEW and matcher.ratio() < _RELATED:
        return [("-", before), ("+", after)]
    pieces: list[tuple[str, str]] = []
    for what, start, end, new_start, new_end in matcher.get_opcodes():
        gone, come = "".join(olds[start:end]), "".join(news[new_start:new_end])
        pieces += [("=", gone)] if what == "equal" else [pair for pair in (("-", gone), ("+", come)) if pair[1]]
    return pieces


def _shape(value: Any) -> Any:
    """Return what an example is made of, without its values."""
    if isinstance(value, dict):
        return {key: _shape(child) for key, child in value.items()}
    if isinstance(value, list):
        return [_shape(value[0])] if value else []
    return type(value).__name__
