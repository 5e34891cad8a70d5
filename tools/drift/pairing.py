"""Recognizes operations, parameters, schemas and properties that were renamed or moved, and pairs old and new ones."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from typing import Any, Final

from tools.drift import descriptions
from tools.drift.normal_form import canonical
from tools.openapi import python_names

_MANY: Final = 10_000  # the maximum number of pairs to compare; if there are more, no property counts as renamed
_ALIKE: Final = 0.6  # the minimum similarity of the old and the new name of a renamed property

_Key = tuple[str, str]


def renamed_properties(olds: dict[str, Any], news: dict[str, Any]) -> dict[str, str]:
    """Find the properties that are the same except for their names.

    Args:
        olds: The old properties.
        news: The new properties.

    Returns:
        The new name for each old name. A property counts as renamed if its old and new names are similar, or if it has
        kept its description.
    """
    removed = {name: canonical(descriptions.without(olds[name])) for name in olds if name not in news}
    added = {name: canonical(descriptions.without(news[name])) for name in news if name not in olds}
    if len(removed) * len(added) > _MANY:
        return {}
    alike = sorted(
        (
            (difflib.SequenceMatcher(None, before.lower(), after.lower()).ratio(), before, after)
            for before in removed
            for after in added
            if removed[before] == added[after]
        ),
        key=lambda each: -each[0],
    )
    found: dict[str, str] = {}
    for ratio, before, after in alike:
        similar = ratio >= _ALIKE or python_names.attribute(before) == python_names.attribute(after)
        description = _description(olds[before])
        described = description is not None and description == _description(news[after])
        if (similar or described) and before not in found and after not in found.values():
            found[before] = after
    return found


def unmatched_parts(olds: list[Any], news: list[Any]) -> tuple[list[Any], list[Any], bool]:
    """Compare two lists of parts.

    Returns:
        The parts that only the old list has, the parts that only the new list has, and whether the parts that both have
        are in another order.
    """
    shared = Counter(map(canonical, olds)) & Counter(map(canonical, news))
    removed, kept = _apart(olds, shared)
    added, order = _apart(news, shared)
    return removed, added, order != kept


def _apart(parts: list[Any], shared: Counter[str]) -> tuple[list[Any], list[str]]:
    """Split a list, in its order, into the parts that are not shared and the canonical texts of the shared parts."""
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


def paired_parts(removed: list[Any], added: list[Any]) -> list[tuple[Any, Any]]:
    """Pair parts of two lists, and remove the pairs from the lists.

    If the lists are equally long, all parts are paired in order. Otherwise, two parts are paired if they differ only in
    descriptions and examples.

    Args:
        removed: The old parts; afterwards, those without a pair.
        added: The new parts; afterwards, those without a pair.
    """
    found: list[tuple[Any, Any]] = []
    if len(removed) == len(added):
        found = list(zip(removed, added, strict=True))
        removed.clear()
        added.clear()
    for before in [*removed]:
        alike = [
            after
            for after in added
            if canonical(descriptions.without(before)) == canonical(descriptions.without(after))
        ]
        if alike:
            found.append((before, alike[0]))
            removed.remove(before)
            added.remove(alike[0])
    return found


def _description(schema: Any) -> str | None:
    return schema.get("description") if isinstance(schema, dict) else None


def paired_operations(olds: dict[_Key, Any], news: dict[_Key, Any]) -> dict[_Key, _Key]:
    """Pair operations with the same method and path; pair the others if they have the same id or the same content."""
    found: dict[_Key, _Key] = {key: key for key in olds if key in news}
    templates = {
        (method, without_parameter_names(path)): (method, path) for method, path in news if (method, path) not in found
    }
    for method, path in olds:
        if (method, path) not in found and (
            other := templates.pop((method, without_parameter_names(path)), None)
        ) is not None:
            found[method, path] = other
    for identity in (_own_id, canonical):
        added = {identity(each): key for key, each in news.items() if key not in found.values()}
        for key, each in olds.items():
            if key not in found and identity(each) and identity(each) in added:
                found[key] = added.pop(identity(each))
    return found


def _own_id(operation: dict[str, Any]) -> str:
    return str(operation.get("operationId") or "")


def without_parameter_names(path: str) -> str:
    """Return a path with `{}` for each parameter."""
    return re.sub(r"\{[^}]*\}", "{}", path)


def template_parameters(path: str) -> list[str]:
    """Return the names of a path's parameters in their order, in which the generated functions take them."""
    return re.findall(r"\{([^}]*)\}", path)


def paired_parameters(
    removed: dict[_Key, Any], added: dict[_Key, Any], paths: tuple[str, str]
) -> list[tuple[_Key, _Key]]:
    """Pair parameters that were moved (same name, another place) or renamed.

    A parameter was renamed if the new one is equal except for the name, or stands at the same place of the path.

    Args:
        removed: The parameters that only the old operation has.
        added: The parameters that only the new operation has.
        paths: The old and the new path.
    """

    def bare(parameter: Any) -> str:
        return canonical(
            {key: value for key, value in descriptions.without(parameter).items() if key not in {"in", "name"}}
        )

    found: list[tuple[_Key, _Key]] = []
    if without_parameter_names(paths[0]) == without_parameter_names(paths[1]):
        names = zip(*map(template_parameters, paths), strict=True)
        found = [pair for one, other in names if (pair := (("path", one), ("path", other))) and one != other]
        found = [(one, other) for one, other in found if one in removed and other in added]
    for moved in (True, False):
        for old_key, before in removed.items():
            for new_key, after in added.items():
                alike = old_key[1] == new_key[1] if moved else old_key[0] == new_key[0] and bare(before) == bare(after)
                taken = any(old_key == one or new_key == other for one, other in found)
                if alike and not taken:
                    found.append((old_key, new_key))
    return found
