"""Compares two states of the API in full (spec, the package's own Python API, surface file), and makes the report."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from tools.drift import overlay_effect, python_api
from tools.drift.report import Report

if TYPE_CHECKING:
    from pathlib import Path

    from tools.drift.sides import Side


def make_report(root: Path, old: Side, new: Side, version: str) -> Report:
    """Compare two states, and return the report.

    Args:
        root: The repository.
        old: The old state.
        new: The new state.
        version: The current version of the package.
    """
    rows = overlay_effect.rows(old, new)
    surface = ""
    if old.surface is not None and new.surface is not None:
        rows += [*python_api.breakages(root, old.name), *python_api.removed_lines(old.surface, new.surface)]
        lines = difflib.unified_diff(
            old.surface.splitlines(), new.surface.splitlines(), old.name, new.name, lineterm=""
        )
        surface = "\n".join(lines)
    rows.sort(key=lambda row: (-row.severity, row.where, row.kind, row.place))
    return Report(old.name, new.name, rows, surface, [side.note for side in (old, new) if side.note], version)
