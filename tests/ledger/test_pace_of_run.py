"""`tasks.run` with a ledger waits for no place, but tells other calls of refusals, and is told of theirs."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from anchor_webtask import PaymentRequiredError, RateLimitError, TaskRequest, TaskTimeoutError
from anchor_webtask.emulator import Fault
from tests.support.many import states

if TYPE_CHECKING:
    from pathlib import Path

    from anchor_webtask import Ledger
    from anchor_webtask.emulator import Emulator
    from tests.support.runners import Runner

REFUSED = Fault(429, headers={"Retry-After": "300"})


def room(path: Path) -> tuple[int | None, int]:
    """Return how many tasks may run at once since the API has refused starts, and how often that was halved."""
    with closing(sqlite3.connect(path)) as db:
        room, halvings = db.execute("SELECT room, halvings FROM ledger").fetchone()
    return room, halvings


def start_and_leave(runner: Runner, tasks: Any, path: Path, *keys: str) -> None:
    """Start tasks that go on running."""
    for key in keys:
        with pytest.raises(TaskTimeoutError):
            runner.call(tasks.run, "Read", key=key, ledger=path, timeout=1)


@pytest.mark.parametrize("way", ["map", "run"])
def test_pause_that_the_api_wants_of_run_holds_for_all_calls(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, path: Path, way: str
) -> None:
    anchor_emulator.on(answer=1)
    anchor_emulator.on(prompt="Refused", start_faults=[REFUSED])
    with pytest.raises(RateLimitError):
        runner.call(tasks.run, "Refused", key="a", ledger=path, timeout=100)
    assert anchor_emulator.elapsed == 0
    if way == "map":
        runner.call(tasks.map, [TaskRequest("Read", key="b")], ledger=path)
    else:
        runner.call(tasks.run, "Read", key="b", ledger=path)
    assert anchor_emulator.elapsed >= 300


def test_pause_that_the_api_wants_of_map_holds_for_run(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, path: Path, ledger: Ledger
) -> None:
    anchor_emulator.on(answer=1)
    anchor_emulator.on(prompt="Refused", start_faults=[REFUSED])
    outcome = runner.call(tasks.map, [TaskRequest("Refused", key="a")], ledger=path, timeout=100)[0]
    assert isinstance(outcome.error, RateLimitError)
    with pytest.raises(RateLimitError, match="has refused another start of this ledger") as raised:
        runner.call(tasks.run, "Read", key="b", ledger=path, timeout=100)
    assert raised.value.retry_after == pytest.approx(300, abs=1)
    assert (anchor_emulator.starts, ledger.get("b"), anchor_emulator.elapsed) == (0, None, 0)
    assert runner.call(tasks.run, "Read", key="b", ledger=path, timeout=400).value == 1
    assert 300 <= anchor_emulator.elapsed < 320


def test_own_pause_of_run_is_waited_for_once(anchor_emulator: Emulator, runner: Runner, tasks: Any, path: Path) -> None:
    anchor_emulator.on(answer=1, start_faults=[REFUSED])
    assert runner.call(tasks.run, "Read", key="a", ledger=path).value == 1
    assert 300 <= anchor_emulator.elapsed < 320


def test_refusal_of_run_lets_fewer_tasks_run_at_once(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, path: Path
) -> None:
    anchor_emulator.on(takes=10_000)
    anchor_emulator.on(prompt="Refused", answer=1, start_faults=[429])
    start_and_leave(runner, tasks, path, *"abcde")
    assert room(path) == (None, 0)
    runner.call(tasks.run, "Refused", key="f", ledger=path)
    assert room(path) == (4, 1)  # half of six, and one more for the start that has succeeded


def test_402_while_others_run_is_repeated(anchor_emulator: Emulator, runner: Runner, tasks: Any, path: Path) -> None:
    anchor_emulator.on(takes=200, answer=1)
    anchor_emulator.limit(running=1, status=402, retry_after=20)
    start_and_leave(runner, tasks, path, "a")
    assert runner.call(tasks.run, "Read", key="b", ledger=path).value == 1
    assert (anchor_emulator.starts, anchor_emulator.max_running_seen) == (2, 1)
    assert room(path)[1] > 0


def test_402_while_others_run_is_raised_at_the_deadline_and_leaves_no_row(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, path: Path, ledger: Ledger
) -> None:
    anchor_emulator.on(takes=200, answer=1)
    anchor_emulator.limit(running=1, status=402)
    start_and_leave(runner, tasks, path, "a")
    before = anchor_emulator.elapsed
    with pytest.raises(PaymentRequiredError):
        runner.call(tasks.run, "Read", key="b", ledger=path, timeout=60)
    assert 60 <= anchor_emulator.elapsed - before < 62
    assert ledger.get("b") is None


def test_402_with_nothing_else_busy_is_raised_at_once_with_both_reasons(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, path: Path, ledger: Ledger
) -> None:
    anchor_emulator.limit(starts=0)
    with pytest.raises(PaymentRequiredError, match="out of credit, or other programs use all browsers"):
        runner.call(tasks.run, "Read", key="a", ledger=path)
    row = ledger.get("a")
    assert row is not None
    assert (row.state, anchor_emulator.elapsed, room(path)) == ("refused", 0, (None, 0))


def test_run_waits_for_no_place_though_few_tasks_may_run(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, path: Path
) -> None:
    anchor_emulator.on(takes=10_000)
    anchor_emulator.on(prompt="Refused", start_faults=[429])
    anchor_emulator.on(prompt="Quick", answer=1)
    start_and_leave(runner, tasks, path, *"ab")
    with pytest.raises(RateLimitError):
        runner.call(tasks.run, "Refused", key="c", ledger=path, timeout=0)
    assert room(path) == (1, 1)
    assert runner.call(tasks.run, "Quick", key="d", ledger=path, timeout=10).value == 1
    outcomes = runner.call(tasks.map, [TaskRequest("Quick", key="d")], ledger=path)
    assert states(outcomes) == {"completed": 1}
