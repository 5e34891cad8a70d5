"""After a call of `tasks.map` was left, no start is sent, wherever the start is waiting to be sent."""

from __future__ import annotations

import itertools
import math
import threading
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from anchor_webtask._http import limiter
from anchor_webtask.emulator import Fault
from tests.support.many import FEW_CHECKS, loop, states
from tests.support.patience import PATIENCE

if TYPE_CHECKING:
    from anchor_webtask.emulator import Emulator
    from anchor_webtask.testing import VirtualClock
    from tests.support.runners import Runner

FIRST = ""
"""An invalid prompt: its outcome comes at once, so the loop can be left while all other starts are under way."""


def pass_time(runner: Runner, clock: VirtualClock, seconds: float) -> None:
    runner.call(clock.sleep if runner.name == "sync" else clock.sleep_async, seconds)


def test_start_that_queues_for_a_slot_is_not_sent_after_stop(
    runner: Runner, anchor_emulator: Emulator, anchor_clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another call has the only slot for 10 seconds."""
    monkeypatch.setattr(limiter, "MAX_IN_FLIGHT", 1)
    anchor_emulator.on(takes=math.inf)
    anchor_emulator.on(prompt="Other", takes=math.inf, start_faults=[Fault(delay=10)])
    with runner.anchor(wait=FEW_CHECKS) as anchor:
        other, outcomes = anchor.tasks.map([FIRST, "Other"]), anchor.tasks.map([FIRST, "Read"])
        for each in (other, outcomes):
            loop(runner, each, lambda _: True)
            pass_time(runner, anchor_clock, 1)
        assert runner.call(outcomes.stop) == {}
        assert anchor_clock.elapsed == 2
        (outcome,) = runner.call(lambda: outcomes)
        assert (outcome.state, outcome.attempt) == ("not_started", 0)
        pass_time(runner, anchor_clock, 60)
        assert anchor_emulator.start_requests == 1
        runner.call(other.stop)


def test_starts_do_not_queue_for_a_slot_if_no_other_call_uses_the_client(
    runner: Runner, anchor_emulator: Emulator, anchor_clock: VirtualClock
) -> None:
    anchor_emulator.on(takes=math.inf, start_faults=[Fault(delay=3)] * 999)
    with runner.anchor(wait=FEW_CHECKS) as anchor:
        outcomes = anchor.tasks.map([FIRST, *map(str, range(150))], max_running=150)
        loop(runner, outcomes, lambda _: True)
        pass_time(runner, anchor_clock, 1)
        assert anchor_emulator.start_requests == limiter.MAX_IN_FLIGHT
        runner.call(outcomes.stop)
        assert states(runner.call(lambda: outcomes))["running"] == limiter.MAX_IN_FLIGHT
        pass_time(runner, anchor_clock, 60)
    assert anchor_emulator.start_requests == limiter.MAX_IN_FLIGHT


@pytest.mark.parametrize("seconds", [0.5, 1.5])
def test_start_without_a_connection_is_not_repeated_after_stop(
    runner: Runner, exact_clock: VirtualClock, seconds: float
) -> None:
    """The attempts are at 0, 1 and 2 seconds; the third one would get a connection."""
    attempts = itertools.count()
    sent: list[float] = []

    def handle(request: httpx.Request) -> httpx.Response:
        if next(attempts) < 2:
            raise httpx.ConnectError("no route", request=request)
        sent.append(exact_clock.now())
        return httpx.Response(200, json={"data": {"workflow_id": "id-1"}})

    with runner.anchor(transport=httpx.MockTransport(handle)) as anchor:
        outcomes = anchor.tasks.map([FIRST, "Read"])
        loop(runner, outcomes, lambda _: True)
        pass_time(runner, exact_clock, seconds)
        assert runner.call(outcomes.stop) == {}
        (outcome,) = runner.call(lambda: outcomes)
        pass_time(runner, exact_clock, 60)
    assert (outcome.state, outcome.attempt, sent) == ("not_started", 0, [])
    assert exact_clock.elapsed == seconds + 60  # the response to nothing is not waited for


@pytest.mark.parametrize("runner", ["sync"], indirect=True)
def test_stop_knows_an_id_whose_first_check_is_under_way(runner: Runner) -> None:
    is_checked, is_over = threading.Event(), threading.Event()

    def handle(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            is_checked.set()
            is_over.wait(PATIENCE)
        return httpx.Response(200, json={"data": {"workflow_id": "id-1", "status": "RUNNING"}})

    with runner.anchor(transport=httpx.MockTransport(handle)) as anchor, anchor.tasks.map(["Read"], timeout=0) as made:
        assert is_checked.wait(PATIENCE)
        assert list(made.stop().values()) == ["id-1"]
        is_over.set()


def test_stop_may_be_called_by_another_thread_or_task(
    runner: Runner, anchor_emulator: Emulator, anchor_clock: VirtualClock
) -> None:
    import anyio

    anchor_emulator.on(takes=math.inf)
    stopped: dict[str, str] = {}
    seen: list[Any] = []

    async def read_and_stop(outcomes: Any) -> None:
        async def read() -> None:
            seen.extend([outcome async for outcome in outcomes])

        async with anyio.create_task_group() as group:
            group.start_soon(read)
            await anchor_clock.sleep_async(100)
            stopped.update(await outcomes.stop())

    with runner.anchor(wait=FEW_CHECKS) as anchor:
        outcomes = anchor.tasks.map(["Read 0", "Read 1"])
        if runner.name == "sync":
            thread = threading.Thread(target=lambda: seen.extend(outcomes), daemon=True)
            thread.start()
            while anchor_emulator.starts < 2:
                anchor_clock.sleep(1)
            stopped.update(outcomes.stop())
            thread.join(PATIENCE)
            assert not thread.is_alive()
        else:
            with_timeout(runner, read_and_stop, outcomes)
    assert {task.id for task in anchor_emulator.tasks} == {outcome.task_id for outcome in seen}
    assert set(stopped.values()) == {outcome.task_id for outcome in seen}


def with_timeout(runner: Runner, function: Any, *args: Any) -> None:
    """Fail instead of waiting forever."""
    import anyio

    async def call() -> None:
        with anyio.fail_after(PATIENCE):
            await function(*args)

    runner.call(call)
