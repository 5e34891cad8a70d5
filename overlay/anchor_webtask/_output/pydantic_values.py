"""Finds what pydantic accepts although the schema of the type excludes it."""

from __future__ import annotations

import dataclasses
import enum
import functools
import math
import operator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pydantic

if TYPE_CHECKING:
    from collections.abc import Iterable


def excluded(value: Any) -> str | None:
    """Return what was expected of a part of a value that its schema excludes; None if there is no such part.

    pydantic reads a text such as "inf" as a float, and takes undefined values for an `IntFlag`.
    """
    pending = [value]
    seen: set[int] = set()
    while pending:
        each = pending.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        if isinstance(each, float | Decimal) and not math.isfinite(each):
            return "expected a finite number: JSON has no NaN and no infinities"
        if isinstance(each, enum.Flag) and each.value & ~_defined(type(each)):
            return f"expected a combination of the members of {type(each).__name__}"
        pending += _inner(each)
    return None


@functools.cache
def _defined(cls: type[enum.Flag]) -> int:
    return functools.reduce(operator.or_, (member.value for member in cls.__members__.values()), 0)


def _inner(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return [*value, *value.values()]
    if isinstance(value, list | tuple | set | frozenset):
        return value
    if isinstance(value, pydantic.BaseModel):
        return [*value.__dict__.values(), *(value.__pydantic_extra__ or {}).values()]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return [getattr(value, field.name, None) for field in dataclasses.fields(value)]
    return ()
