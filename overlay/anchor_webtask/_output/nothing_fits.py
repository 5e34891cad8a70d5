"""Finds schemas that nothing fits, where that is simple to see: limits that contradict each other, classes without end.

A task for such an answer would be paid for in vain.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from anchor_webtask._output.schema_shape import referenced_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anchor_webtask._output.schema_shape import Schema

_COUNTS: Final = {
    "string": ("minLength", "maxLength"),
    "array": ("minItems", "maxItems"),
    "object": ("minProperties", "maxProperties"),
}


def in_schema_of_type(schema: Schema) -> str | None:
    """Return why nothing fits a part of a type's schema, and which part it is; None if no such part is found."""
    definitions: dict[str, Schema] = schema.get("$defs", {})
    for name in _endless(definitions):
        return f"{name} contains itself without end: let a field of it be None, or a list, or have a default"
    pending: list[tuple[str, Any]] = [("", schema), *definitions.items()]
    while pending:
        place, part = pending.pop()
        if (problem := _problem(part)) is not None:
            return f"in {place.removeprefix('.')}, {problem}" if place else problem
        pending += _inside(place, part)
    return None


def in_schema_of_user(schema: Schema) -> str | None:
    """Return why nothing fits a user's schema, at its root or in a field that it requires; None if that is not seen.

    Elsewhere, a schema that nothing fits may be meant: it forbids a field, for example.
    """
    pending: list[tuple[str, Any]] = [("$", schema)]
    while pending:
        place, part = pending.pop()
        if (problem := _problem(part)) is not None:
            return f"no answer can fit output at {place}: {problem}"
        pending += [(f"{place}.{name}", inner) for name, inner in _required(part)]
    return None


def _inside(place: str, part: Any) -> Iterator[tuple[str, Any]]:
    """Yield the schemas in a part of a type's schema, each with its place."""
    if not isinstance(part, dict):
        return
    for name, inner in part.get("properties", {}).items():
        yield f"{place}.{name}", inner
    for keyword in ("items", "additionalProperties"):
        if isinstance(part.get(keyword), dict):
            yield f"{place}[…]", part[keyword]
    for index, inner in enumerate(part.get("prefixItems", ())):
        yield f"{place}[{index}]", inner
    for keyword in ("anyOf", "oneOf", "allOf"):
        yield from ((place, inner) for inner in part.get(keyword, ()))


def _required(part: Any) -> Iterator[tuple[str, Any]]:
    """Yield the fields that an object needs, each with its schema."""
    if not isinstance(part, dict) or part.get("type") != "object":
        return
    fields, names = part.get("properties"), part.get("required")
    if isinstance(fields, dict) and isinstance(names, list):
        yield from ((name, fields[name]) for name in names if isinstance(name, str) and name in fields)


def _problem(part: Any) -> str | None:
    """Return why nothing fits a schema by its own keywords."""
    if part is False:
        return "the schema false excludes everything"
    if not isinstance(part, dict):
        return None
    if part.get("not") == {} or part.get("not") is True:
        return '"not" excludes everything'
    if part.get("enum") == []:
        return "the list of values is empty"
    kind = part.get("type")
    if kind in ("integer", "number"):
        return _problem_of_number(part, is_whole=kind == "integer")
    least, most = _COUNTS.get(kind, ("", "")) if isinstance(kind, str) else ("", "")
    low, high = _limit(part, least), _limit(part, most)
    if low is not None and high is not None and low > high:
        return f"the least length, {low}, is larger than the largest, {high}"
    return None


def _limit(part: Schema, keyword: str) -> Fraction | None:
    value = part.get(keyword)
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return Fraction(str(value)) if is_number else None


def _problem_of_number(part: Schema, *, is_whole: bool) -> str | None:
    lows, highs = _limits(part, "minimum", "exclusiveMinimum"), _limits(part, "maximum", "exclusiveMaximum")
    if not lows or not highs:
        return None
    (low, is_above), (high, is_below) = max(lows), min(highs, key=lambda each: (each[0], not each[1]))
    step = _limit(part, "multipleOf")
    if is_whole:
        step = Fraction(step.numerator if step else 1)
    if step:
        first = (math.floor(low / step) + 1 if is_above else math.ceil(low / step)) * step
        is_possible = first < high or (first == high and not is_below)
    else:
        is_possible = low < high or (low == high and not is_above and not is_below)
    if is_possible:
        return None
    number = (
        f"{'whole ' if is_whole else ''}number{f' that is a multiple of {_shown(step)}' if step and step != 1 else ''}"
    )
    least = f"{'above' if is_above else 'at least'} {_shown(low)}"
    return f"no {number} is {least} and {'below' if is_below else 'at most'} {_shown(high)}"


def _limits(part: Schema, inclusive: str, exclusive: str) -> list[tuple[Fraction, bool]]:
    """Return the limits on one side, each with whether it excludes itself."""
    found = [(_limit(part, inclusive), False), (_limit(part, exclusive), True)]
    return [(limit, is_exclusive) for limit, is_exclusive in found if limit is not None]


def _shown(limit: Fraction) -> str:
    return str(limit) if limit.denominator == 1 else str(float(limit))


def _endless(definitions: dict[str, Schema]) -> list[str]:
    """Return the definitions whose values would contain themselves without end."""
    ending: set[str] = set()
    count = -1
    while count < len(ending):
        count = len(ending)
        ending |= {name for name, schema in definitions.items() if _ends(schema, ending)}
    return sorted(definitions.keys() - ending)


def _ends(schema: Any, ending: set[str]) -> bool:
    """Whether a schema has a value, if only these definitions have one."""
    if not isinstance(schema, dict):
        return True
    if (name := referenced_name(schema)) is not None:
        return name in ending
    if (members := schema.get("anyOf", schema.get("oneOf"))) is not None:
        return any(_ends(each, ending) for each in members)
    needed = [*schema.get("allOf", ()), *(inner for _, inner in _required(schema))]
    least, first = schema.get("minItems", 0), schema.get("prefixItems", [])
    needed += [*first[:least], *([schema["items"]] if least > len(first) and "items" in schema else [])]
    return all(_ends(each, ending) for each in needed)
