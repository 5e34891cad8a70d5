"""The shape of the schemas that are sent: an object at the root, no reference there, and few definitions.

Agents read a schema as they read a prompt, and not all of them follow references. So a definition stands where it is
used, unless it is recursive, or large and used more than once.
"""

from __future__ import annotations

import functools
import itertools
import json
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

WRAPPER: Final = "result"
"""The field that an answer without an object at its root is wrapped in; the API's own wrappings have the same name."""

WHOLE_NUMBER: Final = {"pattern": "^-?[0-9]+$"}
NUMBER: Final = {"pattern": r"^-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$"}
"""Keys of an object that stand for numbers."""

MAX_INLINED: Final = 1000
"""Characters of JSON up to which a definition that is used more than once is still written out at each place."""

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
_AT_ROOT: Final = ("$schema", "$defs", "definitions")
_ANNOTATIONS: Final = frozenset({"title", "description", "$comment"})
_OTHER_ROOTS: Final = frozenset({"allOf", "anyOf", "const", "enum", "oneOf"})
"""What makes a root that has no type into something else than an object."""


def has_object_root(schema: Schema) -> bool:
    """Whether a schema says at its root that the answer is an object, or says nothing else."""
    if "$ref" in schema:
        return False
    return schema["type"] == "object" if "type" in schema else bool(schema) and _OTHER_ROOTS.isdisjoint(schema)


def fields_of(schema: Schema, definitions: dict[str, Any]) -> list[str] | None:
    """Return the names of the fields that an object may have; None where it may have any.

    Args:
        schema: A schema, at the root or in it.
        definitions: What its references lead to.
    """
    name = _referred(schema)
    if name is not None:
        others = {key: value for key, value in definitions.items() if key != name}
        return fields_of(definitions[name], others) if isinstance(definitions.get(name), dict) else None
    alternatives = schema.get("anyOf", schema.get("oneOf"))
    if isinstance(alternatives, list):
        found = [fields_of(each, definitions) if isinstance(each, dict) else None for each in alternatives]
        known = [names for names in found if names is not None]
        return list(dict.fromkeys(itertools.chain(*known))) if len(known) == len(found) else None
    if "const" in schema or "enum" in schema or (isinstance(schema.get("type"), str) and schema["type"] != "object"):
        return []
    if "patternProperties" in schema or isinstance(schema.get("additionalProperties"), dict):
        return None
    return list(schema.get("properties", ())) or None


def property_names(schema: Schema) -> set[str]:
    """Return the names of all fields in a schema."""
    names = {name for definition in schema.get("$defs", {}).values() for name in property_names(definition)}

    def look(inner: Schema) -> Schema:
        names.update(property_names(inner))
        return inner

    _mapped({key: value for key, value in schema.items() if key != "$defs"}, look)
    properties = schema.get("properties")
    return names.union(properties) if isinstance(properties, dict) else names


def listed(schema: Schema, steps: Sequence[str | int], definitions: dict[str, Any], *, as_key: bool) -> list[Any]:
    """Return the values that a schema lists for a place; none where something else may be there as well.

    Args:
        schema: A schema, at the root or in it.
        steps: The keys and indexes that lead to the place.
        definitions: What its references lead to.
        as_key: Whether it's about the keys of the mapping at the place.
    """
    here = _alternatives(schema, definitions, frozenset())
    for step in steps:
        within = [inner for each in here for inner in _within(each, step)]
        here = [each for inner in within for each in _alternatives(inner, definitions, frozenset())]
    if as_key:
        here = [each.get("propertyNames", {}) for each in here]
    here = [{"const": None} if each.get("type") == "null" else each for each in here]
    listings = [[each["const"]] if "const" in each else each.get("enum", []) for each in here]
    return list(itertools.chain(*listings)) if all(listings) else []


def _alternatives(schema: Schema, definitions: dict[str, Any], seen: frozenset[str]) -> list[Schema]:
    name = _referred(schema)
    if name is not None:
        return [] if name in seen else _alternatives(definitions[name], definitions, seen | {name})
    if "anyOf" not in schema:
        return [schema]
    return [each for part in schema["anyOf"] for each in _alternatives(part, definitions, seen)]


def _within(schema: Schema, step: str | int) -> Iterator[Schema]:
    if isinstance(step, str):
        inner = schema.get("properties", {}).get(step, schema.get("additionalProperties"))
    else:
        inner = dict(enumerate(schema.get("prefixItems", ()))).get(step, schema.get("items"))
    if isinstance(inner, dict):
        yield inner


def wrapped_in_object(schema: Schema) -> Schema:
    """Put a schema under one field of an object, and leave at the root what its references lead to."""
    # A schema with an id is a document of its own, in which its references stay.
    at_root: Schema = {} if "$id" in schema else {key: schema[key] for key in _AT_ROOT if key in schema}
    inner = {key: value for key, value in schema.items() if key not in at_root}
    shape: Schema = {
        "type": "object",
        "properties": {WRAPPER: inner},
        "required": [WRAPPER],
        "additionalProperties": False,
    }
    return {**at_root, **shape} if "$id" in schema else _moved({**at_root, **shape})


def resolved(schema: Schema) -> Schema:
    """Put a definition that a root refers to in the place of the reference."""
    seen: set[str] = set()
    while (name := _referred(schema)) is not None and name not in seen:
        seen.add(name)
        definitions, siblings = schema.get("$defs"), _siblings(schema)
        definition = definitions.get(name) if isinstance(definitions, dict) else None
        # What both say holds twice, and can't be said by one.
        if not isinstance(definition, dict) or not _ANNOTATIONS.issuperset(definition.keys() & siblings.keys()):
            break
        schema = {**definition, **siblings}
    return schema


def _moved(schema: Schema) -> Schema:
    """Let references to what has been the root, and to places in it, follow it into its field."""
    reference = schema.get("$ref")
    if isinstance(reference, str) and (reference == "#" or reference.startswith("#/")) and not _is_hoisted(reference):
        schema = {**schema, "$ref": f"#/properties/{WRAPPER}{reference[1:]}"}
    return _mapped(schema, _moved)


def _is_hoisted(reference: str) -> bool:
    return reference.startswith(("#/$defs/", "#/definitions/"))


def inlined(schema: Schema) -> Schema:
    """Write definitions out where they are used, and keep under `$defs` those that can't be, or are too large.

    Args:
        schema: A schema whose references all lead to `#/$defs/`, as msgspec and pydantic make them.
    """
    return _Inliner(schema).root()


class _Inliner:
    """Works on one schema."""

    def __init__(self, schema: Schema) -> None:
        self._definitions: dict[str, Schema] = schema.get("$defs", {})
        self._schema = {key: value for key, value in schema.items() if key != "$defs"}
        reached = {name: _reached(definition, self._definitions) for name, definition in self._definitions.items()}
        uses = [name for each in (self._schema, *self._definitions.values()) for name in _references(each)]

        @functools.cache
        def size(name: str) -> int:
            inner = [each for each in _references(self._definitions[name]) if each not in reached[each]]
            return len(json.dumps(self._definitions[name])) + sum(map(size, inner))

        self._kept = {
            name
            for name in self._definitions
            if name in reached[name] or (uses.count(name) > 1 and size(name) > MAX_INLINED)
        }

    def root(self) -> Schema:
        schema = self._written(self._schema)
        # What is kept may be the root itself: it is copied there, and stays for what else refers to it.
        while (name := _referred(schema)) is not None:
            schema = self._written({**self._definitions[name], **_siblings(schema)})
        kept: dict[str, Schema] = {}
        pending = list(_references(schema))
        while pending:
            name = pending.pop()
            if name not in kept:
                kept[name] = self._written(self._definitions[name])
                pending += _references(kept[name])
        return {**schema, "$defs": {name: kept[name] for name in sorted(kept)}} if kept else schema

    def _written(self, schema: Schema) -> Schema:
        name = _referred(schema)
        if name is not None and name not in self._kept:
            return self._written({**self._definitions[name], **_siblings(schema)})
        # JSON Schema has no such keyword, and it refers to definitions that are gone.
        return {key: value for key, value in _mapped(schema, self._written).items() if key != "discriminator"}


def _referred(schema: Schema) -> str | None:
    reference = schema.get("$ref")
    return reference.removeprefix(_DEFINITIONS) if isinstance(reference, str) else None


def _siblings(schema: Schema) -> Schema:
    return {key: value for key, value in schema.items() if key != "$ref"}


def _mapped(schema: Schema, change: Callable[[Schema], Schema]) -> Schema:
    """Copy a schema with each schema right inside it changed, but for those that are only true or false."""

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
    """Return the names of the definitions that a schema refers to, each as often as it does."""
    name = _referred(schema)
    names = [] if name is None else [name]

    def look(inner: Schema) -> Schema:
        names.extend(_references(inner))
        return inner

    _mapped(schema, look)
    return names


def _reached(schema: Schema, definitions: dict[str, Schema]) -> set[str]:
    """Return the names of the definitions that a schema refers to, directly or by way of others."""
    reached: set[str] = set()
    pending = _references(schema)
    while pending:
        name = pending.pop()
        if name not in reached:
            reached.add(name)
            pending += _references(definitions[name])
    return reached
