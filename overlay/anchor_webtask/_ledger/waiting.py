"""Waits for futures of a ledger's thread: in the calling thread, or in the event loop of asyncio or trio."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from anchor_webtask._errors import AnchorError
from anchor_webtask._event_loops import this_loop

if TYPE_CHECKING:
    from collections.abc import Generator

    from anchor_webtask._ledger.future import Future

R = TypeVar("R")


def run(steps: Generator[Future[Any], Any, R]) -> R:
    """Wait for each future that a generator yields, and return the generator's result."""
    advance, value = steps.send, None
    while True:
        try:
            future = advance(value)
        except StopIteration as stop:
            result: R = stop.value
            return result
        advance, value = _outcome(steps, future)


async def run_async(steps: Generator[Future[Any], Any, R]) -> R:
    """Do the same in an event loop."""
    advance, value = steps.send, None
    while True:
        try:
            future = advance(value)
        except StopIteration as stop:
            result: R = stop.value
            return result
        await ready(future)
        advance, value = _outcome(steps, future)


async def ready(future: Future[Any]) -> None:
    """Wait until a future has its result. A cancellation from outside takes effect afterwards."""
    import anyio

    with anyio.CancelScope(shield=True):
        await _done(future)


async def ready_within(future: Future[Any], seconds: float) -> None:
    """Wait until a future has its result, but not longer than some seconds of real time."""
    import anyio

    with anyio.move_on_after(seconds, shield=True):
        await _done(future)


async def _done(future: Future[Any]) -> None:
    import anyio

    event = anyio.Event()
    _, soon = this_loop()
    future.add_done_callback(lambda _: soon(event.set))
    await event.wait()


async def result_of(future: Future[R]) -> R:
    """Wait for a future in an event loop, and return its result."""
    await ready(future)
    return future.result()


def _outcome(steps: Generator[Future[Any], Any, Any], future: Future[Any]) -> tuple[Any, Any]:
    """Return the generator's method that receives a future's outcome, and the outcome."""
    try:
        return steps.send, future.result()
    except AnchorError as error:
        return steps.throw, error
