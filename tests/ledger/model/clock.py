"""The clocks of a model: one machine, whose clock can be set, and which can be suspended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, cast

from anchor_webtask import _world
from anchor_webtask._ledger import start as start_module

if TYPE_CHECKING:
    import pytest

    from anchor_webtask._clock import Clock

EPOCH = 1_800_000_000.0


class ModelClock:
    """Time that passes only when the model says so."""

    def __init__(self) -> None:
        self._now = 0.0  # does not count the time while the machine is suspended
        self._boot = 1_000.0
        self._wall = EPOCH
        Time.clock = self

    def now(self) -> float:
        return self._now

    def wall(self) -> float:
        return self._wall

    def boot(self) -> float:
        return self._boot

    def chance(self) -> float:
        return 0.5

    def advance(self, seconds: float) -> None:
        self._now += seconds
        self.suspend(seconds)

    def suspend(self, seconds: float) -> None:
        self._boot += seconds
        self._wall += seconds

    def set_wall(self, by: float) -> None:
        self._wall += by

    def _no_wait(self, *_: Any) -> NoReturn:
        raise AssertionError("the model waits by its steps")

    sleep = sleep_async = get = move_on_after = _no_wait


class Time:
    """Takes the place of the module `time`, and of the world's clock; the model that was made last is asked."""

    CLOCK_BOOTTIME = 7
    clock: ModelClock

    @classmethod
    def wall(cls) -> float:
        return cls.clock.wall()

    @classmethod
    def clock_gettime(cls, _: int) -> float:
        return cls.clock.boot()


def install(patch: pytest.MonkeyPatch) -> None:
    """Let the ledger read the model's clocks also where it asks the system."""
    patch.setattr(start_module, "time", Time)
    patch.setattr(_world, "current", _world.World(cast("Clock", Time)))
