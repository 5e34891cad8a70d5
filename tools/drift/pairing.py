"""Finds what is the same under another name, or in another order."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from typing import Any, Final

from tools.drift import descriptions
from tools.drift.normal_form import canonical
from tools.generate import python_names
from tools.openapi import walk

_MANY: Final = 10_000  # where so many pairs are possible, it's another schema
_SCHEMAS: Final = "#/components/schemas/"
_ALIKE: Final = 0.6  # names that are at least so alike can be one that was renamed

_Key = tuple[str, str]


def renamed_properties(olds: dict[str, Any], news: dict[str, Any]) -> dict[str, str]:
    """Find the properties that have another name and are the same but for that.

    Args:
        olds: The old properties.
        news: The new ones.

    Returns:
        The new names by the old ones. A property counts as renamed if both names are alike, or if both are described in
        the same words.
    """
    gone = {name: canonical(descriptions.without(olds[name])) for name in olds if name not in news}
    come = {name: canonical(descriptions.without(news[name])) for name in news if name not in olds}
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
        one = ratio >= _ALIKE or python_names.attribute(before) == python_names.attribute(after)
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
        alike = [
            after for after in come if canonical(descriptions.without(before)) == canonical(descriptions.without(after))
        ]
        if alike:
            found.append((before, alike[0]))
            gone.remove(before)
            come.remove(alike[0])
    return found


def _description(schema: Any) -> str | None:
    return schema.get("description") if isinstance(schema, dict) else None


def paired_operations(olds: dict[_Key, Any], news: dict[_Key, Any]) -> dict[_Key, _Key]:
    """Pair the operations of one method and path, then those that are the same elsewhere."""
    found: dict[_Key, _Key] = {key: key for key in olds if key in news}
    templates = {
        (method, without_parameter_names(path)): (method, path) for method, path in news if (method, path) not in found
    }
    for method, path in olds:
        if (method, path) not in found and (
            other := templates.pop((method, without_parameter_names(path)), None)
        ) is not None:
            found[method, path] = other
    for tell in (_own_id, canonical):
        come = {tell(each): key for key, each in news.items() if key not in found.values()}
        for key, each in olds.items():
            if key not in found and tell(each) and tell(each) in come:
                found[key] = come.pop(tell(each))
    return found


def _own_id(operation: dict[str, Any]) -> str:
    return str(operation.get("operationId") or "")


def without_parameter_names(path: str) -> str:
    """Return a path with `{}` for each parameter."""
    return re.sub(r"\{[^}]*\}", "{}", path)


def rename_schemas(old: dict[str, Any], new: dict[str, Any]) -> dict[str, str]:
    """Give schemas of the old document the names that the same ones have in the new, and return these."""
    olds, news = ((root.get("components") or {}).get("schemas") for root in (old, new))
    if not (isinstance(olds, dict) and isinstance(news, dict)):
        return {}
    found: dict[str, str] = {}
    while True:
        come = {canonical(news[name]): name for name in news if name not in olds}
        round_found = {
            name: come.pop(canonical(olds[name]))
            for name in [*olds]
            if name not in news and canonical(olds[name]) in come
        }
        if not round_found:
            return found
        found |= round_found
        for name, other in round_found.items():
            olds[other] = olds.pop(name)
        for node in walk.objects(old):
            name = str(node.get("$ref", "")).removeprefix(_SCHEMAS)
            if name in round_found:
                node["$ref"] = _SCHEMAS + round_found[name]


def paired_parameters(gone: dict[_Key, Any], come: dict[_Key, Any]) -> list[tuple[_Key, _Key]]:
    """Pair what has been moved or renamed: the same name elsewhere, or all the same but the name."""

    def bare(parameter: Any) -> str:
        return canonical(
            {key: value for key, value in descriptions.without(parameter).items() if key not in {"in", "name"}}
        )

    found: list[tuple[_Key, _Key]] = []
    for moved in (True, False):
        for old_key, before in gone.items():
            for new_key, after in come.items():
                alike = old_key[1] == new_key[1] if moved else old_key[0] == new_key[0] and bare(before) == bare(after)
                taken = any(old_key == one or new_key == other for one, other in found)
                if alike and not taken:
                    found.append((old_key, new_key))
    return found
