"""pydantic models and dataclasses, and containers of these, where pydantic is installed."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any, Final

import pydantic
import pydantic.json_schema

from anchor_webtask._errors import ConfigurationError
from anchor_webtask._output.mismatch import Mismatch, Step, at
from anchor_webtask._output.schema import NUMBER, WHOLE_NUMBER, Schema
from anchor_webtask._output.type_parts import annotated_for_msgspec, has_pydantic_part, unsupported

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic_core import ErrorDetails
    from pydantic_core.core_schema import DictSchema

_NUMBERS: Final = {"int": WHOLE_NUMBER, "float": NUMBER, "decimal": NUMBER}

MOST_WAYS: Final = 100
"""How many ways through an answer are tried, to find the one that a location of pydantic's means."""


class Schemas(pydantic.json_schema.GenerateJsonSchema):
    """Makes schemas as pydantic does, and says of a dict's keys also when they stand for numbers."""

    def dict_schema(self, schema: DictSchema) -> Schema:
        """Return the schema of a dict."""
        made = super().dict_schema(schema)
        keys: Any = schema.get("keys_schema", {"type": "any"})
        names: Schema | None = _NUMBERS.get(keys["type"])
        if keys["type"] == "enum":
            names = {"enum": [str(member.value) for member in keys["members"]]}
        return made if names is None else {**made, "propertyNames": names}


def schema_of(adapter: pydantic.TypeAdapter[Any]) -> Schema:
    """Return the schema of an adapter's type."""
    return adapter.json_schema(schema_generator=Schemas)


def adapter_of(kind: Any) -> pydantic.TypeAdapter[Any]:
    """Return what makes a type's schema and values.

    Raises:
        ConfigurationError: The type has a part that pydantic can't express.
    """
    adapter = _made(kind)
    if isinstance(adapter, str):
        hint = "" if has_pydantic_part(kind) else "; annotated by msgspec.Meta in place of that, msgspec reads it"
        raise unsupported(kind, lambda part: f"{made}{hint}" if isinstance(made := _made(part), str) else None)
    if (part := annotated_for_msgspec(kind)) is not None:
        raise ConfigurationError(
            f"output={kind!r} is read by pydantic, which doesn't know {part!r}: write that with pydantic.Field"
        )
    return adapter


def _made(kind: Any) -> pydantic.TypeAdapter[Any] | str:
    """Return what makes a type's schema and values, or why nothing does."""
    try:
        adapter = pydantic.TypeAdapter(kind)
        adapter.rebuild(raise_errors=True)  # names what a forward reference doesn't find
        schema_of(adapter)
    except Exception as error:  # noqa: BLE001  a type's own code and annotations may raise anything
        return str(error).partition("\n")[0] or type(error).__name__
    return adapter


def convert(adapter: pydantic.TypeAdapter[Any], value: Any) -> Any:
    """Return a value of the adapter's type made of JSON, or the `Mismatch` where the JSON is something else."""
    try:
        try:
            # As JSON: a strict model takes a date's text from there, and not from Python's text.
            return adapter.validate_json(json.dumps(value, ensure_ascii=False).encode())
        except pydantic.ValidationError as error:
            errors = error.errors(include_url=False, include_context=False)
        # Each alternative of a union has its errors: the one that came furthest says most.
        return max((_mismatch(value, each) for each in errors), key=lambda each: len(each.steps))
    except RecursionError as error:
        return Mismatch((), str(error), value)


def used_nothing(value: Any, answer: dict[str, Any]) -> bool:
    """Whether a value without one field of its schema in the answer takes nothing by any other name either."""
    while isinstance(value, pydantic.RootModel):
        value = value.root
    if not isinstance(value, pydantic.BaseModel):
        return True
    model = type(value)
    validators = model.__pydantic_decorators__.model_validators.values()
    if any(each.info.mode != "after" for each in validators):
        return value.model_fields_set.isdisjoint(model.model_fields)  # its own code looks at the answer first
    names = set(model.model_fields)
    for field in model.model_fields.values():
        aliases = field.validation_alias or field.alias
        for alias in aliases.choices if isinstance(aliases, pydantic.AliasChoices) else [aliases]:
            first = alias.path[0] if isinstance(alias, pydantic.AliasPath) else alias
            names |= {first} if isinstance(first, str) else set()
    return names.isdisjoint(answer)


def _mismatch(answer: Any, error: ErrorDetails) -> Mismatch:
    """Say where it is in the answer."""
    location, message = error["loc"], error["msg"]
    steps = _steps(answer, location, error["input"])
    found = at(answer, steps)
    if location and location[-1] == "[key]":
        return Mismatch(steps[:-1], f"{message}, as the key {json.dumps(steps[-1])}", at(answer, steps[:-1]))
    missing = location and isinstance(found, dict) and error["type"] == "missing"
    return Mismatch(steps, f"{message}: {location[-1]}" if missing else message, found)


def _steps(answer: Any, location: tuple[Step, ...], wrong: Any) -> tuple[Step, ...]:
    """Return the place in the answer that a location of pydantic's means.

    That also names alternatives of unions, which may be called like keys, and fields that are missing: it's the way to
    what pydantic says is wrong.
    """
    ways = list(itertools.islice(_ways(answer, location), MOST_WAYS))
    is_of_key = location[-1:] == ("[key]",)
    return next((way for way in ways if (way[-1:] == (wrong,) if is_of_key else at(answer, way) == wrong)), ways[0])


def _ways(answer: Any, location: tuple[Step, ...]) -> Iterator[tuple[Step, ...]]:
    """Yield each way through an answer that a location may mean, those that take more of its steps first."""
    pending: list[tuple[tuple[Step, ...], Any, int]] = [((), answer, 0)]
    while pending:
        steps, value, index = pending.pop()
        if index == len(location):
            yield steps
            continue
        step = location[index]
        pending.append((steps, value, index + 1))
        match value, step:
            case (dict(), _) if step in value:
                pending.append(((*steps, step), value[step], index + 1))
            case (list(), int()) if step < len(value):
                pending.append(((*steps, step), value[step], index + 1))
