"""When a start may be sent again, and what to say when it may not.

A start that the server may have seen is never sent twice: the API has no idempotency key, and each task is paid for. So
all depends on whether a byte of the request may have left, and on what the answer says.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from anchor_webtask._errors import RateLimitError, StartOutcomeUnknownError, StatusError
from anchor_webtask._outcome import Failure, Fault, Reply
from anchor_webtask._wait import LONGEST_RETRY_AFTER, Came, Emit, Fetch, Sleep, Step

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from anchor_webtask._types import WaitPolicy

ATTEMPTS: Final = 3
"""How often a start without a deadline is tried where there is no connection."""

SHORTEST_CONNECT: Final = 1.0
"""Seconds that a connection gets even where the deadline is nearer, so that a start is tried at all."""

_UNCERTAIN_STATUSES: Final = frozenset({408, 499})

logger = logging.getLogger("anchor_webtask")


def starting(
    policy: WaitPolicy,
    *,
    now: float,
    deadline: float | None,
    http_timeout: float,
    patient: bool,
    chance: Callable[[], float],
) -> Generator[Step[Reply], Came, None]:
    """Start one task, and emit what the API replied.

    Args:
        policy: How long to wait before the start is sent again, counted from the first attempt.
        now: The time.
        deadline: When a patient start gives up; None for never.
        http_timeout: Seconds that one request may take. The deadline shortens the connecting alone: to cut a start off
            is to lose a task that may have been started.
        patient: Whether to repeat until the deadline, also on 429; else an unreachable server is tried three times.
        chance: Returns a random number from 0 to 1.

    Raises:
        StartOutcomeUnknownError: The server may have seen the start.
        AnchorError: The server has not started a task.
    """
    begun, attempts = now, 0
    while True:
        left = None if deadline is None else max(deadline - now, SHORTEST_CONNECT)
        now, came = yield Fetch(http_timeout, left)
        attempts += 1
        if not isinstance(came, Failure):
            if came is not None:
                yield Emit(came)
            return
        if not _is_certain(came):
            raise _unknown(came)
        wanted = _repeat_after(came, patient=patient)
        if wanted is None or (not patient and attempts == ATTEMPTS):
            raise came.error
        delay = max(policy.delay(now - begun, chance()), wanted)
        if deadline is not None:
            # The last attempt to connect is at the deadline; to come back before a Retry-After would be no use.
            if now >= deadline or now + wanted >= deadline:
                raise came.error
            delay = min(delay, deadline - now)
        name = type(came.error).__name__
        logger.warning("start not accepted (%s), sending it again", name, extra={"task_id": None})
        now, _ = yield Sleep(delay)


def _is_certain(failure: Failure) -> bool:
    """Whether the server has certainly not started a task."""
    match failure.fault:
        case Fault.NOT_CONNECTED | Fault.CERTIFICATE | Fault.REDIRECTED:
            return True
        case Fault.STATUS:
            status = failure.error.status if isinstance(failure.error, StatusError) else 0
            return 400 <= status < 500 and status not in _UNCERTAIN_STATUSES
        case Fault.LOST | Fault.TOO_LARGE | Fault.UNREADABLE:
            return False


def _repeat_after(failure: Failure, *, patient: bool) -> float | None:
    """Return the seconds after which the start may be sent again, at least; None where it may not."""
    if failure.fault is Fault.NOT_CONNECTED:
        return 0.0
    if patient and isinstance(failure.error, RateLimitError):
        wanted = failure.error.retry_after or 0.0
        return wanted if wanted <= LONGEST_RETRY_AFTER else None
    return None


def _unknown(failure: Failure) -> StartOutcomeUnknownError:
    error, status, message, request_id = failure.error, failure.status, None, failure.request_id
    if isinstance(error, StatusError):
        status, message, request_id = error.status, error.message, error.request_id
    return StartOutcomeUnknownError(
        f"the task may or may not have been started, and was not started again: {error}. "
        "Look at the dashboard before you start it anew: a second task is paid for as well",
        status=status,
        api_message=message,
        request_id=request_id,
    )
