"""Decides what is sent about a session, when it is sent again, and how it ends; without I/O.

Each function yields steps, which a driver with a socket and a clock executes: `Send` a request, `Pause`. After each
step the driver passes in the time and the outcome. What the function returns is the result.

A creation is never sent twice, for a second session costs again. If its response is lost, the session is looked for by
its own tag for half a minute, and adopted. An end may be repeated: a session ends once, however often it is asked to.
What only reads is repeated as well, since an error would end the block of a session, and with it what runs there.
"""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING, Final, TypeVar

from anchor_webtask._api.session_responses import (
    CreatedSession,
    arrived_session,
    is_over,
    read_created,
    read_files,
    read_listed,
    read_used,
)
from anchor_webtask._errors import (
    AnchorError,
    NotFoundError,
    SessionError,
    SessionOutcomeUnknownError,
    StatusError,
    UnexpectedResponseError,
)
from anchor_webtask._http.limiter import Slot
from anchor_webtask._http.record import ExchangeRecord
from anchor_webtask._polling.outcomes import Failure, Fault
from anchor_webtask._polling.start import MAX_ATTEMPTS, is_certainly_not_started
from anchor_webtask._secret_task_id import shown_id
from anchor_webtask._sessions.notices import unknown_creation
from anchor_webtask._tasks.steps import Pause, Send

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchor_webtask._api.session_requests import CreationRequest
    from anchor_webtask._api.session_responses import ListedFile
    from anchor_webtask._http.body import BoundedResponse
    from anchor_webtask._http.prepared_request import PreparedRequest
    from anchor_webtask._redaction.secrets import Redactor, Sealed
    from anchor_webtask._sessions.creation import CreationRecord
    from anchor_webtask._sessions.files import Target
    from anchor_webtask._tasks.steps import Steps

R = TypeVar("R")

LOOKUP_TIME: Final = 30.0
"""Seconds for which a session is looked for whose creation lost its response."""
END_TIME: Final = 30.0
"""Seconds for which the end of a session is repeated."""
QUICK_END: Final = 10.0
"""Seconds for which the end of a session is repeated after an interruption."""
END_LIMIT: Final = 10.0
"""Seconds that one of these requests may take, so that there is time for another one."""
READ_TIME: Final = 10.0
"""Seconds for which a request is repeated that only reads."""
MAX_DELAY: Final = 5.0
MAX_RETRY_AFTER: Final = 60.0

UNKNOWN_SESSION: Final = "the API knows no session with this id: check the id, the base URL and the key's account"
STILL_RUNS: Final = "the session still runs, and its recording is ready some time after its end: call recording then"
NOT_RECORDED: Final = "the session has no recording: it was opened with recording=False"

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
        if not _is_retried(outcome) or now >= until:
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


def read_steps(
    request: Sealed[PreparedRequest],
    redact: Redactor,
    limit: float,
    read: Callable[[BoundedResponse], R | None],
    *,
    problem: str,
    now: float,
) -> Steps[R]:
    """Yield the steps of a request that only reads, which is repeated for a short while, and return what was read.

    Args:
        request: The request.
        redact: Removes secrets from text.
        limit: Seconds that one request may take.
        read: Reads a response; None if it cannot be read.
        problem: What is said of such a response.
        now: The time.

    Raises:
        AnchorError: The request failed, also when it was repeated, or in a way that a retry cannot fix.
    """
    until, delay = now + READ_TIME, 1.0
    while True:
        now, outcome = yield Send(request, limit, redact)
        if not isinstance(outcome, Failure):
            found = None if outcome is None else read(outcome)
            if found is not None:
                return found
            outcome = Failure(Fault.UNREADABLE, UnexpectedResponseError(problem))
        pause = max(delay, outcome.retry_after or 0.0)
        if not _is_retried(outcome) or now + pause > until:
            raise outcome.error
        now, _ = yield Pause(pause)
        delay *= 2


def file_steps(
    request: Sealed[PreparedRequest],
    redact: Redactor,
    target: Target,
    *,
    name: str,
    max_bytes: int,
    now: float,
    timeout: float,
) -> Steps[None]:
    """Yield the steps that fetch a file; if its transfer breaks, it is fetched again, from its beginning.

    Args:
        request: The request.
        redact: Removes secrets from text.
        target: Receives the file.
        name: The file's name, for an error.
        max_bytes: The maximum size of the file, in bytes.
        now: The time.
        timeout: Seconds that all of it may take.

    Raises:
        AnchorError: The request failed, also when it was repeated, or in a way that a retry cannot fix.
    """
    until, delay, attempts = now + timeout, 1.0, 0
    while True:
        record = ExchangeRecord()
        record.sink, record.max_bytes = target.write, max_bytes
        now, outcome = yield Send(request, until - now, redact, Slot.NONE, record)
        if not isinstance(outcome, Failure):
            return
        if not _is_retried(outcome):
            raise outcome.error
        attempts += 1
        pause = max(delay, outcome.retry_after or 0.0)
        if attempts == MAX_ATTEMPTS or now + pause >= until:
            error = outcome.error
            error.args = (f"the file {name!r} was not saved: {error.args[0]}; call save again", *error.args[1:])
            raise error
        target.restart()
        now, _ = yield Pause(pause)
        delay *= 2


def recording_steps(
    request: Sealed[PreparedRequest],
    lookup: Sealed[PreparedRequest],
    redact: Redactor,
    *,
    now: float,
    deadline: float | None,
    http_timeout: float,
    exists: bool,
    has_ended: bool,
) -> Steps[ListedFile]:
    """Yield the steps of a wait for the recording, and return it; before it waits, it asks whether there will be one.

    Args:
        request: The request that lists the recordings.
        lookup: The request that says whether there will be one.
        redact: Removes secrets from text.
        now: The time.
        deadline: When to ask for the last time; None for no deadline.
        http_timeout: Seconds that one request may take.
        exists: Whether the session is known to have been created; otherwise its id may be mistyped.
        has_ended: Whether the session certainly has ended, whatever the API still says.

    Raises:
        NotFoundError: The API does not know the session.
        SessionError: It is not ready in time, or the session is not recorded, or still runs.
        AnchorError: A request failed in a way that a retry cannot fix.
    """
    delay, error, asked = 2.0, None, False
    while True:
        left = math.inf if deadline is None else max(deadline - now, MAX_DELAY)
        now, outcome = yield Send(request, min(http_timeout, left), redact)
        wanted = 0.0
        if isinstance(outcome, Failure):
            error, wanted = outcome.error, min(outcome.retry_after or 0.0, MAX_RETRY_AFTER)
            if not (_is_retried(outcome) or isinstance(error, NotFoundError)):
                raise error
        else:
            error, files = None, None if outcome is None else read_files(outcome)
            found = sorted(files or (), key=lambda each: not each.is_primary)
            if found:
                return found[0]
        if not asked:
            asked = True
            now, outcome = yield Send(lookup, min(http_timeout, END_LIMIT), redact)
            used = None if outcome is None or isinstance(outcome, Failure) else read_used(outcome)
            if used is not None and used.is_recorded is False:
                raise SessionError(NOT_RECORDED)
            if used is not None and used.status == "running" and not has_ended:
                raise SessionError(STILL_RUNS)
            is_unknown = isinstance(outcome, Failure) and isinstance(outcome.error, NotFoundError)
            if is_unknown and isinstance(error, NotFoundError) and not exists:
                raise NotFoundError(UNKNOWN_SESSION, status=404)
        if deadline is not None and now >= deadline:
            why = "" if error is None else f" ({error})"
            raise SessionError(f"the recording is not ready yet{why}: it is ready some time after the session's end")
        pause = max(delay, wanted)
        now, _ = yield Pause(pause if deadline is None else min(pause, deadline - now))
        delay = min(delay * 1.5, 15.0)


def _is_gone(failure: Failure) -> bool:
    """Whether a failure says that there is no such session any more."""
    return isinstance(failure.error, StatusError) and failure.error.status in _GONE


def _is_retried(failure: Failure) -> bool:
    if failure.fault is Fault.STATUS:
        status = failure.error.status if isinstance(failure.error, StatusError) else 0
        return status >= 500 or status in _RETRIED
    return failure.fault in {Fault.NOT_CONNECTED, Fault.LOST, Fault.UNREADABLE}
