"""Counts the outcomes of a call of `tasks.map`, and estimates when the last one comes."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from anchor_webtask._batch.models import COUNTED_AS, Progress

if TYPE_CHECKING:
    from datetime import datetime

    from anchor_webtask._batch.models import OutcomeState


class Counts:
    """The counts of one call.

    Args:
        total: The number of requests; None if it is not known.
    """

    def __init__(self, total: int | None) -> None:
        self.total = total
        self._outcomes = Counter(dict.fromkeys(COUNTED_AS.values(), 0))
        self._stored = 0
        self._began: float | None = None

    def begin(self, now: float) -> None:
        """Record that a start is sent, or that a task which was started before is waited for."""
        if self._began is None:
            self._began = now

    def add(self, state: OutcomeState, *, is_stored: bool) -> None:
        """Record an outcome."""
        self._outcomes[COUNTED_AS[state]] += 1
        self._stored += is_stored

    def progress(
        self, now: float, *, pending: int, running: int, held: int, held_until: datetime | None = None
    ) -> Progress:
        """Return how far the call is, with the numbers that only the plan knows."""
        ended = self._outcomes.total()
        elapsed = 0.0 if self._began is None else now - self._began
        rate = (ended - self._stored) / elapsed if elapsed > 0 else 0.0
        left = None if self.total is None else max(self.total - ended, 0)
        return Progress(
            total=self.total,
            pending=pending,
            running=running,
            held=held,
            held_until=held_until,
            rate=rate,
            seconds_left=left / rate if left is not None and rate > 0 else None,
            **self._outcomes,
        )
