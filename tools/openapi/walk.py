"""Visits all objects of an OpenAPI document, except examples and other data, in which keywords have no meaning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_DATA: Final = {"const", "default", "enum", "example", "value"}
_NAMES: Final = {
    "$defs",
    "callbacks",
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
    waiting: list[tuple[object, bool]] = [(node, names)]
    while waiting:
        one, is_map = waiting.pop()
        if isinstance(one, list):
            waiting += [(child, False) for child in reversed(one)]
        elif isinstance(one, dict):
            if not is_map:
                yield one  # before its values are read, since the caller may change them
            for key, child in reversed([*one.items()]):
                if isinstance(child, dict | list) and (is_map or not _is_data(key, child)):
                    waiting.append((child, not is_map and key in _NAMES))


def _is_data(key: str, value: object) -> bool:
    return key in _DATA or key.startswith("x-") or (key == "examples" and isinstance(value, list))


def located(node: object, *, names: bool = False, place: str = "$") -> Iterator[tuple[str, Any]]:
    """Yield the same mappings as `objects`, each with its normalized JSONPath.

    Args:
        node: A part of a document.
        names: Whether `node` itself is a map of names.
        place: The normalized JSONPath of `node`.
    """
    if isinstance(node, list):
        for index, child in enumerate(node):
            yield from located(child, place=f"{place}[{index}]")
    elif isinstance(node, dict):
        if not names:
            yield place, node
        for key, child in node.items():
            here = f"{place}['{key}']"
            if names:
                yield from located(child, place=here)
            elif not _is_data(key, child):
                yield from located(child, names=key in _NAMES, place=here)
