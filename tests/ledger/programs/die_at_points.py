"""A program whose processes die at one point after the other, each of them with a ledger of its own.

Usage: `die_at_points.py KIND CLIENT FOLDER STEP LIMIT`. KIND is `commits` (before and after each commit) or `lines` (before
each line that takes part in a start). Every STEP-th point is tried, until a process ends without reaching its point. After
each death, another process finishes the work, lets the unknown tasks be started again, and finishes that, too.

The program prints a line of JSON for each process that has died: the point, the ledger, and the number of unknown tasks.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import sqlite3
import sys
import threading
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import anchor_webtask
from anchor_webtask import Ledger
from anchor_webtask._ledger import file as ledger_file
from tests.support.ledger_work import Work, fork, import_for, run

if TYPE_CHECKING:
    from types import FrameType

PACKAGE: Final = f"{Path(anchor_webtask.__file__).parent}{os.sep}"
FILES: Final = frozenset(
    f"{PACKAGE}{name}"
    for name in (
        "_ledger/call.py",
        "_ledger/owners.py",
        "_ledger/transitions.py",
        "_ledger/writer.py",
        "_batch/ledger_starts.py",
        "_tasks/async_ledger.py",
        "_tasks/interruptions.py",
        "_tasks/ledger.py",
        "_tasks/sync_ledger.py",
        "_http/async_transport.py",
        "_http/transport.py",
    )
)
KEYS: Final = 2
HOLD: Final = 0.3
"""Seconds for which the start of a process that has died keeps its place."""


class Points:
    """Counts points, and dies at one of them."""

    def __init__(self, point: int) -> None:
        self._point, self._numbers = point, itertools.count(1)

    def reach(self) -> None:
        if next(self._numbers) == self._point:
            os.kill(os.getpid(), signal.SIGKILL)


def die_at_commits(points: Points) -> None:
    """Die before or after a commit."""

    class Connection(sqlite3.Connection):
        def execute(self, sql: str, *arguments: Any) -> sqlite3.Cursor:
            if sql != "COMMIT":
                return super().execute(sql, *arguments)
            points.reach()
            cursor = super().execute(sql)
            points.reach()
            return cursor

    ledger_file.sqlite3.connect = partial(sqlite3.connect, factory=Connection)  # type: ignore[attr-defined]


def die_at_lines(points: Points) -> None:
    """Die before a line, in any thread, from the first start on."""
    has_begun = False

    def trace_lines(_: FrameType, event: str, __: object) -> Any:
        if event == "line":
            points.reach()
        return trace_lines

    def trace(frame: FrameType, _: str, __: object) -> Any:
        nonlocal has_begun
        code = frame.f_code
        has_begun = has_begun or code.co_name == "new_start"
        return trace_lines if has_begun and code.co_filename in FILES else None

    threading.settrace(trace)
    sys.settrace(trace)


def finish(work: Work) -> None:
    """Finish all tasks, and then those that were unknown."""
    unknown = [key for key, state in run(work).items() if state == "unknown"]
    with Ledger(work.ledger) as ledger:
        ledger.retry(*unknown)
    assert set(run(work).values()) == {"completed"}


def main(kind: str, client: str, folder: str, step: str, limit: str) -> None:
    die = die_at_commits if kind == "commits" else die_at_lines
    import_for(Path(folder))
    for point in itertools.count(1, int(step)):
        keys = [f"{kind} {client} {limit} {point} {number}" for number in range(KEYS)]
        work = Work(client, Path(folder) / f"{kind}-{client}-{limit}-{point}.ledger", keys, int(limit), HOLD)

        def die_at_point(work: Work = work, point: int = point) -> None:
            die(Points(point))
            run(work)

        _, status = os.waitpid(fork(die_at_point), 0)
        if status == 0:
            return
        if status != signal.SIGKILL:
            sys.exit(f"the work at point {point} has ended with {status}")
        _, status = os.waitpid(fork(partial(finish, replace(work, timeout=60))), 0)
        print(json.dumps({"point": point, "ledger": str(work.ledger), "status": status}), flush=True)


main(*sys.argv[1:])
