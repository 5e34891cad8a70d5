"""Keys of answers: none is lost silently, and those that a TypedDict does not name are of the type that it gives."""

from __future__ import annotations

import datetime
import enum
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, NamedTuple, NotRequired
from uuid import UUID

import pydantic
import pytest
from typing_extensions import TypedDict

from anchor_webtask._output.schema import output_of
from tests.support.admitting import classes_with, is_admitted, read, refused

ID = "5f0c2f3e-7b3a-4a51-9d3e-0d6f3c6f6f11"


@pytest.mark.parametrize(
    ("kind", "keys"),
    [
        (dict[int, int], ["1", "01"]),
        (dict[float, int], ["1", "1.0"]),
        (dict[Decimal, int], ["1.0", "1.00"]),
        (dict[int | str, int], ["1", "01"]),
        (dict[UUID, int], [ID, ID.upper()]),
        (dict[datetime.datetime, int], ["2026-01-01T00:00:00Z", "2026-01-01T00:00:00+00:00"]),
    ],
)
def test_object_with_two_keys_for_the_same_value_is_refused(kind: Any, keys: list[str]) -> None:
    answer = dict.fromkeys(keys, 1)
    error = refused(list[kind], [answer])
    assert error.path == "$[0]"
    assert f'invalid key "{keys[1]}": another key stands for the same value' in str(error)
    assert len(read(kind, {keys[0]: 1})) == 1


@pytest.mark.parametrize("key", [int, float, Decimal])
def test_models_refuse_two_keys_for_the_same_number_too(key: Any) -> None:
    for cls in classes_with(dict[key, int]).values():
        error = refused(cls, {"part": {"1": 1, "01": 2}})
        assert error.path == "$.part"
        assert 'invalid key "01": another key stands for the same value' in str(error)
        assert read(cls, {"part": {"1": 1, "2": 2}}).part == {1: 1, 2: 2}


class Shop(TypedDict, extra_items=int):  # type: ignore[call-arg]  # mypy does not know it
    name: str


class Sub(Shop):
    count: NotRequired[int]


class Later(TypedDict, extra_items="list[Item]"):  # type: ignore[call-arg]  # mypy does not know it
    name: str


class Nothing(TypedDict, closed=True):
    name: str


class SubOfNothing(Nothing):
    pass


@dataclass
class Item:
    size: Decimal


@pytest.mark.parametrize("kind", [Shop, Annotated[Shop, pydantic.Field()]])
def test_other_keys_of_a_typeddict_have_the_type_of_its_extra_items(kind: Any) -> None:
    assert read(kind, {"name": "a", "x": 1.0}) == {"name": "a", "x": 1}
    assert refused(kind, {"name": "a", "x": "b"}).path == "$.x"
    assert is_admitted(kind, {"name": "a", "x": 1})
    assert not is_admitted(kind, {"name": "a", "x": "b"})


def test_extra_items_are_inherited_and_may_be_classes() -> None:
    assert read(Sub, {"name": "a", "count": 2, "x": 1.0}) == {"name": "a", "count": 2, "x": 1}
    assert refused(Sub, {"name": "a", "count": 2, "x": "c"}).path == "$.x"
    assert read(Later, {"name": "a", "x": [{"size": 1.5}]})["x"] == [Item(Decimal("1.5"))]
    assert output_of(Later).keeps_digits
    assert refused(Later, {"name": "a", "x": [{}]}).path == "$.x[0]"


@pytest.mark.parametrize("kind", [Nothing, SubOfNothing])
def test_closed_typeddict_has_no_other_keys(kind: Any) -> None:
    assert read(kind, {"name": "a"}) == {"name": "a"}
    assert "unknown field `x`" in str(refused(kind, {"name": "a", "x": 1}))
    assert not is_admitted(kind, {"name": "a", "x": 1})


# -- A NamedTuple in a model ---------------------------------------------------------------------------------------


class Sum(NamedTuple):
    amount: Decimal
    state: Color | None = None


class Color(enum.IntFlag):
    RED = 1
    BLUE = 2


class Bill(pydantic.BaseModel):
    sums: list[Sum]


def test_namedtuple_in_a_model_keeps_digits_as_a_list_and_as_an_object() -> None:
    number = "12345678901234567.89"
    for text in (f"[{number}]", f'{{"amount": {number}}}'):
        assert read(Bill, f'{{"sums": [{text}]}}').sums == [Sum(Decimal(number))]


def test_namedtuple_in_a_model_is_judged_as_a_list_and_as_an_object() -> None:
    assert read(Bill, {"sums": [[1, 3], {"amount": 1, "state": 3}]}).sums == [Sum(Decimal(1), Color(3))] * 2
    assert refused(Bill, {"sums": [[1, 4]]}).path == "$.sums[0][1]"
    assert refused(Bill, {"sums": [{"amount": 1, "state": 4}]}).path == "$.sums[0].state"
