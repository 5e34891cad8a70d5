"""Waits for futures of a ledger's thread in the event loop of asyncio or trio."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, TypeVar

import anyio

from anchor_webtask._event_loops import this_loop
from anchor_webtask._ledger.waiting import outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from anchor_webtask._ledger.future import Future

R = TypeVar("R")


class LoopWaits:
    """Waits of one event loop. A cancellation from outside takes effect after a wait.

    To wake an event loop from a thread costs more than all else here. So what the thread stores in one commit wakes
    the loop once.
    """

    def __init__(self) -> None:
        self._arrived: deque[anyio.Event] = deque()
        self._is_woken = False
        self._soon: Callable[[Callable[[], object]], None] | None = None

    async def run(self, steps: Generator[Future[Any], Any, R]) -> R:
        """Wait for each future that a generator yields, and return the generator's result."""
        advance, value = steps.send, None
        while True:
            try:
                future = advance(value)
            except StopIteration as stop:
                result: R = stop.value
                return result
            await self._ready(future)
            advance, value = outcome(steps, future)

    async def result_of(self, future: Future[R]) -> R:
        """Wait for a future, and return its result."""
        await self._ready(future)
        return future.result()

    async def _ready(self, future: Future[Any]) -> None:
        if future.done():
            return
        self._soon = self._soon or this_loop()[1]
        event = anyio.Event()

        def arrived(_: Future[Any]) -> None:
            self._arrived.append(event)
            self._wake()

        future.add_done_callback(arrived)
        with anyio.CancelScope(shield=True):
            await event.wait()

    def _wake(self) -> None:
        # No lock is needed: either the loop is still to take what has arrived, or it has begun to, and is woken again.
        if self._soon is not None and not self._is_woken:
            self._is_woken = True
            self._soon(self._set_all)

    def _set_all(self) -> None:
        self._is_woken = False
        try:
            while self._arrived:
                self._arrived[0].set()
                self._arrived.popleft()
        finally:
            if self._arrived:  # Ctrl-C has interrupted this
                self._wake()


async def ready_within(future: Future[Any], seconds: float) -> None:
    """Wait until a future has its result, but not longer than some seconds of real time, even if cancelled."""
    event, (_, soon) = anyio.Event(), this_loop()
    future.add_done_callback(lambda _: soon(event.set))
    with anyio.move_on_after(seconds, shield=True):
        await event.wait()
