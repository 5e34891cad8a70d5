"""Bounds how long a call waits for what another call has stored, though the system's clock may jump."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

MOST_SEEN: Final = 10_000
"""How many pauses and places a call knows of: a worker lives for days. Those that it asks for no more are forgotten."""


class Patience:
    """How long one call has known of stored pauses and of places that are held.

    A stored moment is in seconds since 1970, by a clock that may be set or be wrong. So a call never waits for one
    longer than the pause is long, counted from when the call first saw it, by a clock that is never set.

    Args:
        now: Returns seconds on a monotonic clock.
        wall: Returns seconds since 1970.
    """

    def __init__(self, now: Callable[[], float], wall: Callable[[], float]) -> None:
        self.wall = wall
        self._now = now
        self._first_seen: dict[Hashable, float] = {}

    def seconds_left(self, what: Hashable, begun: float, length: float) -> float:
        """Return how much longer a pause lasts; 0 if it is over.

        Args:
            what: Names the pause.
            begun: When it began, in seconds since 1970.
            length: How long it is, in seconds.
        """
        return max(length - self.age(what, begun), 0.0)

    def age(self, what: Hashable, begun: float) -> float:
        """Return how long ago something was, in seconds: at least as long as this call has known of it.

        Args:
            what: Names it.
            begun: When it was, in seconds since 1970.
        """
        now = self._now()
        first = self._first_seen[what] = self._first_seen.pop(what, now)  # last, as the latest that was asked for
        if len(self._first_seen) > MOST_SEEN:
            with suppress(RuntimeError, KeyError):  # the ledger's thread and others may be here at once
                del self._first_seen[next(iter(self._first_seen))]
        return max(self.wall() - begun, now - first)
