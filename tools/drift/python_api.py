"""What breaks for who imports the package, by griffe's reading of two states of its code."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import griffe

from tools.drift.classification import severity
from tools.drift.rows import BOTH, Row
from tools.repository import SURFACE

if TYPE_CHECKING:
    from pathlib import Path

_PACKAGE: Final = "anchor_webtask"
_FOLDER: Final = "overlay"


def breakages(root: Path, commit: str) -> list[Row]:
    """Compare the package in the working tree with that of a commit.

    Args:
        root: The repository.
        commit: The commit.

    Returns:
        A row for each change that breaks a caller.
    """
    old = griffe.load_git(
        _PACKAGE, ref=commit, repo=root, search_paths=[_FOLDER], resolve_aliases=True, allow_inspection=False
    )
    new = griffe.load(_PACKAGE, search_paths=[root / _FOLDER], resolve_aliases=True, allow_inspection=False)
    return [_row(breakage) for breakage in griffe.find_breaking_changes(old, new)]


def narrowed(old: str, new: str) -> list[Row]:
    """Compare what two surface files say of the package itself: a line that is gone or changed breaks somebody.

    Args:
        old: The old file's text.
        new: The new one's.

    Returns:
        A row with the lines that are gone, if there are any.
    """
    gone = Counter(_own(old)) - Counter(_own(new))
    if not gone:
        return []
    return [
        Row(
            severity("surface"),
            "surface",
            str(SURFACE),
            f"{_PACKAGE}, by the surface file",
            BOTH,
            (),
            [*gone.elements()],
        )
    ]


def _own(surface: str) -> list[str]:
    """Return the lines of the package's own parts, each with the paragraph that it stands in."""
    lines: list[str] = []
    inside, head = False, ""
    for line in surface.splitlines():
        if line.startswith("== "):
            inside = line.startswith((f"== {_PACKAGE} ", f"== {_PACKAGE}."))
        elif inside and line:
            head = head if line.startswith(" ") else line
            lines.append(line if line == head else f"{head}: {line.strip()}")
    return lines


def _row(breakage: griffe.Breakage) -> Row:
    said = breakage.as_dict()
    return Row(
        severity=severity("python-api"),
        kind="python-api",
        place=breakage.obj.path,
        where=breakage.obj.path,
        hits=BOTH,
        operations=(),
        before=_text(said.get("old_value")),
        after=_text(said.get("new_value")),
        note=breakage.kind.value,
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)
