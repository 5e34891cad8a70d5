"""Holds a request until some time has passed, or until a task is ended by the test."""

from __future__ import annotations

import contextlib
import queue
import threading
from typing import TYPE_CHECKING

import anyio
import attrs

from anchor_webtask._event_loops import this_loop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from anchor_webtask._clock import Clock


class Signal:
    """A signal that any thread may give once, and that threads and tasks wait for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_given = False
        self._wakers: list[Callable[[], object]] = []

    def give(self) -> None:
        """Wake all that wait, now and later."""
        with self._lock:
            self._is_given = True
            wakers = self._wakers.copy()
        for wake in wakers:
            wake()

    @contextlib.contextmanager
    def waking(self, wake: Callable[[], object]) -> Iterator[None]:
        """Call `wake` when the signal is given, or now if it was given before."""
        with self._lock:
            self._wakers.append(wake)
            is_given = self._is_given
        try:
            if is_given:
                wake()
            yield
        finally:
            with self._lock:
                self._wakers.remove(wake)


@attrs.frozen
class Hold:
    """A time for which a request is held.

    Attributes:
        seconds: How long, at most.
        signal: Ends the hold early.
    """

    seconds: float
    signal: Signal = attrs.field(factory=Signal)

    def wait(self, clock: Clock, deadline: float) -> bool:
        """Wait in the calling thread, and return whether the hold ended before the deadline."""
        woken: queue.SimpleQueue[None] = queue.SimpleQueue()
        limit = self._limit(clock, deadline)
        with self.signal.waking(lambda: woken.put(None)), contextlib.suppress(queue.Empty):
            clock.get(woken, True, min(limit, threading.TIMEOUT_MAX))
            return True
        return limit == self.seconds

    async def wait_async(self, clock: Clock, deadline: float) -> bool:
        """Wait in the calling task, and return whether the hold ended before the deadline."""
        woken = anyio.Event()
        limit = self._limit(clock, deadline)
        _, soon = this_loop()
        with self.signal.waking(lambda: soon(woken.set)), clock.move_on_after(limit) as scope:
            await woken.wait()
        return not scope.cancelled_caught or limit == self.seconds

    def _limit(self, clock: Clock, deadline: float) -> float:
        return min(self.seconds, max(deadline - clock.now(), 0.0))
