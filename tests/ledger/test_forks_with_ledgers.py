"""A forked child uses a ledger by a connection of its own, and does not keep the lock of its parent."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Final

import pytest

from anchor_webtask import Anchor, Ledger, TaskRequest, WaitPolicy
from anchor_webtask.emulator import Emulator
from tests.support.processes import spawn
from tests.support.runners import KEY

PROGRAM: Final = Path(__file__).parent / "programs" / "fork_with_ledger.py"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_tasks_of_a_killed_parent_are_adopted_while_its_child_lives(path: Path) -> None:
    emulator = Emulator(KEY)
    emulator.on(takes=0.0, answer="quick")
    emulator.on(prompt="Slow", takes=lambda _: 3600.0)
    with emulator.serve() as server, spawn(PROGRAM, str(path), base_url=server.base_url) as process:
        assert process.stdout is not None
        child, *found = json.loads(process.stdout.readline())
        assert found == [{"running": 1, "completed": 1}, "quick"]
        try:
            with (
                Anchor(KEY, base_url=server.base_url, wait=WaitPolicy(minimum=0.05, maximum=0.05)) as anchor,
                Ledger(path) as ledger,
            ):
                outcomes = anchor.tasks.map([TaskRequest("Quick", key="other")], ledger=ledger)
                next(outcomes)  # the call has adopted what nobody waits for
                outcomes.stop()
                (slow,) = emulator.tasks[1:2]
                slow.finish("slow")
                (outcome,) = anchor.tasks.map([TaskRequest("Slow", key="slow")], ledger=ledger)
                assert outcome.result().value == "slow"
        finally:
            os.kill(child, signal.SIGKILL)
    assert emulator.starts == 4
