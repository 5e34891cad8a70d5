"""Merges two JSON Schemas into one schema for the values that fit both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

COMBINING = ("$ref", "allOf", "anyOf", "oneOf")
LOWER_BOUNDS = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
UPPER_BOUNDS = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
SUBSCHEMAS = ("items", "additionalProperties")


def merge(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Return one schema for the values that fit both schemas.

    The result may accept values that do not fit both: if a keyword's two values cannot be merged, the value from the
    schema `one` is used. So the caller must check values against the original schemas.
    """
    merged = {**other, **one}
    return merged | {key: _merge_keyword(key, one[key], other[key]) for key in merged if key in one and key in other}


def _merge_keyword(key: str, one: Any, other: Any) -> Any:
    if key in LOWER_BOUNDS:
        return max(one, other)
    if key in UPPER_BOUNDS:
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
    """Return the types as a set; `number` adds `integer`, because every integer is a number."""
    given = {types} if isinstance(types, str) else set(types)
    return given | {"integer"} if "number" in given else given
