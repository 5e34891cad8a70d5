"""A forked child uses a ledger by a connection of its own, and does not keep the lock of its parent."""

from __future__ import annotations

import gc
import json
import os
import signal
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from anchor_webtask import Anchor, TaskRequest, WaitPolicy
from anchor_webtask._ledger import forks
from anchor_webtask._ledger.sqlite.backend import SqliteBackend
from anchor_webtask._ledger.store import Store
from anchor_webtask.emulator import Emulator
from tests.support.ledger_operations import count, hold
from tests.support.patience import PATIENCE
from tests.support.processes import spawn
from tests.support.runners import KEY

if TYPE_CHECKING:
    from collections.abc import Iterator

BASE_URL: Final = "https://api.example"
PROGRAM: Final = Path(__file__).parent / "programs" / "fork_with_ledger.py"
OFTEN: Final = WaitPolicy(minimum=0.05, maximum=0.05)


def owner_of_slow_task(path: Path) -> str:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        (owner,) = db.execute("SELECT owner FROM attempts WHERE key = 'slow'").fetchone()
    return str(owner)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_tasks_of_a_killed_parent_are_adopted_while_its_child_lives(path: Path) -> None:
    emulator = Emulator(KEY)
    emulator.on(takes=0.0, answer="quick")
    emulator.on(prompt="Slow", takes=3600.0)
    with emulator.serve() as server, spawn(PROGRAM, str(path), base_url=server.base_url) as process:
        assert process.stdout is not None
        child, rows, answer = json.loads(process.stdout.readline())
        process.wait(PATIENCE)  # the child may have been faster than the parent, which kills itself after the fork
        try:
            assert (rows, answer) == (2, "quick")
            before = owner_of_slow_task(path)
            with Anchor(KEY, base_url=server.base_url, wait=OFTEN) as anchor:
                requests = [TaskRequest("Quick", key="other"), TaskRequest("Slow", key="slow")]
                outcomes = anchor.tasks.map(requests, ledger=path)
                assert next(outcomes).key == "other"
                assert owner_of_slow_task(path) != before
                (slow,) = (task for task in emulator.tasks if task.body["prompt"] == "Slow")
                slow.finish("slow")
                assert next(outcomes).result().value == "slow"
        finally:
            os.kill(child, signal.SIGKILL)
    assert emulator.starts == 4


@pytest.fixture
def forking() -> Iterator[list[ThreadPoolExecutor]]:
    """Two threads, which do here what a thread does when it forks."""
    with ThreadPoolExecutor(1) as first, ThreadPoolExecutor(1) as second:
        yield [first, second]


def test_ledger_that_is_opened_during_a_fork_waits_for_it(path: Path, forking: list[ThreadPoolExecutor]) -> None:
    thread, _ = forking
    thread.submit(forks._before).result(PATIENCE)
    with closing(Store(SqliteBackend(path))) as opened:
        future = opened._submit(count, "record", BASE_URL)
        try:
            with pytest.raises(TimeoutError):
                future.result(0.2)
        finally:
            thread.submit(forks._after_in_parent).result(PATIENCE)
        assert future.result(PATIENCE) == 1


def test_end_of_a_fork_ends_no_other_one(path: Path, forking: list[ThreadPoolExecutor]) -> None:
    first, second = forking
    first.submit(forks._before).result(PATIENCE)
    with closing(Store(SqliteBackend(path))) as opened:
        was_opened = opened._submit(count, "record", BASE_URL)
        is_held = second.submit(forks._before)
        with suppress(TimeoutError):
            is_held.result(0.2)
        first.submit(forks._after_in_parent).result(PATIENCE)
        is_held.result(PATIENCE)
        future = opened.submit(count, "record")
        try:
            with pytest.raises(TimeoutError):
                future.result(0.2)
        finally:
            second.submit(forks._after_in_parent).result(PATIENCE)
        assert (was_opened.result(PATIENCE), future.result(PATIENCE)) == (1, 2)


def test_fork_waits_for_what_a_closed_ledger_still_stores(path: Path, forking: list[ThreadPoolExecutor]) -> None:
    thread, _ = forking
    opened = Store(SqliteBackend(path))
    future, may_end = hold(partial(opened._submit, base_url=BASE_URL), count, "record")
    opened.close(wait=False)
    del opened
    gc.collect()
    is_held = thread.submit(forks._before)
    try:
        with pytest.raises(TimeoutError):
            is_held.result(0.2)
    finally:
        may_end.set()
        is_held.result(PATIENCE)
        thread.submit(forks._after_in_parent).result(PATIENCE)
    assert future.result(PATIENCE) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_forks_while_other_threads_open_and_close_ledgers(path: Path) -> None:
    program = str(PROGRAM.with_name("fork_while_opening.py"))
    command = [sys.executable, "-W", "ignore::DeprecationWarning", program, str(path)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=2 * PATIENCE)
    assert (ran.returncode, ran.stderr, ran.stdout) == (0, "", "[0]\n")
