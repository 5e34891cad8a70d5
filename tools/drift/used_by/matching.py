"""Finds the change in a report by which each line of a user's code breaks, by the names that both mention."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import attrs

from tools.drift.rows import Severity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tools.drift.rows import BrokenLine, Row

NOTHING: Final = (0, Severity.DOCUMENTATION)
_WORDS: Final = {"", "api", "models", "new", "removed", "types"}
"""Parts of the text about Python that name nothing of the user's."""


def assigned(rows: Sequence[Row], lines: Sequence[BrokenLine]) -> tuple[list[Row], list[BrokenLine]]:
    """Return the rows with the lines that each breaks, and the lines for which there is no row.

    A line stands under the rows whose names it mentions the most closely; of these, under the most severe.
    """
    found: list[list[BrokenLine]] = [[] for _ in rows]
    rest: list[BrokenLine] = []
    names = [_names(row) for row in rows]
    for line in lines:
        closeness = [
            max(((_closeness(path, line), row.severity) for path in paths), default=NOTHING)
            for row, paths in zip(rows, names, strict=True)
        ]
        best = max(closeness, default=NOTHING)
        if best[0] == 0:
            rest.append(line)
            continue
        for at, each in enumerate(closeness):
            if each == best:
                found[at].append(line)
    return [attrs.evolve(row, breaks=tuple(mine)) for row, mine in zip(rows, found, strict=True)], rest


def _names(row: Row) -> list[list[str]]:
    """Return the names in Python that a row is about, each in its parts, such as a class and its attribute."""
    text = row.where if row.kind == "python-api" else " ".join(each.python for each in row.places())
    paths = (path.split(".") for path in re.findall(r"[A-Za-z_][\w.]*", text))
    parts = ([part for part in path if part not in _WORDS] for path in paths)
    return [path for path in parts if path]


def _closeness(names: list[str], line: BrokenLine) -> int:
    """Return how closely a line mentions names, the errors before its text; 0 if it does not mention the last one."""
    errors, name = " ".join(line.errors), names[-1]
    text = "" if line.text.startswith(("from ", "import ")) else line.text  # an import also mentions what still exists
    if len(names) > 1 and _squeezed("".join(names[-2:])) in _squeezed(errors):
        return 5  # a class that is named after both, such as that of an enumeration
    closeness = 3 if _mentions(errors, name) else 1 if _mentions(text, name) else 0
    has_all = len(names) > 1 and _mentions(f"{errors} {text}", names[-2])
    return closeness + 1 if closeness and has_all else closeness


def _mentions(text: str, name: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) is not None


def _squeezed(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())
