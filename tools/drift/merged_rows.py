"""Merges the rows of a change that affects many places, such as a renamed field of every response, into one row."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

import attrs

from tools.drift import wording
from tools.drift.rows import Place

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tools.drift.rows import Row

_OWN: Final = ("component-", "method-", "operation-", "path-parameter", "python-", "schema-", "server", "surface")
"""The beginnings of kinds that say something of the place itself, such as that an operation is removed."""


def merge(rows: Iterable[Row]) -> list[Row]:
    """Merge equal changes of different places.

    Args:
        rows: The rows, in the order of the report.

    Returns:
        A row for each change, at its first place; it names the operations of all its places.
    """
    found: dict[Any, list[Row]] = defaultdict(list)
    for number, row in enumerate(rows):
        found[number if row.kind.startswith(_OWN) else _change(row)].append(row)
    return [_merged(group) for group in found.values()]


def _change(row: Row) -> tuple[Any, ...]:
    """Return what two rows have in common if they are the same change: all but the way to the place."""
    last = row.place.rpartition("[")[2]
    pieces = tuple(piece for piece in wording.change(row) if piece[0] != "=")
    return row.severity, row.kind, row.hits, row.note, last, pieces, row.python.rpartition(".")[2]


def _merged(rows: list[Row]) -> Row:
    first, *others = rows
    if not others:
        return first
    operations = tuple(sorted({operation for row in rows for operation in row.operations}))
    more = tuple(Place(row.place, row.where, row.operations, row.python) for row in others)
    return attrs.evolve(first, operations=operations, more=more)
