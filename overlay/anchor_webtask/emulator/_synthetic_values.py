"""Synthetic strings and numbers for a JSON Schema: readable values first, and always the same values."""

from __future__ import annotations

import base64
import datetime
import itertools
import math
import string
import uuid
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

MAX_VALUES = 1000  # candidates for one schema: enough for a long array whose elements must differ


def _uuid(version: int, number: int) -> str:
    return str(uuid.UUID(int=number, version=version))


FORMATS: Mapping[str, Callable[[int], str]] = {
    "date": lambda n: str(_moment(n).date()),
    "date-time": lambda n: f"{_moment(n).isoformat()}Z",
    "time": lambda n: f"{_moment(0) + datetime.timedelta(minutes=n):%H:%M:%S}Z",
    "partial-time": lambda n: (
        f"{_moment(0) + datetime.timedelta(minutes=n):%H:%M:%S}"
    ),  # a time without an offset, named as in RFC 3339
    "decimal": lambda n: f"{n}.5",  # not defined by JSON Schema; msgspec writes it for a Decimal
    "duration": lambda n: f"P{n}D",
    "email": lambda n: f"example{n}@example.com",
    "hostname": lambda n: f"host{n}.example.com",
    "ipv4": lambda n: f"198.18.{n // 256}.{n % 256}",
    "ipv6": lambda n: f"2001:db8::{n:x}",
    "uri": lambda n: f"https://example.com/{n}",
    "uuid": lambda n: str(uuid.UUID(int=n, version=4)),
    # Not defined by JSON Schema; pydantic writes these formats for a UUID of a certain version.
    **{f"uuid{version}": partial(_uuid, version) for version in range(1, 6)},
}

PATTERN_GUESSES = (
    *("example", "Example", "EXAMPLE", "abc", "ABC", "a", "A", "ab", "AB", "abcd", "ABCD", "ABCDE", "abc-d", "abc_d"),
    *("1", "12", "123", "1234", "12345", "123456", "1234567", "12345678", "0.5", "1.50", "12.34", "-1", "+1", "50%"),
    *("A1", "AB12", "ABC123", "A-1", "AB-12", "AB-123", "ABC-123", "ABC-1234", "a1", "abc1", "abc123", "abc-123", "#1"),
    *(
        "2026-01-02",
        "2026-01",
        "12:30",
        "12:30:00",
        "2026-01-02T12:30:00Z",
        "2026-01-02T12:30:00",
        "01/02/2026",
        "02.01.2026",
    ),
    *("$1", "$1.50", "$ 1.50", "€1.50", "1.50 €", "1.50 EUR", "EUR 1.50", "1,50", "1,234.50", "en", "en-US", "en_US"),
    *("+15550100", "+1 555 0100", "555-0100", "(555) 555-0100", "555-555-0100", "12345-6789", "1.2.3", "v1.2.3"),
    *("example@example.com", "https://example.com/", "http://example.com/", "example.com", "198.18.0.1", "/example"),
    *("#aabbcc", "#AABBCC", "aabbcc", "00000000-0000-4000-8000-000000000001", "yes", "true", "Example Name", "A B", ""),
)


def strings(schema: Mapping[str, Any], name: str) -> Iterator[str]:
    """Yield strings that may fit the schema; the caller must check whether they do.

    Args:
        schema: The schema; its format, content encoding, pattern and lengths are used.
        name: The name of the property that gets the string; readable strings contain it.
    """
    if make := FORMATS.get(schema.get("format", "")):
        yield from (make(number) for number in range(1, MAX_VALUES))
    if schema.get("contentEncoding") == "base64":
        yield from (base64.b64encode(f"example {number}".encode()).decode() for number in range(1, MAX_VALUES))
    if "pattern" in schema:
        yield from PATTERN_GUESSES
        return
    shortest, longest = math.ceil(schema.get("minLength", 0)), schema.get("maxLength", math.inf)
    text = f"example {name}".rstrip()
    for number in range(1, MAX_VALUES):
        numbered = (text if number == 1 else f"{text} {number}").ljust(shortest, ".")
        if len(numbered) <= longest:
            yield numbered
    # If maxLength leaves no room for the name, combinations of letters may fit.
    for length in itertools.takewhile(lambda length: length <= longest, range(shortest, shortest + 3)):
        letters = itertools.product(string.ascii_lowercase, repeat=length)
        yield from itertools.islice(map("".join, letters), MAX_VALUES)


def numbers(schema: Mapping[str, Any], *, integers_only: bool) -> Iterator[int | float]:
    """Yield numbers that may fit the schema; the caller must check whether they do."""
    step = Fraction(str(schema.get("multipleOf", 1)))
    if integers_only:
        # For a step p/q in lowest terms, the multiples that are integers are exactly the multiples of p.
        step = Fraction(step.numerator)
    low = max((Fraction(str(schema[key])) for key in ("minimum", "exclusiveMinimum") if key in schema), default=None)
    high = min((Fraction(str(schema[key])) for key in ("maximum", "exclusiveMaximum") if key in schema), default=None)
    first = step if low is None else max(step, math.ceil(low / step) * step)
    if high is not None:
        first = min(first, math.floor(high / step) * step)
    upwards = (first + step * number for number in range(MAX_VALUES))
    downwards = (first - step * number for number in range(1, MAX_VALUES))
    yield from (_plain(value) for value in itertools.takewhile(lambda value: high is None or value <= high, upwards))
    yield from (_plain(value) for value in itertools.takewhile(lambda value: low is None or value >= low, downwards))
    if not integers_only and low is not None and high is not None:
        # Between two close bounds there may be no multiple of the step, so twelfths of the distance are tried, too.
        yield from (_plain(low + (high - low) * Fraction(number, 12)) for number in (6, *range(13)))


def _plain(value: Fraction) -> int | float:
    return value.numerator if value.denominator == 1 else float(value)


def _moment(number: int) -> datetime.datetime:
    return datetime.datetime(2026, 1, 1, 12) + datetime.timedelta(days=number)
