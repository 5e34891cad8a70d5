"""Virtual time for a whole asyncio program: it moves on when nothing is left to do but wait.

Sleeps, time-outs and the package's clock all follow the event loop's clock, so tasks of half an hour are waited for in
seconds, each at its right moment, and only the work is real. Nothing in such a loop may wait for a socket or a thread.
"""

from __future__ import annotations

import asyncio
import random
import selectors
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar
from unittest import mock

import anyio

from anchor_webtask import _clock

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")

EPOCH: Final = 1_800_000_000.0


class _Selector(selectors.SelectSelector):
    """Tells how long the loop would block, and returns at once."""

    def __init__(self, pass_time: Callable[[float], None]) -> None:
        super().__init__()
        self._pass_time = pass_time

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready:
            if timeout is None:
                raise RuntimeError("everybody waits, and for nothing that time would bring")
            self._pass_time(timeout)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock begins at 0 and moves only when nothing is ready."""

    def __init__(self) -> None:
        self._virtual = 0.0
        super().__init__(_Selector(self._pass_time))

    def time(self) -> float:
        """Return the virtual time in seconds."""
        return self._virtual

    def _pass_time(self, seconds: float) -> None:
        self._virtual += seconds


class VirtualClock:
    """The package's clock in a virtual loop; what it leaves to chance is the same with the same seed."""

    def __init__(self, loop: asyncio.AbstractEventLoop, seed: int) -> None:
        self.now: Final = loop.time
        self.chance: Final = random.Random(seed).random  # noqa: S311  it scatters checks

    def wall(self) -> float:
        """Return seconds since 1970."""
        return EPOCH + self.now()

    def sleep(self, seconds: float, /) -> NoReturn:  # noqa: ARG002  the protocol has it
        """Refuse: it would stop the loop, and time with it."""
        raise RuntimeError("a thread can't sleep in virtual time")

    async def sleep_async(self, seconds: float, /) -> None:
        """Wait in the calling task."""
        await anyio.sleep(seconds)


def run(main: Callable[[], Coroutine[Any, Any, T]], *, seed: int) -> T:
    """Run a coroutine function in virtual time; clients that it makes wait in the same."""
    runner = asyncio.Runner(loop_factory=VirtualLoop)
    with runner, mock.patch.object(_clock, "default", VirtualClock(runner.get_loop(), seed)):
        return runner.run(main())
