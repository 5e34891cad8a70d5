"""Finds changes of the package's own Python API that break callers: compares code (with griffe) and surface files."""

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
    """Compare the package in the working tree with the package in a commit.

    Args:
        root: The repository.
        commit: The commit.

    Returns:
        A row for each change that breaks callers.
    """
    old = griffe.load_git(
        _PACKAGE, ref=commit, repo=root, search_paths=[_FOLDER], resolve_aliases=True, allow_inspection=False
    )
    new = griffe.load(_PACKAGE, search_paths=[root / _FOLDER], resolve_aliases=True, allow_inspection=False)
    return [_row(breakage) for breakage in griffe.find_breaking_changes(old, new)]


def removed_lines(old: str, new: str) -> list[Row]:
    """Compare the parts of two surface files that describe the package: removed or changed lines break callers.

    Args:
        old: The text of the old file.
        new: The text of the new file.

    Returns:
        One row with the old text of all removed and changed lines; no row if there are none.
    """
    removed = Counter(_own(old)) - Counter(_own(new))
    if not removed:
        return []
    return [
        Row(
            severity("surface"),
            "surface",
            str(SURFACE),
            f"{_PACKAGE}, by the surface file",
            BOTH,
            (),
            [*removed.elements()],
        )
    ]


def _own(surface: str) -> list[str]:
    """Return the lines that describe the package, each with the first line of its paragraph in front of it."""
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
    details = breakage.as_dict()
    return Row(
        severity=severity("python-api"),
        kind="python-api",
        place=breakage.obj.path,
        where=breakage.obj.path,
        hits=BOTH,
        operations=(),
        before=_text(details.get("old_value")),
        after=_text(details.get("new_value")),
        note=breakage.kind.value,
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)
