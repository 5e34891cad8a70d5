"""The plan of a worker: that of `tasks.map` with a ledger, for a call that never ends of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from anchor_webtask._batch.ledger_plan import LedgerPlan
from anchor_webtask._errors import AnchorError
from anchor_webtask._ledger.models import Full
from anchor_webtask._workers.calls import STOPPING, Cancelled

if TYPE_CHECKING:
    from anchor_webtask._batch.items import Item, StartFailed
    from anchor_webtask._batch.looked import Looked
    from anchor_webtask._batch.models import OutcomeState, TaskRequest
    from anchor_webtask._models import TaskResult

CANCELLED: Final = "the task was cancelled"
SWEEP_SECONDS: Final = 10.0


class WorkerPlan(LedgerPlan[Any]):
    """What a worker does."""

    other_request = "refused"  # for good, whatever its secrets are

    def sweep_each(self, seconds: float) -> None:
        """Adopt what owners that have died left so often."""
        self._room.sweep_seconds = seconds

    @property
    def busy(self) -> tuple[int, int, int]:
        """How many tasks start, run, and wait for a place."""
        return len(self._starting), len(self._running), len(self._pending) + len(self._looking)

    def _is_alone(self, now: float) -> bool:  # noqa: ARG002  it overrides
        return False  # a worker does not give up hope: others may run tasks, and the database comes back

    def _fingerprint(self, request: TaskRequest) -> str:
        fingerprint: str = request.data.fingerprint  # as it was submitted, before the secrets were looked up
        return fingerprint

    def start_failed(self, item: Item[Any], failed: StartFailed, now: float) -> None:
        """Record that a start has not succeeded; what stops all workers does not end the item."""
        stops = isinstance(failed.error, STOPPING) and failed.failure is not None and not failed.is_full
        if not stops or self._why_stopped is not None or item not in self._starting:
            super().start_failed(item, failed, now)
            return
        self._starting.remove(item)
        item.attempt -= 1
        self._pending.appendleft(item)
        self._room.was_full(Full(None), now, is_idle=False)

    def _decide(self, item: Item[Any], looked: Looked[Any], now: float) -> Item[Any] | None:
        if isinstance(looked.found, Cancelled):
            self._finish(item, "not_started", AnchorError(CANCELLED))
            return None
        return super()._decide(item, looked, now)

    def _finish(
        self, item: Item[Any], state: OutcomeState, error: AnchorError | None, result: TaskResult[Any] | None = None
    ) -> None:
        is_orphan = item in self._orphans
        super()._finish(item, state, error, result)
        if not is_orphan:
            self._named.pop(item.key, None)  # its job may be delivered again, after a retry
