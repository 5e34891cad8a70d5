"""The futures of a ledger's thread: an interruption of a wait at any operation leaves them usable."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
from itertools import count
from typing import TYPE_CHECKING, Any, cast

import pytest

from anchor_webtask._ledger.future import Future
from anchor_webtask._ledger.loop_waits import LoopWaits
from tests.support.patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType


class InterruptionError(Exception):
    """What interrupts a wait, as the exception of a signal handler would."""


def interrupted_at(point: int, call: Callable[[], object]) -> bool:
    """Make a call, interrupt it before its n-th operation of the interpreter, and return whether it got there."""
    points = 0

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal points
        frame.f_trace_opcodes = True
        points += event == "opcode"
        if points == point:
            sys.settrace(previous)
            raise InterruptionError
        return trace

    previous = sys.gettrace()
    gc.disable()  # else the callback of another test's garbage may be what is interrupted
    try:
        sys.settrace(trace)
        call()
    except InterruptionError:
        return True
    finally:
        sys.settrace(previous)
        gc.enable()
    return False


def in_thread(call: Callable[[], object]) -> None:
    """Make a call in another thread, and assert that it does not hang."""
    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    assert not thread.is_alive()


@pytest.mark.skipif("coverage" in sys.modules, reason="coverage traces each line, too")
@pytest.mark.parametrize("is_done", [True, False])
def test_interrupted_wait_leaves_the_future_usable(*, is_done: bool) -> None:
    for point in count(1):
        future: Future[str] = Future()
        called: list[object] = []
        if is_done:
            future.set_result("done")
        interruptions: list[bool] = []

        def interrupt(future: Future[str] = future, point: int = point, found: list[bool] = interruptions) -> None:
            found.append(interrupted_at(point, lambda: wait(future)))

        in_thread(interrupt)  # an interrupted `with` can leave its exception as the context of the thread's next ones
        (was_interrupted,) = interruptions
        if not is_done:
            in_thread(lambda future=future: future.set_result("done"))  # type: ignore[misc]  # mypy cannot infer it
        in_thread(lambda future=future, called=called: future.add_done_callback(called.append))  # type: ignore[misc]  # mypy cannot infer it
        assert called == [future]
        assert future.result() == "done"
        if not was_interrupted:
            assert point > 10
            return


def wait(future: Future[str]) -> None:
    try:
        future.result(timeout=0)
    except TimeoutError:
        assert not future.done()


def test_future_that_is_set_while_it_is_waited_for() -> None:
    future: Future[str] = Future()
    waits = threading.Event()

    def set_result() -> None:
        waits.wait(PATIENCE)
        future.set_result("done")

    thread = threading.Thread(target=set_result)
    thread.start()
    waits.set()
    assert future.result() == "done"
    thread.join()


def test_exception_is_raised_by_each_wait() -> None:
    future: Future[str] = Future()
    future.set_exception(LookupError("nothing"))
    assert isinstance(future.exception(), LookupError)
    for _ in range(2):
        with pytest.raises(LookupError, match="nothing"):
            future.result()


def test_callback_that_raises_keeps_no_other_one_from_being_called() -> None:
    future: Future[str] = Future()
    called: list[object] = []

    def fail(_: object) -> None:
        raise RuntimeError("the event loop is closed")

    for callback in (fail, called.append, fail, called.append):
        future.add_done_callback(callback)
    with pytest.raises(RuntimeError, match="is closed"):
        future.set_result("done")
    assert called == [future, future]


def test_many_callbacks_are_called() -> None:
    future: Future[str] = Future()
    called: list[object] = []
    for _ in range(10 * sys.getrecursionlimit()):
        future.add_done_callback(called.append)
    future.set_result("done")
    assert len(called) == 10 * sys.getrecursionlimit()


def test_event_loop_whose_wake_up_was_interrupted_is_woken_again() -> None:
    async def wait_for_both() -> list[int]:
        waits, futures = LoopWaits(), [Future[int](), Future[int]()]
        loop, woken = asyncio.get_running_loop(), list[object]()
        has_failed = asyncio.Event()
        loop.set_exception_handler(lambda *_: has_failed.set())
        waiting = [asyncio.create_task(waits.result_of(future)) for future in futures]
        await asyncio.sleep(0)

        class Interrupting:
            """An event whose first setting is interrupted."""

            def set(self) -> None:
                woken.append(self)
                if len(woken) == 1:
                    raise InterruptionError

        waits._arrived.append(cast("Any", Interrupting()))
        for future in futures:
            future.set_result(1)
        await has_failed.wait()
        return await asyncio.gather(*waiting)

    assert asyncio.run(asyncio.wait_for(wait_for_both(), PATIENCE)) == [1, 1]
