"""Replaces references to anchors, such as `#Name`, by references to the places of the anchors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tools.openapi import walk
from tools.openapi.references import escaped

if TYPE_CHECKING:
    from collections.abc import Iterator

WRITTEN: Final = "x-written-reference"
"""The keyword with the reference as it was written; the generator does not follow such references."""

_ANCHORS: Final = ("$anchor", "$dynamicAnchor")


def replace(document: dict[str, Any]) -> None:
    """Replace the references to anchors in a document, in place; a `$dynamicRef` counts as a `$ref`."""
    places = dict(_places(document, "#"))
    for node in walk.objects(document):
        for key in ("$ref", "$dynamicRef"):
            written = node.get(key)
            place = places.get(written) if isinstance(written, str) else None
            if place is not None and (key == "$ref" or "$ref" not in node):
                del node[key]
                node |= {"$ref": place, WRITTEN: f"{key} {written}"}
        for key in _ANCHORS:  # now their names matter no longer
            node.pop(key, None)


def _places(node: Any, pointer: str) -> Iterator[tuple[str, str]]:
    """Yield each anchor as `#Name`, with the reference to its place."""
    if isinstance(node, dict):
        for key in _ANCHORS:
            if isinstance(node.get(key), str):
                yield f"#{node[key]}", pointer
        for name, child in node.items():
            yield from _places(child, f"{pointer}/{escaped(name)}")
    elif isinstance(node, list):
        for index, child in enumerate(node):
            yield from _places(child, f"{pointer}/{index}")
