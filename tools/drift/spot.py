"""Where a comparison is, and the rows that are made there."""

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
        place: Its normalized path.
        where: The same in words.
        hits: Whether what is there is sent, read, both, or neither.
        operations: Which operations have it, as `POST /path`.
        model: The names that the Python class of what is there is made of.
        python: The attribute or argument that it is to Python, empty if it's none.
    """

    place: str = "$"
    where: str = "the document"
    hits: frozenset[Hit] = BOTH
    operations: tuple[str, ...] = ()
    model: tuple[str, ...] = ()
    python: str = ""

    def under(self, *keys: str | int) -> Spot:
        """Return the place of what is under these keys, which in words is still here."""
        return attrs.evolve(self, place=self.place + "".join(map(_step, keys)))

    def named(self, suffix: str, *names: str) -> Spot:
        """Return the same place with more words, and more names for a class."""
        return attrs.evolve(self, where=self.where + suffix, model=(*self.model, *names))

    def row(self, kind: str, before: JSON = None, after: JSON = None, *, python: str = "", note: str = "") -> Row:
        """Return a row of this place, which names Python's attribute where more than words has changed."""
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
