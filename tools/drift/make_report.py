"""Compares two states of the API in full (spec, the package's own Python API, surface file), and makes the report."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Final

from tools.drift import merged_rows, overlay_effect, python_api, usage
from tools.drift.report import Report

if TYPE_CHECKING:
    from pathlib import Path

    from tools.drift.sides import Side

_SHOWN: Final = 3  # the references that a note shows


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
    notes = [side.note for side in (old, new) if side.note]
    notes += dict.fromkeys(note for side in (old, new) if (note := _outside(side)))
    return Report(old.name, new.name, merged_rows.merge(rows), surface, notes, version)


def _outside(side: Side) -> str:
    """Return a note on the references of a document to other documents; an empty text if there are none."""
    found = usage.outside(side.published)
    if not found:
        return ""
    shown = ", ".join(found[:_SHOWN]) + (f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else "")
    return f"{side.name} refers to other documents, which are not read: {shown}"
