"""What a call waits for that it cannot change: it says so once a minute, and no longer than its timeout."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from anchor_webtask import LedgerBusyError, TaskRequest
from anchor_webtask._ledger.sqlite import file
from anchor_webtask.emulator import Fault
from tests.support.broken_disk import BrokenDisk
from tests.support.many import states
from tests.support.other_calls import starting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from anchor_webtask.emulator import Emulator
    from anchor_webtask.testing import VirtualClock
    from tests.support.postgres_server import Place
    from tests.support.runners import Runner

REQUEST = TaskRequest("Read", key="a")


@contextmanager
def reminders(effect: Callable[[int], object]) -> Iterator[list[str]]:
    """A block in which an effect takes place at each reminder; it receives the number of the reminder."""
    seen: list[str] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if "goes on waiting" in record.getMessage():
                seen.append(record.getMessage())
                effect(len(seen))

    handler = Handler()
    logger = logging.getLogger("anchor_webtask")
    logger.addHandler(handler)
    try:
        yield seen
    finally:
        logger.removeHandler(handler)


def call(runner: Runner, tasks: Any, way: str, **arguments: Any) -> object:
    """Return the answer, or the error, of one call for the request."""
    if way == "run":
        try:
            return runner.call(tasks.run, REQUEST.prompt, key=REQUEST.key, **arguments).value
        except LedgerBusyError as error:
            return error
    outcome = runner.call(tasks.map, [REQUEST], **arguments)[0]
    return outcome.error or outcome.result().value


@pytest.mark.parametrize("way", ["map", "run"])
@pytest.mark.parametrize("age", [60.0, 1000.0])
def test_start_of_another_call_is_waited_for_until_the_timeout_since_its_claim(
    anchor_emulator: Emulator,
    anchor_clock: VirtualClock,
    runner: Runner,
    tasks: Any,
    place: Place,
    way: str,
    age: float,
) -> None:
    with starting(place, REQUEST):
        anchor_clock.sleep(age)
        error = call(runner, tasks, way, ledger=place, timeout=100)
    assert isinstance(error, LedgerBusyError)
    assert "still starting the task with the key 'a'" in str(error)
    assert max(age, 100) <= anchor_emulator.elapsed < max(age, 100) + 1
    assert anchor_emulator.starts == 0


@pytest.mark.parametrize("way", ["map", "run"])
def test_call_without_timeout_says_that_another_one_is_starting_its_task(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, place: Place, way: str
) -> None:
    anchor_emulator.on(answer=1)
    with (
        starting(place, REQUEST) as start,
        reminders(lambda number: start.withdrawn().result() if number == 3 else None) as seen,
    ):
        assert call(runner, tasks, way, ledger=place, timeout=None) == 1
    assert all("another call, which is alive, is still starting the task with the key 'a'" in each for each in seen)
    assert 180 <= anchor_emulator.elapsed < 400
    assert anchor_emulator.starts == 1


def test_map_that_waits_for_the_tasks_of_other_calls_says_so(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, path: Path
) -> None:
    anchor_emulator.on(answer=1)
    with (
        starting(path, TaskRequest("Read", key="other")) as start,
        reminders(lambda number: start.withdrawn().result() if number == 3 else None) as seen,
    ):
        assert states(runner.call(tasks.map, [REQUEST], ledger=path, max_running=1)) == {"completed": 1}
    assert all("the tasks of other calls have all (1)" in each for each in seen)
    assert 180 <= anchor_emulator.elapsed < 400


@pytest.mark.parametrize("timeout", [None, 1000])
def test_map_whose_looks_find_the_file_locked_says_so(
    anchor_emulator: Emulator,
    runner: Runner,
    tasks: Any,
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
    timeout: float | None,
) -> None:
    monkeypatch.setattr(file, "BUSY_SECONDS", 0.05)
    anchor_emulator.on(answer=1)
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)

    def requests() -> Iterator[TaskRequest]:
        other.execute("BEGIN EXCLUSIVE")
        yield REQUEST

    with reminders(lambda number: other.rollback() if number == 3 else None) as seen:
        outcomes = runner.call(tasks.map, requests(), ledger=path, timeout=timeout)
    other.close()
    assert states(outcomes) == {"completed": 1}
    assert len(seen) == 3
    assert all("locked by another process" in each for each in seen)
    assert anchor_emulator.elapsed >= 180


@pytest.mark.parametrize("way", ["map", "run"])
def test_long_pause_is_told_at_once(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, place: Place, way: str
) -> None:
    anchor_emulator.on(answer=1)
    anchor_emulator.on(prompt="Refused", start_faults=[Fault(429, headers={"Retry-After": "1000"})])
    with reminders(lambda _: None) as seen:
        runner.call(tasks.map, [TaskRequest("Refused", key="b")], ledger=place, timeout=100)
        assert not seen
        assert call(runner, tasks, way, ledger=place, timeout=None) == 1
    assert anchor_emulator.elapsed >= 1000
    assert ["wants no further one for 1000 s" in each for each in seen] == [True]


@pytest.mark.parametrize("kind", ["locked", "refused"])
def test_map_whose_starts_are_in_vain_says_so(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    disk = BrokenDisk(monkeypatch)
    disk.code = sqlite3.SQLITE_BUSY
    anchor_emulator.on(answer=1, start_faults=[429] * 20 if kind == "refused" else ())
    with reminders(lambda _: None) as seen:
        disk.fails = lambda number: kind == "locked" and number > 1 and len(seen) < 3  # the first makes the file
        outcomes = runner.call(tasks.map, [REQUEST], ledger=path, timeout=None)
    assert states(outcomes) == {"completed": 1}
    assert len(seen) >= 3
    assert all(("was locked by another process" if kind == "locked" else "429") in each for each in seen)
    assert len(seen) <= anchor_emulator.elapsed / 60
