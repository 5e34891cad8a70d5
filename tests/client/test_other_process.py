"""One process starts a task, and another process finds the task by its id or token; both use the emulator over TCP."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.support.patience import PATIENCE
from tests.support.processes import spawn

if TYPE_CHECKING:
    from anchor_webtask.emulator import Emulator
    from tests.support.clocks import InstantClock
    from tests.support.runners import Runner

FIND_TASK: Final = Path(__file__).parent / "programs" / "find_task.py"


@pytest.mark.parametrize("method", ["get", "resume"])
def test_another_process_finds_a_started_task_by_its_id_or_token(
    runner: Runner, anchor: Any, base_url: str, emulator: Emulator, clock: InstantClock, method: str
) -> None:
    emulator.on(takes=600, answer={"amount": 3})
    task = runner.call(anchor.tasks.start, "Read the price")
    clock.sleep(600)
    id_or_token = task.id if method == "get" else task.token()
    with spawn(FIND_TASK, runner.name, method, id_or_token, base_url=base_url) as process:
        output, errors = process.communicate(timeout=2 * PATIENCE)
    assert (process.returncode, errors) == (0, "")
    assert json.loads(output) == {"amount": 3}
    assert emulator.starts == 1
