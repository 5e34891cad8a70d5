"""The JSON Schema that is sent for a type: its contents, and the types for which there is no schema."""

from __future__ import annotations

import dataclasses
import enum
import json
import sys
import types
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, TypedDict
from uuid import UUID

import annotated_types
import attrs
import msgspec
import pydantic
import pytest
import typing_extensions
from jsonschema import Draft202012Validator
from referencing import Registry

from anchor_webtask import ConfigurationError, InvalidOutputError
from anchor_webtask._output.schema import output_of
from anchor_webtask._output.schema_shape import MAX_INLINED
from tests.support.type_cases import (
    BOOK,
    EMMA,
    OBJECT_CASES,
    TYPE_CASES,
    WRAPPED_CASES,
    Book,
    Cash,
    Chain,
    Color,
    Comment,
    Folder,
    Node,
    Order,
    Page,
    Person,
    Price,
    Rating,
    Review,
    Track,
    Transfer,
    TypeCase,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

LONG = "A long description. " * 60

each_case = pytest.mark.parametrize("case", TYPE_CASES, ids=lambda case: case.name)


def schema_of(kind: Any) -> dict[str, Any]:
    schema = output_of(kind).schema
    assert schema is not None
    return schema


def references(schema: Any) -> Iterator[str]:
    """Yield all references in a schema. The schema must not describe a field with the name `$ref`."""
    if isinstance(schema, dict):
        if "$ref" in schema:
            yield schema["$ref"]
        for inner in schema.values():
            yield from references(inner)
    if isinstance(schema, list):
        for inner in schema:
            yield from references(inner)


def fits(schema: dict[str, Any], value: Any) -> bool:
    return Draft202012Validator(schema, registry=Registry()).is_valid(value)


# -- Rules for the schema of every type ----------------------------------------------------------------------------


@each_case
def test_schema_of_type_is_valid_and_its_root_is_object_and_not_reference(case: TypeCase) -> None:
    schema = schema_of(case.output)
    Draft202012Validator.check_schema(schema)
    assert json.loads(json.dumps(schema)) == schema
    assert schema["type"] == "object"
    assert not {"$ref", "anyOf", "oneOf", "allOf", "enum", "const"} & schema.keys()


@each_case
def test_references_point_to_definitions_at_root_and_every_definition_is_used(case: TypeCase) -> None:
    schema = schema_of(case.output)
    assert set(references(schema)) == {f"#/$defs/{name}" for name in schema.get("$defs", {})}


@each_case
def test_only_recursive_types_become_definitions(case: TypeCase) -> None:
    definitions = schema_of(case.output).get("$defs", {})
    assert bool(definitions) == ("recursive" in case.name)
    for name, definition in definitions.items():
        assert f"#/$defs/{name}" in references(definition)


@each_case
def test_schema_of_type_accepts_an_answer_but_not_a_list_that_contains_the_answer(case: TypeCase) -> None:
    schema = schema_of(case.output)
    as_sent = {"result": case.answer} if output_of(case.output).wrapped else case.answer
    assert fits(schema, as_sent)
    assert not fits(schema, [as_sent])


@pytest.mark.parametrize("case", OBJECT_CASES, ids=lambda case: case.name)
def test_schema_of_object_type_is_not_wrapped(case: TypeCase) -> None:
    output = output_of(case.output)
    assert not output.wrapped
    assert "result" not in schema_of(case.output).get("properties", {}) or "result" in case.answer


@pytest.mark.parametrize("case", WRAPPED_CASES, ids=lambda case: case.name)
def test_schema_of_type_that_is_not_object_is_wrapped_in_object(case: TypeCase) -> None:
    output = output_of(case.output)
    assert output.wrapped
    schema = schema_of(case.output)
    assert schema.keys() - {"$defs"} == {"type", "properties", "required", "additionalProperties"}
    assert schema["properties"].keys() == {"result"}
    assert schema["required"] == ["result"]
    assert schema["additionalProperties"] is False


@each_case
def test_schema_of_type_is_cached(case: TypeCase) -> None:
    assert output_of(case.output) is output_of(case.output)


def test_equal_types_share_cached_schema_and_different_types_do_not() -> None:
    assert output_of(list[Node]) is output_of(list[Node])
    assert output_of(list[Node]) is not output_of(list[Price])


def test_type_that_is_not_hashable_has_schema_and_its_answer_is_decoded() -> None:
    assert schema_of(Annotated[Node, {"custom": 1}]) == schema_of(Node)
    assert schema_of(Annotated[Book, {"custom": 1}]) == schema_of(Book)
    assert output_of(Annotated[Book, {"custom": 1}]).value({"title": "Emma", "price": 1}).title == "Emma"


# -- Definitions ---------------------------------------------------------------------------------------------------


@dataclass
class Pair:
    left: Node
    right: Node


@dataclass
class Large:
    __doc__ = LONG
    name: str


@dataclass
class LargeOnce:
    one: Large


@dataclass
class LargeTwice:
    one: Large
    other: Annotated[Large, msgspec.Meta(description="the second")]


class LargeModel(pydantic.BaseModel):
    __doc__ = LONG
    name: str


class LargeModelTwice(pydantic.BaseModel):
    one: LargeModel
    other: LargeModel


@dataclass
class Ping:
    pong: Pong | None


@dataclass
class Pong:
    ping: Ping | None
    price: Price


class TreeModel(pydantic.BaseModel):
    left: TreeModel | None = None
    right: TreeModel | None = None


def test_small_definition_is_inlined_at_each_use() -> None:
    schema = schema_of(Pair)
    assert "$defs" not in schema
    assert schema["properties"]["left"] == schema["properties"]["right"] == schema_of(Node)


def test_large_definition_that_is_used_once_is_inlined() -> None:
    schema = schema_of(LargeOnce)
    assert "$defs" not in schema
    assert schema["properties"]["one"]["properties"] == {"name": {"type": "string"}}


@pytest.mark.parametrize(("kind", "name"), [(LargeTwice, "Large"), (LargeModelTwice, "LargeModel")])
def test_large_definition_that_is_used_twice_is_not_inlined(kind: type, name: str) -> None:
    schema = schema_of(kind)
    assert schema["properties"]["one"]["$ref"] == schema["properties"]["other"]["$ref"] == f"#/$defs/{name}"
    assert len(json.dumps(schema["$defs"])) > MAX_INLINED
    assert schema["$defs"].keys() == {name}


def test_field_keeps_its_description_beside_reference() -> None:
    assert schema_of(LargeTwice)["properties"]["other"]["description"] == "the second"


@pytest.mark.parametrize(
    ("kind", "definitions"),
    [(Folder, {"Folder"}), (Chain, {"Chain"}), (Comment, {"Comment"}), (TreeModel, {"TreeModel"})],
)
def test_recursive_class_at_root_is_inlined_and_also_stays_in_definitions(kind: type, definitions: set[str]) -> None:
    schema = schema_of(kind)
    assert schema["$defs"].keys() == definitions
    assert schema["properties"] == next(iter(schema["$defs"].values()))["properties"]


def test_mutually_recursive_classes_stay_in_definitions_and_other_classes_are_inlined() -> None:
    schema = schema_of(Ping)
    assert schema["$defs"].keys() == {"Ping", "Pong"}
    assert schema["$defs"]["Pong"]["properties"]["price"] == schema_of(Price)


def test_definitions_of_wrapped_type_stay_at_root() -> None:
    schema = schema_of(list[Folder])
    assert schema["properties"]["result"] == {"type": "array", "items": {"$ref": "#/$defs/Folder"}}
    assert schema["$defs"].keys() == {"Folder"}
    assert fits(schema, {"result": [{"name": "/", "folders": [{"name": "etc"}]}]})
    assert not fits(schema, {"result": [{"name": "/", "folders": [{"name": 3}]}]})


@pytest.mark.parametrize("members", [2, 4])
def test_schema_of_deeply_nested_classes_stays_small(members: int) -> None:
    kind: type = Node
    for level in range(12):
        kind = dataclasses.make_dataclass(f"Level{level}", [(f"member{number}", kind) for number in range(members)])
    assert len(json.dumps(schema_of(kind))) < 20 * MAX_INLINED


# -- References in a user's own schema -----------------------------------------------------------------------------

LIST_OF_LISTS = {"type": "array", "items": {"anyOf": [{"$ref": "#"}, {"type": "integer"}]}}


def wrapped(schema: dict[str, Any]) -> Any:
    """Wrap a schema whose root is not an object, and return the wrapper's subschema for the field `result`."""
    sent = schema_of(schema)
    Draft202012Validator.check_schema(sent)
    return sent["properties"]["result"]


def test_reference_to_root_points_to_field_result_after_schema_is_wrapped() -> None:
    assert wrapped(LIST_OF_LISTS)["items"]["anyOf"][0] == {"$ref": "#/properties/result"}
    assert fits(schema_of(LIST_OF_LISTS), {"result": [1, [2, [3]]]})
    assert not fits(schema_of(LIST_OF_LISTS), {"result": [1, [2, ["3"]]]})


@pytest.mark.parametrize(
    ("reference", "moved"),
    [
        ("#", "#/properties/result"),
        ("#/items", "#/properties/result/items"),
        ("#/$defs/Name", "#/$defs/Name"),
        ("#/definitions/Name", "#/definitions/Name"),
        ("#name", "#name"),
        ("other.json#/items", "other.json#/items"),
    ],
)
@pytest.mark.parametrize(
    "place",
    ["items", "contains", "not", "if", "then", "else", "unevaluatedItems", "propertyNames", "contentSchema"],
)
def test_reference_still_points_to_its_target_after_schema_is_wrapped(reference: str, moved: str, place: str) -> None:
    assert wrapped({"type": "array", place: {"$ref": reference}})[place] == {"$ref": moved}


@pytest.mark.parametrize("place", ["properties", "patternProperties", "dependentSchemas"])
def test_reference_in_named_subschema_still_points_to_its_target_after_schema_is_wrapped(place: str) -> None:
    assert wrapped({"type": ["object", "null"], place: {"$ref": {"$ref": "#"}}})[place] == {
        "$ref": {"$ref": "#/properties/result"}
    }


def test_reference_in_definition_still_points_to_its_target_after_schema_is_wrapped() -> None:
    schema = {"type": "array", "items": {"$ref": "#/$defs/Inner"}, "$defs": {"Inner": {"anyOf": [True, {"$ref": "#"}]}}}
    assert schema_of(schema)["$defs"] == {"Inner": {"anyOf": [True, {"$ref": "#/properties/result"}]}}


def test_dict_with_key_ref_in_enum_default_or_examples_is_unchanged_after_schema_is_wrapped() -> None:
    schema = {
        "type": "array",
        "items": {"enum": [{"$ref": "#"}], "default": {"$ref": "#"}, "examples": [{"$ref": "#"}]},
    }
    assert wrapped(schema) == schema


def test_schema_with_keyword_id_is_unchanged_inside_its_wrapper() -> None:
    schema = {
        "$id": "https://example.com/list",
        "$defs": {"A": {"type": "integer"}},
        "type": "array",
        "items": {"$ref": "#"},
    }
    assert wrapped(schema) == schema


@pytest.mark.parametrize("inner", [True, False])
def test_subschema_that_is_true_or_false_is_unchanged_after_schema_is_wrapped(inner: bool) -> None:
    schema = {"type": "array", "items": {"properties": {"a": inner}, "anyOf": [inner]}, "contains": inner}
    assert wrapped(schema) == schema


def test_reference_at_root_is_replaced_by_its_definition() -> None:
    inner = {"type": "object", "properties": {"next": {"$ref": "#/$defs/Inner"}}}
    schema = {"$ref": "#/$defs/Outer", "$defs": {"Outer": {"$ref": "#/$defs/Inner"}, "Inner": inner}}
    assert schema_of(schema) == {**inner, "$defs": schema["$defs"]}


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#/$defs/A", "$defs": {"A": {"$ref": "#/$defs/A"}}},
        {"$ref": "#/$defs/A", "$defs": {"A": True}},
        {"$ref": "#/$defs/A"},
        {"$ref": "#/$defs/A", "required": ["b"], "$defs": {"A": {"type": "object", "required": ["a"]}}},
        {"$ref": "#/definitions/A", "definitions": {"A": {"type": "object"}}},
        {"$ref": 5, "type": "object"},
    ],
    ids=str,
)
def test_schema_is_wrapped_if_reference_at_root_cannot_be_replaced_by_its_definition(schema: dict[str, Any]) -> None:
    sent = schema_of(schema)
    assert "$ref" not in sent
    assert "$ref" in sent["properties"]["result"]


# -- Descriptions --------------------------------------------------------------------------------------------------


@attrs.define
class Described:
    """An attrs class.

    With a second paragraph.
    """

    plain: int
    from_attrs: int = attrs.field(metadata={"description": "by attrs"})
    from_meta: Annotated[int, msgspec.Meta(description="by msgspec")]
    not_text: int = attrs.field(metadata={"description": 5, "other": "x"})
    _hidden: int = attrs.field(default=1, metadata={"description": "by attrs, for a private field"})


@dataclass
class Holder:
    """A dataclass."""

    held: Described = dataclasses.field(metadata={"description": "by the dataclass"})
    many: list[Described] = dataclasses.field(default_factory=list, metadata={"description": "a list"})


def test_docstring_becomes_description_without_indentation() -> None:
    assert schema_of(Described)["description"] == "An attrs class.\n\nWith a second paragraph."


@pytest.mark.parametrize(
    ("kind", "path", "description"),
    [
        (Described, "properties from_attrs", "by attrs"),
        (Described, "properties from_meta", "by msgspec"),
        (Described, "properties _hidden", "by attrs, for a private field"),
        (Holder, "properties held", "by the dataclass"),
        (Holder, "properties many", "a list"),
        (Holder, "properties many items properties from_attrs", "by attrs"),
        (Holder, "properties many items", "An attrs class.\n\nWith a second paragraph."),
        (Node, "properties cpu", "percent, as shown on the page"),
        (Page[Node], "properties items items properties cpu", "percent, as shown on the page"),
        (Price, "properties amount", "in the shop's currency, without shipping"),
        (list[Price], "properties result items properties amount", "in the shop's currency, without shipping"),
        (dict[str, Price], "additionalProperties properties amount", "in the shop's currency, without shipping"),
        (
            tuple[int, Price],
            "properties result prefixItems 1 properties amount",
            "in the shop's currency, without shipping",
        ),
        (Price | None, "properties result anyOf 0 properties amount", "in the shop's currency, without shipping"),
        (Price | int | None, "properties result anyOf 0", "The price of an item."),
        (Order, "properties lines items properties amount", "in the shop's currency, without shipping"),
        (Cash | Transfer | None, "properties result anyOf 0 anyOf 1", "Paid from account to account."),
        (Rating, "properties stars", "the number of filled stars"),
        (Book, "properties price", "in the shop's currency"),
        (Book, "", "A book in a shop."),
        (Review, "", "A reader's review."),
        (Person, "", "A person."),
        (Track, "", "A piece of music."),
        (Described, "properties plain", None),
        (Described, "properties not_text", None),
    ],
)
def test_description_from_metadata_or_docstring_appears_in_schema(
    kind: Any, path: str, description: str | None
) -> None:
    schema: Any = schema_of(kind)
    for step in path.split():
        schema = schema[int(step)] if isinstance(schema, list) else schema[step]
    assert schema.get("description") == description


@pytest.mark.parametrize(
    ("kind", "part"),
    [
        (Rating, {"description": "the number of filled stars", "type": "integer", "minimum": 1, "maximum": 5}),
        (Review, {"maximum": 5, "minimum": 1, "title": "Stars", "type": "integer"}),
    ],
)
def test_constraints_of_field_appear_in_schema(kind: Any, part: dict[str, Any]) -> None:
    assert schema_of(kind)["properties"]["stars"] == part


def test_schema_of_date_or_datetime_has_keyword_format() -> None:
    placed = {"type": "string", "format": "date-time"}
    assert schema_of(Order)["properties"]["placed"] == placed
    assert schema_of(Order)["properties"]["day"] == {"type": "string", "format": "date"}
    mixed = schema_of(list[datetime] | Cash | Transfer)["properties"]["result"]["anyOf"]
    assert mixed[0] == {"type": "array", "items": placed}
    assert schema_of(list[datetime | int])["properties"]["result"]["items"]["anyOf"][0] == placed


@pytest.mark.parametrize(
    ("kind", "schema"),
    [
        (time, {"type": "string", "format": "time"}),
        (Annotated[time, msgspec.Meta(tz=False)], {"type": "string", "format": "partial-time"}),
        (Annotated[datetime, msgspec.Meta(tz=True)], {"type": "string", "format": "date-time"}),
        (
            Annotated[datetime, msgspec.Meta(tz=False)],
            {"type": "string", "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?$"},
        ),
    ],
    ids=str,
)
def test_schema_of_time_or_datetime_says_whether_utc_offset_is_required(kind: Any, schema: dict[str, Any]) -> None:
    assert schema_of(kind)["properties"]["result"] == schema


@pytest.mark.parametrize(
    ("key", "names"),
    [
        (str, None),
        (Annotated[str, msgspec.Meta(min_length=2)], {"minLength": 2}),
        (int, {"pattern": "^-?[0-9]+$"}),
        (Annotated[int, msgspec.Meta(ge=1)], {"pattern": "^-?[0-9]+$"}),
        (float, {"pattern": r"^-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$"}),
        (date, {"format": "date"}),
        (datetime, {"format": "date-time"}),
        (time, {"format": "time"}),
        (timedelta, {"format": "duration"}),
        (UUID, {"format": "uuid"}),
        (Decimal, {"pattern": r"^-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$"}),
        (Color, {"enum": ["red", "blue"]}),
        (Literal["a", "b"], {"enum": ["a", "b"]}),
        (Literal[1, 2], {"enum": ["1", "2"]}),
        (Annotated[time, msgspec.Meta(tz=False)], {"format": "partial-time"}),
    ],
    ids=str,
)
def test_schema_of_dict_describes_text_form_of_its_keys(key: Any, names: dict[str, Any] | None) -> None:
    schema = schema_of(types.GenericAlias(dict, (key, int)))
    assert schema.get("propertyNames") == names
    assert schema["additionalProperties"] == {"type": "integer"}


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


def test_schema_of_dict_of_pydantic_models_describes_text_form_of_its_keys() -> None:
    assert schema_of(dict[int, Book])["propertyNames"] == {"pattern": "^-?[0-9]+$"}
    assert schema_of(dict[date, Book])["propertyNames"] == {"format": "date"}
    assert schema_of(dict[Color, Book])["propertyNames"]["enum"] == ["red", "blue"]
    assert schema_of(dict[Level, Book])["propertyNames"]["enum"] == ["1", "2"]
    assert output_of(dict[Level, Book]).value({"1": BOOK}) == {Level.LOW: EMMA}
    assert "propertyNames" not in schema_of(dict[str, Book])


@pytest.mark.parametrize("kind", [pydantic.PositiveInt, Annotated[int, annotated_types.Gt(0)]])
def test_type_annotated_for_pydantic_is_read_by_pydantic(kind: Any) -> None:
    positive = {"type": "integer", "exclusiveMinimum": 0}
    assert schema_of(kind)["properties"]["result"] == positive
    assert schema_of(list[kind])["properties"]["result"]["items"] == positive
    positive_class = dataclasses.make_dataclass("Positive", [("number", kind)])
    assert schema_of(positive_class)["properties"]["number"] == {**positive, "title": "Number"}
    with pytest.raises(InvalidOutputError, match=r"at \$\.number: Input should be greater than 0; found 0"):
        output_of(positive_class).value({"number": 0})


# -- Fields with the names of schema keywords ----------------------------------------------------------------------

Keywords = TypedDict(
    "Keywords",
    {"$ref": str, "$defs": Node, "discriminator": Node, "properties": Node, "enum": list[Node], "anyOf": int},
)


class Keyed(pydantic.BaseModel):
    reference: str = pydantic.Field(alias="$ref")
    definitions: Review = pydantic.Field(alias="$defs")
    discriminator: Review
    properties: Review
    enum: list[Review]
    anyOf: int  # noqa: N815 — the name of a keyword of JSON Schema


@pytest.mark.parametrize(("kind", "inner"), [(Keywords, schema_of(Node)), (Keyed, schema_of(Review))])
@pytest.mark.parametrize("listed", [False, True])
def test_fields_may_have_names_of_schema_keywords(kind: Any, inner: dict[str, Any], listed: bool) -> None:
    schema = schema_of(list[kind] if listed else kind)
    Draft202012Validator.check_schema(schema)
    assert "$defs" not in schema
    properties = schema["properties"]["result"]["items"]["properties"] if listed else schema["properties"]
    assert properties.keys() == {"$ref", "$defs", "discriminator", "properties", "enum", "anyOf"}
    assert properties["discriminator"] == properties["properties"] == properties["enum"]["items"] == inner


class Cat(pydantic.BaseModel):
    kind: Literal["cat"]
    lives: int


class Dog(pydantic.BaseModel):
    kind: Literal["dog"]
    name: str


class Owner(pydantic.BaseModel):
    pet: Cat | Dog = pydantic.Field(discriminator="kind")


@pytest.mark.parametrize("kind", [Owner, Cash | Transfer, list[Cash | Transfer | int]])
def test_schema_of_tagged_union_lacks_openapi_keyword_discriminator(kind: Any) -> None:
    assert "discriminator" not in json.dumps(schema_of(kind))


def test_keyword_discriminator_stays_in_schema_that_user_passes() -> None:
    schema = {"type": "array", "items": {"discriminator": {"propertyName": "kind"}}}
    assert wrapped(schema) == schema


# -- Types that have no JSON Schema --------------------------------------------------------------------------------


class Foreign:
    """A class that neither msgspec nor pydantic can read."""


@dataclass
class WithForeign:
    part: list[Foreign]


@dataclass
class Unresolved:
    part: Nowhere  # type: ignore[name-defined]  # noqa: F821 — the test needs an undefined name


class UnresolvedModel(pydantic.BaseModel):
    part: Elsewhere  # type: ignore[name-defined]  # noqa: F821 — the test needs an undefined name


class UnresolvedTyped(TypedDict):
    part: list[Nowhere]  # type: ignore[name-defined]  # noqa: F821 — the test needs an undefined name


class WithComplex(NamedTuple):
    part: complex


@dataclass
class Mixed:
    book: Book
    price: Price


class Loose(pydantic.BaseModel, arbitrary_types_allowed=True):
    part: Price


class MadeForMsgspec(pydantic.BaseModel):
    number: Annotated[int, msgspec.Meta(ge=1)]


@attrs.define
class AttrsForPydantic:
    number: pydantic.PositiveInt


@dataclass
class InvalidSyntax:
    number: "not valid python!"  # type: ignore[valid-type]  # noqa: F722 — the test needs invalid syntax


@dataclass
class DividesByZero:
    number: "1/0"  # type: ignore[valid-type]  # noqa: UP037 — the annotation must be a text


@pytest.mark.parametrize(
    ("output", "part"),
    [
        (InvalidSyntax, "must be an expression"),
        (DividesByZero, "division by zero"),
        (AttrsForPydantic, "AttrsForPydantic"),
        (list[AttrsForPydantic], "in <class 'tests.unit.test_schema.AttrsForPydantic'>, "),
        (object, "<class 'object'>"),
        (list[object], "<class 'object'>"),
        (complex, "<class 'complex'>"),
        (Foreign, "Foreign"),
        (WithForeign, "Foreign"),
        (dict[str, WithForeign], "Foreign"),
        (WithComplex, "complex"),
        (Unresolved, "'Nowhere'"),
        (UnresolvedTyped, "'Nowhere'"),
        (UnresolvedModel, "'Elsewhere'"),
        (list[UnresolvedModel], "'Elsewhere'"),
        (Book | Price, "Price"),
        (Mixed, "Price"),
        (list[Mixed], "Price"),
        (Loose, "Price"),
    ],
    ids=str,
)
def test_type_that_has_no_json_schema_is_refused_and_error_names_unsupported_part(output: Any, part: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^output=.* cannot be expressed as a JSON Schema: ") as caught:
        output_of(output)
    assert part in str(caught.value).partition(": ")[2]
    assert caught.value.__cause__ is caught.value.__context__ is None
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "output",
    [
        MadeForMsgspec,
        list[MadeForMsgspec],
        Annotated[Book, msgspec.Meta(description="the best book")],
        list[Annotated[Book, msgspec.Meta(description="the best book")]],
        Annotated[list[Book], msgspec.Meta(min_length=1)],
    ],
    ids=str,
)
def test_msgspec_annotation_in_type_that_pydantic_reads_is_refused(output: Any) -> None:
    with pytest.raises(
        ConfigurationError, match=r"is read by pydantic, which ignores the annotation of .*msgspec\.Meta\("
    ):
        output_of(output)


def test_type_annotated_for_both_msgspec_and_pydantic_is_accepted() -> None:
    annotated = Annotated[int, msgspec.Meta(ge=1), pydantic.Field(ge=1)]
    assert schema_of(annotated)["properties"]["result"] == {"type": "integer", "minimum": 1}


def test_error_for_attrs_class_with_pydantic_annotation_recommends_msgspec_annotation() -> None:
    with pytest.raises(
        ConfigurationError, match=r"; if you replace pydantic's annotations by msgspec\.Meta, msgspec reads the type$"
    ):
        output_of(AttrsForPydantic)


def test_type_annotated_for_pydantic_is_refused_if_pydantic_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(ConfigurationError, match=r"needs pydantic: pip install 'anchor-webtask\[pydantic\]'$"):
        output_of(Annotated[int, annotated_types.Gt(-1)])


def test_type_that_contains_two_classes_of_same_name_is_refused() -> None:
    """If a notebook cell runs again, it defines its class a second time, but other classes still use the old class."""
    inner = dataclasses.make_dataclass("Named", [("number", int)])
    outer = dataclasses.make_dataclass("Named", [("inner", inner)])
    with pytest.raises(
        ConfigurationError, match=f"two different classes have the same name; rename one of them: {outer!r}$"
    ) as caught:
        output_of(outer)
    assert caught.value.__context__ is None


def test_refused_type_is_checked_again_at_next_use() -> None:
    """In a notebook, the user may define the missing class of a forward reference later, and try again."""
    module = types.ModuleType("notebook")
    sys.modules["notebook"] = module
    try:
        exec("import dataclasses\n@dataclasses.dataclass\nclass Early:\n    late: 'list[Late]'", vars(module))
        with pytest.raises(ConfigurationError, match="'Late' is not defined"):
            output_of(module.Early)
        exec("@dataclasses.dataclass\nclass Late:\n    number: int", vars(module))
        assert output_of(module.Early).value({"late": [{"number": 3}]}) == module.Early([module.Late(3)])
    finally:
        del sys.modules["notebook"]


Books = typing_extensions.TypeAliasType("Books", list[Book])


@dataclass
class HasBooks:
    books: Books


def test_pydantic_model_in_type_alias_is_found() -> None:
    books = schema_of(list[Book])["properties"]["result"]
    assert schema_of(Books)["properties"]["result"] == books
    assert schema_of(dict[str, Books])["additionalProperties"] == books
    assert schema_of(HasBooks)["properties"]["books"]["items"] == books["items"]


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the statement `type` needs Python 3.12")
def test_type_alias_may_contain_itself_if_its_schema_has_an_end() -> None:
    namespace: dict[str, Any] = {}
    exec("type Tree = dict[str, Tree] | int\ntype Only = Only\ntype Grow[T] = list[Grow[list[T]]] | T", namespace)
    tree = output_of(namespace["Tree"])
    assert fits(schema_of(namespace["Tree"]), {"result": {"a": {"b": 1}}})
    assert tree.value({"a": {"b": 1.0}}) == {"a": {"b": 1}}
    with pytest.raises(InvalidOutputError, match=r"at \$\.a\.b: Expected `int`"):
        tree.value({"a": {"b": "x"}})
    with pytest.raises(ConfigurationError, match="the alias Only contains nothing but itself"):
        output_of(namespace["Only"])
    with pytest.raises(ConfigurationError, match="a generic class contains itself, so the schema has no end"):
        output_of(namespace["Grow"][int])


def test_pydantic_model_is_found_among_many_other_classes() -> None:
    """The search must not skip a new object that has the `id()` of a freed object.

    Annotations that are text cause such ids: each search evaluates the text again, and gets new objects.
    """
    parts = [dataclasses.make_dataclass(f"Part{number}", [("numbers", "list[int]")]) for number in range(50)]
    holds = dataclasses.make_dataclass("Holds", [("books", "list[Book]")])
    for cls in (*parts, holds):
        cls.__module__ = __name__
    outer = dataclasses.make_dataclass("Outer", [*((cls.__name__.lower(), cls) for cls in (*parts, holds))])
    assert schema_of(outer)["properties"]["holds"]["properties"]["books"]["items"] == schema_of(Book)
