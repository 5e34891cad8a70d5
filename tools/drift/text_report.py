"""Writes a report as text, for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.text import Text

from tools.drift import wording
from tools.drift.advice import to_do
from tools.drift.audience import USERS, concerned
from tools.drift.rows import Severity
from tools.terminal import printable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

    from tools.drift.report import Report
    from tools.drift.rows import Row

LIMIT: Final = 200
"""The number of lines of a report, unless all are asked for."""

_PLACES: Final = 6
_LINES: Final = 12
_FEW: Final = 5
"""More changes of the documentation than these are only named, without what has changed."""
_RESERVED: Final = 3
"""The lines that a section needs at least: an empty one, its title, and how many changes are left out."""
_STYLES: Final = {
    Severity.BREAKING: "bold red",
    Severity.BEHAVIOUR: "yellow",
    Severity.NAMING: "magenta",
    Severity.ADDITIVE: "green",
    Severity.DOCUMENTATION: "dim",
}
_SIGNS: Final = {"=": "", "-": "red strike", "+": "green"}


def write(report: Report, file: TextIO, *, is_complete: bool = False) -> None:
    """Write a report. The text has colours if `file` is a terminal or FORCE_COLOR is set, but never if NO_COLOR is set.

    Args:
        report: The report.
        file: The file to write to.
        is_complete: Whether to write all; otherwise the text has fewer than `LIMIT` lines, the most severe first.
    """
    console = Console(file=file, soft_wrap=True, highlight=False, emoji=False, markup=False)
    if not report.is_drift:
        console.print("No API drift.")
        for note in report.notes:
            console.print(Text(printable(note), "italic"))
        return
    head = [*_head(report)]
    sections = [*_sections(report, is_complete=is_complete)]
    room = LIMIT - 1 - sum(map(_height, head))
    for line in head:
        console.print(line)
    for at, (title, entries) in enumerate(sections):
        shown = entries if is_complete else entries[: _fitting(entries, room - _RESERVED * (len(sections) - at))]
        console.print(title)
        for entry in shown:
            console.print(entry)
        if left := len(entries) - len(shown):
            console.print(Text(f"  … and {left} more; ALL=1 shows all", "italic"))
        room -= _RESERVED + sum(map(_height, shown))


def _head(report: Report) -> Iterator[Text]:
    names = printable(f"API drift, {report.old} → {report.new}: ")
    yield Text(names, "bold") + Text(" · ".join(report.verdict()), _STYLES[report.worst])
    users = (f"{user}: {what}" for user, what in report.for_whom())
    yield Text(f"Users of {'; of '.join(users)}.")
    for note in report.notes:
        yield Text(printable(note), "italic")


def _sections(report: Report, *, is_complete: bool) -> Iterator[tuple[Text, list[Text]]]:
    for severity in reversed(Severity):
        if groups := report.groups(severity):
            title = Text(f"\n{wording.title(severity)}", _STYLES[severity])
            is_brief = severity is Severity.DOCUMENTATION and len(groups) > _FEW
            yield (
                title,
                [
                    _entry(group) if is_complete else _shortened(_entry(group, _PLACES, is_brief=is_brief))
                    for group in groups
                ],
            )
    if report.other_breaks:
        title = Text(f"\nother lines of {printable(report.used_by)} that break", "bold red")
        yield title, [Text(f"  {printable(wording.line(line))}") for line in report.other_breaks]
    if report.surface:
        lines = printable(report.surface).splitlines()
        yield Text("\nPython surface", "bold"), [Text(line, _SIGNS.get(line[:1], "")) for line in lines]


def _height(text: Text) -> int:
    return text.plain.count("\n") + 1


def _fitting(entries: list[Text], room: int) -> int:
    """Return how many of the first entries fit into a number of lines."""
    for count, entry in enumerate(entries):
        room -= _height(entry)
        if room < 0:
            return count
    return len(entries)


def _shortened(entry: Text) -> Text:
    lines = entry.split("\n")
    return entry if len(lines) <= _LINES else Text("\n").join([*lines[: _LINES - 1], Text("    …")])


def _entry(rows: list[Row], places: int | None = None, *, is_brief: bool = False) -> Text:
    row = rows[0]
    text = Text("  ")
    text.append("\n  ".join(wording.flat(each.where) for each in rows[:places]), "bold")
    if left := len(rows[places:]) if places else 0:
        text.append(f"\n  and {left} more")
    what, note = wording.sentence(row)
    text.append(f": {what}" + (f" ({wording.flat(note)})" if note else ""))
    hit, names = wording.hit(row)
    if hit:
        text.append(" ".join([f", in {hit}" if row.hits else f", {hit}", wording.flat(" and ".join(names))]).rstrip())
    users = [user for user in USERS if user != "api" and user in concerned(row)]
    if users and row.severity is not Severity.DOCUMENTATION:
        text.append(f" · concerns users of {' and '.join(users)}")
    pieces = wording.common(rows)
    if places:
        pieces = () if is_brief else tuple(wording.shortened(pieces))
    if pieces:
        text.append("\n    ")
    whole = any(sign == "=" for sign, _ in pieces)
    for index, (sign, piece) in enumerate(pieces):
        if index and not whole:
            text.append(" → ")
        marked = wording.marked(sign, piece) if whole else piece
        text.append(printable(marked).replace("\n", "\n    "), _SIGNS[sign])
    if python := wording.python(rows):
        text.append(f"\n    {wording.python_label(rows)}: {wording.flat(python)}")
    if action := to_do(row):
        text.append(f"\n    To do: {action}")
    for broken in wording.broken(rows):
        text.append(f"\n    breaks {printable(broken)}", "red")
    return text
