"""Bounds how long a call waits for what another call has stored, though the system's clock may jump."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable


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
        first_seen = self._first_seen.setdefault(what, self._now())
        return max(min(begun + length - self.wall(), first_seen + length - self._now()), 0.0)
