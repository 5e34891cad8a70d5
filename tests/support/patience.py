"""How long tests wait for what must happen."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

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
