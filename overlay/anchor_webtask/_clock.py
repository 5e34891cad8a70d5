"""The clock and the random numbers of all clients, in one place, so that tests can replace them."""

from __future__ import annotations

import random
import time
from queue import SimpleQueue
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    import anyio

T = TypeVar("T")


class VirtualTimeError(RuntimeError):
    """Virtual time cannot pass: a wait has no end, a thread never rests, or a task is polled without a wait."""


class Clock(Protocol):
    """What a client needs of time: the time itself, ways to wait, and random numbers.

    All durations are in seconds.
    """

    def now(self) -> float:
        """Return seconds on a monotonic clock."""
        ...

    def wall(self) -> float:
        """Return seconds since 1970; used only for dates in headers and tokens, never to measure a wait."""
        ...

    def chance(self) -> float:
        """Return a random number from 0 to 1."""
        ...

    def sleep(self, seconds: float, /) -> None:
        """Wait in the calling thread.

        Args:
            seconds: How long to wait.
        """

    async def sleep_async(self, seconds: float, /) -> None:
        """Wait in the calling task, under asyncio or trio.

        Args:
            seconds: How long to wait.
        """

    def get(self, queue: SimpleQueue[T], block: bool, timeout: float, /) -> T:
        """Wait in the calling thread for an item of a queue, and return it; several threads may wait for items.

        Args:
            queue: The queue.
            block: Whether to wait if the queue is empty.
            timeout: Seconds to wait at most.

        Raises:
            queue.Empty: No item arrived within `timeout` seconds.
        """
        ...

    def move_on_after(self, seconds: float, /) -> AbstractContextManager[anyio.CancelScope]:
        """Return a scope that is cancelled after these seconds, like `anyio.move_on_after`.

        Args:
            seconds: After how long the scope is cancelled.
        """
        ...


class SystemClock:
    """The system's clock."""

    now = staticmethod(time.monotonic)
    wall = staticmethod(time.time)
    chance = staticmethod(random.random)
    sleep = staticmethod(time.sleep)
    get = staticmethod(SimpleQueue.get)  # a function in C: no signal comes between taking an item and returning it

    @staticmethod
    async def sleep_async(seconds: float, /) -> None:
        """Wait in the calling task.

        Args:
            seconds: How long to wait.
        """
        import anyio

        await anyio.sleep(seconds)

    @staticmethod
    def move_on_after(seconds: float, /) -> AbstractContextManager[anyio.CancelScope]:
        """Return a scope that is cancelled after these seconds.

        Args:
            seconds: After how long the scope is cancelled.
        """
        import anyio

        return anyio.move_on_after(seconds)
