"""What a start means for its row in the ledger; a generator of what is to be waited for, for both clients."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from anchor_webtask._batch.items import StartFailed
from anchor_webtask._errors import LedgerError, PaymentRequiredError, RateLimitError, StartOutcomeUnknownError
from anchor_webtask._ledger.transitions import SAME_ID
from anchor_webtask._polling.outcomes import Fault
from anchor_webtask._secret_task_id import shown_id

if TYPE_CHECKING:
    from collections.abc import Generator

    from anchor_webtask._ledger.future import Future
    from anchor_webtask._ledger.start import LedgerStart

BROKEN = (
    "the start was interrupted: the task may or may not have started. Check the dashboard before you start it again: a "
    "second task costs again"
)

logger = logging.getLogger("anchor_webtask")


def succeeded(start: LedgerStart, task_id: str | None) -> Generator[Future[Any], Any, StartFailed | None]:
    """Store the id of a task that has started, before anybody receives it; log the id if that is impossible now.

    Returns:
        Why it is not known which task has started after all, as its row says; None if it is.
    """
    if task_id is None:
        return None
    try:
        claim = yield start.started(task_id)
    except LedgerError as error:
        shown = shown_id(task_id)
        logger.warning("the ledger has not stored the id of task %s yet: %s", shown, error, extra={"task_id": shown})
        return None
    if claim is None:
        return StartFailed(StartOutcomeUnknownError(SAME_ID.format(task_id)), None)
    start.claim = claim
    return None


def failed(start: LedgerStart, failed: StartFailed) -> Generator[Future[Any], Any, StartFailed | None]:
    """Store why a start got no task, and return it; None if the task has started all the same.

    If the API refused the start since too many tasks run, `failed.is_full` says so afterwards.
    """
    error, failure = failed.error, failed.failure
    failed.is_full = False
    if isinstance(error, StartOutcomeUnknownError):
        if error.task_id is None:
            with suppress(LedgerError):
                yield start.lost(str(error))
            return failed
        return (yield from succeeded(start, error.task_id))
    if failure is None or failure.fault is not Fault.STATUS:
        start.withdrawn()
        return failed
    if failure.is_complete and isinstance(failure.error, RateLimitError | PaymentRequiredError):
        try:
            failed.is_full = yield start.lacks_room(failure)
        except LedgerError:
            failed.is_full = isinstance(failure.error, RateLimitError)  # the ledger stores it later
    if not failed.is_full:
        start.refused(error)
    return failed


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
