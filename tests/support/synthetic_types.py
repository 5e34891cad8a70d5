"""Hypothesis strategies for synthetic types, and for values of these types."""

from __future__ import annotations

import dataclasses
import itertools
import json
from datetime import UTC, date, datetime, time
from decimal import Decimal
from types import GenericAlias, new_class
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypedDict, cast
from uuid import UUID

import attrs
import msgspec
import pydantic
from hypothesis import strategies as st

from tests.support.type_cases import Color

if TYPE_CHECKING:
    from collections.abc import Callable

TypeAndValues = tuple[Any, st.SearchStrategy[Any]]
"""A type, and a strategy for its values."""

NAMES = ["name", "value", "items", "properties", "enum", "discriminator", "type", "const", "required", "not_", "anyOf"]
SCALARS: list[TypeAndValues] = [
    (bool, st.booleans()),
    (int, st.integers(-(2**53), 2**53)),
    (float, st.floats(allow_nan=False, allow_infinity=False)),
    (str, st.text()),
    (date, st.dates()),
    (datetime, st.datetimes(timezones=st.just(UTC))),
    (Decimal, st.decimals(allow_nan=False, allow_infinity=False)),
    (time, st.times(timezones=st.just(UTC))),
    (bytes, st.text(st.characters(codec="ascii")).map(str.encode)),  # pydantic cannot write all bytes as JSON
    (UUID, st.uuids()),
    (Literal["a", "b", 3], st.sampled_from(["a", "b", 3])),
    (Literal["only"], st.just("only")),
    (Color, st.sampled_from(Color)),
]


OBJECT_MAKERS: list[Callable[[str, dict[str, Any]], Any]] = [
    lambda name, fields: dataclasses.make_dataclass(name, list(fields.items())),
    lambda name, fields: attrs.make_class(name, {each: attrs.field(type=kind) for each, kind in fields.items()}),
    lambda name, fields: msgspec.defstruct(name, list(fields.items())),
    lambda name, fields: new_class(name, (TypedDict,), {}, lambda body: body.update(__annotations__=fields)),
]
MAKERS: list[Callable[[str, dict[str, Any]], Any]] = [
    *OBJECT_MAKERS,
    lambda name, fields: new_class(
        name, (NamedTuple,), {}, lambda body: body.update(__annotations__=fields, __module__=__name__)
    ),
]
MODEL_MAKERS: list[Callable[[str, dict[str, Any]], Any]] = [
    lambda name, fields: pydantic.create_model(
        name, **{each: cast("Any", (kind, ...)) for each, kind in fields.items()}
    ),
]
numbers = itertools.count()
"""Numbers for unique names of classes: a schema cannot contain two classes with the same name."""


@st.composite
def classes(
    draw: st.DrawFn, inner: st.SearchStrategy[TypeAndValues], makers: list[Any], names: list[str]
) -> TypeAndValues:
    fields = draw(st.dictionaries(st.sampled_from(names), inner, min_size=1, max_size=4))
    cls = draw(st.sampled_from(makers))(f"Synthetic{next(numbers)}", {name: kind for name, (kind, _) in fields.items()})
    return cls, st.builds(cls, **{name: values for name, (_, values) in fields.items()})


@st.composite
def containers(draw: st.DrawFn, inner: st.SearchStrategy[TypeAndValues]) -> TypeAndValues:
    kind, values = draw(inner)
    match draw(st.sampled_from(["list", "dict", "tuple", "pair", "optional"])):
        case "list":
            return GenericAlias(list, kind), st.lists(values, max_size=3)
        case "dict":
            return GenericAlias(dict, (str, kind)), st.dictionaries(st.text(), values, max_size=3)
        case "tuple":
            return GenericAlias(tuple, (kind, ...)), st.lists(values, max_size=3).map(tuple)
        case "pair":
            other, more = draw(inner)
            return GenericAlias(tuple, (kind, other)), st.tuples(values, more)
        case _:
            return kind | None, st.none() | values


def classes_of(makers: list[Any], inner_makers: list[Any]) -> st.SearchStrategy[TypeAndValues]:
    """Return a strategy for classes; none has a field `result`: the client could mistake such a class for a wrapper."""
    parts: st.SearchStrategy[TypeAndValues] = st.recursive(
        st.sampled_from(SCALARS),
        lambda inner: containers(inner) | classes(inner, inner_makers, [*NAMES, "result"]),
        max_leaves=6,
    )
    return classes(parts, makers, NAMES)


_ROOTS = classes_of(OBJECT_MAKERS, MAKERS) | classes_of(MODEL_MAKERS, MODEL_MAKERS)
_TYPES: st.SearchStrategy[TypeAndValues] = (
    _ROOTS
    | _ROOTS.map(lambda root: (GenericAlias(list, root[0]), st.lists(root[1], max_size=3)))
    | _ROOTS.map(lambda root: (root[0] | None, st.none() | root[1]))
    | _ROOTS.map(lambda root: (GenericAlias(tuple, (root[0], int)), st.tuples(root[1], st.integers(0, 9))))
)


@st.composite
def types_with_values(draw: st.DrawFn) -> tuple[Any, Any]:
    """Draw a type that the argument `output` accepts, and a value of this type."""
    kind, values = draw(_TYPES)
    return kind, draw(values)


def json_of(value: Any) -> Any:
    """Return the JSON of an agent's answer that stands for this value of a synthetic type."""
    return json.loads(json.dumps(msgspec.to_builtins(_with_names(value))))


def _with_names(value: Any) -> Any:
    """Return a value with an object in place of each instance of a class, since a schema asks for names."""
    if isinstance(value, pydantic.BaseModel):
        return value.model_dump(mode="json")
    if (as_dict := getattr(value, "_asdict", None)) is not None:
        return _with_names(as_dict())
    if isinstance(value, msgspec.Struct) or attrs.has(type(value)) or dataclasses.is_dataclass(value):
        names = getattr(value, "__struct_fields__", None) or [each.name for each in _fields(value)]
        return {name: _with_names(getattr(value, name)) for name in names}
    if isinstance(value, dict):
        return {key: _with_names(each) for key, each in value.items()}
    return list(map(_with_names, value)) if isinstance(value, list | tuple) else value


def _fields(value: Any) -> Any:
    return attrs.fields(type(value)) if attrs.has(type(value)) else dataclasses.fields(value)
