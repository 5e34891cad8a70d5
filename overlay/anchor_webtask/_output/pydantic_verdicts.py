"""Finds what pydantic takes although the schema of the type excludes it.

pydantic takes `true` for a whole number, a number for a date, "inf" for a float, and undefined values for an `IntFlag`.
All other types refuse these, so an answer that pydantic took is compared with a schema that has marks at such places.
"""

from __future__ import annotations

import enum
import math
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from anchor_webtask._output.listed_parts import is_combination, unlisted
from anchor_webtask._output.numbers import is_number
from anchor_webtask._output.parts import Unfit, equal_keys, expected
from anchor_webtask._output.pydantic_schemas import FLAGS, MARK
from anchor_webtask._output.schema_shape import alternatives, subschema_at

if TYPE_CHECKING:
    from anchor_webtask._output.mismatch import Mismatch, Step
    from anchor_webtask._output.schema_shape import Schema

_NUMBERS: Final = frozenset({int, float})
_FITTING: Final[dict[str, frozenset[type]]] = {
    "int": _NUMBERS,
    "float": _NUMBERS,
    "decimal": _NUMBERS,
    "bool": frozenset({bool}),
    **dict.fromkeys(("date", "datetime", "time", "timedelta", "literal", "enum"), frozenset()),
}
"""The types of the JSON that fits a mark whatever its value is."""
_NUMBER_MARKS: Final = frozenset({"int", "float", "decimal"})
_LABELS: Final = {"timedelta": "duration"}
"""What messages call a mark, if not by its name."""
_KINDS: Final[dict[str, frozenset[type]]] = {
    "string": frozenset({str}),
    "integer": _NUMBERS,
    "number": _NUMBERS,
    "boolean": frozenset({bool}),
    "null": frozenset({type(None)}),
    "object": frozenset({dict}),
    "array": frozenset({list}),
}
_NESTING: Final = frozenset({"properties", "additionalProperties", "propertyNames", "items", "prefixItems"})
_ALL: Final = frozenset().union(*_KINDS.values())


class _Other(enum.Enum):
    """What is said of an alternative of a union that pydantic has not taken."""

    OTHER = enum.auto()


_OTHER: Final = _Other.OTHER
_Verdict: TypeAlias = "Mismatch | _Other | None"


class Verdicts:
    """Judges answers that pydantic took.

    Args:
        schema: The type's schema, with marks.
    """

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._definitions: dict[str, Any] = schema.get("$defs", {})
        self._places: dict[int, _Place] = {}
        self._insides: dict[int, _Inside] = {}

    def mismatch(self, answer: Any) -> Mismatch | None:
        """Return the `Mismatch` for what the schema excludes of an answer; None if it excludes nothing."""
        found = self._of_value(answer, self._place(self._schema))
        return None if found is _OTHER else found

    def _place(self, schema: Schema) -> _Place:
        if id(schema) not in self._places:  # the schema lives as long as this object, so its id is not used again
            self._places[id(schema)] = _Place(alternatives(schema, self._definitions, frozenset()))
        return self._places[id(schema)]

    def _inside(self, shape: Schema) -> _Inside:
        if id(shape) not in self._insides:
            steps: list[Step] = [*shape.get("properties", ()), *range(len(shape.get("prefixItems", ())))]
            named = {step: self._place(schema) for step in steps for schema in subschema_at(shape, step)}
            others = (shape.get("additionalProperties"), shape.get("items"))
            self._insides[id(shape)] = _Inside(
                named, *(self._place(each) if isinstance(each, dict) else None for each in others)
            )
        return self._insides[id(shape)]

    def _of_value(self, value: Any, place: _Place) -> _Verdict:
        if type(value) in place.fitting:
            return None
        if len(place.shapes) == 1:
            shape = place.shapes[0]
            is_judged = MARK in shape or isinstance(value, dict | list)  # a model may take numbers for text
            return self._of_alternative(value, shape) if is_judged else None
        deepest: Mismatch | None = None
        for shape in place.shapes:
            found = self._of_alternative(value, shape)
            if found is None:
                return None
            if found is not _OTHER and (deepest is None or len(found.steps) > len(deepest.steps)):
                deepest = found
        return deepest or _OTHER

    def _of_alternative(self, value: Any, shape: Schema) -> _Verdict:
        if MARK in shape:
            return _of_marked(value, shape[MARK], shape)
        if type(value) not in _kinds(shape):
            return _OTHER
        if not isinstance(value, dict | list):
            return None
        first: Mismatch | None = None
        inside = self._inside(shape)
        others = inside.of_keys if isinstance(value, dict) else inside.of_items
        for step, inner in value.items() if isinstance(value, dict) else enumerate(value):
            place = inside.named.get(step, others)
            if place is None or type(inner) in place.fitting:
                continue
            found = self._of_value(inner, place)
            if found is _OTHER:
                return _OTHER
            first = first or (found and found.prefixed(step))
        return first or (_of_keys(value, shape) if isinstance(value, dict) else None)


class _Place:
    """A place in an answer.

    Attributes:
        shapes: The alternatives of the schema there.
        fitting: The types of JSON of which every value fits.
    """

    def __init__(self, shapes: list[Schema]) -> None:
        self.shapes = shapes
        self.fitting = frozenset().union(*map(_fitting, shapes)) if shapes else _ALL


class _Inside(NamedTuple):
    """The places in an object or a list."""

    named: dict[Step, _Place]
    of_keys: _Place | None
    of_items: _Place | None


def _fitting(shape: Schema) -> frozenset[type]:
    if MARK in shape:
        return _FITTING[shape[MARK]]
    kinds = _kinds(shape)
    return kinds if shape.keys().isdisjoint(_NESTING) else kinds - {dict, list}


def _kinds(shape: Schema) -> frozenset[type]:
    kind = shape.get("type")
    return _KINDS[kind] if isinstance(kind, str) and kind in _KINDS else _ALL


def _of_keys(value: dict[str, Any], shape: Schema) -> Mismatch | None:
    names: Schema = shape.get("propertyNames", {})
    numbers: set[Decimal] = set()
    for key in value if MARK in names else ():
        found = _of_marked(key, names[MARK], names)
        if found is not None and found is not _OTHER:
            return found._replace(found=value, key=key)
        if names[MARK] in _NUMBER_MARKS:
            number = Decimal(key)
            if number in numbers:
                return equal_keys(value, key)
            numbers.add(number)
    return None


def _of_marked(value: Any, mark: str, shape: Schema) -> _Verdict:
    if mark in {"literal", "enum"}:
        return _of_listed(value, shape)
    if isinstance(value, str):
        return _of_text(value, mark)
    is_number_of_seconds = mark == "timedelta" and "format" not in shape
    if type(value) in _FITTING[mark] or (type(value) in _NUMBERS and is_number_of_seconds):
        return None
    return expected(_LABELS.get(mark, mark), value).mismatch if isinstance(value, bool | int | float) else _OTHER


def _of_text(text: str, mark: str) -> Mismatch | None:
    if mark == "bool":
        fits = text in {"true", "false"}
    elif mark in _NUMBER_MARKS:
        fits = is_number(text)
        if mark != "decimal" and fits and math.isinf(float(text)):
            return Unfit.because("Expected a finite number", text).mismatch
    else:
        fits = not is_number(text)  # a number of seconds
    return None if fits else expected(_LABELS.get(mark, mark), text).mismatch


def _of_listed(value: Any, shape: Schema) -> _Verdict:
    if FLAGS in shape:
        fits = type(value) in _NUMBERS and is_combination(value, shape[FLAGS])
        return None if fits else unlisted(shape[FLAGS], value).mismatch
    listed = shape.get("enum", [shape.get("const")])
    if not isinstance(value, bool | int | float | Decimal | str | None):
        return _OTHER
    if any(each == value and isinstance(each, bool) is isinstance(value, bool) for each in listed):
        return None
    if shape[MARK] == "literal" and value not in listed:
        return _OTHER
    return unlisted(listed, value).mismatch
