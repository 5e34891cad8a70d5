"""What a change of upstream's spec means behind our overlay: which rows it hides from users, opens or adds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs
import jsonpath

from tools.compose.operation_names import UPSTREAM_TAGS
from tools.drift.documents import compare
from tools.drift.rows import Row, Severity

if TYPE_CHECKING:
    from tools.drift.sides import Side
    from tools.openapi.yaml import JSON

_OPENED: Final = "our overlay opens this: whatever comes is read"
_OF_VALUES: Final = ("bound-", "format", "null-", "pattern", "type-", "values-")
_MASKED: Final = "on the wire only: our overlay keeps it from the generated code"
_OURS: Final = "by our overlay"


def rows(old: Side, new: Side) -> list[Row]:
    """Compare what upstream publishes, and see what of it gets through the overlay to whom uses the package."""
    published = compare(old.published, new.published)
    if old.composed is None or new.composed is None:
        return published
    composed = {(row.kind, row.place): row for row in compare(old.composed, new.composed)}
    found = [_got_through(row, composed.pop((row.kind, row.place), None), new.composed) for row in published]
    added = (row for row in composed.values() if row.note != UPSTREAM_TAGS)  # upstream's own are in a row already
    return [*found, *(attrs.evolve(row, note=_joined(row.note, _OURS)) for row in added)]


def _got_through(row: Row, through: Row | None, composed: JSON) -> Row:
    """Say of what upstream publishes what becomes of it in what code is made of."""
    if row.hits == {"answer"} and row.kind.startswith(_OF_VALUES) and _is_opened(row, through, composed):
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
    """Tell whether an answer is read whatever it is: there is less to fit than upstream says, or another schema."""
    if through is not None:
        return not through.hits
    return bool(jsonpath.findall(row.place, composed))


def _joined(note: str, more: str) -> str:
    return f"{note}; {more}" if note else more
