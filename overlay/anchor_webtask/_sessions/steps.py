"""Decides what is sent about a session, when it is sent again, and how it ends; without I/O.

Each function yields steps, which a driver with a socket and a clock executes: `Send` a request, `Pause`. After each
step the driver passes in the time and the outcome. What the function returns is the result.

A creation is never sent twice, for a second session costs again. If its response is lost, the session is looked for by
its own tag for half a minute, and adopted. An end may be repeated: a session ends once, however often it is asked to.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from anchor_webtask._api.session_responses import (
    CreatedSession,
    arrived_session,
    is_over,
    read_created,
    read_listed,
    read_used,
)
from anchor_webtask._errors import (
    AnchorError,
    NotFoundError,
    SessionOutcomeUnknownError,
    StatusError,
    UnexpectedResponseError,
)
from anchor_webtask._http.limiter import Slot
from anchor_webtask._polling.outcomes import Failure, Fault
from anchor_webtask._polling.start import MAX_ATTEMPTS, is_certainly_not_started
from anchor_webtask._secret_task_id import shown_id
from anchor_webtask._sessions.notices import unknown_creation
from anchor_webtask._tasks.steps import Pause, Send

if TYPE_CHECKING:
    from anchor_webtask._api.session_requests import CreationRequest
    from anchor_webtask._http.prepared_request import PreparedRequest
    from anchor_webtask._redaction.secrets import Redactor, Sealed
    from anchor_webtask._sessions.creation import CreationRecord
    from anchor_webtask._tasks.steps import Steps

LOOKUP_TIME: Final = 30.0
"""Seconds for which a session is looked for whose creation lost its response."""
END_TIME: Final = 30.0
"""Seconds for which the end of a session is repeated."""
QUICK_END: Final = 10.0
"""Seconds for which the end of a session is repeated after an interruption."""
END_LIMIT: Final = 10.0
"""Seconds that one of these requests may take, so that there is time for another one."""
MAX_DELAY: Final = 5.0

UNKNOWN_SESSION: Final = "the API knows no session with this id: check the id, the base URL and the key's account"

_GONE: Final = frozenset({404, 410})
_RETRIED: Final = frozenset({408, 425, 429, 499})

logger = logging.getLogger("anchor_webtask")


def creation_steps(
    creation: CreationRequest, *, now: float, http_timeout: float, record: CreationRecord
) -> Steps[CreatedSession]:
    """Yield the steps of a creation, and return the session.

    An id that has arrived is never lost, whatever the response. With a success, it is the id of the new session. With
    an error, it may also be the one that is in the way of the new session, so it is not ended: the tag decides.

    Args:
        creation: The request, and how the session is looked for.
        now: The time.
        http_timeout: Seconds that one request may take.
        record: What is known of the creation.

    Raises:
        SessionOutcomeUnknownError: The session may have been created, and was not found.
        AnchorError: It was certainly not created.
    """
    delay, attempts = 1.0, 0
    while True:
        exchange = record.new_exchange()
        now, outcome = yield Send(creation.prepared, http_timeout, creation.redact, Slot.START, exchange)
        attempts += 1
        if not isinstance(outcome, Failure):
            created = None if outcome is None else read_created(outcome) or arrived_session(outcome.bodies())
            if created is not None:
                record.session_id = created.id
                return created
            error: AnchorError = UnexpectedResponseError("the response to the creation has no id of a session")
            break
        is_success = 200 <= (outcome.status or 0) < 300
        error, arrived = outcome.error, arrived_session(outcome.bodies(), is_success=is_success)
        if arrived is not None and is_success:
            record.session_id = arrived.id
            return arrived
        if arrived is not None:
            record.named = creation.redact.task_id(arrived.id)
            break
        if not is_certainly_not_started(outcome):
            break
        if outcome.fault is not Fault.NOT_CONNECTED or attempts == MAX_ATTEMPTS:
            raise record.concluded(error)
        now, _ = yield Pause(delay)
        delay *= 2
    logger.warning("creation of a session has no known outcome, looking for it by its tag %s", creation.tag)
    found = yield from lookup_steps(creation, now=now, http_timeout=http_timeout, record=record)
    if found is None:
        said = unknown_creation(creation, error, record.named)
        raise record.concluded(SessionOutcomeUnknownError(said, tag=creation.tag, session_id=record.named))
    return CreatedSession(found)


def lookup_steps(
    creation: CreationRequest,
    *,
    now: float,
    http_timeout: float,
    record: CreationRecord,
    patience: float = LOOKUP_TIME,
) -> Steps[str | None]:
    """Yield the steps that look for a session by its own tag, and return its id; None if it is not found."""
    until, delay = now + patience, 1.0
    while True:
        limit = min(http_timeout, max(until - now, MAX_DELAY))
        now, outcome = yield Send(creation.lookup, limit, creation.redact)
        listed = None if outcome is None or isinstance(outcome, Failure) else read_listed(outcome)
        # The service may ignore the filter, and return the sessions of others.
        found = next((each for each in listed or () if creation.tag in each.tags), None)
        if found is not None:
            record.session_id = found.id
            logger.warning("session %s was found by its tag", shown_id(creation.redact.task_id(found.id)))
            return found.id
        if now >= until:
            return None
        now, _ = yield Pause(min(delay, until - now))
        delay = min(delay * 2, MAX_DELAY)


def end_steps(
    request: Sealed[PreparedRequest],
    lookup: Sealed[PreparedRequest],
    redact: Redactor,
    *,
    now: float,
    http_timeout: float,
    exists: bool,
    patience: float = END_TIME,
) -> Steps[None]:
    """Yield the steps that end a session, repeatedly if need be; one that is known to be over needs no end.

    Args:
        request: The request that ends it.
        lookup: The request that says whether it is over, if the end is refused.
        redact: Removes secrets from text.
        now: The time.
        http_timeout: Seconds that one request may take.
        exists: Whether the session is known to have been created: then a 404 says that it is over. Otherwise its id
            may be mistyped, and the session that was meant may go on to cost.
        patience: Seconds for which the end is repeated, and three times as long if the service asks for a pause.

    Raises:
        NotFoundError: The API does not know the session.
        AnchorError: The session was perhaps not ended.
    """
    until, latest, delay = now + patience, now + 3 * patience, 1.0
    while True:
        limit = min(http_timeout, END_LIMIT, max(until - now, 1.0))
        now, outcome = yield Send(request, limit, redact)
        if not isinstance(outcome, Failure) or (exists and _is_gone(outcome)):
            return
        if outcome.retry_after is not None:
            until = max(until, min(now + outcome.retry_after, latest))
        if not is_retried(outcome) or now >= until:
            break
        now, _ = yield Pause(min(max(delay, outcome.retry_after or 0.0), until - now))
        delay = min(delay * 2, MAX_DELAY)
    error = outcome.error
    if outcome.fault is Fault.STATUS:
        now, outcome = yield Send(lookup, min(http_timeout, END_LIMIT), redact)
        used = None if outcome is None or isinstance(outcome, Failure) else read_used(outcome)
        is_gone = isinstance(outcome, Failure) and _is_gone(outcome)
        if (exists and is_gone) or (used is not None and is_over(used.status)):
            return
        if is_gone or (used is None and isinstance(error, NotFoundError)):
            error = NotFoundError(UNKNOWN_SESSION, status=404)
    raise error


def is_retried(failure: Failure) -> bool:
    """Whether a request that failed is sent again, if nothing is paid twice by that."""
    if failure.fault is Fault.STATUS:
        status = failure.error.status if isinstance(failure.error, StatusError) else 0
        return status >= 500 or status in _RETRIED
    return failure.fault in {Fault.NOT_CONNECTED, Fault.LOST, Fault.UNREADABLE}


def _is_gone(failure: Failure) -> bool:
    """Whether a failure says that there is no such session any more."""
    return isinstance(failure.error, StatusError) and failure.error.status in _GONE
