"""A program whose processes die at one point after the other, each of them with a ledger of its own.

Usage: `die_at_points.py FOLDER KIND STEP CLIENT-CALL-LIMIT…`. KIND is `commits` (before and after each commit) or
`lines` (before each line that takes part in a start), and CALL is `map` or `run`. Every STEP-th point is tried, until a
process ends without reaching its point. After each death, another process finishes the work, lets the unknown tasks be
started again, and finishes that.

The program prints a line for each process that has died: its ledger, and how the processes after it have ended.
"""

from __future__ import annotations

import itertools
import os
import signal
import sqlite3
import sys
import threading
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import anchor_webtask
from anchor_webtask import Ledger
from anchor_webtask._ledger.sqlite import file as ledger_file
from tests.support.ledger_work import Work, fork, import_for, run

if TYPE_CHECKING:
    from types import FrameType

PACKAGE: Final = f"{Path(anchor_webtask.__file__).parent}{os.sep}"
FILES: Final = frozenset(
    f"{PACKAGE}{name}"
    for name in (
        "_ledger/call.py",
        "_ledger/capacity.py",
        "_ledger/owners.py",
        "_ledger/rows.py",
        "_ledger/start.py",
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

    ledger_file.sqlite3.connect = partial(sqlite3.connect, factory=Connection)  # type: ignore[attr-defined]  # to replace it is the purpose


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


def die_at_points(folder: Path, kind: str, step: int, case: str) -> None:
    """Do the same work once for each point, until a process ends without reaching its point."""
    client, call, limit = case.split("-")
    die = die_at_commits if kind == "commits" else die_at_lines
    for point in itertools.count(1, step):
        ledger = folder / f"{kind}-{case}-{point}.ledger"
        keys = [f"{ledger.name} {number}" for number in range(KEYS)]
        work = Work(client, ledger, keys, int(limit), HOLD, call=cast("Any", call))

        def die_at_point(work: Work = work, point: int = point) -> None:
            die(Points(point))
            run(work)

        _, status = os.waitpid(fork(die_at_point), 0)
        if status == 0:
            return
        assert status == signal.SIGKILL
        _, status = os.waitpid(fork(partial(finish, replace(work, timeout=60))), 0)
        print(ledger.name, status, flush=True)


def main(folder: str, kind: str, step: str, *cases: str) -> None:
    import_for(Path(folder))
    for case in cases:
        die_at_points(Path(folder), kind, int(step), case)


main(*sys.argv[1:])
