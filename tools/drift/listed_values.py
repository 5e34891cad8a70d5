"""Compares the values that schemas list in `enum` and `const`, also in schemas that references and unions lead to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tools.drift import descriptions
from tools.drift.normal_form import canonical
from tools.drift.wire_form import UNIONS
from tools.openapi.references import resolve

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tools.drift.rows import Row
    from tools.drift.spot import Spot


def listed(schema: dict[str, Any]) -> list[Any] | None:
    """Return the values that a schema lists in `enum` or `const`; None if the schema has neither."""
    values = [schema["const"]] if "const" in schema else schema.get("enum")
    return [*map(_whole, values)] if isinstance(values, list) else None


def _whole(value: Any) -> Any:
    """Return a whole number without a fraction: `1.0` and `1` are the same value."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def compare_values(before: list[Any] | None, after: list[Any] | None, spot: Spot) -> Iterator[Row]:
    """Compare two lists of values, either of which may be None."""
    if before is None or after is None:
        yield spot.row("values-opened" if after is None else "values-listed", before, after)
        return
    olds, news = ({canonical(value): value for value in found} for found in (before, after))
    if removed := [value for key, value in olds.items() if key not in news]:
        yield spot.row("values-removed", removed, note=f"{len(removed)} of {len(olds)}")
    if added := [value for key, value in news.items() if key not in olds]:
        yield spot.row("values-added", None, added, note=f"{len(added)} new, {len(olds)} before")


def alternatives(schema: dict[str, Any]) -> list[Any]:
    """Return the parts of a union; an empty list if the schema is not a union."""
    return next((schema[key] for key in UNIONS if isinstance(schema.get(key), list) and schema[key]), [])


def all_listed(schema: Any, document: dict[str, Any]) -> list[Any] | None:
    """Return all values that a schema lists, including those of the schemas that its references and unions lead to.

    Returns:
        The values; None if one of these schemas lists no values, or has other keywords that restrict its values.
    """
    found: list[Any] = []
    for each in _leaves(schema, document):
        values = listed(each)
        if (
            values is None
            or descriptions.without(each).keys() - {"const", "default", "enum", "type"}
            or "null" in str(each.get("type"))
        ):
            return None
        found += values
    return found


def beside_values(schema: Any, document: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the default, the descriptions and the examples of each schema that references and unions lead to.

    The schema itself is not included.
    """
    leaves = [each for each in _leaves(schema, document) if each is not schema]
    return [
        {
            "default": each.get("default"),
            "text": {key: each[key] for key in each if key not in descriptions.without(each)},
        }
        for each in leaves
    ]


def without_repeats(values: Iterable[Any]) -> list[Any]:
    """Return each value once, in order."""
    return list({canonical(value): value for value in values}.values())


def _leaves(schema: Any, document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the schemas that a schema's references and unions finally lead to; the schema itself if it has neither."""
    waiting, seen = [schema], set[str]()
    while waiting:
        each = waiting.pop(0)
        if "$ref" in each:
            found = resolve(each["$ref"], document)
            if each["$ref"] not in seen and isinstance(found, dict):
                seen.add(each["$ref"])
                waiting.append(found)
        elif union := alternatives(each):
            waiting += union
        else:
            yield each
