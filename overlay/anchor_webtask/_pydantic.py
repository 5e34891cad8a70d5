"""pydantic models and dataclasses, and containers of these, where pydantic is installed."""

from __future__ import annotations

import functools
import json
import typing
from typing import TYPE_CHECKING, Any

import pydantic

from anchor_webtask._errors import ConfigurationError
from anchor_webtask._mismatch import Mismatch, Step, at

if TYPE_CHECKING:
    from anchor_webtask._schema import Schema


def knows(kind: Any) -> bool:
    """Whether a type is one that pydantic made, or has one as a part."""
    return _knows(kind, {})


def schema_of(kind: Any) -> Schema:
    """Return a type's JSON Schema.

    Raises:
        ConfigurationError: The type has a part that pydantic can't express.
    """
    try:
        adapter = _adapter(kind)
        adapter.rebuild(raise_errors=True)  # names what a forward reference doesn't find
        return adapter.json_schema()
    except (pydantic.errors.PydanticUserError, NameError, TypeError, RecursionError) as error:
        problem = str(error).partition("\n")[0]
    raise ConfigurationError(f"output={kind!r} can't be expressed as a JSON Schema: {problem}")


def convert(kind: Any, value: Any) -> Any:
    """Return a value of the type made of JSON, or the `Mismatch` where the JSON is something else."""
    try:
        # As JSON: a strict model takes a date's text from there, and not from Python's text.
        return _adapter(kind).validate_json(json.dumps(value, ensure_ascii=False).encode())
    except pydantic.ValidationError as error:
        errors = error.errors(include_url=False, include_context=False, include_input=False)
    except RecursionError as error:
        return Mismatch((), str(error), value)
    # Each alternative of a union has its errors: the one that came furthest says most.
    return max((_mismatch(value, each["loc"], each["msg"]) for each in errors), key=lambda each: len(each.steps))


def _adapter(kind: Any) -> pydantic.TypeAdapter[Any]:
    try:
        hash(kind)
    except TypeError:
        return pydantic.TypeAdapter(kind)  # it is annotated with something that can't be hashed
    return _kept(kind)


@functools.lru_cache(maxsize=256)
def _kept(kind: Any) -> pydantic.TypeAdapter[Any]:
    return pydantic.TypeAdapter(kind)


def _mismatch(answer: Any, location: tuple[Step, ...], message: str) -> Mismatch:
    """Say where it is in the answer: pydantic's location also names alternatives and fields that are missing."""
    steps: list[Step] = []
    value = answer
    for step in location:
        match value, step:
            case (dict(), _) if step in value:
                value = value[step]
            case (list(), int()) if step < len(value):
                value = value[step]
            case _:
                continue
        steps.append(step)
    if location and location[-1] == "[key]":
        wrong = steps.pop()
        return Mismatch(tuple(steps), f"{message}, as the key {json.dumps(wrong)}", at(answer, tuple(steps)))
    missing = location and isinstance(value, dict) and message == "Field required"
    return Mismatch(tuple(steps), f"{message}: {location[-1]}" if missing else message, value)


def _knows(kind: Any, seen: dict[int, Any]) -> bool:
    if id(kind) in seen:
        return False
    seen[id(kind)] = kind  # which keeps the id from going to another
    if hasattr(kind, "__pydantic_validator__"):
        return True
    parts = list(typing.get_args(kind))
    origin = typing.get_origin(kind) or kind
    if isinstance(origin, type) and not origin.__module__.startswith("builtins"):
        try:
            parts += typing.get_type_hints(origin, include_extras=True).values()
        except (NameError, TypeError, AttributeError):
            return False  # whoever makes the schema says what is wrong with it
    return any(_knows(part, seen) for part in parts)
