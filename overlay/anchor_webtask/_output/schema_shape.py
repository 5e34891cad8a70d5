"""Reshapes JSON Schemas before they are sent, so that their root is an object and they have few references.

Agents read a schema like a prompt, and not all of them follow references. So a definition is inlined, which means
written out in place of each reference to it, unless it is recursive, or large and used more than once.
"""

from __future__ import annotations

import functools
import itertools
import json
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WRAPPER: Final = "result"
"""The field that wraps an answer whose schema has no object at its root; the API's own wrappers use the same name."""

INTEGER_KEY: Final = {"pattern": "^-?[0-9]+$"}
NUMBER_KEY: Final = {"pattern": r"^-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$"}
"""Schemas of dict keys that stand for numbers: JSON has only text as keys."""

DECIMAL: Final = "decimal"
"""The `format` of texts that stand for a Decimal."""

MAX_INLINED: Final = 1000
"""A definition that is used more than once is inlined if its JSON has at most this many characters."""

Schema: TypeAlias = dict[str, Any]

_NAMED: Final = frozenset({"properties", "patternProperties", "dependentSchemas", "$defs", "definitions"})
_LISTED: Final = frozenset({"anyOf", "oneOf", "allOf", "prefixItems"})
_SINGLE: Final = frozenset(
    {
        *("items", "unevaluatedItems", "contains", "additionalProperties", "unevaluatedProperties", "propertyNames"),
        *("not", "if", "then", "else", "contentSchema"),
    }
)
_DEFINITIONS: Final = "#/$defs/"
_ROOT_KEYWORDS: Final = ("$schema", "$defs", "definitions")
_ANNOTATIONS: Final = frozenset({"title", "description", "$comment"})
_RESTRICTING_KEYWORDS: Final = frozenset({"allOf", "anyOf", "const", "enum", "oneOf"})
"""Keywords with which a root without `type` may describe other values than objects."""


def has_object_root(schema: Schema) -> bool:
    """Whether a schema's root says that the answer is an object, or leaves the answer's type open."""
    if "$ref" in schema:
        return False
    return schema["type"] == "object" if "type" in schema else bool(schema) and _RESTRICTING_KEYWORDS.isdisjoint(schema)


def allowed_fields(schema: Schema, definitions: dict[str, Any]) -> list[str] | None:
    """Return the names of the fields that an object may have; None if it may have fields of any name.

    Args:
        schema: The object's schema, which may be a part of another schema.
        definitions: The definitions that references lead to.
    """
    name = referenced_name(schema)
    if name is not None:
        others = {key: value for key, value in definitions.items() if key != name}
        return allowed_fields(definitions[name], others) if isinstance(definitions.get(name), dict) else None
    alternatives = schema.get("anyOf", schema.get("oneOf"))
    if isinstance(alternatives, list):
        found = [allowed_fields(each, definitions) if isinstance(each, dict) else None for each in alternatives]
        known = [names for names in found if names is not None]
        return list(dict.fromkeys(itertools.chain(*known))) if len(known) == len(found) else None
    if "const" in schema or "enum" in schema or (isinstance(schema.get("type"), str) and schema["type"] != "object"):
        return []
    if "patternProperties" in schema or isinstance(schema.get("additionalProperties"), dict):
        return None
    return list(schema.get("properties", ())) or None


def all_field_names(schema: Schema) -> set[str]:
    """Return the names of the fields of all objects in a schema."""
    names = {name for definition in schema.get("$defs", {}).values() for name in all_field_names(definition)}

    def collect(inner: Schema) -> Schema:
        names.update(all_field_names(inner))
        return inner

    _map_subschemas({key: value for key, value in schema.items() if key != "$defs"}, collect)
    properties = schema.get("properties")
    return names.union(properties) if isinstance(properties, dict) else names


def alternatives(schema: Schema, definitions: dict[str, Any], seen: frozenset[str]) -> list[Schema]:
    """Return the alternatives that a schema allows, each without a reference, `anyOf` or `oneOf` at its root."""
    name = referenced_name(schema)
    if name is not None:
        return [] if name in seen else alternatives(definitions[name], definitions, seen | {name})
    parts = schema.get("anyOf", schema.get("oneOf"))
    if parts is None:
        return [schema]
    return [each for part in parts for each in alternatives(part, definitions, seen)]


def subschema_at(schema: Schema, step: str | int) -> Iterator[Schema]:
    """Yield the schema of the field or item that a step leads to, if there is such a schema."""
    if isinstance(step, str):
        inner = schema.get("properties", {}).get(step, schema.get("additionalProperties"))
    else:
        inner = dict(enumerate(schema.get("prefixItems", ()))).get(step, schema.get("items"))
    if isinstance(inner, dict):
        yield inner


def wrapped_in_object(schema: Schema) -> Schema:
    """Return the schema of an object whose only field, `result`, has this schema; definitions stay at the root."""
    # A schema with `$id` is a separate document: its references lead to places inside the schema itself.
    at_root: Schema = {} if "$id" in schema else {key: schema[key] for key in _ROOT_KEYWORDS if key in schema}
    inner = {key: value for key, value in schema.items() if key not in at_root}
    shape: Schema = {
        "type": "object",
        "properties": {WRAPPER: inner},
        "required": [WRAPPER],
        "additionalProperties": False,
    }
    return {**at_root, **shape} if "$id" in schema else _with_moved_references({**at_root, **shape})


def with_root_resolved(schema: Schema) -> Schema:
    """Replace a reference at the root by a copy of its definition, if that does not change the schema's meaning."""
    seen: set[str] = set()
    while (name := referenced_name(schema)) is not None and name not in seen:
        seen.add(name)
        definitions, siblings = schema.get("$defs"), _siblings(schema)
        definition = definitions.get(name) if isinstance(definitions, dict) else None
        # A keyword may be both in the definition and beside the reference. Then both of its values apply, but a schema
        # cannot have two values for a keyword.
        if not isinstance(definition, dict) or not _ANNOTATIONS.issuperset(definition.keys() & siblings.keys()):
            break
        schema = {**definition, **siblings}
    return schema


def _with_moved_references(schema: Schema) -> Schema:
    """Return a wrapped schema whose references to the former root point to the field `result`, its new place."""
    reference = schema.get("$ref")
    if (
        isinstance(reference, str)
        and (reference == "#" or reference.startswith("#/"))
        and not _leads_to_definition(reference)
    ):
        schema = {**schema, "$ref": f"#/properties/{WRAPPER}{reference[1:]}"}
    return _map_subschemas(schema, _with_moved_references)


def _leads_to_definition(reference: str) -> bool:
    return reference.startswith(("#/$defs/", "#/definitions/"))


def inlined(schema: Schema) -> Schema:
    """Return a schema with its definitions inlined.

    Recursive definitions, and large definitions that are used more than once, stay in `$defs`.

    Args:
        schema: A schema whose references all lead to `#/$defs/`, as msgspec and pydantic make them.
    """
    return _Inliner(schema).root()


class _Inliner:
    """Inlines the definitions of one schema."""

    def __init__(self, schema: Schema) -> None:
        self._definitions: dict[str, Schema] = schema.get("$defs", {})
        self._schema = {key: value for key, value in schema.items() if key != "$defs"}
        reachable = {name: _reachable(definition, self._definitions) for name, definition in self._definitions.items()}
        uses = [name for each in (self._schema, *self._definitions.values()) for name in _references(each)]

        @functools.cache
        def size(name: str) -> int:
            inner = [each for each in _references(self._definitions[name]) if each not in reachable[each]]
            return len(json.dumps(self._definitions[name])) + sum(map(size, inner))

        self._kept = {
            name
            for name in self._definitions
            if name in reachable[name] or (uses.count(name) > 1 and size(name) > MAX_INLINED)
        }

    def root(self) -> Schema:
        schema = self._inlined(self._schema)
        # The root must not be a reference: if its definition stays in `$defs`, the root gets a copy of the definition.
        while (name := referenced_name(schema)) is not None:
            schema = self._inlined({**self._definitions[name], **_siblings(schema)})
        kept: dict[str, Schema] = {}
        pending = list(_references(schema))
        while pending:
            name = pending.pop()
            if name not in kept:
                kept[name] = self._inlined(self._definitions[name])
                pending += _references(kept[name])
        return {**schema, "$defs": {name: kept[name] for name in sorted(kept)}} if kept else schema

    def _inlined(self, schema: Schema) -> Schema:
        name = referenced_name(schema)
        if name is not None and name not in self._kept:
            return self._inlined({**self._definitions[name], **_siblings(schema)})
        # `discriminator` is a keyword of OpenAPI, not of JSON Schema, and refers to definitions that are inlined.
        return {key: value for key, value in _map_subschemas(schema, self._inlined).items() if key != "discriminator"}


def referenced_name(schema: Schema) -> str | None:
    reference = schema.get("$ref")
    return reference.removeprefix(_DEFINITIONS) if isinstance(reference, str) else None


def _siblings(schema: Schema) -> Schema:
    return {key: value for key, value in schema.items() if key != "$ref"}


def _map_subschemas(schema: Schema, change: Callable[[Schema], Schema]) -> Schema:
    """Return a copy of a schema in which `change` has replaced each direct subschema that is not `true` or `false`."""

    def changed(each: Any) -> Any:
        return change(each) if isinstance(each, dict) else each

    copy: Schema = {}
    for key, value in schema.items():
        if key in _NAMED and isinstance(value, dict):
            copy[key] = {name: changed(each) for name, each in value.items()}
        elif key in _LISTED and isinstance(value, list):
            copy[key] = [changed(each) for each in value]
        else:
            copy[key] = changed(value) if key in _SINGLE else value
    return copy


def _references(schema: Schema) -> list[str]:
    """Return the names of the definitions that a schema refers to, one name per reference."""
    name = referenced_name(schema)
    names = [] if name is None else [name]

    def collect(inner: Schema) -> Schema:
        names.extend(_references(inner))
        return inner

    _map_subschemas(schema, collect)
    return names


def _reachable(schema: Schema, definitions: dict[str, Schema]) -> set[str]:
    """Return the names of the definitions that a schema refers to, directly or through other definitions."""
    reachable: set[str] = set()
    pending = _references(schema)
    while pending:
        name = pending.pop()
        if name not in reachable:
            reachable.add(name)
            pending += _references(definitions[name])
    return reachable
