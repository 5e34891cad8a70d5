"""The schema that a type becomes: what an agent can follow, and no less than the type says."""

from __future__ import annotations

import dataclasses
import enum
import json
import sys
import types
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, Optional, TypedDict
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
from anchor_webtask._output.decode import output_of
from anchor_webtask._output.schema import MAX_INLINED
from tests.support.kinds import (
    BOOK,
    EMMA,
    KINDS,
    OBJECTS,
    OTHERS,
    Book,
    Cash,
    Chain,
    Color,
    Comment,
    Folder,
    Kind,
    Node,
    Order,
    Page,
    Person,
    Price,
    Rating,
    Review,
    Track,
    Transfer,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

LONG = "What it is, at length. " * 50

each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


def schema_of(kind: Any) -> dict[str, Any]:
    schema = output_of(kind).schema
    assert schema is not None
    return schema


def references(schema: Any) -> Iterator[str]:
    """Yield all references in a schema whose fields have no such names."""
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


# -- All of them ---------------------------------------------------------------------------------------------------


@each_kind
def test_schema_is_valid_and_has_an_object_and_no_reference_at_its_root(kind: Kind) -> None:
    schema = schema_of(kind.output)
    Draft202012Validator.check_schema(schema)
    assert json.loads(json.dumps(schema)) == schema
    assert schema["type"] == "object"
    assert not {"$ref", "anyOf", "oneOf", "allOf", "enum", "const"} & schema.keys()


@each_kind
def test_all_references_lead_to_definitions_at_the_root_and_none_is_left_over(kind: Kind) -> None:
    schema = schema_of(kind.output)
    assert set(references(schema)) == {f"#/$defs/{name}" for name in schema.get("$defs", {})}


@each_kind
def test_only_what_is_recursive_is_a_definition(kind: Kind) -> None:
    definitions = schema_of(kind.output).get("$defs", {})
    assert bool(definitions) == ("recursive" in kind.name)
    for name, definition in definitions.items():
        assert f"#/$defs/{name}" in references(definition)


@each_kind
def test_answer_of_the_kind_fits_its_schema_and_others_do_not(kind: Kind) -> None:
    schema = schema_of(kind.output)
    as_asked = {"result": kind.answer} if output_of(kind.output).wrapped else kind.answer
    assert fits(schema, as_asked)
    assert not fits(schema, [as_asked])


@pytest.mark.parametrize("kind", OBJECTS, ids=lambda kind: kind.name)
def test_object_is_sent_as_it_is(kind: Kind) -> None:
    output = output_of(kind.output)
    assert not output.wrapped
    assert "result" not in schema_of(kind.output).get("properties", {}) or "result" in kind.answer


@pytest.mark.parametrize("kind", OTHERS, ids=lambda kind: kind.name)
def test_what_is_no_object_is_one_field_of_one(kind: Kind) -> None:
    output = output_of(kind.output)
    assert output.wrapped
    schema = schema_of(kind.output)
    assert schema.keys() - {"$defs"} == {"type", "properties", "required", "additionalProperties"}
    assert schema["properties"].keys() == {"result"}
    assert schema["required"] == ["result"]
    assert schema["additionalProperties"] is False


@each_kind
def test_schema_is_made_once_per_type(kind: Kind) -> None:
    assert output_of(kind.output) is output_of(kind.output)


def test_schemas_of_equal_types_are_made_once() -> None:
    assert output_of(list[Node]) is output_of(list[Node])
    assert output_of(list[Node]) is not output_of(list[Price])


def test_types_that_can_not_be_hashed_have_schemas_all_the_same() -> None:
    assert schema_of(Annotated[Node, {"ours": 1}]) == schema_of(Node)
    assert schema_of(Annotated[Book, {"ours": 1}]) == schema_of(Book)
    assert output_of(Annotated[Book, {"ours": 1}]).value({"title": "Emma", "price": 1}).title == "Emma"


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
    other: Annotated[Large, msgspec.Meta(description="the other one")]


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


def test_small_definition_is_written_out_where_it_is_used() -> None:
    schema = schema_of(Pair)
    assert "$defs" not in schema
    assert schema["properties"]["left"] == schema["properties"]["right"] == schema_of(Node)


def test_large_definition_that_is_used_once_is_written_out() -> None:
    schema = schema_of(LargeOnce)
    assert "$defs" not in schema
    assert schema["properties"]["one"]["properties"] == {"name": {"type": "string"}}


@pytest.mark.parametrize(("kind", "name"), [(LargeTwice, "Large"), (LargeModelTwice, "LargeModel")])
def test_large_definition_that_is_used_twice_stays_one(kind: type, name: str) -> None:
    schema = schema_of(kind)
    assert schema["properties"]["one"]["$ref"] == schema["properties"]["other"]["$ref"] == f"#/$defs/{name}"
    assert len(json.dumps(schema["$defs"])) > MAX_INLINED
    assert schema["$defs"].keys() == {name}


def test_description_stays_beside_a_reference() -> None:
    assert schema_of(LargeTwice)["properties"]["other"]["description"] == "the other one"


@pytest.mark.parametrize(
    ("kind", "definitions"),
    [(Folder, {"Folder"}), (Chain, {"Chain"}), (Comment, {"Comment"}), (TreeModel, {"TreeModel"})],
)
def test_recursive_root_is_written_out_and_stays_for_what_refers_to_it(kind: type, definitions: set[str]) -> None:
    schema = schema_of(kind)
    assert schema["$defs"].keys() == definitions
    assert schema["properties"] == next(iter(schema["$defs"].values()))["properties"]


def test_recursion_by_way_of_others_stays_under_definitions_and_the_rest_is_written_out() -> None:
    schema = schema_of(Ping)
    assert schema["$defs"].keys() == {"Ping", "Pong"}
    assert schema["$defs"]["Pong"]["properties"]["price"] == schema_of(Price)


def test_definitions_of_a_wrapped_type_stay_at_the_root() -> None:
    schema = schema_of(list[Folder])
    assert schema["properties"]["result"] == {"type": "array", "items": {"$ref": "#/$defs/Folder"}}
    assert schema["$defs"].keys() == {"Folder"}
    assert fits(schema, {"result": [{"name": "/", "folders": [{"name": "etc"}]}]})
    assert not fits(schema, {"result": [{"name": "/", "folders": [{"name": 3}]}]})


@pytest.mark.parametrize("members", [2, 4])
def test_classes_of_classes_do_not_grow_without_bounds(members: int) -> None:
    kind: type = Node
    for level in range(12):
        kind = dataclasses.make_dataclass(f"Level{level}", [(f"member{number}", kind) for number in range(members)])
    assert len(json.dumps(schema_of(kind))) < 20 * MAX_INLINED


# -- References of a schema that is given --------------------------------------------------------------------------

LIST_OF_LISTS = {"type": "array", "items": {"anyOf": [{"$ref": "#"}, {"type": "integer"}]}}


def wrapped(schema: dict[str, Any]) -> Any:
    """Return what a schema has become in the field that it has been put into."""
    sent = schema_of(schema)
    Draft202012Validator.check_schema(sent)
    return sent["properties"]["result"]


def test_reference_to_what_has_been_the_root_follows_it() -> None:
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
def test_reference_is_moved_with_what_it_leads_to(reference: str, moved: str, place: str) -> None:
    assert wrapped({"type": "array", place: {"$ref": reference}})[place] == {"$ref": moved}


@pytest.mark.parametrize("place", ["properties", "patternProperties", "dependentSchemas"])
def test_reference_under_a_name_is_moved(place: str) -> None:
    assert wrapped({"type": ["object", "null"], place: {"$ref": {"$ref": "#"}}})[place] == {
        "$ref": {"$ref": "#/properties/result"}
    }


def test_reference_in_a_definition_is_moved() -> None:
    schema = {"type": "array", "items": {"$ref": "#/$defs/Inner"}, "$defs": {"Inner": {"anyOf": [True, {"$ref": "#"}]}}}
    assert schema_of(schema)["$defs"] == {"Inner": {"anyOf": [True, {"$ref": "#/properties/result"}]}}


def test_values_that_look_like_references_stay() -> None:
    schema = {
        "type": "array",
        "items": {"enum": [{"$ref": "#"}], "default": {"$ref": "#"}, "examples": [{"$ref": "#"}]},
    }
    assert wrapped(schema) == schema


def test_schema_with_an_id_keeps_its_references_and_definitions() -> None:
    schema = {
        "$id": "https://example.com/list",
        "$defs": {"A": {"type": "integer"}},
        "type": "array",
        "items": {"$ref": "#"},
    }
    assert wrapped(schema) == schema


@pytest.mark.parametrize("inner", [True, False])
def test_schema_that_is_only_true_or_false_stays(inner: bool) -> None:
    schema = {"type": "array", "items": {"properties": {"a": inner}, "anyOf": [inner]}, "contains": inner}
    assert wrapped(schema) == schema


def test_root_reference_is_replaced_by_what_it_leads_to() -> None:
    inner = {"type": "object", "properties": {"next": {"$ref": "#/$defs/Inner"}}}
    schema = {"$ref": "#/$defs/Outer", "$defs": {"Outer": {"$ref": "#/$defs/Inner"}, "Inner": inner}}
    assert schema_of(schema) == {**inner, "$defs": schema["$defs"]}


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#/$defs/A", "$defs": {"A": {"$ref": "#/$defs/A"}}},
        {"$ref": "#/$defs/A", "$defs": {"A": True}},
        {"$ref": "#/$defs/A", "$defs": 5},
        {"$ref": "#/$defs/A"},
        {"$ref": "#/$defs/A", "required": ["b"], "$defs": {"A": {"type": "object", "required": ["a"]}}},
        {"$ref": "#/definitions/A", "definitions": {"A": {"type": "object"}}},
        {"$ref": 5, "type": "object"},
    ],
    ids=str,
)
def test_root_reference_that_nothing_can_stand_for_is_wrapped(schema: dict[str, Any]) -> None:
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
    of_attrs: int = attrs.field(metadata={"description": "by attrs"})
    of_meta: Annotated[int, msgspec.Meta(description="by msgspec")]
    of_nothing: int = attrs.field(metadata={"description": 5, "other": "x"})
    _hidden: int = attrs.field(default=1, metadata={"description": "by attrs, of a private name"})


@dataclass
class Holder:
    """A dataclass."""

    held: Described = dataclasses.field(metadata={"description": "by the dataclass"})
    many: list[Described] = dataclasses.field(default_factory=list, metadata={"description": "many of them"})


def test_docstrings_reach_the_schema_without_their_indentation() -> None:
    assert schema_of(Described)["description"] == "An attrs class.\n\nWith a second paragraph."


@pytest.mark.parametrize(
    ("kind", "path", "description"),
    [
        (Described, "properties of_attrs", "by attrs"),
        (Described, "properties of_meta", "by msgspec"),
        (Described, "properties _hidden", "by attrs, of a private name"),
        (Holder, "properties held", "by the dataclass"),
        (Holder, "properties many", "many of them"),
        (Holder, "properties many items properties of_attrs", "by attrs"),
        (Holder, "properties many items", "An attrs class.\n\nWith a second paragraph."),
        (Node, "properties cpu", "percent, as the page shows it"),
        (Page[Node], "properties items items properties cpu", "percent, as the page shows it"),
        (Price, "properties amount", "in the shop's currency, without shipping"),
        (list[Price], "properties result items properties amount", "in the shop's currency, without shipping"),
        (dict[str, Price], "additionalProperties properties amount", "in the shop's currency, without shipping"),
        (
            tuple[int, Price],
            "properties result prefixItems 1 properties amount",
            "in the shop's currency, without shipping",
        ),
        (Price | None, "properties result anyOf 0 properties amount", "in the shop's currency, without shipping"),
        (Price | int | None, "properties result anyOf 0", "What something costs."),
        (Order, "properties lines items properties amount", "in the shop's currency, without shipping"),
        (Cash | Transfer | None, "properties result anyOf 0 anyOf 1", "Paid from account to account."),
        (Rating, "properties stars", "as many as are filled"),
        (Book, "properties price", "in the shop's currency"),
        (Book, "", "A book in a shop."),
        (Review, "", "What a reader says."),
        (Person, "", "Somebody."),
        (Track, "", "A piece of music."),
        (Described, "properties plain", None),
        (Described, "properties of_nothing", None),
    ],
)
def test_description_reaches_the_schema(kind: Any, path: str, description: str | None) -> None:
    schema: Any = schema_of(kind)
    for step in path.split():
        schema = schema[int(step)] if isinstance(schema, list) else schema[step]
    assert schema.get("description") == description


@pytest.mark.parametrize(
    ("kind", "part"),
    [
        (Rating, {"description": "as many as are filled", "type": "integer", "minimum": 1, "maximum": 5}),
        (Review, {"maximum": 5, "minimum": 1, "title": "Stars", "type": "integer"}),
    ],
)
def test_constraints_reach_the_schema(kind: Any, part: dict[str, Any]) -> None:
    assert schema_of(kind)["properties"]["stars"] == part


def test_date_times_are_told_from_other_text() -> None:
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
def test_times_with_and_without_an_offset_are_told_apart(kind: Any, schema: dict[str, Any]) -> None:
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
def test_keys_that_are_more_than_text_are_said(key: Any, names: dict[str, Any] | None) -> None:
    schema = schema_of(types.GenericAlias(dict, (key, int)))
    assert schema.get("propertyNames") == names
    assert schema["additionalProperties"] == {"type": "integer"}


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


def test_keys_of_pydantics_dicts_are_said_as_well() -> None:
    assert schema_of(dict[int, Book])["propertyNames"] == {"pattern": "^-?[0-9]+$"}
    assert schema_of(dict[date, Book])["propertyNames"] == {"format": "date"}
    assert schema_of(dict[Color, Book])["propertyNames"]["enum"] == ["red", "blue"]
    assert schema_of(dict[Level, Book])["propertyNames"]["enum"] == ["1", "2"]
    assert output_of(dict[Level, Book]).value({"1": BOOK}) == {Level.LOW: EMMA}
    assert "propertyNames" not in schema_of(dict[str, Book])


@pytest.mark.parametrize("kind", [pydantic.PositiveInt, Annotated[int, annotated_types.Gt(0)]])
def test_annotations_for_pydantic_are_read_by_pydantic(kind: Any) -> None:
    positive = {"type": "integer", "exclusiveMinimum": 0}
    assert schema_of(kind)["properties"]["result"] == positive
    assert schema_of(list[kind])["properties"]["result"]["items"] == positive
    made = dataclasses.make_dataclass("Positive", [("number", kind)])
    assert schema_of(made)["properties"]["number"] == {**positive, "title": "Number"}
    with pytest.raises(InvalidOutputError, match=r"at \$\.number: Input should be greater than 0; found 0"):
        output_of(made).value({"number": 0})


# -- Names that mean something in a schema -------------------------------------------------------------------------

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
    anyOf: int  # noqa: N815 — JSON Schema's own name


@pytest.mark.parametrize(("kind", "inner"), [(Keywords, schema_of(Node)), (Keyed, schema_of(Review))])
@pytest.mark.parametrize("listed", [False, True])
def test_fields_with_names_of_keywords_do_no_harm(kind: Any, inner: dict[str, Any], listed: bool) -> None:
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
def test_keyword_that_json_schema_does_not_have_is_left_out(kind: Any) -> None:
    assert "discriminator" not in json.dumps(schema_of(kind))


def test_keyword_of_the_users_own_schema_stays() -> None:
    schema = {"type": "array", "items": {"discriminator": {"propertyName": "kind"}}}
    assert wrapped(schema) == schema


# -- What can't be expressed ---------------------------------------------------------------------------------------


class Foreign:
    """A class that no library knows."""


@dataclass
class WithForeign:
    part: list[Foreign]


@dataclass
class Unresolved:
    part: Nowhere  # type: ignore[name-defined]  # noqa: F821 — that's the point


class UnresolvedModel(pydantic.BaseModel):
    part: Elsewhere  # type: ignore[name-defined]  # noqa: F821 — that's the point


class UnresolvedTyped(TypedDict):
    part: list[Nowhere]  # type: ignore[name-defined]  # noqa: F821 — that's the point


class WithTuple(NamedTuple):
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
class WithInitVar:
    number: dataclasses.InitVar[int]


@dataclass
class WithWithInitVar:
    parts: list[WithInitVar]


@dataclass
class Counted:
    text: str
    length: int = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        self.length = len(self.text)


@dataclass
class NoPython:
    number: "not valid python!"  # type: ignore[valid-type]  # noqa: F722 — that's the point


@dataclass
class Divides:
    number: "1/0"  # type: ignore[valid-type]  # noqa: UP037 — that's the point


@pytest.mark.parametrize(
    ("output", "part"),
    [
        (NoPython, "must be an expression"),
        (Divides, "division by zero"),
        (list[WithWithInitVar], "in <class 'tests.unit.test_schema.WithInitVar'>, dataclasses with `InitVar`"),
        (Counted, "Counted'> does not accept its field length as an argument (init=False): give the field a default"),
        (dict[str, Counted], "in <class 'tests.unit.test_schema.Counted'>, "),
        (AttrsForPydantic, "AttrsForPydantic"),
        (list[AttrsForPydantic], "in <class 'tests.unit.test_schema.AttrsForPydantic'>, "),
        (3, "'3'"),
        (3.5, "'3.5'"),
        (True, "'True'"),
        (b"x", "'b'x''"),
        ([int], "int"),
        ({1}, "'{1}'"),
        (Node("web", 1.0), "Node(name='web', cpu=1.0)"),
        (..., "Ellipsis"),
        (object, "<class 'object'>"),
        (list[object], "<class 'object'>"),
        (complex, "<class 'complex'>"),
        (Foreign, "Foreign"),
        (WithForeign, "Foreign"),
        (dict[str, WithForeign], "Foreign"),
        (WithTuple, "complex"),
        (Price | Node, "Price | "),
        (list[Price | Node], "more than one dataclass or attrs type"),
        (Optional[list["Nobody"]], "Nobody"),  # type: ignore[name-defined]  # noqa: F821, UP045 — that's the point
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
def test_type_that_can_not_be_expressed_is_refused_with_the_part_named(output: Any, part: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^output=.* can't be expressed as a JSON Schema: ") as caught:
        output_of(output)
    assert part in str(caught.value).partition(": ")[2]
    assert caught.value.__cause__ is caught.value.__context__ is None
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "output",
    [
        MadeForMsgspec,
        list[MadeForMsgspec],
        Annotated[Book, msgspec.Meta(description="the best one")],
        list[Annotated[Book, msgspec.Meta(description="the best one")]],
        Annotated[list[Book], msgspec.Meta(min_length=1)],
    ],
    ids=str,
)
def test_annotation_for_msgspec_on_what_pydantic_reads_is_refused(output: Any) -> None:
    with pytest.raises(
        ConfigurationError, match=r"is read by pydantic, which ignores the annotation of .*msgspec\.Meta\("
    ):
        output_of(output)


def test_annotation_for_both_is_taken() -> None:
    both = Annotated[int, msgspec.Meta(ge=1), pydantic.Field(ge=1)]
    assert schema_of(both)["properties"]["result"] == {"type": "integer", "minimum": 1}


def test_annotations_that_an_attrs_class_has_no_reader_for_are_told_whose_they_should_be() -> None:
    with pytest.raises(
        ConfigurationError, match=r"; if you replace pydantic's annotations by msgspec\.Meta, msgspec reads the type$"
    ):
        output_of(AttrsForPydantic)


def test_without_pydantic_a_type_for_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(ConfigurationError, match=r"needs pydantic: pip install 'anchor-webtask\[pydantic\]'$"):
        output_of(Annotated[int, annotated_types.Gt(-1)])


def test_two_classes_of_one_name_are_refused() -> None:
    """A notebook's cell that was run twice leaves the older class in another."""
    inner = dataclasses.make_dataclass("Named", [("number", int)])
    outer = dataclasses.make_dataclass("Named", [("inner", inner)])
    with pytest.raises(
        ConfigurationError, match=f"two different classes have the same name, rename one of them: {outer!r}$"
    ) as caught:
        output_of(outer)
    assert caught.value.__context__ is None


def test_type_that_was_refused_is_looked_at_again() -> None:
    """What a forward reference names may have been written in the meantime, in a notebook."""
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
class OfBooks:
    books: Books


def test_pydantic_is_found_behind_an_alias() -> None:
    books = schema_of(list[Book])["properties"]["result"]
    assert schema_of(Books)["properties"]["result"] == books
    assert schema_of(dict[str, Books])["additionalProperties"] == books
    assert schema_of(OfBooks)["properties"]["books"]["items"] == books["items"]


@pytest.mark.skipif(sys.version_info < (3, 12), reason="aliases by `type` are of Python 3.12")
def test_an_alias_that_is_a_part_of_itself_is_refused_in_words() -> None:
    namespace: dict[str, Any] = {}
    exec("type Tree = dict[str, Tree] | int", namespace)
    with pytest.raises(
        ConfigurationError, match="an alias or a generic class contains itself, so the schema has no end"
    ):
        output_of(namespace["Tree"])


def test_pydantic_is_found_below_many_other_classes() -> None:
    """The annotations are text here, so each look makes them anew."""
    parts = [dataclasses.make_dataclass(f"Part{number}", [("numbers", "list[int]")]) for number in range(50)]
    holds = dataclasses.make_dataclass("Holds", [("books", "list[Book]")])
    for made in (*parts, holds):
        made.__module__ = __name__
    whole = dataclasses.make_dataclass("Whole", [*((made.__name__.lower(), made) for made in (*parts, holds))])
    assert schema_of(whole)["properties"]["holds"]["properties"]["books"]["items"] == schema_of(Book)
