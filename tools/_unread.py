"""What the generator reads over in a spec without a word: code would lack it, and nobody would be told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tools import _walk

if TYPE_CHECKING:
    from collections.abc import Iterator

_UNIONS: Final = ("oneOf", "anyOf")
_COMPOSITIONS: Final = ("allOf", *_UNIONS)


def find(spec: dict[str, Any]) -> Iterator[str]:
    """Find what no code would be made of.

    Args:
        spec: The composed spec.

    Yields:
        A line for each: its place, and what is the matter.
    """
    for path, item in (spec.get("paths") or {}).items():
        if isinstance(item, dict) and "$ref" in item:
            yield f"$['paths']['{path}']: a `$ref` in the place of operations is not followed: write them out"
    for place, node in _walk.located(spec):
        if isinstance(node.get("properties"), dict) and node["properties"] and (reason := _read_instead(node)):
            yield f"{place}: its properties ({', '.join(node['properties'])}) are not read {reason}"
        for index, part in enumerate(_list(node, "allOf")):
            if nested := [key for key in _COMPOSITIONS if _list(part, key)]:
                yield f"{place}['allOf'][{index}]: its `{nested[0]}` is not read: make it a schema with a name"


def _read_instead(schema: dict[str, Any]) -> str | None:
    """Return what keeps a schema's properties from being read, and what to do."""
    for key in _UNIONS:
        if _list(schema, key):
            return f"beside its `{key}`: write them into each part of that"
    parts = _list(schema, "allOf")
    if "$ref" in schema or (len(parts) == 1 and "$ref" in parts[0]):
        return "beside a single `$ref`: make both parts of an `allOf`"
    kind = schema.get("type", "object")
    return None if isinstance(kind, list) or kind == "object" else f"by its type {kind}: take them out"


def _list(schema: Any, key: str) -> list[Any]:
    value = schema.get(key) if isinstance(schema, dict) else None
    return value if isinstance(value, list) else []
