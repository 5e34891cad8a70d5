"""What the user's task receives of a call of the async `map`, and how it waits for that."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Generic

import anyio

from anchor_webtask._batch import left
from anchor_webtask._batch.models import TaskOutcome
from anchor_webtask._batch.progress import ProgressReports
from anchor_webtask._models import T

if TYPE_CHECKING:
    from anchor_webtask._batch.models import Progress
    from anchor_webtask._batch.plan import Plan
    from anchor_webtask._clock import Clock


class Outbox(Generic[T]):
    """The outputs of one call.

    Args:
        plan: What the call does.
        clock: The client's clock.
        reports_progress: Whether the user's task receives the progress.

    Attributes:
        outbox: What the user's task receives: outcomes and progress.
        returned: The outcome in the outbox that the user has got; it is removed when the user asks for the next one.
        is_told: Whether the user knows all that is left behind.
        has_ended: Whether nothing more comes.
    """

    def __init__(self, plan: Plan[T], clock: Clock, *, reports_progress: bool) -> None:
        self.outbox: deque[TaskOutcome[T] | Progress] = deque()
        self.returned: TaskOutcome[T] | None = None
        self.is_told = self.has_ended = False
        self._plan, self._clock = plan, clock
        self._reports = ProgressReports(plan) if reports_progress else None
        self._arrived = anyio.Event()

    async def arrival(self) -> None:
        """Wait until there is something in the outbox, or nothing more comes."""
        while not (self.outbox or self.has_ended):
            await self._next_arrival()

    async def ended(self) -> None:
        """Wait until nothing more comes; a cancellation from outside does not end this wait, which takes seconds."""
        with anyio.CancelScope(shield=True):
            while not self.has_ended:
                await self._next_arrival()

    async def _next_arrival(self) -> None:
        """Wait for the next arrival; several tasks may wait for it, since any task may stop the call."""
        if self._arrived.is_set():
            self._arrived = anyio.Event()
        await self._arrived.wait()

    def _deliver(self) -> None:
        self.outbox.extend(self._plan.outcomes)
        self._plan.outcomes.clear()
        if self._reports is not None:
            self._report(self._reports.next(self._clock.now()))
        if self.outbox:
            self._arrived.set()

    def _report(self, progress: Progress | None) -> None:
        if progress is not None:
            self.outbox.append(progress)

    def _deliver_last(self) -> None:
        self._deliver()
        if self._reports is not None:
            self._report(self._reports.last(self._clock.now()))
        self.has_ended = True
        self._arrived.set()

    def _log_unread(self) -> None:
        if not self.is_told:
            self.is_told = True
            left.log(each for each in self.outbox if isinstance(each, TaskOutcome) and each is not self.returned)
