"""Two JSON Schemas that hold at once, as one schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

COMBINING = ("$ref", "allOf", "anyOf", "oneOf")
LARGER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
SMALLER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
SUBSCHEMAS = ("items", "additionalProperties")


def merge(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema for what fits both, as far as a schema without `allOf` can say it; the rest is left to checking.

    Where the two can't be said as one, `one` counts.
    """
    merged = {**other, **one}
    return merged | {key: _both(key, one[key], other[key]) for key in merged if key in one and key in other}


def _both(key: str, one: Any, other: Any) -> Any:
    if key in LARGER:
        return max(one, other)
    if key in SMALLER:
        return min(one, other)
    if key in SUBSCHEMAS:
        return {"allOf": [one, other]}
    match key:
        case "properties":
            return {**one, **other, **{name: {"allOf": [one[name], other[name]]} for name in one if name in other}}
        case "required":
            return [*one, *other]
        case "type":
            return sorted(_with_integer(one) & _with_integer(other))
    return one


def _with_integer(types: str | list[str]) -> set[str]:
    """Return the types as a set, with the integers that every set of numbers has."""
    given = {types} if isinstance(types, str) else set(types)
    return given | {"integer"} if "number" in given else given
