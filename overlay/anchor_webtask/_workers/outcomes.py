"""What became of a request of a batch, as the database has it."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final

from anchor_webtask._batch.looked import DROPPED
from anchor_webtask._batch.models import TaskOutcome, TaskRequest
from anchor_webtask._errors import AnchorError
from anchor_webtask._ledger.rows import rows_of
from anchor_webtask._models import T, TaskResult
from anchor_webtask._tasks.handle import Handle, Setup
from anchor_webtask._tasks.stored import handle_parts, reason, unknown
from anchor_webtask._workers import tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from anchor_webtask._batch.models import OutcomeState
    from anchor_webtask._ledger.database import Connection
    from anchor_webtask._ledger.models import Row
    from anchor_webtask._workers.tables import StoredRequest

PAGE: Final = 500
PAGE_BYTES: Final = 16 * 1024 * 1024
"""How large the answers of a page may be together, unless one alone is larger."""
CANCELLED: Final = "the task was not started, since it was cancelled before"
NOT_STARTED: Final = "the task was not started: {}"
_STATES: Final[dict[str, OutcomeState]] = {
    "completed": "completed",
    "failed": "failed",
    "unknown": "unknown",
    "refused": "refused",
}


class Page:
    """Requests that have ended, with their attempts.

    Attributes:
        requests: The requests, in the order of their endings.
        is_last: Whether no more requests had ended.
        is_open: Whether other requests of the batch have not ended.
    """

    def __init__(self, db: Connection, batch: str, after: int) -> None:
        found = tables.ended_after(db, batch, after, PAGE)
        self.requests = found[: _fitting(tables.answer_bytes(db, [request.key for request in found]), found)]
        self.is_last = len(self.requests) == len(found) < PAGE
        self.is_open = tables.is_open(db, batch)
        self._attempts: dict[str, list[Row]] = {}
        keys = [request.key for request in self.requests]
        for row in rows_of(db, "key = ANY(?) ORDER BY key, attempt", keys) if keys else ():
            self._attempts.setdefault(row.key, []).append(row)

    def outcomes(self, setup: Setup[T], stored_until: int, wall: float) -> Iterable[TaskOutcome[T]]:
        """Yield the outcomes.

        Args:
            setup: How answers are decoded.
            stored_until: The last number of the endings that were stored before the caller began.
            wall: Seconds since 1970, by the clock of the ledger.
        """
        for request in self.requests:
            is_stored = request.ended is not None and request.ended <= stored_until
            yield _outcome(request, self._attempts.get(request.key, ()), setup, wall, is_stored=is_stored)


def _fitting(sizes: Mapping[str, int], requests: Sequence[StoredRequest]) -> int:
    """Return how many requests have answers that are not too large together: one at least, if there is one."""
    sums = accumulate(sizes.get(request.key, 0) for request in requests)
    return max(sum(1 for size in sums if size <= PAGE_BYTES), 1)


def _outcome(
    request: StoredRequest, rows: Sequence[Row], setup: Setup[T], wall: float, *, is_stored: bool
) -> TaskOutcome[T]:
    row = _deciding([row for row in rows if row.fingerprint == request.fingerprint])  # others are of another request
    state: OutcomeState = "not_started"
    verdict: TaskResult[T] | AnchorError = AnchorError(
        CANCELLED if request.cancelled else NOT_STARTED.format(reason(request.error, setup.redactor()))
    )
    if row is not None and not request.cancelled:
        state, verdict = _STATES.get(row.state, "running"), _verdict(row, setup, wall)
    result = verdict if isinstance(verdict, TaskResult) else None
    return TaskOutcome(
        key=request.user_key,
        index=request.number,
        request=TaskRequest(request.prompt, key=request.user_key, **request.options),
        state=state,
        task_id=None if row is None else row.task_id,
        attempt=0 if row is None else row.attempt,
        stored=is_stored,
        error=None if result is not None else verdict if isinstance(verdict, AnchorError) else None,
        _result=result,
    )


def _deciding(rows: Sequence[Row]) -> Row | None:
    """Return the attempt that is the outcome: the first that may have a valid answer, else the latest not refused."""
    answered = next((row for row in rows if row.state == "completed" and row.valid != 0), None)
    if answered is not None or not rows:
        return answered
    *earlier, latest = rows
    return earlier[-1] if latest.state == "refused" and earlier and earlier[-1].state != "retried" else latest


def _verdict(row: Row, setup: Setup[Any], wall: float) -> TaskResult[Any] | AnchorError:
    if row.state == "unknown":
        return unknown(row, setup, repr(row.key))
    if row.state == "refused":
        return AnchorError(f"{reason(row.error, setup.redactor())}")
    parts = handle_parts(row, setup, wall)
    if parts.state.ended is None:
        return AnchorError(DROPPED)
    try:
        return Handle(parts.setup, parts.state, started=parts.started)._result()
    except AnchorError as error:
        return error
