"""Writes a report as text, for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.text import Text

from tools.drift import wording
from tools.drift.rows import Severity
from tools.terminal import printable

if TYPE_CHECKING:
    from typing import TextIO

    from tools.drift.report import Report
    from tools.drift.rows import Row

_STYLES: Final = {
    Severity.BREAKING: "bold red",
    Severity.BEHAVIOUR: "yellow",
    Severity.NAMING: "magenta",
    Severity.ADDITIVE: "green",
    Severity.DOCUMENTATION: "dim",
}
_SIGNS: Final = {"=": "", "-": "red strike", "+": "green"}


def write(report: Report, file: TextIO) -> None:
    """Write a report. The text has colours if `file` is a terminal or FORCE_COLOR is set, but never if NO_COLOR is set.

    Args:
        report: The report.
        file: The file to write to.
    """
    console = Console(file=file, soft_wrap=True, highlight=False, emoji=False, markup=False)
    if not report:
        console.print("No API drift.")
        return
    names = printable(f"API drift, {report.old} → {report.new}: ")
    console.print(Text(names, "bold") + Text(" · ".join(report.verdict()), _STYLES[report.worst]))
    for note in report.notes:
        console.print(Text(printable(note), "italic"))
    for severity in reversed(Severity):
        if groups := report.groups(severity):
            console.print(Text(f"\n{wording.title(severity)}", _STYLES[severity]))
            for group in groups:
                console.print(_lines(group))
    if report.surface:
        console.print(Text("\nPython surface", "bold"))
        for line in printable(report.surface).splitlines():
            console.print(Text(line, _SIGNS.get(line[:1], "")))


def _lines(rows: list[Row]) -> Text:
    row = rows[0]
    text = Text("  ")
    text.append("\n  ".join(wording.flat(each.where) for each in rows), "bold")
    what, note = wording.sentence(row)
    text.append(f": {what}" + (f" ({wording.flat(note)})" if note else ""))
    hit, names = wording.hit(row)
    if hit:
        text.append(" ".join([f", in {hit}" if row.hits else f", {hit}", wording.flat(" and ".join(names))]).rstrip())
    pieces = wording.common(rows)
    if pieces:
        text.append("\n    ")
    whole = any(sign == "=" for sign, _ in pieces)
    for index, (sign, piece) in enumerate(pieces):
        if index and not whole:
            text.append(" → ")
        marked = wording.marked(sign, piece) if whole else piece
        text.append(printable(marked).replace("\n", "\n    "), _SIGNS[sign])
    if row.python:
        text.append(f"\n    Python: {wording.flat(row.python)}")
    return text
