"""Rewrites schemas that mean the same on the wire, but for which the generator may write other code, to one form.

`normal_form` comes before: it rewrites only what has the same code as well. Here, null is taken out of a schema, the
parts of an `allOf` become one schema, and a list of types becomes a union.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tools.drift.normal_form import same
from tools.openapi.references import followed, resolve

if TYPE_CHECKING:
    from collections.abc import Sequence

UNIONS: Final = ("oneOf", "anyOf")
ANNOTATIONS: Final = (
    *("$comment", "default", "deprecated", "description", "discriminator", "example", "examples", "externalDocs"),
    *("readOnly", "summary", "title", "writeOnly", "xml"),
)
"""The keywords that do not say which values are valid."""

_LOWER: Final = ("minItems", "minLength", "minProperties", "minimum")
_UPPER: Final = ("maxItems", "maxLength", "maxProperties", "maximum")
_OF_TYPE: Final = {
    "array": {"contains", "items", "maxItems", "minItems", "prefixItems", "uniqueItems", "unevaluatedItems"},
    "number": {"exclusiveMaximum", "exclusiveMinimum", "format", "maximum", "minimum", "multipleOf"},
    "object": {
        *("additionalProperties", "dependentRequired", "dependentSchemas", "maxProperties", "minProperties"),
        *("patternProperties", "properties", "propertyNames", "required", "unevaluatedProperties"),
    },
    "string": {"contentEncoding", "contentMediaType", "contentSchema", "format", "maxLength", "minLength", "pattern"},
}


def without_null(schema: dict[str, Any]) -> tuple[bool | None, dict[str, Any]]:
    """Take null out of a schema.

    Returns:
        Whether the schema allows null (None if it does not say which values it allows), and the rest of it.
    """
    schema = _plain_type(schema)
    kinds, values = schema.get("type"), schema.get("enum")
    if isinstance(kinds, list) and "null" in kinds and len(kinds) > 1:
        others = [kind for kind in kinds if kind != "null"]
        rest = {**schema, "type": others[0] if len(others) == 1 else others}
        if isinstance(values, list) and None in values and len(values) > 1:
            rest["enum"] = [value for value in values if value is not None]
        return (not isinstance(values, list) or None in values) and schema.get("const") is None, rest
    if kinds is None and isinstance(values, list) and None in values and len(values) > 1:
        rest = {**schema, "enum": [value for value in values if value is not None]}
        texts = all(isinstance(value, str) for value in rest["enum"])
        return True, {**rest, "type": "string"} if texts else rest
    for key in UNIONS:
        found = _alternatives_without_null(schema.get(key) or [])
        if found:
            return True, alone({**schema, key: found})
    if schema.get("nullable") is True:
        return True, {key: value for key, value in schema.items() if key != "nullable"}
    says = {"$ref", "allOf", "const", "enum", "type", *UNIONS} & schema.keys()
    return (False if says else None), schema


def _plain_type(schema: dict[str, Any]) -> dict[str, Any]:
    """Write a list of one type as this type, and null as a type if it is the only value."""
    kinds = schema.get("type")
    if isinstance(kinds, list) and len(kinds) == 1:
        schema = {**schema, "type": kinds[0]}
    values = [schema["const"]] if "const" in schema else schema.get("enum")
    if values == [None] and schema.get("type", "null") == "null":
        return {"type": "null", **{key: value for key, value in schema.items() if key not in {"const", "enum", "type"}}}
    return schema


def _alternatives_without_null(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Take null out of the alternatives of a union.

    Returns:
        The alternatives but null; none if the union does not allow null, or nothing else.
    """
    found: list[dict[str, Any]] = []
    has_null = False
    for part in map(_plain_type, parts):
        if part.get("type") == "null" and not part.keys() - {"type", *ANNOTATIONS}:
            has_null = True
            continue
        allowed, rest = without_null(part)
        has_null = has_null or bool(allowed)
        found.append(rest)
    return found if has_null else []


def alone(schema: dict[str, Any]) -> dict[str, Any]:
    """Replace a union of one schema by this schema, or by a part of an `allOf` if other keywords narrow it."""
    for key in UNIONS:
        parts = schema.get(key) or []
        if len(parts) == 1:
            rest = {name: value for name, value in schema.items() if name != key}
            if rest.keys() - {*ANNOTATIONS}:
                return {**rest, "allOf": [*(rest.get("allOf") or []), parts[0]]}
            return {**parts[0], **rest}
    return schema


def flat(schema: dict[str, Any]) -> dict[str, Any]:
    """Replace alternatives that are unions themselves by their alternatives, and leave out repetitions."""
    for key in UNIONS:
        parts: list[Any] = []
        for part in map(_plain_type, schema.get(key) or []):
            union = as_union(part, key)
            inner = next((union[each] for each in UNIONS if union.get(each)), None)
            pure = inner is not None and len(union.keys() - {*ANNOTATIONS}) == 1
            parts += [
                each for each in (inner if pure and inner else [part]) if not any(same(each, one) for one in parts)
            ]
        if parts:
            schema = {**schema, key: parts}
    return schema


def without_included(schema: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    """Leave out the alternatives of an `anyOf` whose values another alternative includes, perhaps by reference."""
    parts = schema.get("anyOf") or []
    types = [followed(part, document) for part in parts]
    kept = [part for part in parts if not any(isinstance(each, dict) and _includes(each, part) for each in types)]
    return {**schema, "anyOf": kept} if kept else schema


def _includes(whole: dict[str, Any], part: dict[str, Any]) -> bool:
    """Tell whether a schema is nothing but a type, of which the other one has only some values."""
    some, more = ({*each} - {*ANNOTATIONS} for each in (whole, part))
    return some == {"type"} < more and same(whole["type"], part["type"])


def as_union(schema: dict[str, Any], key: str, like: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
    """Write a list of types as a union, each type with the keywords that belong to it.

    Args:
        schema: The schema.
        key: `oneOf` or `anyOf`.
        like: The alternatives whose order the types take, since their list has no order.
    """
    kinds = schema.get("type")
    if not isinstance(kinds, list) or any(union in schema for union in UNIONS):
        return schema
    order = [part.get("type") for part in like]
    kinds = sorted(kinds, key=lambda kind: order.index(kind) if kind in order else len(order))
    of_types = set().union(*_OF_TYPE.values())
    beside = {name: value for name, value in schema.items() if name not in of_types and name != "type"}
    parts = [
        {"type": kind, **{name: schema[name] for name in schema if name in _OF_TYPE.get(_general(kind), ())}}
        for kind in kinds
    ]
    return {**beside, key: parts}


def _general(kind: str) -> str:
    return "number" if kind == "integer" else kind


class Merging:
    """Merges the parts of the `allOf`s of a document, each component once."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        self._components: dict[str, dict[str, Any] | None] = {}

    def merged(self, schema: dict[str, Any]) -> dict[str, Any] | None:
        """Merge the parts of an `allOf` into one schema.

        Args:
            schema: A schema of the document.

        Returns:
            One schema for the same values, whose properties are in the order of the generated class; None if the parts
            are such that there is none without an `allOf`.
        """
        if "allOf" not in schema:
            return schema
        whole = {key: value for key, value in schema.items() if key not in {"allOf", "properties"}}
        references = [part for part in schema["allOf"] if "$ref" in part]
        others = [part for part in schema["allOf"] if "$ref" not in part]
        own = [{"properties": schema["properties"]}] if "properties" in schema else []
        for part in [*map(self._component, references), *own, *map(self.merged, others)]:
            if part is None or not _add(whole, part):
                return None
        return whole

    def _component(self, part: dict[str, Any]) -> dict[str, Any] | None:
        """Return what a reference leads to, merged, with the required properties first; None if it leads nowhere."""
        reference = part["$ref"]
        if reference not in self._components:
            self._components[reference] = None  # for a component that is a part of itself
            target = resolve(reference, self._document)
            found = None
            if isinstance(target, dict) and target:
                found = self._component(target) if "$ref" in target else self.merged(target)
            if found is not None and "properties" in found:
                required = found.get("required")
                first = required if isinstance(required, list) else []
                names = sorted(found["properties"], key=lambda name: name not in first)
                found = {**found, "properties": {name: found["properties"][name] for name in names}}
            self._components[reference] = found
        found = self._components[reference]
        return None if found is None else {**found, **{key: value for key, value in part.items() if key != "$ref"}}


def _add(whole: dict[str, Any], part: dict[str, Any]) -> bool:
    """Add a part to the whole, in place; tell whether this was possible."""
    for key, value in part.items():
        if key in ANNOTATIONS or key.startswith("x-"):
            if key in {"default", "deprecated", "readOnly", "writeOnly"}:
                whole.setdefault(key, value)
        elif key == "properties":
            mine = whole.get("properties") or {}
            both = {name: _both(mine[name], each) if name in mine else each for name, each in value.items()}
            whole["properties"] = {**mine, **both}
        elif key == "required" and isinstance(value, list):
            mine = whole.get("required")
            whole["required"] = sorted({*(mine if isinstance(mine, list) else []), *value})
        elif key in (*_LOWER, *_UPPER) and key in whole:
            whole[key] = (max if key in _LOWER else min)(whole[key], value)
        elif key not in whole:
            if key in {"additionalProperties", "unevaluatedProperties"}:
                return False  # it concerns only the properties of its own part
            whole[key] = value
        elif not same(whole[key], value):
            return False
    return True


def _both(one: Any, other: Any) -> Any:
    """Return the schema of a property that two parts have."""
    if same(one, other) or other == {}:
        return one
    return other if one == {} else {"allOf": [one, other]}
