"""What breaks for who imports the package, by griffe's reading of two states of its code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import griffe

from tools.drift._kinds import severity
from tools.drift._rows import BOTH, Row

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
    old = griffe.load_git(_PACKAGE, ref=commit, repo=root, search_paths=[_FOLDER], resolve_aliases=True)
    new = griffe.load(_PACKAGE, search_paths=[root / _FOLDER], resolve_aliases=True, allow_inspection=False)
    return [_row(breakage) for breakage in griffe.find_breaking_changes(old, new)]


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
