"""A forked child uses a ledger by a connection of its own, and does not keep the lock of its parent."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

from anchor_webtask import Anchor, TaskRequest, WaitPolicy
from anchor_webtask.emulator import Emulator
from tests.support.processes import spawn
from tests.support.runners import KEY

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
