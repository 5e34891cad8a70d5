"""The places of a ledger's limit: who has one, until when, and what the progress says of them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from anchor_webtask import Ledger, TaskRequest, TaskStatus
from anchor_webtask.emulator import Fault
from tests.support.many import loop, states

if TYPE_CHECKING:
    from pathlib import Path

    from anchor_webtask.emulator import Emulator
    from tests.support.runners import Runner


class Checked(NamedTuple):
    """A handle of a task that was checked."""

    id: str
    status: TaskStatus = TaskStatus.RUNNING


def keyed(*keys: str) -> list[TaskRequest]:
    return [TaskRequest(f"Read {key}", key=key) for key in keys]


@pytest.mark.parametrize("way", ["free", "attach"])
def test_decision_about_an_unknown_start_helps_the_call_that_runs(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, path: Path, ledger: Ledger, way: str
) -> None:
    anchor_emulator.on(takes=10, answer=1)
    anchor_emulator.on(prompt="Read u", takes=200, answer=1, start_faults=[Fault(502, accepted=True)])
    read: list[Any] = []

    def decide(outcome: Any) -> None:
        read.append(outcome)
        if outcome.state != "unknown":
            return
        if way == "free":
            ledger.free("u")
        else:
            ledger.attach("u", Checked(anchor_emulator.tasks[0].id))

    loop(runner, tasks.map(keyed("u", "next"), max_running=1, ledger=path), decide)
    assert states(read) == {"unknown": 1, "completed": 1}
    assert anchor_emulator.elapsed < (60 if way == "free" else 700)


def test_attached_task_has_one_place(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, path: Path, ledger: Ledger
) -> None:
    anchor_emulator.on(takes=100, answer=1)
    anchor_emulator.on(prompt="Read u", takes=math.inf, start_faults=[Fault(502, accepted=True)])

    def attach(outcome: Any) -> None:
        if outcome.state == "unknown":
            ledger.attach("u", Checked(anchor_emulator.tasks[0].id))

    loop(runner, tasks.map(keyed("u", *"abcd"), max_running=2, ledger=path), attach)
    assert anchor_emulator.elapsed < 600


def test_running_task_whose_place_was_freed_stops_no_later_call(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, path: Path, ledger: Ledger
) -> None:
    anchor_emulator.on(takes=math.inf)
    anchor_emulator.on(prompt="Read b", takes=10, answer=1)
    loop(runner, tasks.map(keyed("never", "quick"), timeout=100, max_running=1, ledger=path), lambda _: True)
    ledger.free("never")
    before = anchor_emulator.elapsed
    outcome = runner.call(tasks.map, keyed("b"), max_running=1, ledger=path)[0]
    assert outcome.state == "completed"
    assert anchor_emulator.elapsed - before < 60
