"""The texts of a row, which are the same in every format of a report: kind of change, values, affected operations."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from tools.drift import classification, descriptions
from tools.drift.rows import Severity
from tools.terminal import printable

if TYPE_CHECKING:
    from tools.drift.rows import BrokenLine, Row

_COMPARED: Final = {"text", "example", "example-shape", "path-changed"}
_ONE_SIDED: Final = ("-added", "-removed", "-refused", "-allowed", "-opened", "-listed")
_LONG: Final = 12  # the maximum number of list entries that are shown
_FEW: Final = 2  # the maximum number of operations that are named; if there are more, their number is shown
_MUCH: Final = 240  # the maximum number of characters of a removed or added text in a short report
_CONTEXT: Final = 40  # the number of characters of unchanged text before and after a change there

Pieces = tuple[tuple[str, str], ...]


def title(severity: Severity) -> str:
    """Return the heading for the rows of a severity."""
    return "naming, in Python only" if severity is Severity.NAMING else str(severity)


def sentence(row: Row) -> tuple[str, str]:
    """Return the text for the kind of change, and the note of the row."""
    return classification.KINDS[row.kind].text, row.note


def change(row: Row) -> Pieces:
    """Return the change as pieces of text: `=` for unchanged, `-` for removed, `+` for added."""
    before, after = (None if value is None else _shown(value) for value in (row.before, row.after))
    if before is not None and after is not None and row.kind in _COMPARED:
        return tuple(descriptions.difference(before, after))
    if before is None and after is None:
        return ()
    if row.kind.endswith(_ONE_SIDED):
        return tuple((sign, text) for sign, text in (("-", before), ("+", after)) if text is not None)
    return (("-", "nothing" if before is None else before), ("+", "nothing" if after is None else after))


def common(rows: list[Row]) -> Pieces:
    """Return the change that all rows of a group share; in a group of several rows, unchanged text is shown as `…`."""
    pieces = change(rows[0])
    return pieces if len(rows) == 1 else tuple(("=", "…") if sign == "=" else (sign, text) for sign, text in pieces)


def hit(row: Row) -> tuple[str, tuple[str, ...]]:
    """Return a text such as `requests of`, and the operations to show after the text.

    No operations are returned if there are too many, or if the places of the row already begin with all of them.
    """
    if not row.hits:  # an operation may still have it in its code, such as a property of a request that is only read
        return "" if row.operations else "no operation uses it", ()
    on_the_wire = row.severity not in {Severity.DOCUMENTATION, Severity.NAMING}
    if not on_the_wire or not row.operations or row.kind.startswith("operation-"):
        return "", ()
    kind = classification.KINDS[row.kind]
    worst = {each for each in row.hits if getattr(kind, each) == kind.severity(row.hits)}
    text = " and ".join(f"{each}s" for each in sorted(worst, reverse=True))
    if row.where.startswith(row.operations) and len(row.operations) <= 1 + len(row.more):
        return text, ()
    rest = "".join(f" (in {each}s: {getattr(kind, each)})" for each in row.hits - worst)
    if len(row.operations) <= _FEW:
        return f"{text}{rest} of", row.operations
    return f"{text}{rest} of {len(row.operations)} operations", ()


def python(rows: list[Row]) -> str:
    """Return the effect on names in Python at the first places of a change; an empty text if there is none."""
    found = list(dict.fromkeys(row.python for row in rows if row.python not in {"", row.where}))
    return ", ".join(found[:_FEW]) + (f" and {len(found) - _FEW} more" if len(found) > _FEW else "")


def python_label(rows: list[Row]) -> str:
    """Return the word in front of the effect on names in Python, which may be nothing but the name of a place."""
    changes = any(sign in row.python for row in rows for sign in (": ", " → "))
    return "Python" if changes else "Python name"


def marked(sign: str, text: str) -> str:
    """Return a piece of text with marks if it was removed (`[-…-]`) or added (`{+…+}`)."""
    return {"-": f"[-{text}-]", "+": f"{{+{text}+}}"}.get(sign, text)


def flat(text: str) -> str:
    """Return a text as one line, with control characters escaped."""
    return printable(text.replace("\n", "⏎"))


def shortened(pieces: Pieces) -> Pieces:
    """Return the pieces of a change with at most some words of each: the beginning, and the end of unchanged text."""
    found: list[tuple[str, str]] = []
    for sign, text in pieces:
        room = _MUCH if sign != "=" else 2 * _CONTEXT
        head, tail = (_CONTEXT, _CONTEXT) if sign == "=" else (_MUCH, 0)
        short = text[:head] + "…" + text[len(text) - tail :]
        found.append((sign, text if len(text) <= room + 1 else short))
    return tuple(found)


def _shown(value: Any) -> str:
    if isinstance(value, list) and len(value) > _LONG:
        return f"{json.dumps(value[:_LONG], ensure_ascii=False)[:-1]}, … {len(value) - _LONG} more]"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def broken(rows: list[Row]) -> list[str]:
    """Return the lines of the user's code that a group of rows breaks, each once."""
    return [*dict.fromkeys(line(each) for row in rows for each in row.breaks)]


def line(of: BrokenLine) -> str:
    """Return a line of the user's code that breaks, with its place and the reasons."""
    return f"{of.file}:{of.number}: {of.text} ({flat('; '.join(of.errors))})"
