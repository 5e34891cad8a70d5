"""Virtual time with asyncio, trio, threads, and a mix: each wait ends at its deadline, and no time passes otherwise."""

from __future__ import annotations

import asyncio
import itertools
import math
import queue
import random
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest
import trio

from anchor_webtask import testing
from anchor_webtask.testing import VirtualClock, VirtualTimeError, _idle, _threads
from tests.support.patience import PATIENCE, until

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from types import FrameType

BACKENDS = ["asyncio", "trio"]
WAITS = [[100.0 + number, 50.0, 7.0 * number] for number in range(40)]
LONGEST = max(sum(seconds) for seconds in WAITS)
HOUR = 3600.0
KIT = str(Path(testing.__file__).parent)


@pytest.fixture
def patience_in_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Count the seconds of a clock's patience by its looks at the threads: in real time, it may come to look once."""
    looks = itertools.count()
    monkeypatch.setattr(_idle, "monotonic", lambda: next(looks) / 100)


def work(seconds: float) -> None:
    """Compute something for some real seconds."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        sum(range(100))


def wait_and_work(clock: VirtualClock, waits: list[float], busy: float) -> list[float]:
    """Wait several times, with work in between, and return by how much each wait was too long."""
    errors = []
    for seconds in waits:
        deadline = clock.now() + seconds
        clock.sleep(seconds)
        errors.append(clock.now() - deadline)
        work(busy * random.random())
    return errors


def poll_for_ever(clock: VirtualClock, seconds: float) -> None:
    while True:
        clock.sleep(seconds)


async def wait_async(clock: VirtualClock, waits: list[float]) -> list[float]:
    errors = []
    for seconds in waits:
        deadline = clock.now() + seconds
        await clock.sleep_async(seconds)
        errors.append(clock.now() - deadline)
    return errors


async def gather(calls: list[Callable[[], Awaitable[Any]]]) -> list[Any]:
    """Make calls concurrently, and return their results."""
    results: list[Any] = []

    async def run(call: Callable[[], Awaitable[Any]]) -> None:
        results.append(await call())

    async with anyio.create_task_group() as group:
        for call in calls:
            group.start_soon(run, call)
    return results


@pytest.mark.parametrize("settle", [None, 0.25], ids=["kernel", "settle"])
def test_each_wait_of_many_threads_ends_at_its_deadline_and_all_take_as_long_as_the_longest(
    settle: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = VirtualClock(settle=settle)
    waits, busy = (WAITS, 0.01) if settle is None else (WAITS[:2], 0.001)
    unfinished = [*waits]

    def quiet(_: float) -> None:
        """Wait until all threads do: one that a busy machine lets stand still for the given seconds seems to."""
        until(lambda: len(clock._waits.blocked_threads()) == len(unfinished))

    def wait_and_finish(seconds: list[float]) -> list[float]:
        try:
            return wait_and_work(clock, seconds, busy)
        finally:
            unfinished.remove(seconds)

    if settle is not None:
        monkeypatch.setattr(_threads, "sleep", quiet)
    with ThreadPoolExecutor(len(waits)) as pool:
        errors = list(pool.map(wait_and_finish, waits))
    assert {error for each in errors for error in each} == {0.0}
    assert clock.elapsed == max(map(sum, waits))


@pytest.mark.parametrize("backend", BACKENDS)
def test_each_wait_of_many_tasks_ends_at_its_deadline_and_all_take_as_long_as_the_longest(backend: str) -> None:
    clock = VirtualClock()

    async def main() -> list[list[float]]:
        return await gather([partial(wait_async, clock, seconds) for seconds in WAITS])

    errors = anyio.run(main, backend=backend)
    assert {error for each in errors for error in each} == {0.0}
    assert clock.elapsed == LONGEST


@pytest.mark.parametrize("backend", BACKENDS)
def test_tasks_and_threads_share_one_time(backend: str) -> None:
    clock = VirtualClock()

    async def in_thread(waits: list[float]) -> list[float]:
        return await anyio.to_thread.run_sync(wait_and_work, clock, waits, 0.005)

    async def main() -> list[list[float]]:
        calls = [partial(wait_async, clock, seconds) for seconds in WAITS[:5]]
        return await gather([*calls, *(partial(in_thread, seconds) for seconds in WAITS[5:10])])

    errors = anyio.run(main, backend=backend)
    assert {error for each in errors for error in each} == {0.0}
    assert clock.elapsed == max(map(sum, WAITS[:10]))


def test_event_loops_in_several_threads_share_one_time() -> None:
    clock = VirtualClock()

    def run(backend: str) -> list[list[float]]:
        async def main() -> list[list[float]]:
            return await gather([partial(wait_async, clock, seconds) for seconds in WAITS[:5]])

        return anyio.run(main, backend=backend)

    with ThreadPoolExecutor(4) as pool:
        errors = [each for result in pool.map(run, BACKENDS * 2) for each in result]
    assert {error for each in errors for error in each} == {0.0}
    assert clock.elapsed == max(map(sum, WAITS[:5]))


def test_asyncio_task_that_computes_between_its_waits_is_not_overtaken() -> None:
    clock = VirtualClock()
    seen: list[float] = []

    async def compute() -> None:
        await clock.sleep_async(1)
        for _ in range(50):
            await asyncio.sleep(0)
        seen.append(clock.now())

    async def main() -> None:
        await asyncio.gather(compute(), clock.sleep_async(2))

    asyncio.run(main())
    assert seen == [1.0]


def test_time_passes_in_an_event_loop_that_does_not_show_its_callbacks() -> None:
    """Like uvloop."""

    class Loop(asyncio.SelectorEventLoop):
        def __getattribute__(self, name: str) -> Any:
            caller = __import__("sys")._getframe(1).f_globals["__name__"]
            if name == "_ready" and caller.startswith("anchor_webtask"):
                raise AttributeError(name)
            return super().__getattribute__(name)

    clock = VirtualClock()

    async def main() -> list[list[float]]:
        return await gather([partial(wait_async, clock, seconds) for seconds in WAITS[:5]])

    with asyncio.Runner(loop_factory=Loop) as runner:
        assert {error for each in runner.run(main()) for error in each} == {0.0}
    assert clock.elapsed == max(map(sum, WAITS[:5]))


def test_sync_wait_inside_an_event_loop_lets_time_pass() -> None:
    clock = VirtualClock()

    async def main() -> None:
        async def block() -> None:
            await clock.sleep_async(10)
            clock.sleep(10)

        await asyncio.gather(block(), clock.sleep_async(10), clock.sleep_async(15))

    asyncio.run(main())
    assert clock.elapsed == 20


def test_one_thread_waits_for_hours_without_any_thread() -> None:
    clock = VirtualClock()
    before = {*threading.enumerate()}
    for _ in range(60):
        clock.sleep(60)
    assert (clock.elapsed, clock.now(), clock.wall() - 1_800_000_000, clock.chance()) == (HOUR, HOUR, HOUR, 0.5)
    assert {*threading.enumerate()} <= before  # one of another test may end meanwhile
    assert repr(clock) == "<VirtualClock: 3600 s have passed>"


@pytest.mark.parametrize("seconds", [0, -1])
def test_wait_of_no_time_returns(seconds: float) -> None:
    clock = VirtualClock()
    clock.sleep(seconds)
    asyncio.run(clock.sleep_async(seconds))
    trio.run(clock.sleep_async, seconds)
    assert clock.elapsed == 0


def test_threads_that_are_older_than_the_clock_do_not_stop_time() -> None:
    stop = threading.Event()

    def spin() -> None:
        while not stop.is_set():
            pass

    thread = threading.Thread(target=spin)
    thread.start()
    try:
        clock = VirtualClock(patience=PATIENCE)
        clock.sleep(60)
    finally:
        stop.set()
        thread.join()
    assert clock.elapsed == 60


def test_thread_that_is_older_than_the_clock_counts_from_its_first_wait_on() -> None:
    def wait_and_count() -> list[float]:
        clock.sleep(1)
        return wait_and_work(clock, [10.0] * 5, 0.02)

    with ThreadPoolExecutor(1) as pool:
        pool.submit(threading.get_ident).result()
        clock = VirtualClock()
        other = pool.submit(wait_and_count)
        clock.sleep(1)
        errors = wait_and_work(clock, [10.0] * 5, 0.0)
        assert {*errors, *other.result()} == {0.0}


class TestEnds:
    """Waits that never end raise an error instead of hanging."""

    def test_wait_without_an_end_is_an_error(self) -> None:
        for wait in (VirtualClock().sleep, lambda seconds: asyncio.run(VirtualClock().sleep_async(seconds))):
            with pytest.raises(VirtualTimeError, match="everything waits without an end"):
                wait(math.inf)

    def test_task_that_is_polled_for_more_than_a_day_is_an_error(self) -> None:
        clock = VirtualClock()
        with pytest.raises(VirtualTimeError, match="still goes on after 86400 s"):
            poll_for_ever(clock, 60)
        assert clock.elapsed == 86_400
        with pytest.raises(VirtualTimeError, match="86400"):  # later calls do not hang, either
            clock.sleep(1)
        assert clock.failure is not None

    def test_limit_can_be_another(self) -> None:
        clock = VirtualClock(limit=10 * 86_400)
        clock.sleep(9 * 86_400)
        with pytest.raises(VirtualTimeError, match="864000 s"):
            clock.sleep(2 * 86_400)

    def test_error_reaches_all_that_wait(self) -> None:
        clock = VirtualClock()

        def wait_for_ever() -> str:
            with pytest.raises(VirtualTimeError) as caught:
                poll_for_ever(clock, HOUR)
            return str(caught.value)

        with ThreadPoolExecutor(5) as pool:
            errors = [pool.submit(wait_for_ever) for _ in range(5)]
        assert {error.result().partition(":")[0] for error in errors} == {
            "a wait still goes on after 86400 s of virtual time"
        }

    @pytest.mark.usefixtures("patience_in_looks")
    def test_thread_that_never_comes_to_rest_is_an_error_that_names_it(self) -> None:
        stop = threading.Event()

        def spin() -> None:
            while not stop.is_set():
                pass

        clock = VirtualClock(patience=0.3)
        thread = threading.Thread(target=spin, name="progress bar")
        thread.start()
        try:
            with pytest.raises(VirtualTimeError, match=r"the thread 'progress bar' has not come to rest for 0\.3 s"):
                clock.sleep(1)
        finally:
            stop.set()
            thread.join()

    def test_not_a_number_is_refused(self) -> None:
        with pytest.raises(ValueError, match="NaN"):
            VirtualClock().sleep(math.nan)

    @pytest.mark.parametrize("argument", ["wall", "limit", "settle", "patience"])
    def test_arguments_must_be_positive(self, argument: str) -> None:
        with pytest.raises(ValueError, match=f"{argument} must be a number of seconds above 0"):
            VirtualClock(**{argument: 0})

    @pytest.mark.parametrize("backend", BACKENDS)
    def test_loop_that_never_rests_is_an_error(self, backend: str) -> None:
        clock = VirtualClock(patience=0.3)
        done = False

        async def spin() -> None:
            while not done:
                await anyio.lowlevel.checkpoint()

        async def main() -> None:
            nonlocal done
            async with anyio.create_task_group() as group:
                group.start_soon(spin)
                with pytest.raises(VirtualTimeError, match="an event loop has not come to rest"):
                    await clock.sleep_async(1)
                done = True

        anyio.run(main, backend=backend)

    @pytest.mark.parametrize("backend", BACKENDS)
    def test_scope_without_an_end_is_an_error(self, backend: str) -> None:
        clock = VirtualClock()

        async def main() -> None:
            with clock.move_on_after(math.inf):
                await anyio.sleep_forever()

        with pytest.raises(VirtualTimeError, match="everything waits without an end"):
            anyio.run(main, backend=backend)

    @pytest.mark.parametrize("backend", BACKENDS)
    def test_scope_of_more_than_the_limit_is_an_error_and_no_timeout(self, backend: str) -> None:
        clock = VirtualClock()

        async def main() -> None:
            with clock.move_on_after(2 * 86_400):
                await anyio.sleep_forever()

        with pytest.raises(VirtualTimeError, match="86400"):
            anyio.run(main, backend=backend)


def wait_with_a_wait_at(line: int) -> bool:
    """Wait beside another thread, with a second wait at some line of the first; False if there are fewer lines."""
    clock = VirtualClock(patience=PATIENCE)
    left = line

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal left
        if not frame.f_code.co_filename.startswith(KIT):
            return None
        if event == "line":
            left -= 1
            if left == -1:
                sys.settrace(None)
                clock.sleep(20)
        return trace

    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(clock.sleep, 40)
        sys.settrace(trace)
        try:
            clock.sleep(10)
        finally:
            sys.settrace(None)
        other.result()
    assert clock.elapsed == 40
    return left < 0


class TestInterruptions:
    def test_loop_that_is_blocked_by_a_waiting_thread_lets_time_pass(self) -> None:
        clock = VirtualClock(patience=PATIENCE)

        async def main() -> None:
            other = asyncio.ensure_future(clock.sleep_async(5))
            await asyncio.sleep(0)
            with ThreadPoolExecutor(1) as pool:
                pool.submit(clock.sleep, 10).result()
            await other

        asyncio.run(main())
        assert clock.elapsed == 10

    def test_loop_that_is_closed_during_a_wait_lets_time_pass(self) -> None:
        clock = VirtualClock(patience=PATIENCE)

        async def leave() -> asyncio.Task[None]:
            task = asyncio.ensure_future(clock.sleep_async(5))
            await asyncio.sleep(0)
            return task

        loop = asyncio.new_event_loop()
        task = loop.run_until_complete(leave())
        asyncio.run(clock.sleep_async(100))
        clock.sleep(100)
        task.cancel()
        loop.run_until_complete(asyncio.wait([task]))
        loop.close()
        clock.sleep(100)
        assert clock.elapsed == 300

    @pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="needs signals for threads")
    def test_signal_handler_may_wait_during_a_wait(self) -> None:
        clock = VirtualClock(patience=PATIENCE)
        begun: list[float] = []
        seen: list[float] = []
        has_ended = threading.Event()

        def handle(*_: object) -> None:
            begun.append(clock.now())
            clock.sleep(20)
            seen.append(clock.now())

        def interrupt(waiting: int) -> None:
            while not (clock._waits.are_pending or has_ended.is_set()):
                pass
            signal.pthread_kill(waiting, signal.SIGALRM)
            while not begun:  # while this thread works, no time passes
                pass

        before = signal.signal(signal.SIGALRM, handle)
        thread = threading.Thread(target=interrupt, args=[threading.get_ident()])
        try:
            thread.start()
            clock.sleep(10)
        finally:
            has_ended.set()
            thread.join()
            signal.signal(signal.SIGALRM, before)
        assert (begun, seen, clock.elapsed) == ([0.0], [20.0], 20.0)

    @pytest.mark.skipif("coverage" in sys.modules, reason="coverage traces each line, too")
    def test_signal_handler_may_wait_at_any_line_of_a_wait(self) -> None:
        line = 0
        while wait_with_a_wait_at(line):
            line += 1
        assert line > 30

    def test_cancelled_waits_leave_the_others_alone(self) -> None:
        clock = VirtualClock()

        async def main() -> None:
            cancelled = asyncio.ensure_future(clock.sleep_async(5))
            other = asyncio.ensure_future(clock.sleep_async(10))
            await asyncio.sleep(0)
            cancelled.cancel()
            with suppress(asyncio.CancelledError):
                await cancelled
            await other

        asyncio.run(main())
        assert clock.elapsed == 10

    def test_wait_in_a_loop_that_has_ended_does_not_stop_time(self) -> None:
        clock = VirtualClock()

        async def main() -> None:
            asyncio.ensure_future(clock.sleep_async(5))  # noqa: RUF006  it is cancelled with the loop
            await asyncio.sleep(0)

        asyncio.run(main())
        clock.sleep(100)
        asyncio.run(clock.sleep_async(1))
        assert clock.elapsed == 101


class TestHold:
    def test_time_stands_still_while_it_is_held(self) -> None:
        clock = VirtualClock()
        begun = threading.Event()
        release = threading.Event()

        def hold() -> float:
            with clock.hold():
                begun.set()
                release.wait(PATIENCE)
                return clock.now()

        with ThreadPoolExecutor(2) as pool:
            held = pool.submit(hold)
            begun.wait(PATIENCE)
            waiting = pool.submit(clock.sleep, 50)
            with pytest.raises(TimeoutError):
                waiting.result(timeout=0.1)
            release.set()
            assert held.result() == 0
            waiting.result(PATIENCE)
        assert clock.elapsed == 50

    @pytest.mark.parametrize("backend", BACKENDS)
    def test_loop_goes_on_when_a_hold_ends(self, backend: str) -> None:
        clock = VirtualClock()

        async def main() -> None:
            async with anyio.create_task_group() as group:
                with clock.hold():
                    group.start_soon(clock.sleep_async, 50)
                    for _ in range(20):
                        await anyio.lowlevel.checkpoint()
                    assert clock.now() == 0

        anyio.run(main, backend=backend)
        assert clock.elapsed == 50

    @pytest.mark.parametrize("backend", BACKENDS)
    def test_task_that_holds_the_clock_cannot_wait_on_it(self, backend: str) -> None:
        clock = VirtualClock()

        async def main() -> None:
            with clock.hold(), pytest.raises(VirtualTimeError, match="holds the clock"):
                await clock.sleep_async(1)
            await clock.sleep_async(1)

        anyio.run(main, backend=backend)

    @pytest.mark.usefixtures("patience_in_looks")
    def test_code_that_holds_the_clock_and_waits_for_a_wait_is_an_error(self) -> None:
        clock = VirtualClock(patience=0.2)
        with ThreadPoolExecutor(1) as pool, clock.hold():
            waiting = pool.submit(clock.sleep, 1)
            with pytest.raises(VirtualTimeError, match=r"time is held, and nothing has run for 0\.2 s"):
                waiting.result()

    def test_hold_may_end_in_another_thread(self) -> None:
        clock = VirtualClock()
        held = clock.hold()
        held.__enter__()
        with ThreadPoolExecutor(1) as pool:
            pool.submit(held.__exit__, None, None, None).result()
        clock.sleep(1)
        assert clock.elapsed == 1

    def test_thread_that_holds_the_clock_cannot_wait_on_it(self) -> None:
        clock = VirtualClock()
        with clock.hold(), pytest.raises(VirtualTimeError, match="holds the clock"):
            clock.sleep(1)
        clock.sleep(1)


class TestQueues:
    def test_item_arrives_before_the_timeout(self) -> None:
        clock = VirtualClock()
        items: queue.SimpleQueue[float] = queue.SimpleQueue()

        def put() -> None:
            clock.sleep(20)
            work(0.01)
            items.put(clock.now())

        with ThreadPoolExecutor(1) as pool:
            pool.submit(put)
            assert clock.get(items, True, 30) == 20
        assert clock.elapsed == 20

    def test_no_item_arrives(self) -> None:
        clock = VirtualClock()
        items: queue.SimpleQueue[None] = queue.SimpleQueue()
        with pytest.raises(queue.Empty):
            clock.get(items, True, 30)
        assert clock.elapsed == 30
        with pytest.raises(queue.Empty):
            clock.get(items, False, 30)
        assert clock.elapsed == 30

    def test_no_time_passes_between_an_item_and_its_receiver(self) -> None:
        clock = VirtualClock()
        items: queue.SimpleQueue[float] = queue.SimpleQueue()
        stop = threading.Event()

        def tick() -> None:
            while not stop.is_set():
                clock.sleep(0.25)

        def produce() -> None:
            for _ in range(100):
                clock.sleep(1)
                work(0.001)
                items.put(clock.now())

        with ThreadPoolExecutor(2) as pool:
            pool.submit(tick)
            pool.submit(produce)
            late = [clock.now() - sent for sent in (clock.get(items, True, 1000) for _ in range(100))]
            stop.set()
        assert set(late) == {0.0}

    @pytest.mark.parametrize("held", [False, True])
    def test_item_is_received_while_another_thread_works(self, held: bool) -> None:
        clock = VirtualClock()
        items: queue.SimpleQueue[str] = queue.SimpleQueue()
        received, begun = threading.Event(), threading.Event()

        def work_until_received() -> bool:
            begun.set()
            with clock.hold() if held else nullcontext():
                while not received.is_set() and time.perf_counter() < end:
                    pass
                return received.is_set()

        end = time.perf_counter() + PATIENCE
        with ThreadPoolExecutor(2) as pool:
            worker = pool.submit(work_until_received)
            begun.wait(PATIENCE)
            waiting = pool.submit(clock.get, items, True, 10)
            items.put("item")
            assert waiting.result(PATIENCE) == "item"
            received.set()
            assert worker.result()

    def test_event_is_set_before_the_timeout(self) -> None:
        clock = VirtualClock()
        event = threading.Event()

        def set_event() -> None:
            clock.sleep(20)
            work(0.01)
            event.set()

        assert not clock.wait(event, 15)
        with ThreadPoolExecutor(1) as pool:
            pool.submit(set_event)
            assert clock.wait(event, 30)
        assert clock.elapsed == 35
        assert clock.wait(event, 30)
        assert clock.elapsed == 35

    def test_several_threads_take_turns(self) -> None:
        clock = VirtualClock()
        places: queue.SimpleQueue[None] = queue.SimpleQueue()
        places.put(None)

        def take(seconds: float) -> float:
            clock.get(places, True, 1000)
            clock.sleep(seconds)
            places.put(None)
            return clock.now()

        with ThreadPoolExecutor(8) as pool:
            ends = sorted(pool.map(take, [10.0] * 8))
        assert ends == [10.0 * number for number in range(1, 9)]


@pytest.mark.parametrize("backend", BACKENDS)
def test_scope_is_cancelled_at_its_deadline(backend: str) -> None:
    clock = VirtualClock()

    async def main() -> tuple[bool, bool]:
        with clock.move_on_after(30) as too_short:
            await clock.sleep_async(40)
        with clock.move_on_after(30) as enough:
            await clock.sleep_async(20)
        with clock.move_on_after(math.inf):
            await clock.sleep_async(1)
        return too_short.cancelled_caught, enough.cancelled_caught

    assert anyio.run(main, backend=backend) == (True, False)
    assert clock.elapsed == 51


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    yield
    for thread in threading.enumerate():
        if thread.name == "virtual time":
            thread.join(PATIENCE)
            assert not thread.is_alive()
