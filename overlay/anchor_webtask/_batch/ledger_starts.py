"""What a start means for its row in the ledger; a generator of what is to be waited for, for both clients."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from anchor_webtask._errors import LedgerError, PaymentRequiredError, RateLimitError, StartOutcomeUnknownError
from anchor_webtask._polling.outcomes import Fault
from anchor_webtask._polling.wait import MAX_RETRY_AFTER
from anchor_webtask._secret_task_id import shown_id

if TYPE_CHECKING:
    from collections.abc import Generator

    from anchor_webtask._batch.items import StartFailed
    from anchor_webtask._ledger.call import LedgerStart
    from anchor_webtask._ledger.future import Future

BROKEN = (
    "the start was interrupted: the task may or may not have started. Check the dashboard before you start it again: a "
    "second task costs again"
)

logger = logging.getLogger("anchor_webtask")


def succeeded(start: LedgerStart, task_id: str | None) -> Generator[Future[Any], Any, None]:
    """Store the id of a task that has started, before anybody receives it; log the id if that is impossible now."""
    if task_id is None:
        return
    try:
        start.claim = yield start.started(task_id)
    except LedgerError as error:
        shown = shown_id(task_id)
        logger.warning("the ledger has not stored the id of task %s yet: %s", shown, error, extra={"task_id": shown})


def failed(start: LedgerStart, failed: StartFailed) -> Generator[Future[Any], Any, str | None]:
    """Store why a start got no task; return the id if it has started all the same.

    If the API refused the start since too many tasks run, `failed.is_full` says so afterwards.
    """
    error, failure = failed.error, failed.failure
    failed.is_full = False
    if isinstance(error, StartOutcomeUnknownError):
        if error.task_id is None:
            with suppress(LedgerError):
                yield start.lost(str(error))
            return None
        yield from succeeded(start, error.task_id)
        return error.task_id
    if failure is None or failure.fault is not Fault.STATUS:
        start.withdrawn()
        return None
    if (
        start.waits_for_place
        and failure.is_complete
        and isinstance(failure.error, RateLimitError | PaymentRequiredError)
    ):
        is_certain = isinstance(failure.error, RateLimitError)
        pause = min(failure.retry_after or 0.0, MAX_RETRY_AFTER)
        try:
            failed.is_full = yield start.lacks_room(is_certain=is_certain, pause=pause)
        except LedgerError:
            failed.is_full = is_certain  # the ledger stores it later
    if not failed.is_full:
        start.refused(str(error))
    return None


def interrupted(start: LedgerStart, task_id: str | None, *, may_have_started: bool) -> None:
    """Store what is known of a start that an exception has ended; this waits for nothing.

    Args:
        start: The start.
        task_id: The task's id, if it has arrived.
        may_have_started: Whether the task may have started, or has even ended.
    """
    if task_id is not None:
        start.started(task_id)
    elif may_have_started:
        start.lost(BROKEN)
    else:
        start.withdrawn()
