"""A union of classes with a `Literal` field each: an error names the tags of all, or the field of the class meant."""

from __future__ import annotations

from typing import Any, Literal, TypedDict

import attrs
import msgspec
import pydantic
import pytest

from anchor_webtask import ConfigurationError
from anchor_webtask._output.schema import output_of
from tests.support.admitting import read, refused


class Cat(msgspec.Struct):
    currency: Literal["EUR", "USD"]
    kind: Literal["cat"]
    lives: int = 9


@attrs.define
class Dog:
    currency: Literal["EUR", "USD"]
    kind: Literal["dog", "wolf"]
    names: list[str]


class Fish(TypedDict):
    currency: Literal["EUR", "USD"]
    kind: Literal["fish"]


class CatModel(pydantic.BaseModel):
    kind: Literal["cat"]


class DogModel(pydantic.BaseModel):
    kind: Literal["dog"]


class FishModel(pydantic.BaseModel):
    kind: Literal["dog", "fish"]


@pytest.mark.parametrize("kind", [Cat | Dog | Fish, Dog | Cat | Fish | None])
def test_unknown_tag_is_refused_with_the_tags_of_all_members(kind: Any) -> None:
    for tag in ("cow", 3, None):
        error = refused(kind, {"currency": "EUR", "kind": tag})
        assert error.path == "$.kind"
        assert "expected one of" in str(error)
        assert all(f'"{each}"' in str(error) for each in ("cat", "dog", "wolf", "fish"))


def test_error_is_that_of_the_class_whose_tag_the_object_has() -> None:
    for members in (Cat | Dog, Dog | Cat):
        assert refused(members, {"currency": "EUR", "kind": "cat", "lives": "many"}).path == "$.lives"
        assert refused(members, {"currency": "EUR", "kind": "wolf", "names": 3}).path == "$.names"
        assert "missing required field `names`" in str(refused(members, {"currency": "EUR", "kind": "dog"}))
        assert refused(members, {"currency": "GBP", "kind": "cat"}).path == "$.currency"
        assert read(members, {"currency": "EUR", "kind": "dog", "names": []}) == Dog("EUR", "dog", [])


def test_object_without_a_tag_lacks_a_field() -> None:
    assert "missing required field" in str(refused(Cat | Dog, {"currency": "EUR"}))


def test_unknown_tag_of_models_is_refused_with_the_tags_of_all() -> None:
    error = refused(CatModel | DogModel | FishModel, {"kind": "cow"})
    assert error.path == "$.kind"
    assert "Input should be 'cat' or 'dog' or 'dog' or 'fish'; found" in str(error)


def test_type_adapter_is_no_type() -> None:
    adapter: Any = pydantic.TypeAdapter(int)
    with pytest.raises(ConfigurationError, match="not a TypeAdapter: pass the type itself, from which it was made"):
        output_of(adapter)
