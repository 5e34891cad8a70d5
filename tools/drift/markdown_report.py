"""Writes a report as Markdown, for a comment on a pull request.

All text from a document is inside a code span or a code fence, which the text cannot close. So text from a document
never acts as markup or HTML, and never mentions a user.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from tools.drift import wording
from tools.drift.advice import to_do
from tools.drift.rows import Severity
from tools.terminal import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.drift.report import Report
    from tools.drift.rows import Row

LIMIT: Final = 65_536
"""The maximum number of characters in a comment."""

_ROOM: Final = 60_000  # in bytes, since a character outside ASCII may count as several characters
_SURFACE_ROOM: Final = 8_000  # bytes reserved for the surface diff, which also uses the bytes that the rows do not need
_PIECE: Final = 400
_CONTEXT: Final = 40
_PLACES: Final = 30
_LEGEND: Final = "\nIn texts, `[-…-]` is removed, `{+…+}` is added, and `⏎` ends a line.\n"


def markdown(report: Report) -> str:
    """Return a report as Markdown."""
    if not report.is_drift:
        return "No API drift.\n" + "".join(f"\n> {code(note)}\n" for note in report.notes[:2])
    head = f"**API drift, {code(report.old)} → {code(report.new)}:** {' · '.join(report.verdict())}\n"
    head += f"\nUsers of {'; of '.join(f'`{user}`: {what}' for user, what in report.for_whom())}.\n"
    text = head + "".join(f"\n> {code(note)}\n" for note in report.notes[:2])
    room = _ROOM - len(text.encode()) - (_SURFACE_ROOM if report.surface else 0)
    for severity in reversed(Severity):
        if groups := report.groups(severity):
            section = _section(severity, [_line(group) for group in groups], room)
            text += section
            room -= len(section.encode())
    if report.other_breaks:
        lines = [f"- {code(wording.line(each))}\n" for each in report.other_breaks]
        section = f"\n### Other lines of {code(report.used_by)} that break\n\n"
        text += section + "".join(_fitting(lines, _ROOM - len((text + section).encode()), "- … and more\n"))
    surface = _surface(report.surface, _ROOM - len(text.encode()))
    return text + surface + (_LEGEND if "[-" in text or "{+" in text else "")


def code(text: str) -> str:
    """Return a text inside a code span; the text cannot close the code span, whatever characters it contains."""
    flat = wording.flat(_cut(text, _PIECE)) or " "
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", flat)), default=0))
    pad = " " if flat.startswith("`") or flat.endswith("`") or (flat.strip() and flat != flat.strip()) else ""
    return f"{fence}{pad}{flat}{pad}{fence}"


def _section(severity: Severity, lines: list[str], room: int) -> str:
    title = f"{wording.title(severity)} ({len(lines)})"
    title = title[0].upper() + title[1:]
    folded = severity is not Severity.BREAKING
    head, foot = (
        (f"\n<details><summary>{title}</summary>\n\n", "\n</details>\n") if folded else (f"\n### {title}\n\n", "")
    )
    room -= len((head + foot).encode())
    return head + "".join(_fitting(lines, room, f"- … of {len(lines)} in total; `make drift` shows all\n")) + foot


def _line(rows: list[Row]) -> str:
    row = rows[0]
    places = ", ".join(code(each.where) for each in rows[:_PLACES])
    if len(rows) > _PLACES:
        places += f" and {len(rows) - _PLACES} more"
    parts = [f"- {places}: {_sentence(row)}{_change(rows)}"]
    hit, names = wording.hit(row)
    if hit:
        parts.append(" ".join([hit[0].upper() + hit[1:], " and ".join(map(code, names))]).rstrip())
    if python := wording.python(rows):
        parts.append(f"{wording.python_label(rows)}: {code(python)}")
    if action := to_do(row):
        parts.append(f"To do: {action}")
    if broken := wording.broken(rows):
        parts.append("Breaks " + ", ".join(code(line) for line in broken[:_PLACES]))
        if len(broken) > _PLACES:
            parts[-1] += f" and {len(broken) - _PLACES} more"
    return ". ".join(parts) + ".\n"


def _sentence(row: Row) -> str:
    text, note = wording.sentence(row)
    return f"{text} ({code(note)})" if note else text


def _change(rows: list[Row]) -> str:
    pieces = wording.common(rows)
    if any(sign == "=" for sign, _ in pieces):
        return f": {code(''.join(_marked(pieces)))}"
    return f": {' → '.join(code(text) for _, text in pieces)}" if pieces else ""


def _marked(pieces: tuple[tuple[str, str], ...]) -> Iterator[str]:
    """Mark removed and added pieces, and shorten the unchanged text between them."""
    for index, (sign, text) in enumerate(pieces):
        if sign == "=":
            head = text[:_CONTEXT] if index else ""
            tail = text[-_CONTEXT:] if index + 1 < len(pieces) else ""
            yield text if len(text) <= len(head) + len(tail) else f"{head}…{tail}"
        else:
            yield wording.marked(sign, text)


def _surface(diff: str, room: int) -> str:
    if not diff:
        return ""
    lines = [f"{printable(line)}\n" for line in diff.replace("`", "'").splitlines()]
    head, foot = "\n<details><summary>Python surface</summary>\n\n```diff\n", "```\n\n</details>\n"
    return head + "".join(_fitting(lines, room - len((head + foot).encode()), "… and more\n")) + foot


def _fitting(lines: list[str], room: int, rest: str) -> Iterator[str]:
    """Yield as many lines as `room` bytes allow; if some do not fit, end with the line `rest`."""
    room -= len(rest.encode())
    for line in lines:
        room -= len(line.encode())
        if room < 0:
            yield rest
            return
        yield line


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"
