"""Writes the rows of a ledger, for a person or as lines of JSON."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

from anchor_webtask._cli import exit_status
from anchor_webtask._cli.escaping import harmless_line
from anchor_webtask._cli.output_types import plain
from anchor_webtask._cli.reports import error_fields
from anchor_webtask._cli.screen import screen
from anchor_webtask._cli.wording import for_people, in_commands
from anchor_webtask._secret_task_id import shown_id

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from anchor_webtask import LedgerRow

_STATUSES: Final = {
    "starting": exit_status.RUNNING,
    "running": exit_status.RUNNING,
    "completed": exit_status.DONE,
    "failed": exit_status.FAILED,
    "unknown": exit_status.UNKNOWN,
    "refused": exit_status.REFUSED,
    "retried": exit_status.REFUSED,
}

WIDE: Final = 100
"""The columns from which a terminal has room for all that a table can say."""
_ERRORS: Final = {"failed": "TaskFailedError", "unknown": "StartOutcomeUnknownError"}
_SERVICE_SAID: Final = frozenset({"failed", "refused"})
"""The states whose error is the service's own text."""


def status_of(row: LedgerRow) -> int:
    """Return the exit status that a row means."""
    return exit_status.FAILED if row.state == "completed" and row.valid is False else _STATUSES[row.state]


def row_line(row: LedgerRow) -> dict[str, Any]:
    """Return a row for a line of JSON, with the answer as it was received."""
    return {
        "key": row.key,
        "attempt": row.attempt,
        "state": row.state,
        "task_id": shown_id(row.task_id),
        "valid": row.valid,
        "has_place": row.has_place,
        "claimed": _moment(row.claimed),
        "started": _moment(row.started),
        "ended": _moment(row.ended),
        "error": row.error,
        "answer": row.answer,
    }


def ended_line(row: LedgerRow, output: Any) -> dict[str, Any]:
    """Return what became of a task, as `map` writes it.

    Args:
        row: The task's row.
        output: What the answer should be, as `output` of the client.
    """
    from anchor_webtask import InvalidOutputError

    line = {"key": row.key, "state": row.state, "task_id": shown_id(row.task_id), "attempt": row.attempt}
    if row.state != "completed":
        message = row.error or ""
        if row.state not in _SERVICE_SAID:
            message = in_commands(message)
        return line | {"error": {"type": _ERRORS.get(row.state, "AnchorError"), "message": message}}
    from anchor_webtask._output.schema import output_of

    try:
        return line | {"value": plain(output_of(output).value(row.answer, row.task_id), row.answer)}
    except InvalidOutputError as error:
        return line | {"error": error_fields(error)}


def put_table(rows: Iterable[LedgerRow]) -> None:
    """Write rows as a table, with the id of each task below its row."""
    is_wide = screen.width(sys.stdout) >= WIDE
    titles = ["state", "key", *(["attempt", "since"] if is_wide else []), "what is known"]
    cells, ids = [], []
    for row in rows:
        since = f"{(row.ended or row.started or row.claimed).astimezone():%Y-%m-%d %H:%M:%S}"
        state = "invalid" if row.valid is False else row.state
        cells.append([state, row.key, *([str(row.attempt), since] if is_wide else []), _why(row)])
        ids.append(shown_id(row.task_id) or "")
    screen.table(titles, cells, sys.stdout, below=ids)


def put_row(row: LedgerRow) -> None:
    """Write all of a row, a field a line, and its answer."""
    for name, value in (row_line(row) | {"error": _why(row) or None}).items():
        if name != "answer" and value is not None:
            screen.put(f"{name:10} {harmless_line(str(value))}")
    if row.state == "completed":
        screen.put_answer(row.answer)


def _why(row: LedgerRow) -> str:
    """Return the error of a row for a person; empty if it has none."""
    error = row.error or ""
    return harmless_line(error) if row.state in _SERVICE_SAID else for_people(error)


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds")
