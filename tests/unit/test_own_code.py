"""Code of a type's own: an error in it is reported at its place, and fields that only the class sets are its own."""

from __future__ import annotations

import dataclasses
import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

import attrs
import pytest

from anchor_webtask import ConfigurationError
from anchor_webtask._output.schema import output_of
from tests.support.admitting import read, refused

if TYPE_CHECKING:
    from collections.abc import Callable


Lists: Any = list  # for type checkers, `list[cls]` is no type if `cls` is a variable
Dicts: Any = dict
Tuples: Any = tuple


def only_even(value: int) -> int:
    if value % 2:
        raise ValueError("odd numbers are not sold")
    return value


def known(value: int) -> str:
    return {2: "two"}[value]


def with_field(value: int, _: object) -> int:
    return only_even(value)


def optional_even(value: int | None) -> int | None:
    return None if value is None else only_even(value)


def fail(*_: object) -> NoReturn:
    raise ValueError("the sum is wrong")


def class_with(converter: Any) -> Any:
    return attrs.make_class("Made", {"first": attrs.field(converter=int), "second": attrs.field(converter=converter)})


@pytest.mark.parametrize(
    ("converter", "message"),
    [
        (only_even, "odd numbers are not sold"),
        (known, "the type's own code raised KeyError: 1"),
        (attrs.Converter(with_field, takes_field=True), "odd numbers are not sold"),
        (attrs.converters.pipe(int, only_even), "odd numbers are not sold"),
        (optional_even, "odd numbers are not sold"),
    ],
)
@pytest.mark.parametrize(
    ("kind_of", "answer_of", "place"),
    [
        (lambda cls: cls, lambda each: each, "$"),
        (lambda cls: Lists[cls], lambda each: [{"first": 1, "second": 2}, each], "$[1]"),
        (lambda cls: Dicts[str, cls], lambda each: {"a": each}, "$.a"),
        (lambda cls: Tuples[int, cls], lambda each: [1, each], "$[1]"),
        (
            lambda cls: attrs.make_class("Outer", {"in_it": attrs.field(type=cls)}),
            lambda each: {"in_it": each},
            "$.in_it",
        ),
    ],
)
def test_error_of_a_converter_is_at_its_field(
    converter: Any, message: str, kind_of: Callable[[Any], Any], answer_of: Callable[[Any], Any], place: str
) -> None:
    error = refused(kind_of(class_with(converter)), answer_of({"first": 1, "second": 1}))
    assert error.path == f"{place}.second"
    assert f"{message}; found 1" in str(error)


def test_error_of_another_part_of_the_class_is_at_the_object() -> None:
    @attrs.define
    class Sum:
        part: int = attrs.field(converter=int)

        def __attrs_post_init__(self) -> None:
            fail()

    taking_self = class_with(attrs.Converter(fail, takes_self=True))
    for cls, answer in ((Sum, {"part": 1}), (taking_self, {"first": 1, "second": 1})):
        error = refused(Lists[cls], [answer])
        assert error.path == "$[0]"
        assert "the sum is wrong" in str(error)


class Choosy(enum.Enum):
    ONE = 1

    @classmethod
    def _missing_(cls, value: object) -> NoReturn:
        raise KeyError(value)


@dataclass
class Careless:
    name: str

    def __post_init__(self) -> None:
        if self.name != "web":
            raise LookupError(self.name)


@pytest.mark.parametrize(
    ("kind", "answer", "path"),
    [
        (list[Choosy], [1, 2], "$[1]"),
        (list[Careless], [{"name": "web"}, {"name": "db"}], "$[1]"),
        (dict[str, Careless], {"a": {"name": "db"}}, "$.a"),
    ],
)
def test_any_error_of_own_code_is_reported_at_its_place(kind: Any, answer: Any, path: str) -> None:
    error = refused(kind, answer)
    assert error.path == path
    assert "the type's own code raised" in str(error)


def test_member_of_a_union_whose_own_code_fails_does_not_keep_another_from_fitting() -> None:
    @dataclass
    class Named:
        name: str

    assert read(Careless | Named, {"name": "db"}) == Named("db")


# -- Fields that are no arguments ----------------------------------------------------------------------------------


@attrs.define
class Counted:
    part: int
    count: int = attrs.field(init=False, default=7)


@attrs.define
class Doubled:
    part: int
    twice: int = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.twice = 2 * self.part


@attrs.define
class WithInit:
    part: int
    twice: int = attrs.field(init=False)

    def __init__(self, part: int) -> None:
        self.__attrs_init__(part)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
        self.twice = 2 * part


@dataclass
class Computed:
    part: int
    twice: int = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        self.twice = 2 * self.part


@dataclass
class Unset:
    part: int
    twice: int = dataclasses.field(init=False)


class Inheriting(Unset):
    def __init__(self, part: int) -> None:
        super().__init__(part)
        self.twice = 2 * part


@attrs.define
class UnsetInAttrs:
    part: int
    twice: int = attrs.field(init=False)


@attrs.define
class Sub(UnsetInAttrs):
    more: int = 1


@pytest.mark.parametrize("cls", [Counted, Doubled, WithInit, Computed, Inheriting])
def test_field_that_is_no_argument_is_not_asked_for_and_its_value_in_an_answer_is_ignored(cls: Any) -> None:
    sent = output_of(cls).schema
    assert sent is not None
    assert list(sent["properties"]) == ["part"]
    assert "twice" not in sent["required"]
    value = read(cls, {"part": 3, "twice": "x", "count": "x"})
    assert value.part == 3
    assert getattr(value, "twice", 6) == 6
    assert getattr(value, "count", 7) == 7


@pytest.mark.parametrize("cls", [Unset, UnsetInAttrs, Sub])
def test_class_with_a_field_that_nothing_sets_is_refused_before_the_start(cls: Any) -> None:
    for kind in (cls, list[cls]):
        with pytest.raises(ConfigurationError) as caught:
            output_of(kind)
        assert f"the field twice of {cls.__name__} has init=False and no default" in str(caught.value)
