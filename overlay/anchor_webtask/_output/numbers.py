"""Numbers of JSON: their exact digits, and the ones that are no JSON."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from anchor_webtask._output.schema_shape import DECIMAL, NUMBER_KEY, Schema, alternatives, subschema_at

if TYPE_CHECKING:
    from anchor_webtask._output.mismatch import Step

_NUMBER: Final = re.compile(NUMBER_KEY["pattern"])
_MAX_NUMBER: Final = 1000
"""A longer text is not read as a number, and a number with more digits has no multiples."""
_NESTING: Final = (dict, list, float)


def is_multiple(number: float | Decimal, factor: float) -> bool:
    """Whether a number is a multiple of another one in decimal arithmetic, in which 19.99 is a multiple of 0.01.

    Hostile numbers take little time: the exponent of 1e999999 is not written out, and a number with very many digits is
    no multiple of anything.
    """
    step = Fraction(repr(factor))
    if isinstance(number, int):
        return not number % step
    _, digits, exponent = _decimal(number).as_tuple()
    assert isinstance(exponent, int)  # noqa: S101  else the number is not finite
    if len(digits) > _MAX_NUMBER:
        return False
    whole = int(Decimal((0, digits, 0))) * step.denominator
    if exponent >= 0:
        return not whole * pow(10, exponent, step.numerator) % step.numerator
    # If the divisor is larger than the number, it does not need to be computed.
    return not whole or (whole.bit_length() > -exponent and not whole % (step.numerator * 10**-exponent))


def is_number(text: str) -> bool:
    """Whether a text is a number as JSON or a dict's key writes it, and not very long."""
    return len(text) <= _MAX_NUMBER and _NUMBER.fullmatch(text) is not None


def _decimal(number: float | Decimal) -> Decimal:
    """Return a number with the digits that are shown of it: 0.1 is a tenth."""
    return Decimal(repr(number)) if isinstance(number, float) else Decimal(number)


def with_floats(value: Any) -> Any:
    """Return JSON with floats instead of the Decimals that kept the digits of numbers."""
    if isinstance(value, dict):
        return {key: with_floats(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return list(map(with_floats, value))
    return float(value) if isinstance(value, Decimal) else value


def infinite_place(value: Any) -> tuple[tuple[Step, ...], float] | None:
    """Return the place of the first number that is NaN or infinite, and the number; None if all are finite."""
    pending: list[tuple[tuple[Step, ...], Any]] = [((), value)]
    while pending:
        steps, each = pending.pop()
        if isinstance(each, float):
            if not math.isfinite(each):
                return steps, each
        elif isinstance(each, dict):
            pending += [((*steps, key), inner) for key, inner in each.items() if isinstance(inner, _NESTING)]
        elif isinstance(each, list):
            pending += [((*steps, index), inner) for index, inner in enumerate(each) if isinstance(inner, _NESTING)]
    return None


def with_whole_numbers(value: Any) -> Any:
    """Return JSON with 3 in place of 3.0."""
    if isinstance(value, dict):
        return {key: with_whole_numbers(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return list(map(with_whole_numbers, value))
    return int(value) if isinstance(value, float) and value.is_integer() else value


def with_decimal_texts(value: Any, schema: Schema) -> Any:
    """Return JSON with texts in place of the Decimals for which a schema asks, and floats in place of other ones."""
    return _with_texts(value, [schema], schema.get("$defs", {}))


def _with_texts(value: Any, schemas: list[Schema], definitions: dict[str, Any]) -> Any:
    if not isinstance(value, Decimal | dict | list):
        return value
    here = [each for schema in schemas for each in alternatives(schema, definitions, frozenset())]
    if isinstance(value, Decimal):
        return str(value) if any(each.get("format") == DECIMAL for each in here) else float(value)

    def inner(step: str | int, each: Any) -> Any:
        return _with_texts(each, [found for schema in here for found in subschema_at(schema, step)], definitions)

    if isinstance(value, dict):
        return {key: inner(key, each) for key, each in value.items()}
    return [inner(index, each) for index, each in enumerate(value)]
