"""Types and schemas that nothing fits, and defaults and limits that no schema holds, are refused before the start."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

import attrs
import msgspec
import pydantic
import pytest

from anchor_webtask import ConfigurationError, JsonSchema
from anchor_webtask._output.schema import output_of
from tests.support.admitting import classes_with, read


def message(kind: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        output_of(kind)
    return str(caught.value)


NUMBERS: list[tuple[type, dict[str, Any], str]] = [
    (int, {"ge": 5, "le": 3}, "no whole number is at least 5 and at most 3"),
    (int, {"gt": 1, "lt": 2}, "no whole number is above 1 and below 2"),
    (int, {"gt": 1, "le": 1}, "no whole number is above 1 and at most 1"),
    (int, {"ge": 1, "lt": 1}, "no whole number is at least 1 and below 1"),
    (int, {"ge": 11, "le": 19, "multiple_of": 10}, "no whole number that is a multiple of 10 is at least 11"),
    (float, {"ge": 5.5, "le": 3}, "no number is at least 5.5 and at most 3"),
    (float, {"gt": 1, "lt": 1}, "no number is above 1 and below 1"),
    (float, {"ge": 0.15, "lt": 0.2, "multiple_of": 0.1}, "no number that is a multiple of 0.1 is at least 0.15"),
]
LENGTHS: list[Any] = [str, list[int], set[int], tuple[int, ...], dict[str, int]]


@pytest.mark.parametrize(("base", "limits", "problem"), NUMBERS)
@pytest.mark.parametrize("meta", [msgspec.Meta, pydantic.Field])
def test_number_whose_limits_contradict_each_other_is_refused(
    meta: Any, base: Any, limits: dict[str, Any], problem: str
) -> None:
    kind = Annotated[base, meta(**limits)]
    assert problem in message(kind)
    assert f"in Made.part, {problem}" in message(list[attrs_class(kind)] if meta is msgspec.Meta else model(kind))  # type: ignore[misc]


def attrs_class(kind: Any) -> Any:
    return attrs.make_class("Made", {"part": attrs.field(type=kind)})


def model(kind: Any) -> Any:
    return list[pydantic.create_model("Made", part=(kind, ...))]  # type: ignore[misc]


@pytest.mark.parametrize("kind", LENGTHS)
@pytest.mark.parametrize("meta", [msgspec.Meta, pydantic.Field])
def test_length_whose_limits_contradict_each_other_is_refused(meta: Any, kind: Any) -> None:
    problem = "the least length, 5, is larger than the largest, 3"
    assert problem in message(Annotated[kind, meta(min_length=5, max_length=3)])


@pytest.mark.parametrize(
    "kind",
    [
        Annotated[int, msgspec.Meta(ge=3, le=3)],
        Annotated[int, msgspec.Meta(gt=1, lt=3)],
        Annotated[int, msgspec.Meta(ge=10, le=19, multiple_of=10)],
        Annotated[int, msgspec.Meta(gt=-3, lt=-1)],
        Annotated[float, msgspec.Meta(gt=1, lt=1.1)],
        Annotated[float, msgspec.Meta(ge=0.3, le=0.3, multiple_of=0.1)],
        Annotated[str, msgspec.Meta(min_length=3, max_length=3)],
        Annotated[list[int], msgspec.Meta(max_length=0)],
        Annotated[int, pydantic.Field(ge=3, le=3)],
    ],
)
def test_limits_that_something_fits_are_no_mistake(kind: Any) -> None:
    assert output_of(kind).schema is not None


def test_part_that_nothing_fits_is_refused_wherever_it_is() -> None:
    empty = Annotated[int, msgspec.Meta(ge=5, le=3)]
    kinds: list[Any] = [list[empty], dict[str, empty | None], tuple[str, empty], str | empty, attrs_class(empty) | None]
    for kind in kinds:
        assert "no whole number is at least 5 and at most 3" in message(kind)


# -- Classes without end -------------------------------------------------------------------------------------------


@dataclass
class Endless:
    rest: Endless


class Left(msgspec.Struct):
    right: Right


class Right(NamedTuple):
    left: tuple[int, Left]


class EndlessModel(pydantic.BaseModel):
    rest: EndlessModel


class AtLeastOne(msgspec.Struct):
    parts: Annotated[list[AtLeastOne], msgspec.Meta(min_length=1)]


class Union(msgspec.Struct):
    rest: Union | Endless


@pytest.mark.parametrize("kind", [Endless, Left, Right, EndlessModel, AtLeastOne, Union])
def test_class_that_contains_itself_without_end_is_refused(kind: Any) -> None:
    for each in (kind, list[kind], kind | None):
        assert "contains itself without end" in message(each)


class Ending(msgspec.Struct):
    parts: list[Ending]
    by_name: dict[str, Ending]
    last: Ending | int
    kept: Ending | None = None
    pair: tuple[Ending, int] | None = None


class EndingModel(pydantic.BaseModel):
    parts: list[EndingModel]
    rest: EndingModel | None


def test_class_that_may_end_is_no_mistake() -> None:
    assert read(Ending, {"parts": [], "by_name": {}, "last": 1}) == Ending([], {}, 1)
    assert read(EndingModel, {"parts": [], "rest": None}).parts == []


# -- Schemas of users ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        ({"not": {}}, 'at $: "not" excludes everything'),
        ({"not": True}, 'at $: "not" excludes everything'),
        ({"enum": []}, "at $: the list of values is empty"),
        ({"type": "integer", "minimum": 5, "maximum": 3}, "at $: no whole number is at least 5 and at most 3"),
        ({"type": "array", "minItems": 5, "maxItems": 3}, "at $: the least length, 5, is larger than the largest, 3"),
        (
            {"type": "object", "properties": {"a": {"enum": []}}, "required": ["a"]},
            "at $.a: the list of values is empty",
        ),
        (
            {"type": "object", "properties": {"a": False}, "required": ["a"]},
            "at $.a: the schema false excludes everything",
        ),
    ],
)
def test_schema_that_nothing_fits_is_refused(schema: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        JsonSchema(schema)
    assert f"no answer can fit output {problem}" in str(caught.value)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {"a": {"not": {}}}},
        {"type": "object", "properties": {"a": False}, "required": ["b"]},
        {"type": "array", "items": {"enum": []}},
        {"type": "array", "items": False},
        {"minimum": 5, "maximum": 3},
        {"not": {"type": "string"}},
        {"enum": [0]},
    ],
)
def test_schema_that_something_fits_is_no_mistake(schema: dict[str, Any]) -> None:
    assert JsonSchema(schema).schema == schema


# -- Defaults and limits that no schema holds ----------------------------------------------------------------------


class SomeClass:
    pass


class Priced(pydantic.BaseModel):
    price: float = math.inf


@attrs.define
class PricedInAttrs:
    name: str
    price: float = math.inf


@dataclass
class OfClass:
    price: Any = SomeClass


class OfStruct(msgspec.Struct):
    price: Any = SomeClass


@pytest.mark.parametrize("cls", [Priced, PricedInAttrs, OfClass, OfStruct])
def test_default_that_is_no_json_is_named_with_its_field_and_class(cls: Any) -> None:
    value = "inf" if cls in (Priced, PricedInAttrs) else repr(SomeClass)
    problem = f"the default of the field price, {value}, is not JSON: use a finite number"
    assert message(cls).startswith(f"output={cls!r} ")
    assert problem in message(cls)
    assert f"in {cls!r}, {problem}" in message(list[cls])
    assert "or a factory, whose values are not sent" in message(cls)


def test_default_of_a_factory_may_be_anything() -> None:
    cls = attrs.make_class("Made", {"part": attrs.field(type=float, factory=lambda: math.inf)})
    assert read(cls | None, {"part": 1}).part == 1
    assert cls().part == math.inf


@pytest.mark.parametrize(
    ("limit", "meant"),
    [
        ({"ge": 1.2}, "ge=2"),
        ({"lt": 1.2}, "lt=2"),
        ({"gt": 1.2}, "gt=1"),
        ({"le": -1.2}, "le=-2"),
        ({"ge": 3.0}, "ge=3"),
    ],
)
def test_limit_of_an_int_that_is_no_int_is_named_with_its_field_and_class(limit: dict[str, float], meant: str) -> None:
    name, number = next(iter(limit.items()))
    meta: Any = msgspec.Meta
    kind = Annotated[int, meta(**limit)]
    problem = f"the limit {name}={number!r} of an int is no int: write {meant}"
    for library, cls in classes_with(kind).items():
        if library != "pydantic":
            assert f"in {cls!r}, in the field part, {problem}" in message(list[cls])  # type: ignore[valid-type]
