"""Adjusts the severity of rows for changes that the overlay hides from users of the package, or makes harmless."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs
import jsonpath

from tools.compose.operation_names import UPSTREAM_TAGS
from tools.drift.documents import compare
from tools.drift.rows import Row, Severity

if TYPE_CHECKING:
    from tools.drift.sides import Side
    from tools.openapi.limits import JSON

_OPENED: Final = "our overlay accepts any value here"
_OF_VALUES: Final = ("bound-", "format", "null-", "pattern", "type-", "values-")
_MASKED: Final = "on the wire only: our overlay keeps the generated code as it was"
_OURS: Final = "changed by our overlay"


def rows(old: Side, new: Side) -> list[Row]:
    """Compare the published specs, and adjust each row to the effect that remains after the overlay is applied."""
    published = compare(old.published, new.published)
    if old.composed is None or new.composed is None:
        return published
    composed = {(row.kind, row.place): row for row in compare(old.composed, new.composed)}
    found = [_adjusted(row, composed.pop((row.kind, row.place), None), new.composed) for row in published]
    # the comparison of the published specs already has a row for changed tags
    added = (row for row in composed.values() if row.note != UPSTREAM_TAGS)
    return [*found, *(attrs.evolve(row, note=_joined(row.note, _OURS)) for row in added)]


def _adjusted(row: Row, through: Row | None, composed: JSON) -> Row:
    """Return a row of the published specs, adjusted to the change in the composed specs.

    Args:
        row: The row of the published specs.
        through: The row of the composed specs for the same change; None if the overlay hides the change.
        composed: The new composed spec.
    """
    if row.hits == {"response"} and row.kind.startswith(_OF_VALUES) and _is_opened(row, through, composed):
        severity = Severity.ADDITIVE if row.kind == "values-added" else min(row.severity, Severity.BEHAVIOUR)
        return attrs.evolve(row, severity=severity, python="", note=_joined(row.note, _OPENED))
    if through is not None:
        return attrs.evolve(
            row,
            severity=max(row.severity, through.severity),
            hits=row.hits | through.hits,
            operations=tuple(sorted({*row.operations, *through.operations})),
            python=through.python,
        )
    if row.severity is Severity.NAMING:
        return attrs.evolve(row, severity=Severity.DOCUMENTATION, python="", note=_joined(row.note, _MASKED))
    if row.severity > Severity.NAMING:
        return attrs.evolve(row, python="", note=_joined(row.note, _MASKED))
    return row


def _is_opened(row: Row, through: Row | None, composed: JSON) -> bool:
    """Tell whether the overlay accepts any value at the place of the row.

    In this case, either no operation of the composed spec uses the schema of the row, or the overlay hides the change
    and the composed spec still has the place.
    """
    if through is not None:
        return not through.hits
    return bool(jsonpath.findall(row.place, composed))


def _joined(note: str, more: str) -> str:
    return f"{note}; {more}" if note else more
