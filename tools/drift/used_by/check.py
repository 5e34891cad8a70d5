"""Adds the lines of a user's code that break to a report."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from tools.drift.used_by.findings import broken_lines, check_folder
from tools.drift.used_by.matching import assigned

if TYPE_CHECKING:
    from collections.abc import Callable

    from tools.drift.report import Report
    from tools.drift.used_by.builds import Build


def with_broken_lines(
    report: Report, folder: Path, old: Callable[[Path], Build], new: Callable[[Path], Build]
) -> Report:
    """Return a report that shows under each row the lines of a user's code that break.

    Args:
        report: The report.
        folder: The folder with the user's code.
        old: Provides the old state of the packages, in an empty folder.
        new: Provides the new state.

    Raises:
        BuildError: A state cannot be provided.
        CheckError: The user's code cannot be checked.
    """
    check_folder(folder)
    with tempfile.TemporaryDirectory(prefix="drift-") as made:
        work = Path(made)
        for name in ("old", "new", "check"):
            (work / name).mkdir()
        lines = broken_lines(folder.resolve(), old(work / "old"), new(work / "new"), work / "check")
    rows, rest = assigned(report.rows, lines)
    return attrs.evolve(report, rows=rows, used_by=folder.name, other_breaks=tuple(rest))
