"""Compares keywords that contain no other schemas, such as `type`, `format` and `maximum`."""

from __future__ import annotations

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
_LOWER: Final = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_UPPER: Final = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")


def _listed(old: Schema, new: Schema, spot: Spot) -> Iterator[Row]:
    yield from compare_values(listed(old), listed(new), spot)


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
        yield spot.row("format" if "format" in new else "format-removed", before, after)


def _bound(key: str) -> Comparison:
    """Return a function that compares a bound, such as `maximum`."""

    def compare(old: Schema, new: Schema, spot: Spot) -> Iterator[Row]:
        before, after = old.get(key), new.get(key)
        if isinstance(before, bool | str | list | dict) or isinstance(after, bool | str | list | dict):
            return  # only numbers are compared; in OpenAPI 3.0, for example, exclusive bounds are true or false
        if after is None or before is None:
            tighter = before is None
        else:
            tighter = after > before if key in _LOWER else after < before
        yield spot.under(key).row("bound-tighter" if tighter else "bound-looser", before, after, note=key)

    return compare


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
    ("multipleOf",): _single("multipleOf", "pattern", "pattern-removed"),
    ("default",): _single("default", "default", "default"),
    ("discriminator",): _single("discriminator", "discriminator", "discriminator"),
    ("uniqueItems",): _flag("uniqueItems", "bound-tighter", "bound-looser"),
    ("readOnly",): _flag("readOnly", "read-only", "no-longer-read-only"),
    ("writeOnly",): _flag("writeOnly", "write-only", "no-longer-write-only"),
    ("deprecated",): _flag("deprecated", "deprecated", "no-longer-deprecated"),
    **{(key,): _bound(key) for key in (*_LOWER, *_UPPER)},
}
"""The function for each group of keywords."""
