"""Writes a report as JSON, with one object for each row; `report.schema.json` in this folder is its schema."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tools.drift.report import Report
    from tools.drift.rows import Row


def to_json(report: Report) -> str:
    """Return a report as JSON."""
    complete = {
        "old": report.old,
        "new": report.new,
        "version": report.version,
        "next_version": report.next_version if report else report.version,
        "counts": {str(severity): count for severity, count in report.counts.items()},
        "notes": report.notes,
        "rows": [_row(row) for row in report.rows],
        "surface": report.surface,
    }
    return json.dumps(complete, indent=2) + "\n"


def _row(row: Row) -> dict[str, Any]:
    return {
        "severity": str(row.severity),
        "kind": row.kind,
        "place": row.place,
        "where": row.where,
        "hits": sorted(row.hits),
        "operations": list(row.operations),
        "before": row.before,
        "after": row.after,
        "python": row.python,
        "note": row.note,
    }
