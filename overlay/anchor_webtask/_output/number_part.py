"""The part of a type that is a number, with its constraints."""

from __future__ import annotations

import math
import operator
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec

from anchor_webtask._output.numbers import is_multiple, is_number
from anchor_webtask._output.parts import NUMBERS, Scalar, Unfit, expected
from anchor_webtask._output.schema_shape import INTEGER_KEY, NUMBER_KEY

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchor_webtask._output.schema_shape import Schema

_BOUNDS: Final[dict[str, tuple[str, Callable[[Any, Any], bool]]]] = {
    "ge": (">=", operator.ge),
    "gt": (">", operator.gt),
    "le": ("<=", operator.le),
    "lt": ("<", operator.lt),
}
"""The constraints that are bounds, with their signs."""


class Number(Scalar):
    """`int`, `float` or `Decimal`. A text that is a number fits, too, as it does for pydantic."""

    def __init__(self, base: type, metas: list[msgspec.Meta]) -> None:
        """Make the part.

        Args:
            base: `int`, `float` or `Decimal`.
            metas: The annotations. msgspec checks their bounds for an `int` and a `float`, and takes none for a
                `Decimal`.
        """
        limits = {name: limit for meta in metas for name in _BOUNDS if (limit := getattr(meta, name)) is not None}
        if base is int:
            _refuse_fractions(limits)
        self._bounds = [(*_BOUNDS[name], Decimal(repr(limit))) for name, limit in limits.items()]
        self._multiple_of = next((meta.multiple_of for meta in metas if meta.multiple_of is not None), None)
        # A Decimal is asked for as text. A schema cannot say the limits of that, so a limited one is a number.
        is_text = base is Decimal and not limits and self._multiple_of is None
        shown: Any = float if base is Decimal and not is_text else base
        kinds = {*NUMBERS, "str"} if is_text else NUMBERS
        super().__init__(Annotated[shown, *metas] if metas else shown, base.__name__.lower(), kinds)
        checked = [msgspec.Meta(**{name: getattr(meta, name) for name in _BOUNDS}) for meta in metas]
        self.kind = Annotated[base, *checked] if checked and base is not Decimal else base
        self._base = base

    def key_schema(self) -> Schema:
        return dict(INTEGER_KEY if self._base is int else NUMBER_KEY)

    def convert(self, value: Any) -> Any:
        number = self._converted(self._number(value), value)
        if self._base is Decimal:
            for sign, fits, bound in self._bounds:
                if not fits(number, bound):
                    raise Unfit.because(f"Expected `decimal` {sign} {bound}", value)
        if self._multiple_of is not None and not is_multiple(number, self._multiple_of):
            raise Unfit.because(f"Expected `{self.label}` that's a multiple of {self._multiple_of}", value)
        return number

    def _number(self, value: Any) -> Any:
        """Return JSON as msgspec takes it for a number: a text as its number, and `3.0` as 3 for an `int`."""
        if isinstance(value, str):
            if not is_number(value):
                is_decimal = self._base is Decimal
                raise Unfit.because("Invalid decimal string", value) if is_decimal else expected(self.label, value)
            if self._base is int and "e" in value.lower():  # pydantic takes none, either
                raise expected(self.label, value)
            number: Any = Decimal(value)
            if self._base is not Decimal and math.isinf(float(number)):
                raise Unfit.because("Expected a finite number", value)
        elif isinstance(value, float | Decimal):
            number = value
        else:
            return value
        if self._base is int:
            return int(number) if number == int(number) else value
        return float(number) if self._base is float else number


def _refuse_fractions(limits: dict[str, Any]) -> None:
    for name, limit in limits.items():
        if isinstance(limit, float):
            meant = (math.ceil if name in {"ge", "lt"} else math.floor)(limit) if math.isfinite(limit) else "…"
            raise TypeError(f"the limit {name}={limit!r} of an int is no int: write {name}={meant}")
