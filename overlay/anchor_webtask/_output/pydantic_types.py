"""Makes schemas and converts answers with pydantic, for types that contain its models, dataclasses or annotations."""

from __future__ import annotations

import itertools
import re
import typing
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import msgspec
import pydantic
import pydantic.dataclasses  # else pydantic imports it when it makes its first schema

from anchor_webtask._errors import ConfigurationError
from anchor_webtask._output.json_schema import json_problem
from anchor_webtask._output.mismatch import Mismatch, Step, value_at
from anchor_webtask._output.numbers import with_decimal_texts, with_whole_numbers
from anchor_webtask._output.pydantic_schemas import MarkedSchemas, Schemas, SchemasOfTaken
from anchor_webtask._output.pydantic_verdicts import Verdicts
from anchor_webtask._output.type_parts import annotated_for_msgspec, has_pydantic_part, parts, unsupported
from anchor_webtask._signals import reraise_from_handler

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic_core import ErrorDetails

_QUOTES_NOTHING: Final = r"Input should be [a-z ,]+|Field required(: .*)?"
"""Messages of pydantic that quote nothing of the answer; others may quote it, or be those of a type's own code."""

MAX_PATHS: Final = 100
"""An error location of pydantic can be ambiguous; at most this many paths through the answer are tried for it."""


def adapter_of(kind: Any) -> pydantic.TypeAdapter[Any]:
    """Return the pydantic adapter of a type, which makes the type's schema and converts answers.

    Raises:
        ConfigurationError: pydantic cannot express a part of the type as a JSON Schema, or ignores an annotation in it.
    """
    adapter = _adapter_or_problem(kind)
    if isinstance(adapter, str):
        raise unsupported(kind, lambda part: _problem(part, is_mixed=has_pydantic_part(kind)))
    if (part := annotated_for_msgspec(kind)) is not None:
        raise ConfigurationError(
            f"output={kind!r} is read by pydantic, which ignores the annotation of {part!r}: use pydantic.Field instead"
        )
    return adapter


def _problem(part: Any, *, is_mixed: bool) -> str | None:
    """Return why pydantic cannot read a part of a type, and what to do; None if it can."""
    found = _adapter_or_problem(part)
    if not isinstance(found, str):
        return None
    if not is_mixed:
        return f"{found}; if you replace pydantic's annotations by msgspec.Meta, msgspec reads the type"
    for cls in (typing.get_origin(each) or each for each in parts(part)):
        if isinstance(cls, type) and (hasattr(cls, "__attrs_attrs__") or issubclass(cls, msgspec.Struct)):
            return (
                f"pydantic reads no attrs classes and Structs: make {cls.__name__} a dataclass or a pydantic model, "
                "or use no pydantic in the type"
            )
    return found


def _adapter_or_problem(kind: Any) -> pydantic.TypeAdapter[Any] | str:
    """Return the pydantic adapter of a type, or the reason why the type cannot have one."""
    try:
        adapter = pydantic.TypeAdapter(kind)
        adapter.rebuild(raise_errors=True)  # raises if the name in a forward reference is not defined
        schema = adapter.json_schema(schema_generator=Schemas)
    except Exception as error:  # noqa: BLE001  a type's own code and annotations may raise anything
        reraise_from_handler(error)
        return str(error).partition("\n")[0] or type(error).__name__
    return json_problem(schema) or adapter


class Converter:
    """A type that pydantic reads: its schema, and the conversion of answers to its values.

    Attributes:
        schema: The type's JSON Schema.
        keeps_digits: Whether a part of the type is a `Decimal`, which has more digits than a `float`.

    Args:
        kind: The type.

    Raises:
        ConfigurationError: pydantic cannot express a part of the type as a JSON Schema, or ignores an annotation in it.
    """

    def __init__(self, kind: Any) -> None:
        self._adapter = adapter_of(kind)
        self.schema = self._adapter.json_schema(schema_generator=Schemas)
        self._verdicts = Verdicts(self._adapter.json_schema(schema_generator=MarkedSchemas))
        self._taken = self._adapter.json_schema(schema_generator=SchemasOfTaken)
        self.keeps_digits = any(part is Decimal for part in parts(kind))

    def convert(self, value: Any) -> Any:
        """Convert JSON to a value of the type, or return the `Mismatch` if the JSON does not fit."""
        try:
            if self.keeps_digits:
                value = with_decimal_texts(value, self._taken)
            # The value is passed as JSON because a strict model accepts a date as text from JSON, but not from Python.
            text = msgspec.json.encode(value)
            result = self._validated(text, value)
            if isinstance(result, Mismatch) and (whole := msgspec.json.encode(with_whole_numbers(value))) != text:
                again = self._validated(whole, value)  # for a strict `int`, 3.0 is no whole number
                return result if isinstance(again, Mismatch) else again
        except RecursionError as error:
            return Mismatch((), str(error), value)
        return result

    def _validated(self, text: bytes, value: Any) -> Any:
        try:
            result = self._adapter.validate_json(text)
        except pydantic.ValidationError as error:
            errors = error.errors(include_url=False, include_context=False)
        else:
            problem = self._verdicts.mismatch(value)
            return result if problem is None else problem
        # A union has errors for each of its alternatives: the error at the deepest place is the most useful one.
        found = [(each["type"], _mismatch(value, each)) for each in errors]
        kind, deepest = max(found, key=lambda each: len(each[1].steps))
        if kind != "literal_error":
            return deepest
        listed = [each.quoted for kind, each in found if kind == "literal_error" and each.steps == deepest.steps]
        return deepest._replace(quoted=_joined(listed))


def _joined(messages: list[str]) -> str:
    """Return one message for those of several alternatives, which are all of the form "Input should be …"."""
    first, *others = dict.fromkeys(messages)
    return " or ".join([first, *(each.removeprefix("Input should be ") for each in others)])


def took_no_data(value: Any, answer: dict[str, Any]) -> bool:
    """Whether a model took no data from an answer, neither by a field's name nor by an alias.

    Call this only for an answer without any field that the model's schema names.
    """
    while isinstance(value, pydantic.RootModel):
        value = value.root
    if not isinstance(value, pydantic.BaseModel):
        return True
    model = type(value)
    validators = model.__pydantic_decorators__.model_validators.values()
    if any(each.info.mode != "after" for each in validators):
        # A validator that runs before the fields are set may rename the answer's keys.
        return value.model_fields_set.isdisjoint(model.model_fields)
    names = set(model.model_fields)
    for field in model.model_fields.values():
        aliases = field.validation_alias or field.alias
        for alias in aliases.choices if isinstance(aliases, pydantic.AliasChoices) else [aliases]:
            first = alias.path[0] if isinstance(alias, pydantic.AliasPath) else alias
            names |= {first} if isinstance(first, str) else set()
    return names.isdisjoint(answer)


def _mismatch(answer: Any, error: ErrorDetails) -> Mismatch:
    """Return the `Mismatch` for an error of pydantic, with the error's place in the answer."""
    location, message = error["loc"], error["msg"]
    steps = _steps(answer, location, error["input"])
    found = value_at(answer, steps)
    if location and location[-1] == "[key]":
        return _quoting(message, Mismatch(steps[:-1], "", value_at(answer, steps[:-1]), key=str(steps[-1])))
    missing = location and isinstance(found, dict) and error["type"] == "missing"
    return _quoting(f"{message}: {location[-1]}" if missing else message, Mismatch(steps, "", found))


def _quoting(message: str, mismatch: Mismatch) -> Mismatch:
    """Add a message, which quotes the answer if it is that of a type's own code."""
    if re.fullmatch(_QUOTES_NOTHING, message):
        return mismatch._replace(expected=message)
    return mismatch._replace(quoted=message)


def _steps(answer: Any, location: tuple[Step, ...], wrong: Any) -> tuple[Step, ...]:
    """Return the steps to the place in the answer that an error location of pydantic stands for.

    A location also contains names of union alternatives, which can look like keys, and names of missing fields. The
    right place is the one whose value pydantic reports as wrong.
    """
    paths = list(itertools.islice(_paths(answer, location), MAX_PATHS))
    if location[-1:] == ("[key]",):
        return next((path for path in paths if path[-1:] == (wrong,)), paths[0])
    return next((path for path in paths if value_at(answer, path) == wrong), paths[0])


def _paths(answer: Any, location: tuple[Step, ...]) -> Iterator[tuple[Step, ...]]:
    """Yield each path through an answer that an error location may stand for; the longest paths come first."""
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
