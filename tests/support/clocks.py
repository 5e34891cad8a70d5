"""Time that passes only when somebody sleeps."""

from __future__ import annotations

import anyio.lowlevel


class VirtualClock:
    """A clock for tests: sleeping takes no time and moves it on. `chance` is always in the middle: no jitter."""

    def __init__(self) -> None:
        self.time = 0.0
        self.epoch = 1_800_000_000.0
        self.sleeps: list[float] = []

    def now(self) -> float:
        return self.time

    def wall(self) -> float:
        return self.epoch + self.time

    def chance(self) -> float:
        return 0.5

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.time += seconds

    async def sleep_async(self, seconds: float) -> None:
        await anyio.lowlevel.checkpoint()
        self.sleep(seconds)
