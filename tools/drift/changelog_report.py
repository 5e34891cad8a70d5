"""Drafts the entry of a changelog from a report: the few lines that users need, by what they use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tools.drift import wording
from tools.drift.advice import to_do
from tools.drift.audience import USERS, first_concerned
from tools.drift.markdown_report import code
from tools.drift.rows import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.drift.audience import User
    from tools.drift.report import Report
    from tools.drift.rows import Row

_WORDS: Final = {Severity.BREAKING: "**breaking:** ", Severity.BEHAVIOUR: "", Severity.ADDITIVE: ""}
_TITLES: Final[dict[User, str]] = {
    "tasks": "`tasks`",
    "sessions": "sessions through `api`",
    "api": "other parts of `api`, which promises no stability",
}
_PLACES: Final = 3
_FEW: Final = 10
"""The number of lines for each kind of users; if there are more, their number is said."""
NOTHING: Final = "- Nothing changes for users: only descriptions, examples or names of the generated code.\n"


def changelog(report: Report) -> str:
    """Return the draft, in the form of Keep a Changelog."""
    lines = "".join(line for user in _TITLES for line in _lines(report, user))
    return f"## [{report.next_version}]\n\n### Changed\n\n{lines or NOTHING}"


def _lines(report: Report, user: User) -> Iterator[str]:
    """Yield the lines for one kind of users; what concerns several kinds stands under the first one alone."""
    groups = [
        (severity, group)
        for severity in _WORDS
        for group in report.groups(severity, user)
        if first_concerned(group[0]) == USERS.index(user)
    ]
    if groups:
        yield f"- For users of {_TITLES[user]}:\n"
    for severity, group in groups[:_FEW]:
        yield f"  - {_WORDS[severity]}{_sentence(group)}.\n"
    if (left := len(groups) - _FEW) > 0:
        yield f"  - {left} more changes.\n"


def _sentence(rows: list[Row]) -> str:
    row = rows[0]
    places = ", ".join(code(each.where) for each in rows[:_PLACES])
    if len(rows) > _PLACES:
        places += f" and {len(rows) - _PLACES} more"
    text, note = wording.sentence(row)
    pieces = [piece for sign, piece in wording.common(rows) if sign != "="]
    change = f": {' → '.join(code(piece) for piece in pieces)}" if pieces and row.kind != "example-shape" else ""
    action = to_do(row)
    return f"{places}: {text}" + (f" ({code(note)})" if note else "") + change + (f"; {action}" if action else "")
