"""`tasks.map` that is left early starts nothing more, leaves running tasks running, and tells their ids."""

from __future__ import annotations

import asyncio
import gc
import itertools
import math
import queue
import signal
import threading
from collections import deque
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest

from anchor_webtask import Anchor, AsyncAnchor, Ledger, StartOutcomeUnknownError, TaskRequest, TaskTimeoutError
from anchor_webtask._batch import left
from anchor_webtask.emulator import Fault
from tests.support.left import notes, running_ids, warnings_logged
from tests.support.many import FEW_CHECKS, loop, states
from tests.support.patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from anchor_webtask import Progress, TaskOutcome
    from anchor_webtask.emulator import Emulator
    from anchor_webtask.testing import VirtualClock
    from tests.support.runners import Runner


@pytest.fixture
def tasks(anchor_emulator: Emulator, runner: Runner) -> Iterator[Any]:
    """The tasks of a client of the emulator: `Quick` ends after a while, `Slow 0`, `Slow 1` … never end."""
    anchor_emulator.on(takes=math.inf)
    anchor_emulator.on(prompt="Quick", takes=60)
    with runner.anchor(wait=FEW_CHECKS) as anchor:
        yield anchor.tasks


def requests() -> Iterator[str]:
    yield "Quick"
    for number in itertools.count():
        yield f"Slow {number}"


@pytest.fixture
def _ctrl_c_interrupts() -> Iterator[None]:
    """Let SIGINT raise KeyboardInterrupt, also where the tests run in the background and ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def assert_told(text: str, emulator: Emulator) -> None:
    """Assert that a text tells the ids of all tasks that run, and of no other."""
    ids = {task.id for task in emulator.tasks if task.id in text}
    assert ids == running_ids(emulator) != set()


def assert_no_more_starts(emulator: Emulator, runner: Runner, tasks: Any) -> None:
    """Assert that no task starts while two hours pass, in which others end."""
    before = emulator.start_requests
    for task in emulator.tasks:
        if task.status == "RUNNING":
            task.finish({})
    runner.call(tasks._settings.clock.sleep if runner.name == "sync" else tasks._settings.clock.sleep_async, 7200)
    assert emulator.start_requests == before


def test_exception_in_a_block_tells_the_ids_of_the_tasks_that_run(
    tasks: Any, runner: Runner, anchor_emulator: Emulator
) -> None:
    def body(_: TaskOutcome[Any]) -> None:
        raise LookupError("no such row")

    with pytest.raises(LookupError) as raised:
        loop(runner, tasks.map(requests(), max_running=3), body, with_block=True)
    assert left.STILL_RUN in notes(raised.value)
    assert_told(notes(raised.value), anchor_emulator)
    assert_no_more_starts(anchor_emulator, runner, tasks)


@pytest.mark.parametrize("with_block", [True, False], ids=["with", "without with"])
def test_break_logs_the_ids_of_the_tasks_that_run(
    tasks: Any, runner: Runner, anchor_emulator: Emulator, with_block: bool
) -> None:
    with warnings_logged() as (texts, has_logged):
        loop(runner, tasks.map(requests(), max_running=3), lambda _: True, with_block=with_block)
        assert has_logged.wait(PATIENCE)
    assert texts[-1].startswith("map was left early: this does not stop the tasks that run")
    assert_told(texts[-1], anchor_emulator)
    assert_no_more_starts(anchor_emulator, runner, tasks)


def test_stop_returns_the_ids_by_key_and_unread_outcomes_can_be_read(
    tasks: Any, runner: Runner, anchor_emulator: Emulator
) -> None:
    outcomes = tasks.map(requests(), max_running=3)
    loop(runner, outcomes, lambda _: True)
    stopped = runner.call(outcomes.stop)
    assert set(stopped.values()) == running_ids(anchor_emulator) != set()
    rest = runner.call(lambda: outcomes)
    running = [outcome for outcome in rest if outcome.state == "running"]
    assert {outcome.key: outcome.task_id for outcome in running} == stopped
    assert {type(outcome.error) for outcome in running} == {TaskTimeoutError}
    assert "map was stopped" in str(running[0].error)
    assert {outcome.state for outcome in rest} <= {"running", "not_started"}
    assert runner.call(outcomes.stop) == {}
    assert_no_more_starts(anchor_emulator, runner, tasks)


def test_stop_by_another_thread_loses_no_outcome_while_the_next_one_is_asked_for(anchor_emulator: Emulator) -> None:
    anchor_emulator.on(takes=math.inf)
    anchor_emulator.on(prompt="Read 0", takes=1)
    with Anchor(wait=FEW_CHECKS) as anchor:
        outcomes = anchor.tasks.map(["Read 0", "Read 1", "Read 2"])

        class Received(deque[Any]):
            """Whoever finds it empty is overtaken by a thread that stops the call."""

            def __len__(self) -> int:
                found = super().__len__()
                if not found and not stopped:
                    stopped.append(True)
                    thread = threading.Thread(target=outcomes.stop)
                    thread.start()
                    thread.join()
                return found

        stopped: list[bool] = []
        assert next(outcomes).state == "completed"
        outcomes._received = Received(outcomes._received)
        assert [outcome.state for outcome in outcomes] == ["running", "running"]
        assert stopped


def test_outcome_that_a_stopping_thread_has_taken_is_not_lost_if_the_end_is_read_first(
    anchor_emulator: Emulator,
) -> None:
    """The queue hands its items to the threads that wait, which need not go on in this order."""
    anchor_emulator.on(takes=math.inf)
    anchor_emulator.on(prompt="Read 0", takes=1)
    end_is_read = threading.Event()

    class StopsEnded(queue.SimpleQueue[None]):
        """Tells that the reader has found the end, and waits for the thread that stops."""

        def get(self, block: bool = True, timeout: float | None = None) -> None:
            end_is_read.set()
            super().get(block, timeout)

    class SlowClock:
        """Holds the outcome that the stopping thread has taken, until the reader has found the end."""

        def get(self, outbox: queue.SimpleQueue[Any], block: bool, timeout: float) -> Any:
            taken = outbox.get(block, timeout)
            reader.start()
            assert end_is_read.wait(PATIENCE)
            return taken

    def read() -> None:
        rest.extend(outcomes)
        end_is_read.set()

    rest: list[TaskOutcome[Any]] = []
    reader = threading.Thread(target=read)
    with Anchor(wait=FEW_CHECKS) as anchor:
        outcomes = anchor.tasks.map(["Read 0", "Read 1"])
        assert next(outcomes).state == "completed"
        outcomes._clock, outcomes._stops_ended = SlowClock(), StopsEnded()  # type: ignore[assignment]  # only `get`
        (stopped,) = outcomes.stop().values()
        reader.join(PATIENCE)
    assert [(outcome.state, outcome.task_id) for outcome in rest] == [("running", stopped)]


def test_stop_by_another_thread_lets_a_waiting_reader_end_with_it(
    anchor_emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both threads add an end for the other one, so that the reader may find two."""
    anchor_emulator.on(takes=math.inf)
    anchor_emulator.on(prompt="Read 0", takes=1)
    monkeypatch.setattr(left, "ENDS_WITHIN", 3600.0)

    class Outbox:
        """Tells when the reader waits."""

        def __init__(self, outbox: queue.SimpleQueue[Any]) -> None:
            self._outbox = outbox
            self.is_waited_for = threading.Event()

        def get(self, *arguments: Any) -> Any:
            self.is_waited_for.set()
            return self._outbox.get(*arguments)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._outbox, name)

    rest: list[TaskOutcome[Any]] = []
    with Anchor(wait=FEW_CHECKS) as anchor:
        outcomes = anchor.tasks.map(["Read 0", "Read 1", "Read 2"])
        assert next(outcomes).state == "completed"
        outbox = Outbox(outcomes._scheduler.outbox)
        outcomes._scheduler.outbox = outbox  # type: ignore[assignment]  # it has all methods of the one in it
        reader = threading.Thread(target=lambda: rest.extend(outcomes), daemon=True)
        reader.start()
        assert outbox.is_waited_for.wait(PATIENCE)
        outcomes.stop()
        reader.join(PATIENCE)
        assert not reader.is_alive()
    assert [outcome.state for outcome in rest] == ["running", "running"]


def test_stop_before_the_first_outcome_starts_nothing(tasks: Any, runner: Runner, anchor_emulator: Emulator) -> None:
    outcomes = tasks.map(requests())
    assert runner.call(outcomes.stop) == {}
    assert runner.call(lambda: outcomes) == []
    assert anchor_emulator.requests == ()


def test_exception_of_on_progress_ends_the_call_and_loses_no_outcome(
    tasks: Any, runner: Runner, anchor_emulator: Emulator
) -> None:
    def report(progress: Progress) -> None:
        if progress.completed:
            raise LookupError("no such row")

    outcomes = tasks.map(requests(), max_running=3, on_progress=report)
    seen: list[TaskOutcome[Any]] = []
    with pytest.raises(LookupError) as raised:
        loop(runner, outcomes, seen.append)
    assert_told(notes(raised.value).partition("; these")[0], anchor_emulator)
    seen += runner.call(lambda: outcomes)
    assert states(seen)["completed"] == 1
    assert {outcome.task_id for outcome in seen if outcome.state == "running"} == running_ids(anchor_emulator)
    assert_no_more_starts(anchor_emulator, runner, tasks)


def test_starts_pause_while_outcomes_are_not_read(
    runner: Runner, anchor_emulator: Emulator, anchor_clock: VirtualClock
) -> None:
    async def endless(outcomes: Any) -> int:
        async for _ in outcomes:
            await anchor_clock.sleep_async(10_000)
            return anchor_emulator.starts
        raise AssertionError

    with runner.anchor() as anchor:
        outcomes = anchor.tasks.map((f"Read {number}" for number in itertools.count()), max_running=3)
        if runner.name == "sync":
            next(outcomes)
            anchor_clock.sleep(10_000)
            starts = anchor_emulator.starts
        else:
            starts = runner.call(endless, outcomes)
        runner.call(outcomes.stop)
    assert 3 < starts <= 1 + 3 + 3  # one was read, three are unread, and up to three ran when the third came


@pytest.mark.parametrize(("delay", "state"), [(14.0, "running"), (29.0, "unknown")])
def test_start_under_way_is_unknown_only_after_five_seconds(
    runner: Runner, anchor_emulator: Emulator, anchor_clock: VirtualClock, delay: float, state: str
) -> None:
    """The first outcome comes after 10 s, so the start is under way for 4 or 19 more seconds."""
    anchor_emulator.on(takes=math.inf, start_faults=[Fault(delay=delay)])
    anchor_emulator.on(prompt="Quick", takes=0)
    with runner.anchor(wait=FEW_CHECKS) as anchor:
        outcomes = anchor.tasks.map(["Quick", "Slow"], max_running=2)
        loop(runner, outcomes, lambda _: True)
        assert anchor_clock.elapsed == 10
        stopped = runner.call(outcomes.stop)
        assert anchor_clock.elapsed == min(delay, 15)
        (outcome,) = runner.call(lambda: outcomes)
        assert (outcome.state, outcome.request.prompt) == (state, "Slow")
        if state == "running":
            assert list(stopped.values()) == [
                task.id for task in anchor_emulator.tasks if task.body["prompt"] == "Slow"
            ]
        else:
            assert stopped == {}
            assert isinstance(outcome.error, StartOutcomeUnknownError)


@pytest.mark.parametrize("has_ledger", [False, True])
def test_result_that_comes_at_once_counts_though_the_call_was_left(
    runner: Runner, anchor_emulator: Emulator, anchor_clock: VirtualClock, tmp_path: Path, *, has_ledger: bool
) -> None:
    """The first outcome comes after 10 s, so the start is under way for 4 more seconds."""
    ledger = tmp_path / "ledger" if has_ledger else None
    anchor_emulator.on(start_faults=[Fault(200, delay=14.0, body='{"data": {"result": 3}}')])
    anchor_emulator.on(prompt="Quick", takes=0)
    with runner.anchor(wait=FEW_CHECKS) as anchor:
        outcomes = anchor.tasks.map(["Quick", "Slow"], max_running=2, ledger=ledger)
        loop(runner, outcomes, lambda _: True)
        assert runner.call(outcomes.stop) == {}
        assert anchor_clock.elapsed == 14
        (outcome,) = runner.call(lambda: outcomes)
        assert (outcome.state, outcome.task_id, outcome.result().raw) == ("completed", None, 3)
        if has_ledger:
            (again,) = runner.call(anchor.tasks.map, ["Slow"], ledger=ledger)
            assert (again.state, again.stored, again.result().raw) == ("completed", True, 3)
    assert anchor_emulator.start_requests == 2


@pytest.mark.parametrize("runner", ["sync"], indirect=True)
def test_result_that_comes_at_once_is_stored_though_the_call_has_ended(
    runner: Runner, anchor_emulator: Emulator, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    anchor_emulator.on(start_faults=[Fault(200, delay=29.0, body='{"data": {"result": 3}}')])
    anchor_emulator.on(prompt="Quick", takes=0)
    with runner.anchor(wait=FEW_CHECKS) as anchor, Ledger(tmp_path / "ledger") as ledger:
        outcomes = anchor.tasks.map(["Quick", TaskRequest("Slow", key="slow")], max_running=2, ledger=ledger)
        loop(runner, outcomes, lambda _: True)
        outcomes.stop()
        assert states(outcomes) == {"unknown": 1}
        anchor.tasks._settings.clock.sleep(60)
        row = ledger.get("slow")
    assert row is not None
    assert (row.state, row.answer) == ("completed", 3)
    assert "its answer is not returned" in caplog.text


@pytest.mark.parametrize("runner", ["asyncio", "trio"], indirect=True)
def test_cancellation_tells_the_ids_and_starts_nothing_more(
    tasks: Any, runner: Runner, anchor_emulator: Emulator, anchor_clock: VirtualClock
) -> None:
    raised: list[BaseException] = []

    async def read() -> None:
        try:
            async for _ in tasks.map(requests(), max_running=3):
                pass
        except BaseException as error:
            raised.append(error)
            raise

    async def cancel() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(read)
            await anchor_clock.sleep_async(1000)
            group.cancel_scope.cancel()

    with warnings_logged() as (texts, _):
        runner.call(cancel)
    assert_told(notes(raised[0]), anchor_emulator)
    assert_told("".join(texts), anchor_emulator)  # a timeout or a program that ends does not show the notes
    assert_no_more_starts(anchor_emulator, runner, tasks)


@pytest.mark.parametrize("runner", ["asyncio"], indirect=True)
def test_second_cancellation_does_not_wait_and_logs_what_is_known(
    tasks: Any, runner: Runner, anchor_emulator: Emulator, anchor_clock: VirtualClock
) -> None:
    """This is what two Ctrl-Cs do to `asyncio.run`."""
    anchor_emulator.on(prompt="Slow 1", takes=math.inf, start_faults=[Fault(delay=3000)])

    async def read() -> None:
        async with tasks.map(requests(), max_running=3) as outcomes:
            async for _ in outcomes:
                pass

    async def cancel_twice() -> None:
        task = asyncio.get_running_loop().create_task(read())
        for _ in range(2):
            await anchor_clock.sleep_async(1)
            task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with warnings_logged() as (texts, _):
        runner.call(cancel_twice)
    assert anchor_clock.elapsed == 2
    (text,) = texts
    known, _, unknown = text.partition("; these tasks may or may not have started")
    assert unknown
    assert len([task for task in anchor_emulator.tasks if task.id in known]) == 2


@pytest.mark.parametrize("with_block", [True, False])
def test_break_after_the_end_of_the_call_logs_the_outcomes_that_were_not_read(
    tasks: Any, runner: Runner, anchor_emulator: Emulator, anchor_clock: VirtualClock, with_block: bool
) -> None:
    async def end_async(outcomes: Any) -> None:
        if with_block:
            await outcomes.__aenter__()
        async for _ in outcomes:
            await anchor_clock.sleep_async(1000)
            break
        if with_block:
            await outcomes.__aexit__(None, None, None)

    def end(_: TaskOutcome[Any]) -> bool:
        anchor_clock.sleep(1000)
        return True

    anchor_emulator.on(prompt="Read *", takes=300)
    with warnings_logged() as (texts, has_logged):
        if runner.name == "sync":
            loop(runner, tasks.map(["Quick", "Read 0", "Read 1"]), end, with_block=with_block)
        else:
            runner.call(end_async, tasks.map(["Quick", "Read 0", "Read 1"]))
        assert has_logged.wait(PATIENCE)
    (text,) = texts
    assert "these tasks have ended, and their outcomes were not read" in text
    assert sorted(task.body["prompt"] for task in anchor_emulator.tasks if task.id in text) == ["Read 0", "Read 1"]


def test_generator_that_is_closed_logs_the_ids_of_the_tasks_that_run(
    tasks: Any, runner: Runner, anchor_emulator: Emulator
) -> None:
    def read() -> Iterator[TaskOutcome[Any]]:
        with tasks.map(requests(), max_running=3) as outcomes:
            yield from outcomes

    async def read_async() -> AsyncIterator[TaskOutcome[Any]]:
        async with tasks.map(requests(), max_running=3) as outcomes:
            async for outcome in outcomes:
                yield outcome

    async def close_async() -> None:
        outcomes = read_async()
        await anext(outcomes)
        await outcomes.aclose()  # type: ignore[attr-defined]  # it is a generator

    with warnings_logged() as (texts, _):
        if runner.name == "sync":
            outcomes = read()
            next(outcomes)
            outcomes.close()  # type: ignore[attr-defined]  # it is a generator
        else:
            runner.call(close_async)
    assert_told("".join(texts), anchor_emulator)
    assert_no_more_starts(anchor_emulator, runner, tasks)


@pytest.mark.usefixtures("_ctrl_c_interrupts")
@pytest.mark.parametrize("runner", ["sync"], indirect=True)
def test_ctrl_c_waits_for_the_start_under_way_and_tells_all_ids(
    tasks: Any, runner: Runner, anchor_emulator: Emulator
) -> None:
    def interrupt(_: dict[str, Any]) -> float:
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        return math.inf

    anchor_emulator.on(prompt="Slow 1", takes=interrupt, start_faults=[Fault(delay=4)])
    outcomes = tasks.map(requests(), max_running=3)
    with pytest.raises(KeyboardInterrupt) as raised:
        loop(runner, outcomes, lambda _: False)
    assert_told(notes(raised.value).partition("; these")[0], anchor_emulator)
    assert {outcome.state for outcome in outcomes} <= {"completed", "running", "not_started"}
    assert_no_more_starts(anchor_emulator, runner, tasks)


@pytest.mark.usefixtures("_ctrl_c_interrupts")
# The second one may come while the virtual clock reads a file, which is not closed then.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("runner", ["sync"], indirect=True)
def test_second_ctrl_c_does_not_wait(runner: Runner, exact_clock: VirtualClock) -> None:
    """The clock is stopped, so the five seconds for the response never pass."""
    is_sent, is_over = threading.Event(), threading.Event()
    interruptions: list[int] = []

    def interrupt(number: int, _: object) -> None:
        if len(interruptions) < 2:
            interruptions.append(number)
            raise KeyboardInterrupt

    def handle(_: httpx.Request) -> httpx.Response:
        with exact_clock.hold():
            is_sent.set()
            is_over.wait(PATIENCE)
        return httpx.Response(200, json={"data": {"workflow_id": "late-id"}})

    def interrupt_until(count: int) -> None:
        """Send signals until so many have interrupted: one that comes directly before a wait does not."""
        while len(interruptions) < count:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            is_over.wait(0.01)

    def interrupt_twice() -> None:
        is_sent.wait(PATIENCE)
        interrupt_until(1)
        while not outcomes._scheduler._plan.is_left:
            is_over.wait(0.01)
        interrupt_until(2)

    signal.signal(signal.SIGINT, interrupt)
    with runner.anchor(transport=httpx.MockTransport(handle)) as anchor, warnings_logged() as (texts, has_logged):
        outcomes = anchor.tasks.map(["Read"])
        thread = threading.Thread(target=interrupt_twice)
        thread.start()
        with pytest.raises(KeyboardInterrupt) as raised:
            next(outcomes)
        thread.join()
        assert "these tasks may or may not have started" in notes(raised.value)
        assert [outcome.state for outcome in outcomes] == ["unknown"]
        is_over.set()
        assert has_logged.wait(PATIENCE)
    assert texts == ["a task has started after map was left: its id is 'late-id'"]
    # The garbage collection closes the file in this test, in which the warning about that is ignored.
    del raised
    gc.collect()


def test_exception_of_a_transport_ends_the_call(runner: Runner) -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        raise LookupError(request.method)

    with runner.anchor(transport=httpx.MockTransport(handle)) as anchor:
        outcomes = anchor.tasks.map(["Read"])
        with pytest.raises(LookupError, match="POST"):
            runner.call(lambda: outcomes)
        (outcome,) = runner.call(lambda: outcomes)
    assert outcome.state == "unknown"


@pytest.mark.usefixtures("anchor_emulator")
def test_closed_client_starts_nothing(runner: Runner) -> None:
    with runner.anchor() as anchor:
        tasks = anchor.tasks
    outcomes = runner.call(tasks.map, ["Read"])
    assert states(outcomes) == {"not_started": 1}
    assert "this client is closed" in str(outcomes[0].error)


def test_sync_and_async_iteration_are_not_confused() -> None:
    message = "is an? (a?sync) client: write"

    async def loop_async(outcomes: Any) -> None:
        async for _ in outcomes:
            pass

    with pytest.raises(Exception, match=message):
        for _ in AsyncAnchor("key").tasks.map(["Read"]):  # type: ignore[attr-defined]  # on purpose
            pass
    with pytest.raises(Exception, match=message):
        anyio.run(loop_async, Anchor("key").tasks.map(["Read"]))
