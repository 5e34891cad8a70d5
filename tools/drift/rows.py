"""The rows of a report: each is one change, with its severity, its place and the operations that it affects."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final, Literal

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.openapi.limits import JSON

Hit = Literal["request", "response"]
BOTH: Final[frozenset[Hit]] = frozenset({"request", "response"})


class Severity(enum.IntEnum):
    """The severity of a change; the values are in ascending order.

    Attributes:
        DOCUMENTATION: Texts and examples only.
        ADDITIVE: Something new, which programs need not use.
        NAMING: Names in Python only; requests and responses are the same.
        BEHAVIOUR: Programs keep working, but may behave differently.
        BREAKING: Programs fail although they worked before, or no longer pass a type checker.
    """

    DOCUMENTATION = 0
    ADDITIVE = 1
    NAMING = 2
    BEHAVIOUR = 3
    BREAKING = 4

    def __str__(self) -> str:
        return self.name.lower()


@attrs.frozen
class BrokenLine:
    """A line of the user's code that breaks.

    Attributes:
        file: The file, seen from the user's folder.
        number: The number of the line.
        text: The line.
        errors: What the type checker says of it, against the new build only.
    """

    file: str
    number: int
    text: str
    errors: tuple[str, ...]


@attrs.frozen
class Place:
    """Another place of a change.

    Attributes:
        place: The normalized JSONPath.
        where: The place in readable form.
        operations: The operations that the change affects there, as `POST /path`.
        python: The effect on names in Python; empty if there is none.
    """

    place: str
    where: str
    operations: tuple[str, ...]
    python: str


@attrs.frozen
class Row:
    """One change.

    Attributes:
        severity: The severity of the change.
        kind: The kind of change, a key of `classification.KINDS`.
        place: The normalized JSONPath in the new document, or in the old document if the new one lacks the place.
        where: The place in readable form.
        hits: Whether the change affects requests, responses, both, or neither because no operation uses the place.
        operations: The operations that the change affects, as `POST /path`.
        before: The old value; None if there was none, or if the kind of change already says the old value.
        after: The new value; None if there is none, or if the kind of change already says the new value.
        python: The effect on names in Python; empty if there is none.
        note: Additional information; empty if there is none.
        breaks: The lines of the user's code that the change breaks, if a folder of theirs was checked.
        more: The other places of the same change; `operations` includes theirs.
    """

    severity: Severity
    kind: str
    place: str
    where: str
    hits: frozenset[Hit]
    operations: tuple[str, ...]
    before: JSON = None
    after: JSON = None
    python: str = ""
    note: str = ""
    breaks: tuple[BrokenLine, ...] = ()
    more: tuple[Place, ...] = ()

    def places(self) -> Iterator[Row]:
        """Yield a row for each place of the change."""
        yield self
        for each in self.more:
            yield attrs.evolve(self, place=each.place, where=each.where, python=each.python)
