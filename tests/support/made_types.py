"""Types that hypothesis makes, each with values of it."""

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

from tests.support.kinds import Color

if TYPE_CHECKING:
    from collections.abc import Callable

Made = tuple[Any, st.SearchStrategy[Any]]
"""A type, and what makes values of it."""

NAMES = ["name", "value", "items", "properties", "enum", "discriminator", "type", "const", "required", "not_", "anyOf"]
SCALARS: list[Made] = [
    (bool, st.booleans()),
    (int, st.integers(-(2**53), 2**53)),
    (float, st.floats(allow_nan=False, allow_infinity=False)),
    (str, st.text()),
    (date, st.dates()),
    (datetime, st.datetimes(timezones=st.just(UTC))),
    (Decimal, st.decimals(allow_nan=False, allow_infinity=False)),
    (time, st.times(timezones=st.just(UTC))),
    (bytes, st.text(st.characters(codec="ascii")).map(str.encode)),  # of others, pydantic makes no JSON
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
"""Different classes have different names."""


@st.composite
def classes(draw: st.DrawFn, inner: st.SearchStrategy[Made], makers: list[Any], names: list[str]) -> Made:
    fields = draw(st.dictionaries(st.sampled_from(names), inner, min_size=1, max_size=4))
    made = draw(st.sampled_from(makers))(f"Made{next(numbers)}", {name: kind for name, (kind, _) in fields.items()})
    return made, st.builds(made, **{name: values for name, (_, values) in fields.items()})


@st.composite
def containers(draw: st.DrawFn, inner: st.SearchStrategy[Made]) -> Made:
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


def classes_of(makers: list[Any], inner_makers: list[Any]) -> st.SearchStrategy[Made]:
    """Make classes: what they are and aren't can be told apart also where an answer is wrapped."""
    parts: st.SearchStrategy[Made] = st.recursive(
        st.sampled_from(SCALARS),
        lambda inner: containers(inner) | classes(inner, inner_makers, [*NAMES, "result"]),
        max_leaves=6,
    )
    return classes(parts, makers, NAMES)


@st.composite
def types_with_values(draw: st.DrawFn) -> tuple[Any, Any]:
    """Make a type that can be an `output`, and a value of it."""
    roots = classes_of(OBJECT_MAKERS, MAKERS) | classes_of(MODEL_MAKERS, MODEL_MAKERS)
    kind, values = draw(
        roots
        | roots.map(lambda made: (GenericAlias(list, made[0]), st.lists(made[1], max_size=3)))
        | roots.map(lambda made: (made[0] | None, st.none() | made[1]))
        | roots.map(lambda made: (GenericAlias(tuple, (made[0], int)), st.tuples(made[1], st.integers(0, 9))))
    )
    return kind, draw(values)


def json_of(value: Any) -> Any:
    """Return what an agent would answer for a value that was made."""
    return json.loads(json.dumps(msgspec.to_builtins(value, enc_hook=lambda part: part.model_dump(mode="json"))))
