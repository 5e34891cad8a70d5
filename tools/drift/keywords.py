"""Compares keywords that contain no other schemas, such as `type`, `format` and `maximum`."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from tools.drift.listed_values import compare_values, listed
from tools.openapi.type_names import type_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tools.drift.rows import Row
    from tools.drift.spot import Spot

    Schema = dict[str, Any]
    Comparison = Callable[[Schema, Schema, Spot], Iterator[Row]]

_PYTHON_FORMATS: Final = {"binary", "date", "date-time", "uuid"}  # formats with their own Python types
_WIDER: Final = {("int32", "int64"), ("float", "double")}
_LOWER: Final = ("minLength", "minItems", "minProperties", "minContains")
_UPPER: Final = ("maxLength", "maxItems", "maxProperties", "maxContains")
_IMPLIED: Final = {"minContains": 1}
_CONSTRAINTS: Final = (
    *("contains", "dependentRequired", "dependentSchemas", "not", "patternProperties", "propertyNames"),
    *("unevaluatedItems", "unevaluatedProperties"),
)
"""Keywords that the generator ignores, and that only leave fewer values valid."""


def _listed(old: Schema, new: Schema, spot: Spot) -> Iterator[Row]:
    found = list(compare_values(listed(old), listed(new), spot))
    yield from found or [spot.row("spelling", note="const and enum")]


def _type(old: Schema, new: Schema, spot: Spot) -> Iterator[Row]:
    before, after = _types(old), _types(new)
    if ("null" in before) != ("null" in after) and before and after:
        yield spot.row("null-allowed" if "null" in after else "null-refused")
        before, after = before - {"null"}, after - {"null"}
    if before == after:
        return
    if not after or (before and _within(before, after)):
        kind = "type-wider"
    else:
        kind = "type-narrower" if not before or _within(after, before) else "type-changed"
    yield spot.row(kind, type_name(old), type_name(new))


def _types(schema: Schema) -> set[str]:
    kind = schema.get("type", [])
    return set(kind) if isinstance(kind, list) else {str(kind)}


def _within(some: set[str], more: set[str]) -> bool:
    return all(kind in more or (kind == "integer" and "number" in more) for kind in some)


def _format(old: Schema, new: Schema, spot: Spot) -> Iterator[Row]:
    before, after = old.get("format"), new.get("format")
    if not _PYTHON_FORMATS.isdisjoint({str(before), str(after)}):
        yield spot.row("format-and-type", before, after)
    else:
        yield from plain_format(old, new, spot)


def plain_format(old: Schema, new: Schema, spot: Spot) -> Iterator[Row]:
    """Compare two formats of values that have the same Python type."""
    before, after = old.get("format"), new.get("format")
    if (before, after) in _WIDER:
        yield spot.row("format-wider", before, after)
    else:
        yield spot.row("format" if "format" in new else "format-removed", before, after)


def _content_encoding(old: Schema, new: Schema, spot: Spot) -> Iterator[Row]:
    before, after = old.get("contentEncoding"), new.get("contentEncoding")
    kind = "content-encoding-said" if before is None or after is None else "content-encoding"
    yield spot.under("contentEncoding").row(kind, before, after)


def _bound(key: str) -> Comparison:
    """Return a function that compares a bound, such as `maximum`."""

    def compare(old: Schema, new: Schema, spot: Spot) -> Iterator[Row]:
        before, after = (each.get(key, _IMPLIED.get(key)) for each in (old, new))
        if after is None or before is None:
            tighter = before is None
        else:
            tighter = after > before if key in _LOWER else after < before
        yield spot.under(key).row("bound-tighter" if tighter else "bound-looser", before, after, note=key)

    return compare


def _limit(inclusive: str, exclusive: str, sign: int) -> Comparison:
    """Return a function that compares a lower (1) or upper (-1) limit of numbers, which two keywords can set."""

    def limit(schema: Schema) -> tuple[float, bool] | None:
        bound, strict = schema.get(inclusive), schema.get(exclusive)
        if strict is not None:
            return (strict * sign, True)
        return None if bound is None else (bound * sign, False)

    def compare(old: Schema, new: Schema, spot: Spot) -> Iterator[Row]:
        before, after = limit(old), limit(new)
        tighter = before is None or (after is not None and after > before)
        key = next(each for schema in (new, old) for each in (exclusive, inclusive) if each in schema)
        texts = (old.get(exclusive, old.get(inclusive)), new.get(exclusive, new.get(inclusive)))
        here = spot.under(key)
        yield here.row("bound-tighter" if tighter else "bound-looser", *texts, note=key)

    return compare


def _multiple(old: Schema, new: Schema, spot: Spot) -> Iterator[Row]:
    before, after = old.get("multipleOf"), new.get("multipleOf")
    kind = "pattern"
    if after is None or (before is not None and _is_multiple(before, after)):
        kind = "pattern-removed"
    yield spot.under("multipleOf").row(kind, before, after, note="multipleOf")


def _is_multiple(number: float, of: float) -> bool:
    """Tell whether a number is a multiple of another one, in decimal arithmetic."""
    try:
        return (Fraction(str(number)) / Fraction(str(of))).denominator == 1
    except (ValueError, ZeroDivisionError):  # an infinite number, or zero
        return False


def _constraint(*keys: str) -> Comparison:
    """Return a function that compares a condition as a whole, which is only in the old or only in the new schema."""

    def compare(old: Schema, new: Schema, spot: Spot) -> Iterator[Row]:
        before, after = ({key: each[key] for key in keys if key in each} for each in (old, new))
        kind = "constraint-removed" if not after else "constraint-added" if not before else "constraint"
        key = next(iter([*after, *before]))
        yield spot.under(key).row(kind, before or None, after or None, note=key)

    return compare


def _discriminator(old: Schema, new: Schema, spot: Spot) -> Iterator[Row]:
    before, after = old.get("discriminator"), new.get("discriminator")
    yield spot.under("discriminator").row("discriminator", before, after, note="discriminator")


def _flag(key: str, on: str, off: str) -> Comparison:
    """Return a function that compares a keyword that is true or false."""

    def compare(_: Schema, new: Schema, spot: Spot) -> Iterator[Row]:
        yield spot.row(on if new.get(key) else off)

    return compare


def _single(key: str, kind: str, removed: str) -> Comparison:
    """Return a function that compares the complete value of a keyword, not the parts of the value."""

    def compare(old: Schema, new: Schema, spot: Spot) -> Iterator[Row]:
        yield spot.under(key).row(kind if key in new else removed, old.get(key), new.get(key), note=key)

    return compare


GROUPS: Final[dict[tuple[str, ...], Comparison]] = {
    ("type",): _type,
    ("enum", "const"): _listed,
    ("format",): _format,
    ("pattern",): _single("pattern", "pattern", "pattern-removed"),
    ("contentEncoding",): _content_encoding,
    ("contentMediaType",): _single("contentMediaType", "text-content", "text-content-removed"),
    ("contentSchema",): _single("contentSchema", "text-content", "text-content-removed"),
    ("multipleOf",): _multiple,
    ("minimum", "exclusiveMinimum"): _limit("minimum", "exclusiveMinimum", 1),
    ("maximum", "exclusiveMaximum"): _limit("maximum", "exclusiveMaximum", -1),
    ("default",): _single("default", "default", "default"),
    ("discriminator",): _discriminator,
    ("nullable",): _flag("nullable", "null-allowed", "null-refused"),
    ("uniqueItems",): _flag("uniqueItems", "bound-tighter", "bound-looser"),
    ("readOnly",): _flag("readOnly", "read-only", "no-longer-read-only"),
    ("writeOnly",): _flag("writeOnly", "write-only", "no-longer-write-only"),
    ("deprecated",): _flag("deprecated", "deprecated", "no-longer-deprecated"),
    **{(key,): _bound(key) for key in (*_LOWER, *_UPPER)},
    **{(key,): _constraint(key) for key in _CONSTRAINTS},
    ("if", "then", "else"): _constraint("if", "then", "else"),
}
"""The function for each group of keywords."""

CONDITIONS: Final = {*((key,) for key in _CONSTRAINTS), ("if", "then", "else")}
"""The groups of keywords that contain schemas, but are compared as a whole."""
