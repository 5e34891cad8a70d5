"""Sets as `output`: items become values before the set is made, and a set that cannot hold its items is refused."""

from __future__ import annotations

import collections.abc
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple, NewType, TypedDict

import attrs
import msgspec
import pydantic
import pytest

from anchor_webtask import ConfigurationError
from anchor_webtask._output.schema import output_of
from tests.support.admitting import is_admitted, read, refused


class Place(NamedTuple):
    row: int


class Row(NamedTuple):
    cells: list[int]


class Cell(msgspec.Struct, frozen=True, array_like=True):
    row: int


class Named(msgspec.Struct, frozen=True):
    row: int


class Same(msgspec.Struct, eq=False):
    row: int


class Open(msgspec.Struct):
    row: int


@attrs.frozen
class Frozen:
    row: int


@attrs.define
class Changing:
    row: int


@dataclass(frozen=True)
class Holder:
    cells: list[int]


class Model(pydantic.BaseModel):
    row: int


class FrozenModel(pydantic.BaseModel, frozen=True):
    row: int


class Keys(TypedDict):
    row: int


Rows = NewType("Rows", list[int])

Sets: Any = set  # for type checkers, `set[item]` is no type if `item` is a variable


def set_of(item: Any) -> Any:
    return Sets[item]


ITEMS: list[tuple[Any, Any, Any]] = [
    (Place, {"row": 1.0}, Place(1)),
    (Place, [1], Place(1)),
    (Cell, {"row": 1}, Cell(1)),
    (Named, {"row": 1.0}, Named(1)),
    (Frozen, {"row": 1}, Frozen(1)),
    (tuple[int, str], [1.0, "a"], (1, "a")),
    (tuple[int, ...], [1.0, 2], (1, 2)),
    (frozenset[int], [1.0, 2], frozenset({1, 2})),
    (tuple[Place, frozenset[Place]], [{"row": 1}, [{"row": 2}]], (Place(1), frozenset({Place(2)}))),
]


@pytest.mark.parametrize(("item", "answer", "value"), ITEMS)
@pytest.mark.parametrize("made", [set, frozenset])
def test_items_become_values_before_the_set_is_made(made: Any, item: Any, answer: Any, value: Any) -> None:
    assert read(made[item], [answer]) == made({value})
    assert type(read(made[item], [answer])) is made


@pytest.mark.parametrize(("item", "answer", "value"), ITEMS)
def test_items_become_values_in_a_field(item: Any, answer: Any, value: Any) -> None:
    kind = set_of(item)
    for cls in (attrs.make_class("Made", {"part": attrs.field(type=kind)}), msgspec.defstruct("S", [("part", kind)])):
        assert read(cls, {"part": [answer]}).part == {value}


def test_what_the_schema_of_a_set_admits_fits() -> None:
    admitted = [(item, answer) for item, answer, _ in ITEMS if is_admitted(set_of(item), [answer])]
    assert len(admitted) == len(ITEMS) - 1  # the schema asks for a NamedTuple as an object
    for item, answer in admitted:
        assert len(read(set_of(item), [answer])) == 1


def test_length_of_a_set_is_that_of_the_list_received() -> None:
    limited = Annotated[set[Place], msgspec.Meta(min_length=2)]
    assert read(limited, [{"row": 1}, {"row": 2}]) == {Place(1), Place(2)}
    assert "of length >= 2" in str(refused(limited, [{"row": 1}]))


def test_wrong_item_is_named() -> None:
    assert refused(set[Place], [{"row": 1}, {"row": "x"}]).path == "$[1].row"


@pytest.mark.parametrize(
    ("kind", "answer"), [(set, [[1]]), (set[Any], [{"a": 1}]), (frozenset[Holder], [{"cells": [1]}])]
)
def test_answer_whose_items_have_no_hash_is_refused_in_words_of_this_package(kind: Any, answer: Any) -> None:
    error = refused(kind, answer)
    made = "frozenset" if kind == frozenset[Holder] else "set"
    assert f"Expected items of a {made}, which neither are nor contain lists or objects" in str(error)
    assert error.path == "$"


@pytest.mark.parametrize(
    ("item", "named"),
    [
        (list[int], "list[int]"),
        (dict[str, int], "dict[str, int]"),
        (set[int], "set[int]"),
        (bytearray, "bytearray"),
        (collections.abc.Sequence[int], "collections.abc.Sequence[int]"),
        (int | list[int], "list[int]"),
        (tuple[int, list[str]], "list[str]"),
        (Annotated[list[int], msgspec.Meta(min_length=1)], "list[int]"),
        (Rows, "list[int]"),
        (Row, "list[int]"),
        (Keys, "Keys"),
        (Open, "Open"),
        (Changing, "Changing"),
        (Model, "Model"),
    ],
)
def test_set_that_cannot_hold_its_items_is_refused_before_the_start(item: Any, named: str) -> None:
    for kind in (set_of(item), set_of(item) | None, attrs.make_class("Made", {"part": attrs.field(type=set_of(item))})):
        with pytest.raises(ConfigurationError) as caught:
            output_of(kind)
        assert f"cannot hold a value of {named}, which has no hash: write list[…]" in str(caught.value)
        assert (f", or make {named} frozen" in str(caught.value)) == (named in {"Open", "Changing", "Model"})


def test_set_of_values_with_a_hash_is_no_mistake() -> None:
    for item in (Same, FrozenModel, Holder, bool, Frozen | None, tuple[()]):
        assert output_of(set_of(item)).schema is not None
