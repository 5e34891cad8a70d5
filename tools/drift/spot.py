"""The place that a comparison has reached in both documents, and the rows for changes there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from tools.drift import classification
from tools.drift.rows import BOTH, Hit, Row, Severity

if TYPE_CHECKING:
    from tools.openapi.yaml import JSON


@attrs.frozen
class Spot:
    """A place in both documents.

    Attributes:
        place: The normalized path.
        where: The place in readable form.
        hits: Whether requests have the place, responses, both, or neither.
        operations: The operations that have the place, as `POST /path`.
        model: The parts of the name of the place's Python class.
        python: The attribute or argument of the place in Python, empty if none.
    """

    place: str = "$"
    where: str = "the document"
    hits: frozenset[Hit] = BOTH
    operations: tuple[str, ...] = ()
    model: tuple[str, ...] = ()
    python: str = ""

    def under(self, *keys: str | int) -> Spot:
        """Return the place under these keys; its readable form stays the same."""
        return attrs.evolve(self, place=self.place + "".join(map(_step, keys)))

    def named(self, suffix: str, *names: str) -> Spot:
        """Return the same place with a longer readable form, and more parts of a class name."""
        return attrs.evolve(self, where=self.where + suffix, model=(*self.model, *names))

    def row(self, kind: str, before: JSON = None, after: JSON = None, *, python: str = "", note: str = "") -> Row:
        """Return a row for this place; it names the attribute in Python unless only documentation changed."""
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
