"""Generates the schemas of types that pydantic reads."""

from __future__ import annotations

import enum
import functools
from typing import TYPE_CHECKING, Any, Final

import pydantic.json_schema

from anchor_webtask._output.listed_parts import combinations, takes_more
from anchor_webtask._output.schema_shape import DECIMAL, INTEGER_KEY, NUMBER_KEY, Schema

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic_core.core_schema import DecimalSchema, DictSchema, EnumSchema, GeneratorSchema, LiteralSchema

_KEY_SCHEMAS: Final[dict[str, Schema]] = {
    "int": INTEGER_KEY,
    "float": NUMBER_KEY,
    "decimal": NUMBER_KEY,
    "bool": {"enum": ["true", "false"]},
}

MARK: Final = "anchor_webtask"
"""The keyword that marks a place of a schema, with pydantic's name for the type there."""
FLAGS: Final = "anchor_webtask_flags"
"""The keyword that has the members of a `Flag` with so many that their combinations are not listed."""
_MARKED: Final = (
    *("int", "float", "decimal", "bool"),
    *("date", "datetime", "time", "timedelta"),
    *("literal", "enum"),
)
_OWN_CODE: Final = ("function-before", "function-plain", "function-wrap")
"""The validators that may take anything."""


class Schemas(pydantic.json_schema.GenerateJsonSchema):
    """pydantic's schema generator, which also describes dict keys that stand for numbers or enum members."""

    def dict_schema(self, schema: DictSchema) -> Schema:
        """Return the schema of a dict, with `propertyNames` for keys that are numbers or enum members."""
        generated = super().dict_schema(schema)
        keys: Any = schema.get("keys_schema", {"type": "any"})
        names = _KEY_SCHEMAS.get(keys["type"])
        if keys["type"] == "literal":
            _refuse_unless_text(keys["expected"], keys["expected"])
        if keys["type"] == "enum":
            values = [member.value for member in keys["members"]]
            if "sub_type" not in keys:
                _refuse_unless_text(values, keys["cls"])
            names = {"enum": list(map(str, values))}
        return generated if names is None else {**generated, "propertyNames": names}

    def decimal_schema(self, schema: DecimalSchema) -> Schema:
        """Return the schema of a Decimal; its `format` marks the places where numbers keep their digits."""
        generated = super().decimal_schema(schema)
        for each in generated.get("anyOf", ()):
            if each.get("type") == "string":
                each["format"] = DECIMAL
        return generated

    def literal_schema(self, schema: LiteralSchema) -> Schema:
        """Return the schema of a `Literal`; refuse members of enums that pydantic does not read from JSON."""
        for each in schema["expected"]:
            if isinstance(each, enum.Enum) and not isinstance(each, str | int):
                raise pydantic.errors.PydanticInvalidForJsonSchema(
                    f"pydantic takes no JSON for the member {each} in a Literal: make its class a StrEnum or an IntEnum"
                )
        return super().literal_schema(schema)

    def generator_schema(self, schema: GeneratorSchema) -> Schema:  # noqa: ARG002
        """Refuse an `Iterable`, whose items pydantic checks only when they are used."""
        raise pydantic.errors.PydanticInvalidForJsonSchema(
            "pydantic does not check the items of an Iterable: use a list"
        )

    def enum_schema(self, schema: EnumSchema) -> Schema:
        """Return the schema of an enum; a Flag may be a combination of its members."""
        generated = super().enum_schema(schema)
        if not issubclass(schema["cls"], enum.Flag):
            return generated
        values = combinations(tuple(member.value for member in schema["cls"].__members__.values()))
        return {**generated, "enum": sorted(values)} if values else {"type": "integer", "minimum": 0}


class SchemasOfTaken(Schemas):
    """Generates schemas that also have what pydantic takes for a NamedTuple beside a list: an object."""

    def named_tuple_schema(self, schema: Any) -> Schema:
        """Return the schema of a NamedTuple."""
        return _list_or_object(super().named_tuple_schema(schema), schema["fields"])

    def call_schema(self, schema: Any) -> Schema:
        """Return the schema of a call, by which pydantic before 2.14 makes a NamedTuple."""
        return _list_or_object(super().call_schema(schema), schema["arguments_schema"]["arguments_schema"])


class MarkedSchemas(SchemasOfTaken):
    """Generates schemas with marks where pydantic takes more than they admit.

    What a validator of the type's own takes has no schema here.
    """

    def build_schema_type_to_method(self) -> dict[Any, Callable[[Any], Schema]]:
        """Return the methods that make the schema of each type."""
        methods: dict[Any, Callable[[Any], Schema]] = super().build_schema_type_to_method()
        methods |= {name: functools.partial(_marked, methods[name]) for name in _MARKED}
        return methods | dict.fromkeys(_OWN_CODE, _anything)

    def dict_schema(self, schema: DictSchema) -> Schema:
        """Return the schema of a dict, with a mark at the keys."""
        generated = super().dict_schema(schema)
        keys: Any = schema.get("keys_schema", {"type": "any"})
        if "propertyNames" in generated and keys["type"] in _MARKED and not _has_own_rule(keys):
            generated["propertyNames"] = {**generated["propertyNames"], MARK: keys["type"]}
        return generated


def _refuse_unless_text(values: list[Any], kind: Any) -> None:
    if not all(isinstance(each, str) for each in values):
        raise pydantic.errors.PydanticInvalidForJsonSchema(
            f"the keys of an object are text, and pydantic takes no text for {kind}: use an IntEnum"
        )


def _list_or_object(generated: Schema, fields: list[Any]) -> Schema:
    if "prefixItems" not in generated:
        return generated
    names = [field["name"] for field in fields]
    properties = dict(zip(names, generated["prefixItems"], strict=True))
    return {"anyOf": [generated, {"type": "object", "properties": properties}]}


def _anything(_: Any) -> Schema:
    return {}


def _has_own_rule(schema: Any) -> bool:
    return schema["type"] == "enum" and takes_more(schema["cls"])


def _marked(make: Callable[[Any], Schema], schema: Any) -> Schema:
    if _has_own_rule(schema):
        return {}
    made = make(schema)
    if schema["type"] == "enum" and "enum" not in made:
        made = {**made, FLAGS: [member.value for member in schema["cls"].__members__.values()]}
    if "anyOf" in made:
        return {**made, "anyOf": [{**each, MARK: schema["type"]} for each in made["anyOf"]]}
    return {**made, MARK: schema["type"]}
