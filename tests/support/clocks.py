"""A clock for tests over real sockets, in which time passes only while a client sleeps, and then at once.

The clock of the test kit counts a socket as idle, and needs some milliseconds for each sleep beside a server's threads.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

import anyio
import anyio.lowlevel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from queue import SimpleQueue

T = TypeVar("T")


class InstantClock:
    """A clock for tests: a sleep returns immediately and advances the time. Delays are not random: `chance` is 0.5."""

    def __init__(self) -> None:
        self.time = 0.0
        self.epoch = 1_800_000_000.0
        self.sleeps: list[float] = []
        self._callbacks: list[Callable[[], object]] = []

    def restart(self) -> None:
        """Forget all sleeps, as a new clock; clients keep it."""
        self.time = 0.0
        self.sleeps.clear()

    def now(self) -> float:
        return self.time

    def wall(self) -> float:
        return self.epoch + self.time

    def chance(self) -> float:
        return 0.5

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.time += seconds
        while self._callbacks:
            self._callbacks.pop()()

    def during_next_sleep(self, callback: Callable[[], object]) -> None:
        """Call the callback once, during the next sleep."""
        self._callbacks.append(callback)

    async def sleep_async(self, seconds: float) -> None:
        await anyio.lowlevel.checkpoint()
        self.sleep(seconds)

    def get(self, queue: SimpleQueue[T], block: bool, timeout: float) -> T:
        if queue.empty() and block:
            self.sleep(timeout)
        return queue.get_nowait()

    @contextmanager
    def move_on_after(self, seconds: float) -> Iterator[anyio.CancelScope]:
        """Return a scope that is cancelled immediately, as if nothing happened in these seconds."""
        with anyio.CancelScope() as scope:
            self.sleep(seconds)
            scope.cancel()
            yield scope
