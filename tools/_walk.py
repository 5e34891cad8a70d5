"""The places of an OpenAPI document in which keys mean something: neither data nor maps of names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ruamel.yaml.comments import CommentedMap, CommentedSeq

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
    "parameters",
    "pathItems",
    "paths",
    "patternProperties",
    "properties",
    "requestBodies",
    "responses",
    "schemas",
    "securitySchemes",
    "variables",
    "webhooks",
}


def objects(node: object, *, names: bool = False) -> Iterator[CommentedMap]:
    """Yield each mapping whose keys are OpenAPI's or JSON Schema's, outer ones first.

    Examples, defaults and extensions are data, in which a `$ref` or a `title` means nothing; and a map of names may
    have entries that are called like keywords.

    Args:
        node: A part of a document.
        names: Whether it is a map of names itself.
    """
    if isinstance(node, CommentedSeq):
        for child in node:
            yield from objects(child)
    elif isinstance(node, CommentedMap):
        if not names:
            yield node
        for key, child in node.items():
            if names:
                yield from objects(child)
            elif not (key in _DATA or key.startswith("x-") or (key == "examples" and isinstance(child, CommentedSeq))):
                yield from objects(child, names=key in _NAMES)
