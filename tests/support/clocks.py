"""Time that passes only when somebody sleeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio.lowlevel

if TYPE_CHECKING:
    from collections.abc import Callable


class VirtualClock:
    """A clock for tests: sleeping takes no time and moves it on. `chance` is always in the middle: no jitter."""

    def __init__(self) -> None:
        self.time = 0.0
        self.epoch = 1_800_000_000.0
        self.sleeps: list[float] = []
        self._once_slept: list[Callable[[], object]] = []

    def now(self) -> float:
        return self.time

    def wall(self) -> float:
        return self.epoch + self.time

    def chance(self) -> float:
        return 0.5

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.time += seconds
        while self._once_slept:
            self._once_slept.pop()()

    def once_slept(self, happens: Callable[[], object]) -> None:
        """Let something happen during the next sleep."""
        self._once_slept.append(happens)

    async def sleep_async(self, seconds: float) -> None:
        await anyio.lowlevel.checkpoint()
        self.sleep(seconds)
