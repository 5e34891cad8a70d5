"""A program that runs `tasks.map` over some keys, with a ledger, until it ends or is interrupted.

Usage: `work_until_interrupted.py WORK [--stop | --hold]`. WORK is the JSON of a `Work`. With `--stop`, the process
stops itself in the commit of its first claim, while it has locked the ledger's file. With `--hold`, it receives a line
before it stores the id of a task. The program prints `ready`, and begins when it receives a line. It prints `left` when
a call of `map` is left, and in the end the state of each outcome by its key as JSON, or the exception that has ended
the call, and its notes. It also prints the warnings that are logged.
"""

from __future__ import annotations

import json
import logging
import signal
import sqlite3
import sys
import threading
from functools import partial
from pathlib import Path
from typing import Any

from anchor_webtask._batch import left, plan
from anchor_webtask._ledger.call import LedgerCall
from anchor_webtask._ledger.sqlite import file as ledger_file
from anchor_webtask._ledger.start import LedgerStart
from tests.support.ledger_work import Work, run
from tests.support.patience import PATIENCE

# A test sees whether a call that was left waits, and one that stores late has time enough.
plan.GRACE = left.FLUSH_SECONDS = left.ENDS_WITHIN = 10.0 * PATIENCE  # type: ignore[misc]  # that is the purpose


def stop_in_claim() -> None:
    """Let the process stop itself in the transaction that claims its first start, with the lock of a commit."""
    has_claimed = False

    class Connection(sqlite3.Connection):
        def execute(self, sql: str, *arguments: Any) -> sqlite3.Cursor:
            nonlocal has_claimed
            if sql == "BEGIN IMMEDIATE":
                sql = "BEGIN EXCLUSIVE"
            elif sql.startswith("INSERT INTO attempts"):
                has_claimed = True
            elif sql == "COMMIT" and has_claimed:
                has_claimed = False
                # Sent to the process, another thread could receive it, and this one would go on for a moment.
                signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)
            return super().execute(sql, *arguments)

    ledger_file.sqlite3.connect = partial(sqlite3.connect, factory=Connection)  # type: ignore[attr-defined]  # to replace it is the purpose


def hold_ids() -> None:
    """Receive a line before each id of a task is stored."""
    started = LedgerStart.started

    def told_started(self: LedgerStart, task_id: str) -> Any:
        sys.stdin.readline()
        return started(self, task_id)

    LedgerStart.started = told_started  # type: ignore[method-assign]  # that is the purpose


def tell_when_left() -> None:
    """Print when a call of `map` is left."""
    leave = LedgerCall.leave

    def told_leave(self: LedgerCall) -> None:
        leave(self)
        print("left", flush=True)

    LedgerCall.leave = told_leave  # type: ignore[method-assign]  # that is the purpose


def main(work: str, *options: str) -> None:
    logging.basicConfig(stream=sys.stdout, format="%(message)s")
    given = json.loads(work)
    ledger_file.BUSY_SECONDS = 0.1  # type: ignore[misc]  # a test need not wait for seconds
    if "--stop" in options:
        stop_in_claim()
    if "--hold" in options:
        hold_ids()
    tell_when_left()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # programs that run in the background ignore SIGINT
    print("ready", flush=True)
    sys.stdin.readline()
    try:
        states = run(Work(**{**given, "ledger": Path(given["ledger"])}))
    except BaseException as raised:  # noqa: BLE001  the test judges it
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        cause = raised.__context__  # of asyncio's own exception
        print(type(raised).__name__, *getattr(raised, "__notes__", ()), *getattr(cause, "__notes__", ()), flush=True)
    else:
        print(json.dumps(states), flush=True)


main(*sys.argv[1:])
