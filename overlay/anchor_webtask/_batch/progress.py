"""Decides when the progress of `tasks.map` is reported: after a change, once the report before was received."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from anchor_webtask._batch.models import Progress
    from anchor_webtask._batch.plan import Plan


class ProgressReports:
    """The reports of one call.

    Args:
        plan: The plan of the call.
    """

    def __init__(self, plan: Plan[Any]) -> None:
        self._plan = plan
        self._counts: Progress | None = None
        self._is_under_way = False

    def next(self, now: float) -> Progress | None:
        """Return the progress if it is to be reported now."""
        if self._is_under_way:
            return None
        progress = self._changed(now)
        self._is_under_way = progress is not None
        return progress

    def last(self, now: float) -> Progress | None:
        """Return the progress at the end of the call if it was not reported."""
        return self._changed(now)

    def reported(self) -> None:
        """Record that the last report was received."""
        self._is_under_way = False

    def _changed(self, now: float) -> Progress | None:
        progress = self._plan.progress(now)
        counts = replace(progress, rate=0.0, seconds_left=None)
        if counts == self._counts:
            return None
        self._counts = counts
        return progress
