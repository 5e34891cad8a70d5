"""Drives the plan of `tasks.map` with a ledger, in an event loop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anchor_webtask._batch.left import flush_async
from anchor_webtask._batch.looked import Looked
from anchor_webtask._batch.manager import Manager
from anchor_webtask._errors import AnchorError
from anchor_webtask._event_loops import spawn
from anchor_webtask._models import T

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Iterable

    from anyio.abc import TaskGroup

    from anchor_webtask._batch.calls import AsyncLedgerCalls, AsyncWatch
    from anchor_webtask._batch.items import Item
    from anchor_webtask._batch.ledger_plan import LedgerPlan
    from anchor_webtask._batch.models import TaskOutcome


class LedgerManager(Manager[T]):
    """The background task of one call with a ledger."""

    def __init__(
        self,
        plan: LedgerPlan[T],
        calls: AsyncLedgerCalls[T],
        requests: Iterable[object] | AsyncIterable[object],
        *,
        reports_progress: bool,
    ) -> None:
        super().__init__(plan, calls, requests, reports_progress=reports_progress)
        self._ledger_plan, self._ledger = plan, calls

    def leave(self) -> None:
        """Start nothing more, and end within a few seconds."""
        self._ledger.leave()
        super().leave()

    async def _open(self) -> None:
        await self._ledger.open()

    def took(self, outcome: TaskOutcome[T]) -> None:
        """Record that the loop has asked for the outcome after this one."""
        self._ledger.took(outcome)

    def _act(self, group: TaskGroup) -> float:
        plan, now = self._ledger_plan, self._clock.now()
        if plan.next_sweep(now):
            spawn(group, self._sweep, group)
        while (item := plan.next_look(now)) is not None:
            spawn(group, self._look, item)
        return super()._act(group)

    def _broke(self, item: Item[T]) -> None:
        self._ledger.leave()
        super()._broke(item)

    async def _end(self) -> None:
        await flush_async(self._ledger.end())

    # The tasks of the event loop

    async def _sweep(self, group: TaskGroup) -> None:
        try:
            swept = await self._ledger.sweep()
        except AnchorError as error:
            if self._ledger_plan.sweep_failed(error, self._clock.now()):
                self._keep(error)
                self.leave()
        else:
            for item in self._ledger_plan.swept(swept, self._clock.now()):
                spawn(group, self._watch, item)
        self._changed.set()

    async def _look(self, item: Item[T]) -> None:
        with self._raising_for_user(item):
            try:
                looked = await self._ledger.look(item)
            except AnchorError as error:
                self._ledger_plan.look_failed(item, error, self._clock.now())
                watched = None
            else:
                watched = self._ledger_plan.looked(item, looked, self._clock.now())
            self._changed.set()
            if watched is not None:
                with self._wait_scope():
                    await self._wait(watched, self._ledger.watch(watched))

    async def _watch(self, item: Item[T]) -> None:
        with self._raising_for_user(item), self._wait_scope():
            await self._wait(item, self._ledger.watch(item))

    async def _start(self, item: Item[T]) -> AsyncWatch[T] | None:
        started = await self._ledger.start_claimed(item)
        if not isinstance(started, Looked):
            return self._after_start(item, started)
        watched = self._ledger_plan.not_claimed(item, started, self._clock.now())
        self._changed.set()
        return None if watched is None else self._ledger.watch(watched)
