"""Decides what is sent to read about a session, its files and its recording, and when it is sent again; without I/O.

What only reads is repeated, since an error would end the block of a session, and with it what runs there. The functions
yield steps as those in `steps` do.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, TypeVar

from anchor_webtask._api.session_responses import read_files, read_used
from anchor_webtask._errors import NotFoundError, SessionError, UnexpectedResponseError
from anchor_webtask._http.limiter import Slot
from anchor_webtask._http.record import ExchangeRecord
from anchor_webtask._polling.outcomes import Failure, Fault
from anchor_webtask._polling.start import MAX_ATTEMPTS
from anchor_webtask._sessions.steps import END_LIMIT, MAX_DELAY, UNKNOWN_SESSION, is_retried
from anchor_webtask._tasks.steps import Pause, Send

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchor_webtask._api.session_responses import ListedFile
    from anchor_webtask._http.body import BoundedResponse
    from anchor_webtask._http.prepared_request import PreparedRequest
    from anchor_webtask._redaction.secrets import Redactor, Sealed
    from anchor_webtask._sessions.files import Target
    from anchor_webtask._tasks.steps import Steps

R = TypeVar("R")

READ_TIME: Final = 10.0
"""Seconds for which a request is repeated that only reads."""
MAX_RETRY_AFTER: Final = 60.0

STILL_RUNS: Final = "the session still runs, and its recording is ready some time after its end: call recording then"
NOT_RECORDED: Final = "the session has no recording: it was opened with recording=False"


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
        if not is_retried(outcome) or now + pause > until:
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
        if not is_retried(outcome):
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
            if not (is_retried(outcome) or isinstance(error, NotFoundError)):
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
