"""Drives the plan of `tasks.map` with a ledger, by threads: helpers also wait for the ledger's thread."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from anchor_webtask._batch.left import flush
from anchor_webtask._batch.looked import Looked
from anchor_webtask._batch.scheduler import Scheduler
from anchor_webtask._errors import AnchorError
from anchor_webtask._models import T

if TYPE_CHECKING:
    from collections.abc import Iterable

    from anchor_webtask._batch.calls import LedgerCalls
    from anchor_webtask._batch.helpers import Message
    from anchor_webtask._batch.items import Item
    from anchor_webtask._batch.ledger_plan import LedgerPlan
    from anchor_webtask._batch.models import TaskOutcome
    from anchor_webtask._ledger.models import Swept


class LedgerScheduler(Scheduler[T]):
    """The threads of one call with a ledger."""

    def __init__(
        self,
        plan: LedgerPlan[T],
        calls: LedgerCalls[T],
        requests: Iterable[object],
        max_helpers: int,
        *,
        reports_progress: bool,
    ) -> None:
        super().__init__(plan, calls, requests, max_helpers, reports_progress=reports_progress)
        self._ledger_plan, self._ledger = plan, calls

    def _open(self) -> None:
        self._ledger.open()

    def _act(self) -> None:
        plan, now = self._ledger_plan, self._clock.now()
        if plan.next_sweep(now):
            self._submit(self._sweep)
        while (item := plan.next_look(now)) is not None:
            self._submit(partial(self._look, item))
        super()._act()

    def took(self, outcome: TaskOutcome[T]) -> None:
        """Record that the loop has asked for the outcome after this one."""
        self._ledger.took(outcome)

    def _leave(self) -> None:
        self._ledger.leave()
        super()._leave()

    def _broke(self, item: Item[T], raised: BaseException) -> None:
        self._ledger.leave()
        super()._broke(item, raised)

    def _end(self) -> None:
        flush(self._ledger.end(), lambda: self.is_hurried)

    # Messages to the scheduler

    def _swept(self, swept: Swept) -> None:
        for item in self._ledger_plan.swept(swept, self._clock.now()):
            self._watch(item)

    def _sweep_failed(self, error: AnchorError) -> None:
        if self._ledger_plan.sweep_failed(error, self._clock.now()):
            self._keep(error)
            self._leave()

    def _looked(self, item: Item[T], looked: Looked[T]) -> None:
        self._watch(self._ledger_plan.looked(item, looked, self._clock.now()))

    def _look_failed(self, item: Item[T], error: AnchorError) -> None:
        self._ledger_plan.look_failed(item, error, self._clock.now())

    def _not_claimed(self, item: Item[T], looked: Looked[T]) -> None:
        self._watch(self._ledger_plan.not_claimed(item, looked, self._clock.now()))

    def _watch(self, item: Item[T] | None) -> None:
        if item is not None:
            self._schedule(self._clock.now(), partial(self._check_first, item))

    # The helpers

    def _sweep(self) -> Message:
        try:
            return partial(self._swept, self._ledger.sweep())
        except AnchorError as error:
            return partial(self._sweep_failed, error)

    def _look(self, item: Item[T]) -> Message:
        try:
            return partial(self._looked, item, self._ledger.look(item))
        except AnchorError as error:
            return partial(self._look_failed, item, error)
        except BaseException as raised:  # noqa: BLE001  the user's thread raises it
            return partial(self._broke, item, raised)

    def _check_first(self, item: Item[T]) -> Message:
        return self._check(item, self._ledger.watch(item))

    def _send(self, item: Item[T]) -> Message:
        started = self._ledger.start_claimed(item)
        if isinstance(started, Looked):
            return partial(self._not_claimed, item, started)
        return self._after_start(item, started)
