"""A virtual clock for tests, in which time passes only while a client sleeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio.lowlevel

if TYPE_CHECKING:
    from collections.abc import Callable


class VirtualClock:
    """A clock for tests: a sleep returns immediately and advances the time. Delays are not random: `chance` is 0.5."""

    def __init__(self) -> None:
        self.time = 0.0
        self.epoch = 1_800_000_000.0
        self.sleeps: list[float] = []
        self._callbacks: list[Callable[[], object]] = []

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
