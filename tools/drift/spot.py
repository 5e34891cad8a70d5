"""The place in both documents at which the comparison has arrived; each change there becomes a row."""

from __future__ import annotations

from typing import Any

import attrs

from tools.drift import classification
from tools.drift.rows import BOTH, Hit, Row, Severity


@attrs.frozen
class Spot:
    """A place in both documents.

    Attributes:
        place: The normalized JSONPath of the place.
        where: The place in readable form.
        hits: Whether the place is part of requests, responses, both, or neither.
        operations: The operations whose requests or responses include the place, as `POST /path`.
        model: The names from which the name of the Python class for the place is made.
        python: The Python attribute or argument for the place; empty if there is none.
    """

    place: str = "$"
    where: str = "the document"
    hits: frozenset[Hit] = BOTH
    operations: tuple[str, ...] = ()
    model: tuple[str, ...] = ()
    python: str = ""

    def under(self, *keys: str | int) -> Spot:
        """Return the place that these keys lead to from this place; the readable form stays the same."""
        return attrs.evolve(self, place=self.place + "".join(map(_step, keys)))

    def named(self, suffix: str, *names: str) -> Spot:
        """Return a copy of the place, with the suffix added to `where` and the names added to `model`."""
        return attrs.evolve(self, where=self.where + suffix, model=(*self.model, *names))

    def row(self, kind: str, before: Any = None, after: Any = None, *, python: str = "", note: str = "") -> Row:
        """Return a row for this place; the row names the Python attribute unless only documentation has changed."""
        severity = classification.severity(kind, self.hits)
        return Row(
            severity=severity,
            kind=kind,
            place=self.place,
            where=self.where,
            hits=self.hits,
            operations=self.operations,
            before=before,
            after=after,
            python=python or (self.python if severity is not Severity.DOCUMENTATION else ""),
            note=note,
        )


def _step(key: str | int) -> str:
    if isinstance(key, int):
        return f"[{key}]"
    escaped = key.replace("\\", "\\\\").replace("'", "\\'")
    return f"['{escaped}']"
