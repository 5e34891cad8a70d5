"""Makes random changes of small documents: some say the same in another way, and some change what is said."""

from __future__ import annotations

import copy
import random
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tools.openapi import walk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Schema = dict[str, Any]
    Change = Callable[[Schema, Any, random.Random], bool]

_TYPES: Final = ("boolean", "integer", "number", "string")
_FORMATS: Final = ("date", "date-time", "email", "int64", "uuid")


class Mutation(NamedTuple):
    """A change of a document.

    Attributes:
        name: What was changed.
        old: The document before the change.
        new: The document after the change.
        same: Whether both documents mean the same on the wire.
    """

    name: str
    old: Any
    new: Any
    same: bool


def mutations(documents: list[Any], count: int, seed: int = 0) -> Iterator[Mutation]:
    """Yield random changes of documents; a seed always gives the same changes."""
    chance = random.Random(seed)
    while count:
        old = chance.choice(documents)
        new = copy.deepcopy(old)
        same = chance.random() < 0.5
        change = chance.choice(_SAME if same else _OTHER)
        schemas = list(_schemas(new))
        if schemas and change(chance.choice(schemas), new, chance):
            count -= 1
            yield Mutation(change.__name__.strip("_"), old, new, same)


def _schemas(document: Any) -> Iterator[Schema]:
    """Yield the schemas of a document: all objects that say what a schema says."""
    for node in walk.objects({"paths": document.get("paths"), "components": document.get("components")}):
        if {"type", "properties", "allOf", "oneOf", "anyOf", "enum"} & node.keys() and "in" not in node:
            yield node


# -- The same in another way -------------------------------------------------------------------------------------------


def _nullable_as_list(schema: Schema, _: Any, __: random.Random) -> bool:
    if schema.get("nullable") is not True or not isinstance(schema.get("type"), str):
        return False
    del schema["nullable"]
    schema["type"] = [schema["type"], "null"]
    return True


def _one_part(schema: Schema, _: Any, __: random.Random) -> bool:
    if "allOf" in schema or schema.get("type") != "object":
        return False
    whole = {**schema}
    schema.clear()
    schema["allOf"] = [whole]
    return True


def _component(schema: Schema, document: Any, __: random.Random) -> bool:
    components = (document.get("components") or {}).get("schemas", {})
    if "$ref" in schema or schema.get("type") == "null" or any(schema is each for each in components.values()):
        return False
    document.setdefault("components", {}).setdefault("schemas", {})["Moved"] = {**schema}
    schema.clear()
    schema["$ref"] = "#/components/schemas/Moved"
    return True


def _inline(schema: Schema, document: Any, __: random.Random) -> bool:
    schemas = (document.get("components") or {}).get("schemas", {})
    for value in (schema.get("properties") or {}).values():
        name = str(value.get("$ref")).rpartition("/")[2] if isinstance(value, dict) else ""
        if name in schemas and "$ref" not in str(schemas[name]):
            value.clear()
            value.update(copy.deepcopy(schemas[name]))
            return True
    return False


def _defaults_said(schema: Schema, _: Any, __: random.Random) -> bool:
    schema.update({"deprecated": False, "readOnly": False, "writeOnly": False})
    if schema.get("type") == "string":
        schema["minLength"] = schema.get("minLength", 0)
    return True


def _type_not_said(schema: Schema, _: Any, __: random.Random) -> bool:
    texts = all(isinstance(value, str) for value in schema.get("enum", [None]))
    return texts and schema.pop("type", None) is not None


def _keys_sorted(schema: Schema, _: Any, __: random.Random) -> bool:
    kept = {key: schema[key] for key in sorted(schema)}
    schema.clear()
    schema.update(kept)
    return True


def _types_reversed(schema: Schema, _: Any, __: random.Random) -> bool:
    if not isinstance(schema.get("type"), list):
        return False
    schema["type"] = schema["type"][::-1]
    return True


def _alternatives_as_the_other(schema: Schema, _: Any, __: random.Random) -> bool:
    parts = schema.get("anyOf") or []
    if {"type": "null"} not in parts or len(parts) != 2 or "oneOf" in schema:
        return False
    schema["oneOf"] = schema.pop("anyOf")
    return True


def _required_reversed(schema: Schema, _: Any, __: random.Random) -> bool:
    if len(schema.get("required", [])) < 2:
        return False
    schema["required"] = schema["required"][::-1]
    return True


def _type_as_list(schema: Schema, _: Any, __: random.Random) -> bool:
    if not isinstance(schema.get("type"), str):
        return False
    schema["type"] = [schema["type"]]
    return True


def _value_listed(schema: Schema, _: Any, __: random.Random) -> bool:
    if "const" in schema:
        schema["enum"] = [schema.pop("const")]
        return True
    return False


def _null_inside(schema: Schema, _: Any, __: random.Random) -> bool:
    """Move null from a union into its first alternative."""
    parts = schema.get("anyOf") or []
    if {"type": "null"} not in parts or not isinstance(parts[0].get("type"), str) or "enum" in parts[0]:
        return False
    parts.remove({"type": "null"})
    if parts:
        parts[0]["type"] = [parts[0]["type"], "null"]
    return bool(parts)


def _in_a_union(schema: Schema, _: Any, __: random.Random) -> bool:
    parts = schema.get("anyOf")
    if not parts:
        return False
    schema["anyOf"] = [{"anyOf": parts}]
    return True


def _parts_apart(schema: Schema, _: Any, __: random.Random) -> bool:
    """Split an object into the parts of an `allOf`."""
    names = [*(schema.get("properties") or {})]
    if len(names) < 2 or schema.keys() - {"properties", "required", "type"}:
        return False
    apart = {names[-1]: schema["properties"].pop(names[-1])}
    whole = {**schema}
    schema.clear()
    schema["allOf"] = [whole, {"type": "object", "properties": apart}]
    return True


# -- Something else ----------------------------------------------------------------------------------------------------


def _keyword_dropped(schema: Schema, _: Any, chance: random.Random) -> bool:
    del schema[chance.choice([*schema])]
    return True


def _type_changed(schema: Schema, _: Any, chance: random.Random) -> bool:
    schema["type"] = chance.choice(_TYPES)
    return not {"$ref", "allOf", "anyOf", "const", "enum", "oneOf"} & schema.keys()


def _null_allowed(schema: Schema, _: Any, __: random.Random) -> bool:
    if not isinstance(schema.get("type"), str):
        return False
    schema["type"] = [schema["type"], "null"]
    return True


def _property_added(schema: Schema, _: Any, chance: random.Random) -> bool:
    schema.setdefault("properties", {})[chance.choice("abcdef")] = {"type": chance.choice(_TYPES)}
    return True


def _property_dropped(schema: Schema, _: Any, chance: random.Random) -> bool:
    properties = schema.get("properties") or {}
    return bool(properties) and bool(properties.pop(chance.choice([*properties])))


def _required_changed(schema: Schema, _: Any, chance: random.Random) -> bool:
    names = [*(schema.get("properties") or {})]
    chosen = [name for name in names if chance.random() < 0.5]
    schema["required"] = chosen
    return bool(names)


def _properties_reversed(schema: Schema, _: Any, __: random.Random) -> bool:
    properties = schema.get("properties") or {}
    schema["properties"] = dict(reversed(properties.items()))
    return len(properties) > 1


def _format_changed(schema: Schema, _: Any, chance: random.Random) -> bool:
    schema["format"] = chance.choice(_FORMATS)
    return True


def _listed(schema: Schema, _: Any, chance: random.Random) -> bool:
    schema["enum"] = [chance.choice("ab"), "c"]
    return not {"anyOf", "oneOf"} & schema.keys()


def _described(schema: Schema, _: Any, chance: random.Random) -> bool:
    schema[chance.choice(["description", "example", "title"])] = "Words"
    return True


def _default(schema: Schema, _: Any, chance: random.Random) -> bool:
    schema["default"] = chance.choice(["a", 1, None])
    return True


def _wrapped(schema: Schema, _: Any, chance: random.Random) -> bool:
    whole = {**schema}
    schema.clear()
    schema[chance.choice(["allOf", "anyOf", "oneOf"])] = [whole, {"type": chance.choice([*_TYPES, "object", "null"])}]
    return True


def _additional(schema: Schema, _: Any, chance: random.Random) -> bool:
    schema["additionalProperties"] = chance.choice([True, False, {"type": "string"}])
    return schema.get("type") == "object"


def _list_of_it(schema: Schema, _: Any, __: random.Random) -> bool:
    whole = {**schema}
    schema.clear()
    schema.update({"type": "array", "items": whole})
    return True


_SAME: Final[tuple[Change, ...]] = (
    *(_nullable_as_list, _one_part, _component, _inline, _defaults_said, _type_not_said, _keys_sorted),
    *(_types_reversed, _alternatives_as_the_other, _required_reversed, _type_as_list, _value_listed, _null_inside),
    *(_in_a_union, _parts_apart),
)
_OTHER: Final[tuple[Change, ...]] = (
    *(_keyword_dropped, _type_changed, _null_allowed, _property_added, _property_dropped, _required_changed),
    *(_properties_reversed, _format_changed, _listed, _described, _default, _wrapped, _additional, _list_of_it),
)
