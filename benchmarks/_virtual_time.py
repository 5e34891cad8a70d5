"""Virtual time for an asyncio program: time advances only when no code of the program is ready to run.

Sleeps, timeouts and the package's clock all use the event loop's clock. So a wait for tasks that take half an hour
ends within seconds of real time: the code runs as usual, but its sleeps take no real time. Nothing in such a loop may
wait for a socket or a thread.
"""

from __future__ import annotations

import asyncio
import random
import selectors
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar
from unittest import mock

import anyio

from anchor_webtask import _world
from anchor_webtask._clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")

EPOCH: Final = 1_800_000_000.0


class _Selector(selectors.SelectSelector):
    """A selector that never waits: instead, it advances the virtual time by the time that the loop would wait."""

    def __init__(self, pass_time: Callable[[float], None]) -> None:
        super().__init__()
        self._pass_time = pass_time

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready:
            if timeout is None:
                raise RuntimeError(
                    "deadlock: all asyncio tasks are waiting, and no timer is set that could wake any of them"
                )
            self._pass_time(timeout)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock starts at 0, and advances only when nothing is ready to run."""

    def __init__(self) -> None:
        self._virtual = 0.0
        super().__init__(_Selector(self._pass_time))

    def time(self) -> float:
        """Return the virtual time in seconds."""
        return self._virtual

    def _pass_time(self, seconds: float) -> None:
        self._virtual += seconds


class VirtualClock:
    """The package's clock in a `VirtualLoop`. The same seed gives the same random numbers."""

    get = staticmethod(SystemClock.get)
    move_on_after = staticmethod(SystemClock.move_on_after)

    def __init__(self, loop: asyncio.AbstractEventLoop, seed: int) -> None:
        self.now: Final = loop.time
        self.chance: Final = random.Random(seed).random  # noqa: S311  jitter of checks, no secret

    def wall(self) -> float:
        """Return the virtual time in seconds since 1970."""
        return EPOCH + self.now()

    def sleep(self, seconds: float, /) -> NoReturn:  # noqa: ARG002  required by the clock's protocol
        """Raise RuntimeError, because a sleeping thread would stop the loop, and virtual time with it."""
        raise RuntimeError("a thread cannot sleep in virtual time; use sleep_async")

    async def sleep_async(self, seconds: float, /) -> None:
        """Sleep in virtual time, in the calling asyncio task."""
        await anyio.sleep(seconds)


def run(main: Callable[[], Coroutine[Any, Any, T]], *, seed: int) -> T:
    """Run a coroutine function in virtual time. The clients that it creates use the same time."""
    runner = asyncio.Runner(loop_factory=VirtualLoop)
    with runner, mock.patch.object(_world, "current", _world.World(VirtualClock(runner.get_loop(), seed))):
        return runner.run(main())
