"""Callbacks that can't work are refused before a task is paid for, and time that a consumer takes counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from anchor_webtask import ConfigurationError, TransportError
from anchor_webtask.emulator import Emulator
from tests.support.errors import raised

if TYPE_CHECKING:
    from tests.support.clocks import VirtualClock
    from tests.support.runners import Runner


@pytest.mark.parametrize("name", ["on_start", "on_update"])
def test_what_can_not_be_called_is_refused_before_the_start(runner: Runner, name: str) -> None:
    emulator = Emulator()
    with runner.anchor(transport=emulator.transport()) as anchor:
        error = raised(ConfigurationError, runner, anchor.tasks.run, "Read", **{name: "not a function"})
    assert str(error) == f"{name} must be a function, not str"
    assert emulator.start_requests == 0


def test_a_coroutine_function_is_for_the_async_face(runner: Runner, clock: VirtualClock) -> None:
    called: list[str] = []

    async def on_start(task: Any) -> None:
        called.append(task.id)

    emulator = Emulator(clock=clock)
    with runner.anchor(transport=emulator.transport()) as anchor:
        if runner.name == "sync":
            raised(ConfigurationError, runner, anchor.tasks.run, "Read", on_start=on_start)
            assert emulator.start_requests == 0
        else:
            assert runner.call(anchor.tasks.run, "Read", on_start=on_start).task_id == called[0]


def test_the_time_that_a_consumer_takes_counts(runner: Runner, clock: VirtualClock) -> None:
    emulator = Emulator(clock=clock, takes=90)
    seen: list[float] = []

    def look(_: object) -> None:
        seen.append(clock.time)
        clock.time += 20

    with runner.anchor(transport=emulator.transport()) as anchor, pytest.raises(TimeoutError):
        runner.call(anchor.tasks.run, "Read", timeout=60, on_update=look)
    # Each check is due long before the consumer is done, and the last one is right after it.
    assert seen == [1, 21, 41, 61]


def test_a_wait_begins_when_it_is_iterated_over(runner: Runner, clock: VirtualClock) -> None:
    emulator = Emulator(clock=clock, takes=5)
    with runner.anchor(transport=emulator.transport()) as anchor:
        task = runner.call(anchor.tasks.start, "Read")
        updates = task.updates()
        clock.time += 100
        assert [update.status for update in runner.call(lambda: updates)] == ["completed"]
    assert clock.sleeps == []


def test_an_environment_that_makes_no_client_is_a_clear_error(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "foo://user:hidden@proxy.example")
    with runner.anchor() as anchor:
        error = raised(ConfigurationError, runner, anchor.tasks.start, "Read")
    assert "proxy variables in the environment" in str(error)
    assert "hidden" not in str(error)
    assert not isinstance(error, TransportError)
