"""Time and chance, in one place, so that tests can put a virtual clock there."""

from __future__ import annotations

import random
import time
from typing import Protocol


class Clock(Protocol):
    """What waiting needs to know and to do."""

    def now(self) -> float:
        """Return seconds on a clock that never jumps."""
        ...

    def wall(self) -> float:
        """Return seconds since 1970; used for date-times that leave or enter the process, never for waiting."""
        ...

    def chance(self) -> float:
        """Return a random number from 0 to 1."""
        ...

    def sleep(self, seconds: float, /) -> None:
        """Wait in the calling thread."""

    async def sleep_async(self, seconds: float, /) -> None:
        """Wait in the calling task, under asyncio or trio."""


class SystemClock:
    """The machine's clock."""

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
"""The clock of every client made from now on."""
