"""An agent is asked for what the converter of an attrs field takes, if the converter's parameter is annotated."""

from __future__ import annotations

import abc
import functools
import os
from collections.abc import Iterable  # noqa: TC003  the converter's annotation is read at run time
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Generic, TypeVar

import attrs
import msgspec
import pydantic
import pytest

from anchor_webtask import ConfigurationError
from anchor_webtask._output.schema import output_of
from tests.support.admitting import is_admitted, read, refused
from tests.support.type_cases import Book

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.nowhere import Unknown  # type: ignore[import-not-found]  # pyright: ignore

TEXT = {"type": "string"}
TEXTS = {"type": "array", "items": TEXT}


def split(text: str) -> list[str]:
    return text.split(",")


def split_at(text: str, mark: str) -> list[str]:
    return text.split(mark)


def split_for(text: str, made: object, field: object) -> list[str]:
    assert made is not field
    return text.split(",")


def lowered(tags: Iterable[str]) -> list[str]:
    return [tag.lower() for tag in tags]


def as_path(path: str | os.PathLike[str]) -> str:
    return os.fspath(path)


def cents(euros: Annotated[float, msgspec.Meta(ge=0)]) -> int:
    return round(euros * 100)


def same(value: Any) -> Any:
    return value


def of_unknown(value: Unknown) -> list[str]:
    return list(value)


class Splitter:
    """A callable whose signature is that of a method."""

    def __call__(self, text: str) -> list[str]:
        return text.split(",")


class Money:
    """A class that no schema describes."""

    def __init__(self, amount: float) -> None:
        self.amount = amount

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Money) and other.amount == self.amount

    def __hash__(self) -> int:
        return hash(self.amount)

    @classmethod
    def parse(cls, text: str) -> Money:
        return cls(float(text))


class Shape(abc.ABC):
    @abc.abstractmethod
    def area(self) -> float: ...


class Square(Shape):
    def area(self) -> float:
        return 1.0


def shape(name: str) -> Shape:
    return {"square": Square}[name]()


def book(title: str) -> Book:
    return Book(title=title, price=1.0)


optional = attrs.converters.optional
pipe = attrs.converters.pipe


def class_with(kind: Any, converter: Any, **options: Any) -> Any:
    return attrs.make_class("Made", {"part": attrs.field(type=kind, converter=converter, **options)})


@pytest.mark.parametrize(
    ("kind", "converter", "schema", "answer", "value"),
    [
        (list[str], split, TEXT, "a,b", ["a", "b"]),
        (list[str], Splitter(), TEXT, "a,b", ["a", "b"]),
        (list[str], functools.partial(split_at, mark=";"), TEXT, "a;b", ["a", "b"]),
        (list[str], attrs.Converter(split_for, takes_self=True, takes_field=True), TEXT, "a,b", ["a", "b"]),
        (list[str], pipe(split, lowered), TEXT, "A,b", ["a", "b"]),
        (list[str], [split, lowered], TEXT, "A,b", ["a", "b"]),
        (list[str] | None, optional(split), {"anyOf": [TEXT, {"type": "null"}]}, "a,b", ["a", "b"]),
        (list[str] | None, optional(split), {"anyOf": [TEXT, {"type": "null"}]}, None, None),
        (list[str], lowered, TEXTS, ["A"], ["a"]),
        (int, cents, {"type": "number", "minimum": 0}, 0.5, 50),
        (Money, Money, {"type": "number"}, 3, Money(3.0)),
        (Money, Money.parse, TEXT, "3", Money(3.0)),
        (Book, book, TEXT, "Emma", Book(title="Emma", price=1.0)),
    ],
)
def test_agent_is_asked_for_what_the_converter_takes(
    kind: Any, converter: Any, schema: Any, answer: Any, value: Any
) -> None:
    cls = class_with(kind, converter)
    sent = output_of(cls).schema
    assert sent is not None
    assert sent["properties"]["part"] == schema
    assert is_admitted(cls, {"part": answer})
    assert read(cls, {"part": answer}).part == value
    assert refused(cls, {"part": {"x": 1}}).path == "$.part"


def test_abstract_class_that_a_converter_makes_is_no_obstacle() -> None:
    assert isinstance(read(class_with(Shape, shape), {"part": "square"}).part, Square)
    with pytest.raises(ConfigurationError, match="Shape'> is abstract"):
        output_of(class_with(Shape, same))


@pytest.mark.parametrize(
    "converter",
    [list, tuple, same, lambda tags: tags, attrs.converters.default_if_none(factory=list), pipe(), of_unknown, max],
)
def test_field_keeps_its_type_if_the_converter_has_no_annotation_that_says_more(converter: Callable[..., Any]) -> None:
    cls = class_with(list[str], converter)
    sent = output_of(cls).schema
    assert sent is not None
    assert sent["properties"]["part"] == TEXTS
    assert refused(cls, {"part": [1]}).path == "$.part[0]"


def test_field_keeps_its_type_if_the_converter_takes_what_no_json_is() -> None:
    assert read(class_with(str, as_path), {"part": "a/b"}).part == "a/b"
    assert refused(class_with(str, as_path), {"part": 3}).path == "$.part"


def test_constraints_of_the_field_stay_if_the_converter_takes_its_type() -> None:
    def rounded(amount: float) -> float:
        return round(amount, 2)

    limited = Annotated[float, msgspec.Meta(ge=0, description="without shipping")]
    assert "Expected `float` >= 0" in str(refused(class_with(limited, rounded), {"part": -1}))


def test_description_and_default_of_the_field_stay_with_the_type_that_the_converter_takes() -> None:
    kind = Annotated[list[str], msgspec.Meta(description="separated by commas", max_length=2)]
    cls = class_with(kind, split, default="x,y")
    sent = output_of(cls | None).schema
    assert sent is not None
    assert sent["properties"]["result"]["anyOf"][0]["properties"]["part"] == {
        "type": "string",
        "description": "separated by commas",
        "default": "x,y",
    }
    assert read(cls | None, {"part": "a,b,c"}).part == ["a", "b", "c"]


def test_class_may_be_a_part_of_what_its_converter_takes() -> None:
    assert read(Tree, {"parts": [{"parts": []}]}) == Tree([Tree([])])


def of_trees(parts: list[Tree]) -> tuple[Tree, ...]:
    return tuple(parts)


@attrs.define
class Tree:
    parts: tuple[Tree, ...] = attrs.field(converter=of_trees)


T = TypeVar("T")


def listed(items: Iterable[T]) -> list[T]:
    return list(items)


@attrs.define
class Page(Generic[T]):
    items: list[T] = attrs.field(converter=listed)


def test_field_of_generic_class_keeps_its_type_if_the_converter_takes_type_variables() -> None:
    assert read(Page[int], {"items": [1.0]}) == Page([1])
    assert refused(Page[int], {"items": ["x"]}).path == "$.items[0]"


def test_pydantic_is_told_what_a_validator_takes() -> None:
    takes_text = pydantic.BeforeValidator(split, json_schema_input_type=str)
    cls: Any = pydantic.create_model("Model", part=(Annotated[list[str], takes_text], ...))
    assert is_admitted(cls, {"part": "a,b"})
    assert read(cls, {"part": "a,b"}).part == ["a", "b"]


def test_number_that_a_converter_takes_keeps_its_digits() -> None:
    def half(amount: Decimal) -> float:
        return float(amount) / 2

    assert read(class_with(float, half), '{"part": 1.50}').part == 0.75
    assert read(class_with(Decimal, lambda each: each), '{"part": 1.50}').part.as_tuple().exponent == -2
