"""The rows of a report: each is one change, with its severity, its place and the operations that it affects."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final, Literal

import attrs

if TYPE_CHECKING:
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
