"""Classes in functions with annotations that are text, and classes that pydantic does not read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, TypedDict

import attrs
import msgspec
import pydantic
import pytest

from anchor_webtask import ConfigurationError
from anchor_webtask._output.schema import output_of
from tests.support.admitting import read, refused
from tests.support.type_cases import Book  # noqa: TC001  its use is an annotation that is read


def local_classes() -> list[Any]:
    @attrs.define
    class Tree:
        parts: list[Tree]
        size: int = 0

    attrs_tree: Any = Tree

    @dataclass
    class Branch:
        parts: list[Branch]
        size: int = 0

    class Twig(TypedDict):
        parts: list[Twig]  # type: ignore[misc]  # mypy knows no recursive types in functions

    class Leaf(NamedTuple):
        parts: list[Leaf]  # type: ignore[misc]  # mypy knows no recursive types in functions

    return [attrs_tree, Branch, Twig, Leaf]


def as_data(value: Any) -> Any:
    return [as_data(each) for each in (value["parts"] if isinstance(value, dict) else value.parts)]


@pytest.mark.parametrize("cls", local_classes())
def test_class_in_a_function_may_name_itself(cls: Any) -> None:
    assert as_data(read(cls, {"parts": [{"parts": []}, {"parts": [{"parts": []}]}]})) == [[], [[]]]
    assert refused(cls, {"parts": [{"parts": [3]}]}).path == "$.parts[0].parts[0]"


def test_subclass_in_a_function_may_name_its_base() -> None:
    @dataclass
    class Base:
        part: Base | None = None

    @dataclass
    class Sub(Base):
        more: Sub | None = None

    assert read(Sub, {"part": {}, "more": {"part": {"part": None}}}) == Sub(Base(), Sub(Base()))


def test_impossible_part_of_a_class_in_a_function_is_found() -> None:
    @dataclass
    class Holder:
        part: Holder | None
        items: set[list]  # type: ignore[type-arg]

    with pytest.raises(ConfigurationError, match="cannot hold a value of list, which has no hash"):
        output_of(Holder)


def test_classes_in_a_function_that_name_each_other_are_refused_with_advice() -> None:
    @dataclass
    class First:
        second: Second | None

    @dataclass
    class Second:
        first: First | None

    with pytest.raises(ConfigurationError) as caught:
        output_of(First)
    assert "name 'Second' is not defined" in str(caught.value)
    assert "define the class there, not in a function" in str(caught.value)


@attrs.define
class Shelf:
    book: Book


class Case(msgspec.Struct):
    book: Book


class Room(pydantic.BaseModel):
    model_config = {"arbitrary_types_allowed": True}
    shelf: Shelf


@pytest.mark.parametrize(("kind", "name"), [(Shelf, "Shelf"), (list[Case], "Case"), (Room, "Shelf")])
def test_class_that_pydantic_does_not_read_is_named_with_advice_that_can_be_followed(kind: Any, name: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        output_of(kind)
    assert "pydantic reads no attrs classes and Structs" in str(caught.value)
    assert f"make {name} a dataclass or a pydantic model, or use no pydantic in the type" in str(caught.value)
    assert "arbitrary_types_allowed" not in str(caught.value)
