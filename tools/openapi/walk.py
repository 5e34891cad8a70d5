"""Visits all objects of an OpenAPI document, except examples and other data, in which keywords have no meaning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_DATA: Final = {"const", "default", "enum", "example", "value"}
_CALLBACKS: Final = 2
"""So many maps of names begin with `callbacks`: one of the callbacks, and in it one of the addresses of each."""
_NAMES: Final = {
    "$defs",
    "content",
    "definitions",
    "dependentSchemas",
    "encoding",
    "examples",
    "headers",
    "links",
    "mapping",
    "parameters",
    "pathItems",
    "paths",
    "patternProperties",
    "properties",
    "requestBodies",
    "responses",
    "schemas",
    "scopes",
    "securitySchemes",
    "variables",
    "webhooks",
}


def objects(node: object, *, names: bool = False) -> Iterator[Any]:
    """Yield each mapping whose keys are keywords of OpenAPI or JSON Schema, outer mappings before inner ones.

    Examples, defaults and extensions are skipped: `$ref` and `title` are not keywords in them. In a map of names, such
    as `properties`, the keys are names, which may look like keywords; only the values are visited.

    Args:
        node: A part of a document.
        names: Whether `node` itself is a map of names.
    """
    waiting: list[tuple[object, int]] = [(node, int(names))]
    while waiting:
        one, maps = waiting.pop()
        if isinstance(one, list):
            waiting += [(child, 0) for child in reversed(one)]
        elif isinstance(one, dict):
            if not maps:
                yield one  # before its values are read, since the caller may change them
            inside = [(child, more) for _, child, more in _children(one, maps) if isinstance(child, dict | list)]
            waiting += reversed(inside)


def _children(node: dict[str, Any], maps: int) -> Iterator[tuple[str, Any, int]]:
    """Yield each value of a mapping that is no data, after its key, and before how many maps of names begin with it."""
    for key, child in node.items():
        if not maps:
            if not _is_data(key, child):
                yield key, child, _CALLBACKS if key == "callbacks" else int(key in _NAMES)
        elif maps == _CALLBACKS and isinstance(child, dict) and "$ref" not in child:
            yield key, {name: each for name, each in child.items() if not name.startswith("x-")}, 1
        else:
            yield key, child, 0


def _is_data(key: str, value: object) -> bool:
    return key in _DATA or key.startswith("x-") or (key == "examples" and isinstance(value, list))


def located(node: object, *, names: bool = False, place: str = "$") -> Iterator[tuple[str, Any]]:
    """Yield the same mappings as `objects`, each with its normalized JSONPath.

    Args:
        node: A part of a document.
        names: Whether `node` itself is a map of names.
        place: The normalized JSONPath of `node`.
    """
    yield from _located(node, int(names), place)


def _located(node: object, maps: int, place: str) -> Iterator[tuple[str, Any]]:
    if isinstance(node, list):
        for index, child in enumerate(node):
            yield from _located(child, 0, f"{place}[{index}]")
    elif isinstance(node, dict):
        if not maps:
            yield place, node
        for key, child, more in _children(node, maps):
            yield from _located(child, more, f"{place}['{key}']")
