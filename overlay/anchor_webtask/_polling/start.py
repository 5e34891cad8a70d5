"""Decides whether a failed start is retried, when, and which error is raised if it is not.

A start that the server may have accepted is never retried: the API has no idempotency key, and each task is paid for.
So the decision depends on whether a byte of the request may have been sent, and on the response.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from anchor_webtask._errors import RateLimitError, StartOutcomeUnknownError, StatusError
from anchor_webtask._polling.outcomes import Failure, Fault, Reply
from anchor_webtask._polling.wait import MAX_RETRY_AFTER, Emit, Fetch, Sleep, Step, StepResult

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from anchor_webtask._polling.policy import WaitPolicy

MAX_ATTEMPTS: Final = 3
"""How often a start tries to connect if it does not retry until a deadline."""

MIN_CONNECT_TIMEOUT: Final = 1.0
"""Seconds that connecting may take even if the deadline is nearer, so that every start tries at least once."""

_UNCERTAIN_STATUSES: Final = frozenset({408, 499})

logger = logging.getLogger("anchor_webtask")


def start_steps(
    policy: WaitPolicy,
    *,
    now: float,
    deadline: float | None,
    http_timeout: float,
    until_deadline: bool,
    chance: Callable[[], float],
) -> Generator[Step[Reply], StepResult, None]:
    """Yield the steps of a start; the last step emits the API's reply.

    Args:
        policy: How long to wait before the next attempt, depending on the time since the first attempt.
        now: The time.
        deadline: When to stop retrying; None for never.
        http_timeout: Seconds that one request may take. The deadline limits only the time to connect: cutting off a
            request that was sent could lose a task that has started.
        until_deadline: Whether to retry until the deadline, and after 429 too. Otherwise the start tries to connect
            three times.
        chance: Returns a random number from 0 to 1.

    Raises:
        StartOutcomeUnknownError: The server may have accepted the start.
        AnchorError: The task was certainly not started.
    """
    begun, attempts = now, 0
    while True:
        left = None if deadline is None else max(deadline - now, MIN_CONNECT_TIMEOUT)
        now, outcome = yield Fetch(http_timeout, left)
        attempts += 1
        if not isinstance(outcome, Failure):
            if outcome is not None:
                yield Emit(outcome)
            return
        if outcome.task_id is not None or not is_certainly_not_started(outcome):
            raise _outcome_unknown(outcome)
        wanted = _retry_delay(outcome, until_deadline=until_deadline)
        if wanted is None or (not until_deadline and attempts == MAX_ATTEMPTS):
            raise outcome.error
        delay = max(policy.delay(now - begun, chance()), wanted)
        if deadline is not None:
            # The last attempt is at the deadline. An attempt before the end of Retry-After would be refused again.
            if now >= deadline or now + wanted >= deadline:
                raise outcome.error
            delay = min(delay, deadline - now)
        logger.warning("start not accepted, trying again later: %s", outcome.error, extra={"task_id": None})
        now, _ = yield Sleep(delay)


def is_certainly_not_started(failure: Failure) -> bool:
    """Whether the server certainly has not started a task."""
    match failure.fault:
        case Fault.NOT_CONNECTED | Fault.CERTIFICATE | Fault.REDIRECTED:
            return True
        case Fault.STATUS:
            status = failure.error.status if isinstance(failure.error, StatusError) else 0
            return 400 <= status < 500 and status not in _UNCERTAIN_STATUSES
        case Fault.LOST | Fault.TOO_LARGE | Fault.UNREADABLE:
            return False


def _retry_delay(failure: Failure, *, until_deadline: bool) -> float | None:
    """Return the minimum delay before the start is retried, in seconds; None if it must not be retried."""
    if failure.fault is Fault.NOT_CONNECTED:
        return 0.0
    if until_deadline and isinstance(failure.error, RateLimitError) and failure.is_complete:
        wanted = failure.retry_after or 0.0
        return wanted if wanted <= MAX_RETRY_AFTER else None
    return None


def _outcome_unknown(failure: Failure) -> StartOutcomeUnknownError:
    error, status, message, request_id = failure.error, failure.status, None, failure.request_id
    if isinstance(error, StatusError):
        status, message, request_id = error.status, error.message, error.request_id
    if failure.task_id is not None:
        return StartOutcomeUnknownError(
            f"the response to the start has the id of a task, but is not a success: {error}. "
            "Wait for that task before you start another: a second task costs again",
            status=status,
            api_message=message,
            request_id=request_id,
            task_id=failure.task_id,
        )
    return StartOutcomeUnknownError(
        f"the task may or may not have started, and the start was not retried: {error}. "
        "Check the dashboard before you start it again: a second task costs again",
        status=status,
        api_message=message,
        request_id=request_id,
    )
