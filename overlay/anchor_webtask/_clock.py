"""The clock and the random numbers of all clients, in one place, so that tests can replace them."""

from __future__ import annotations

import random
import time
from typing import Protocol


class Clock(Protocol):
    """What a wait needs: the time, functions that sleep, and random numbers."""

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
        """Wait in the calling thread."""

    async def sleep_async(self, seconds: float, /) -> None:
        """Wait in the calling task, under asyncio or trio."""


class SystemClock:
    """The system's clock."""

    now = staticmethod(time.monotonic)
    wall = staticmethod(time.time)
    chance = staticmethod(random.random)
    sleep = staticmethod(time.sleep)

    @staticmethod
    async def sleep_async(seconds: float, /) -> None:
        """Wait in the calling task."""
        import anyio

        await anyio.sleep(seconds)


default: Clock = SystemClock()
"""The clock that a new client uses."""
