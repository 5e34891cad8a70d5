"""Writes a report as JSON, with one object for each row; `report.schema.json` in this folder is its schema."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import attrs

from tools.drift.advice import to_do
from tools.drift.audience import concerned

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
        "for_whom": dict(report.for_whom()),
        "counts": {str(severity): count for severity, count in report.counts.items()},
        "notes": report.notes,
        "rows": [_row(row) for row in report.rows],
        "surface": report.surface,
        "used_by": report.used_by,
        "other_breaks": [attrs.asdict(line) for line in report.other_breaks],
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
        "concerns": sorted(concerned(row)),
        "before": row.before,
        "after": row.after,
        "python": row.python,
        "to_do": to_do(row),
        "note": row.note,
        "breaks": [attrs.asdict(line) for line in row.breaks],
        "more": [
            {"place": each.place, "where": each.where, "operations": list(each.operations), "python": each.python}
            for each in row.more
        ],
    }
