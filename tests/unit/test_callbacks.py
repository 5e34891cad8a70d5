"""Callbacks and updates: callbacks that are refused before the start, and time that counts against the timeout."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from anchor_webtask import ConfigurationError, TransportError
from anchor_webtask.emulator import Emulator
from tests.support.errors import raised

if TYPE_CHECKING:
    from anchor_webtask.testing import VirtualClock
    from tests.support.runners import Runner


@pytest.mark.parametrize("name", ["on_start", "on_update"])
def test_callback_that_is_not_callable_is_refused_before_the_start(runner: Runner, name: str) -> None:
    emulator = Emulator()
    with runner.anchor(transport=emulator.transport()) as anchor:
        error = raised(ConfigurationError, runner, anchor.tasks.run, "Read", **{name: "not a function"})
    assert str(error) == f"{name} must be a function, not str"
    assert emulator.start_requests == 0


def test_coroutine_function_is_accepted_as_callback_only_by_the_async_client(
    runner: Runner, anchor_emulator: Emulator
) -> None:
    called: list[str] = []

    async def on_start(task: Any) -> None:
        called.append(task.id)

    with runner.anchor() as anchor:
        if runner.name == "sync":
            raised(ConfigurationError, runner, anchor.tasks.run, "Read", on_start=on_start)
            assert anchor_emulator.start_requests == 0
        else:
            assert runner.call(anchor.tasks.run, "Read", on_start=on_start).task_id == called[0]


def test_time_that_a_callback_takes_counts_against_the_timeout(
    runner: Runner, anchor_emulator: Emulator, anchor_clock: VirtualClock
) -> None:
    anchor_emulator.on(takes=90)
    times: list[float] = []

    def on_update(_: object) -> None:
        times.append(anchor_clock.now())
        anchor_clock.sleep(20)

    with runner.anchor() as anchor, pytest.raises(TimeoutError):
        runner.call(anchor.tasks.run, "Read", timeout=60, on_update=on_update)
    # The callback takes longer than the delay between checks, so each check follows the callback immediately. The last
    # check is made after the deadline.
    assert times == [1, 21, 41, 61]


def test_first_check_of_updates_is_made_when_the_iteration_begins(
    runner: Runner, anchor_emulator: Emulator, anchor_clock: VirtualClock
) -> None:
    with runner.anchor() as anchor:
        task = runner.call(anchor.tasks.start, "Read")
        updates = task.updates()
        anchor_clock.sleep(100)
        assert [update.status for update in runner.call(lambda: updates)] == ["completed"]
    assert anchor_emulator.elapsed == 100


def test_invalid_proxy_variable_raises_an_error_that_hides_its_password(
    runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "foo://user:hidden@proxy.example")
    with pytest.raises(ConfigurationError) as caught, runner.anchor():
        pass
    error = caught.value
    assert str(error).startswith("the environment variable HTTPS_PROXY must be a URL such as")
    assert "hidden" not in str(error)
    assert not isinstance(error, TransportError)
