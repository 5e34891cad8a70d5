"""Walks through an OpenAPI document, and skips examples and other data in which keywords have no meaning."""

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
    """Yield each mapping whose keys are keywords of OpenAPI or JSON Schema, outer ones first.

    Examples, defaults and extensions are data, in which `$ref` and `title` are not keywords. Maps of names, such as
    `properties`, may have entries that are named like keywords.

    Args:
        node: A part of a document.
        names: Whether the part itself is a map of names.
    """
    return (found for _, found in located(node, names=names))


def located(node: object, *, names: bool = False, place: str = "$") -> Iterator[tuple[str, Any]]:
    """Yield the mappings of `objects`, each with its normalized path.

    Args:
        node: A part of a document.
        names: Whether the part itself is a map of names.
        place: The normalized path of the part.
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
            elif not (key in _DATA or key.startswith("x-") or (key == "examples" and isinstance(child, list))):
                yield from located(child, names=key in _NAMES, place=here)
