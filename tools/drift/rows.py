"""What a report is made of: one row for each change."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final, Literal

import attrs

if TYPE_CHECKING:
    from tools.openapi.yaml import JSON

Hit = Literal["request", "answer"]
BOTH: Final[frozenset[Hit]] = frozenset({"request", "answer"})


class Severity(enum.IntEnum):
    """How bad a change is, least first.

    Attributes:
        DOCUMENTATION: Words and examples.
        ADDITIVE: Something more, that nobody has to use.
        NAMING: Python's names only; what is sent and answered is the same.
        BEHAVIOUR: Programs go on, and something else happens.
        BREAKING: Programs that worked fail, or no longer pass a type checker.
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
        severity: How bad it is.
        kind: What it is, a word of `classification.KINDS`.
        place: The normalized path in the new document, or in the old one for what is gone.
        where: The place in words.
        hits: What it changes of: requests, answers, both, or neither where no operation uses it.
        operations: Which operations it changes, as `POST /path`.
        before: What was there, None if nothing or if it's in `what`.
        after: What is there now.
        python: What becomes of the Python names, empty if nothing.
        note: What else there is to say.
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
