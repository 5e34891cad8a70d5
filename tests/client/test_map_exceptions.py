"""Exceptions of the user's code and of threads that end `tasks.map`: none is lost, and none loses an id."""

from __future__ import annotations

import asyncio
import logging
import math
import threading
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest

from anchor_webtask import Anchor, AsyncAnchor
from anchor_webtask._batch.scheduler import Scheduler
from anchor_webtask.emulator import Fault
from tests.support.left import notes, running_ids, warnings_logged
from tests.support.many import FEW_CHECKS, loop, states
from tests.support.patience import PATIENCE
from tests.support.runners import KEY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from anchor_webtask import Progress, TaskOutcome
    from anchor_webtask.emulator import Emulator
    from anchor_webtask.testing import VirtualClock
    from tests.support.runners import Runner


@pytest.fixture
def tasks(anchor_emulator: Emulator, runner: Runner) -> Iterator[Any]:
    assert anchor_emulator.starts == 0
    with runner.anchor(wait=FEW_CHECKS) as anchor:
        yield anchor.tasks


class FalsyError(Exception):
    """An exception that is false, as some are that have a length."""

    def __bool__(self) -> bool:
        return False


def test_exception_of_a_log_filter_at_several_starts_keeps_each_id(
    tasks: Any, runner: Runner, anchor_emulator: Emulator
) -> None:
    def refuse(record: logging.LogRecord) -> bool:
        if record.getMessage().endswith("started"):
            raise LookupError("no such filter")
        return True

    anchor_emulator.on(takes=math.inf, start_faults=[Fault(delay=1)] * 3)
    logger = logging.getLogger("anchor_webtask")
    level = logger.level
    logger.addFilter(refuse)
    logger.setLevel(logging.INFO)
    try:
        outcomes = tasks.map(["Read 0", "Read 1", "Read 2"])
        with pytest.raises(LookupError) as raised:
            runner.call(lambda: outcomes)
    finally:
        logger.removeFilter(refuse)
        logger.setLevel(level)
    ids = {task.id for task in anchor_emulator.tasks}
    rest = runner.call(lambda: outcomes)
    assert len(ids) == 3
    assert {task_id for task_id in ids if task_id in notes(raised.value)} == ids
    assert {(outcome.state, outcome.task_id) for outcome in rest} == {("running", task_id) for task_id in ids}


@pytest.mark.parametrize("error", [LookupError("no such row"), FalsyError("no such row")])
def test_exception_of_a_start_is_raised_by_a_block_that_is_left_by_break(
    runner: Runner, exact_clock: VirtualClock, error: Exception
) -> None:
    """The loop is left at the first outcome, and the block a second later, once the start has failed."""

    def handle(_: httpx.Request) -> httpx.Response:
        raise error

    def block(outcomes: Any) -> BaseException | None:
        try:
            with outcomes as entered:
                next(entered)
                exact_clock.sleep(1)
        except Exception as raised:  # noqa: BLE001  it is returned, since futures do not raise a false one
            return raised
        return None

    async def block_async(outcomes: Any) -> BaseException | None:
        try:
            async with outcomes as entered:
                await anext(entered)
                await exact_clock.sleep_async(1)
        except Exception as raised:  # noqa: BLE001
            return raised
        return None

    with runner.anchor(transport=httpx.MockTransport(handle)) as anchor:
        outcomes = anchor.tasks.map(["", "Read"])
        assert runner.call(block if runner.name == "sync" else block_async, outcomes) is error


def test_exception_of_the_iterable_is_logged_by_a_block_that_is_left_by_break(
    tasks: Any, runner: Runner, anchor_emulator: Emulator, anchor_clock: VirtualClock
) -> None:
    """The loop is left when the second outcome has come, since reading the requests fails before."""
    anchor_emulator.on(prompt="Read 1", takes=100)

    def requests() -> Iterator[str]:
        yield "Read 0"
        yield "Read 1"
        raise LookupError("no more rows")

    seen: list[str] = []

    def body(outcome: TaskOutcome[Any]) -> bool:
        seen.append(outcome.request.prompt)
        return len(seen) == 2

    with warnings_logged() as (texts, _):
        loop(runner, tasks.map(requests()), body, with_block=True)
    assert [text for text in texts if "reading the requests" in text] != []
    assert anchor_clock.elapsed >= 100


@pytest.mark.parametrize("error", [StopIteration, StopAsyncIteration])
def test_end_of_an_iteration_in_a_callback_does_not_end_the_loop(
    tasks: Any, runner: Runner, anchor_emulator: Emulator, error: type[Exception]
) -> None:
    def report(progress: Progress) -> None:
        if progress.completed:  # so the other task has an id, too
            raise error

    anchor_emulator.on(takes=math.inf)
    anchor_emulator.on(prompt="Read 0", takes=1)
    outcomes = tasks.map(["Read 0", "Read 1"], on_progress=report)
    expected = error if runner.name == "sync" and error is StopAsyncIteration else RuntimeError
    with pytest.raises(expected) as raised:
        runner.call(lambda: outcomes)
    assert (
        {task.id for task in anchor_emulator.tasks if task.id in notes(raised.value)}
        >= running_ids(anchor_emulator)
        != set()
    )


@pytest.mark.parametrize("runner", ["asyncio"], indirect=True)
def test_cancelled_future_in_an_async_iterable_is_raised_after_the_outcomes(
    tasks: Any, runner: Runner, anchor_emulator: Emulator
) -> None:
    anchor_emulator.on(takes=100, start_faults=[Fault(delay=1)])
    seen: list[Any] = []

    async def requests() -> AsyncIterator[str]:
        yield "Read"
        future = asyncio.get_running_loop().create_future()
        future.cancel()
        await future

    async def read() -> str:
        outcomes = tasks.map(requests())
        seen.append(await anext(outcomes))
        with pytest.raises(asyncio.CancelledError):
            await anext(outcomes)
        return "raised"

    assert runner.call(read) == "raised"
    assert states(seen) == {"completed": 1}


@pytest.mark.parametrize("runner", ["asyncio"], indirect=True)
def test_cancelled_future_in_a_transport_is_raised(runner: Runner) -> None:
    async def handle(_: httpx.Request) -> httpx.Response:
        future = asyncio.get_running_loop().create_future()
        future.cancel()
        await future
        raise AssertionError

    async def read(anchor: AsyncAnchor) -> None:
        outcomes = anchor.tasks.map(["Read"])
        with anyio.fail_after(PATIENCE):
            with pytest.raises(asyncio.CancelledError):
                await anext(outcomes)
            assert [outcome.state async for outcome in outcomes] == ["unknown"]

    with runner.anchor(transport=httpx.MockTransport(handle)) as anchor:
        runner.call(read, anchor)


@pytest.mark.parametrize("runner", ["sync"], indirect=True)
def test_few_threads_are_enough(
    tasks: Any, runner: Runner, anchor_emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    start, helpers = threading.Thread.start, []

    def refuse(thread: threading.Thread) -> None:
        if "helper" in thread.name:
            helpers.append(thread)
            if len(helpers) > 2:
                raise RuntimeError("can't start new thread")
        start(thread)

    anchor_emulator.on(start_faults=[Fault(delay=5)] * 9)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert states(runner.call(tasks.map, list("abcd"), max_running=4)) == {"completed": 4}
    assert len(helpers) == 3


def test_scheduler_that_fails_waits_for_the_starts_under_way(
    anchor_emulator: Emulator, anchor_clock: VirtualClock
) -> None:
    def fail() -> None:
        raise MemoryError

    anchor_emulator.on(takes=math.inf, start_faults=[Fault(delay=4)])
    with Anchor(KEY) as anchor:
        outcomes = anchor.tasks.map(["", "Read"])
        next(outcomes)
        anchor_clock.sleep(1)
        outcomes._scheduler._inbox.put(fail)
        with pytest.raises(MemoryError):
            next(outcomes)
        assert [outcome.task_id for outcome in outcomes] == [task.id for task in anchor_emulator.tasks] != []
    assert anchor_clock.elapsed == 4


def test_message_after_the_last_one_is_handled(anchor_emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """A helper can report directly before the scheduler says that it is over."""
    is_handled = threading.Event()
    monkeypatch.setattr(Scheduler, "_end", lambda scheduler: scheduler._inbox.put(is_handled.set))
    with Anchor(KEY) as anchor:
        assert states(anchor.tasks.map(["Read"])) == {"completed": 1}
    assert is_handled.is_set()
    assert anchor_emulator.starts == 1
