"""Finds what is the same under another name, or in another order."""

from __future__ import annotations

import difflib
from collections import Counter
from typing import Any, Final

from tools import _python_names
from tools.drift import _words
from tools.drift._normal import canonical

_MANY: Final = 10_000  # where so many pairs are possible, it's another schema
_ALIKE: Final = 0.6  # names that are at least so alike can be one that was renamed


def renamed_properties(olds: dict[str, Any], news: dict[str, Any]) -> dict[str, str]:
    """Find the properties that have another name and are the same but for that.

    Args:
        olds: The old properties.
        news: The new ones.

    Returns:
        The new names by the old ones. A property counts as renamed if both names are alike, or if both are described in
        the same words.
    """
    gone = {name: canonical(_words.without(olds[name])) for name in olds if name not in news}
    come = {name: canonical(_words.without(news[name])) for name in news if name not in olds}
    if len(gone) * len(come) > _MANY:
        return {}
    alike = sorted(
        (
            (difflib.SequenceMatcher(None, before.lower(), after.lower()).ratio(), before, after)
            for before in gone
            for after in come
            if gone[before] == come[after]
        ),
        key=lambda each: -each[0],
    )
    found: dict[str, str] = {}
    for ratio, before, after in alike:
        one = ratio >= _ALIKE or _python_names.attribute(before) == _python_names.attribute(after)
        told = _description(olds[before])
        described = told is not None and told == _description(news[after])
        if (one or described) and before not in found and after not in found.values():
            found[before] = after
    return found


def unmatched(olds: list[Any], news: list[Any]) -> tuple[list[Any], list[Any], bool]:
    """Compare two lists of parts.

    Returns:
        What only the old one has, what only the new one has, and whether what both have is in another order.
    """
    shared = Counter(map(canonical, olds)) & Counter(map(canonical, news))
    gone, kept = _apart(olds, shared)
    come, order = _apart(news, shared)
    return gone, come, order != kept


def _apart(parts: list[Any], shared: Counter[str]) -> tuple[list[Any], list[str]]:
    """Return the parts that aren't shared, and the texts of those that are, each in their order."""
    left = shared.copy()
    alone: list[Any] = []
    kept: list[str] = []
    for part in parts:
        text = canonical(part)
        if left[text]:
            left[text] -= 1
            kept.append(text)
        else:
            alone.append(part)
    return alone, kept


def paired(gone: list[Any], come: list[Any]) -> list[tuple[Any, Any]]:
    """Take out of two lists of parts those that belong together: the same but for words, or simply as many.

    Args:
        gone: The old parts, of which only those without a pair are left.
        come: The new ones.
    """
    found: list[tuple[Any, Any]] = []
    if len(gone) == len(come):
        found = list(zip(gone, come, strict=True))
        gone.clear()
        come.clear()
    for before in [*gone]:
        alike = [after for after in come if canonical(_words.without(before)) == canonical(_words.without(after))]
        if alike:
            found.append((before, alike[0]))
            gone.remove(before)
            come.remove(alike[0])
    return found


def _description(schema: Any) -> str | None:
    return schema.get("description") if isinstance(schema, dict) else None
