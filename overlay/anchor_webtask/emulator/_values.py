"""Checks values that tests pass: JSON, and seconds."""

from __future__ import annotations

import json
import math
import sys


def as_json(name: str, value: object) -> object:
    """Return a copy of the value, made by a round trip through JSON.

    Raises:
        ValueError: The value is not JSON; the message contains `name`.
    """
    try:
        copy: object = json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"{name} must be JSON: {error}") from None
    return copy


def seconds(name: str, value: float) -> float:
    """Return the value if it is a valid number of seconds; `math.inf` is valid.

    Raises:
        ValueError: The value is negative, NaN, an integer that no float can hold, or not a number; the message contains
            `name`.
    """
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not (0 <= value <= sys.float_info.max or value == math.inf):
        raise ValueError(f"{name} must be a number of seconds, 0 or more, not {value!r}")
    return value
