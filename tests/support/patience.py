"""How long tests wait for what must happen."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE: Final = 120
"""Seconds after which a test fails if what it waits for does not happen; nothing takes that long, however busy the
machine is."""


def until(holds: Callable[[], object]) -> None:
    """Wait until something holds."""
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, f"it has not happened within {PATIENCE} s"
        time.sleep(0.02)


def with_time_enough(check: Callable[[float], object], *limits: float) -> None:
    """Check what holds with each time limit, in seconds, that is long enough for what must happen within it.

    On a busy machine, the first limit may be over before a thread has done its part. So the longer ones are tried, too,
    until the check does not fail.
    """
    for limit in limits[:-1]:
        with suppress(Exception, pytest.fail.Exception):
            check(limit)
            return
    check(limits[-1])
