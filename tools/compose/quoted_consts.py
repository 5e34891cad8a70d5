"""Works around a bug of the generator: a `const` whose text contains quotes becomes an `enum` with this one value."""

from __future__ import annotations

from typing import Any

from tools.openapi import walk


def write_as_enums(document: dict[str, Any]) -> None:
    """Replace each `const` whose text contains quotes or backslashes by an `enum` with this one value, in place."""
    for node in walk.objects(document):
        value = node.get("const")
        if isinstance(value, str) and not {'"', "\\"}.isdisjoint(value):
            del node["const"]
            node.setdefault("enum", [value])
