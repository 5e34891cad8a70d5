"""When to look at a task, when to stop looking, and what to make of what was seen.

A wait is a conversation. This module says what to do next, and somebody with a socket and a clock does it:

    Fetch(limit)      look at the task's status, in at most `limit` seconds; tell me the reply or the failure
    Sleep(seconds)    wait
    Emit(update)      show this to whoever watches

Nothing here reads a clock, sleeps or sends. Each step is answered with the time and what came, so a test can lead a
thousand waits through a week in a second, and the sync and the async driver can't differ in what they decide.

The schedule. A task takes seconds to hours, and each check is a request. So the next check comes after 9 % of the time
that the task has run, at least two seconds, at most a minute: an end is noticed less than a tenth late, and the number
of checks grows with the logarithm of the task's length until the minute is reached. The API's documentation recommends
a check every two seconds; over tasks of a minute this makes half as many, of five minutes a sixth. `make bench` draws
what other values would do. A random tenth more or less keeps a thousand waits from knocking at once. A `Retry-After` is
a floor, never a reason to look sooner. A handle found by its id looks at once, since nobody knows how long its task has
been at it.

The deadline. It ends the sleeping, not the looking: the last sleep ends at the deadline, and one last check follows,
which may take up to five seconds more, because an answer that is there has been paid for. So every wait makes at least
one check, `timeout=0` is exactly one, and a terminal answer that arrives late still counts. Requests before the last
get what is left until the deadline. In all of that a check may have to wait its turn; where thousands of waits end at
once, some last checks may not get theirs.

What ends a wait. A terminal status; the deadline; or a failure that asking again can't mend: most 4xx, a certificate
that doesn't hold, a redirect, an answer too large. All else, a lost connection, a gateway's 502, HTML in place of JSON,
a shape that the spec doesn't know, is looked at again, for the task runs on and is paid for whether we see it or not.
A 404 within the first five seconds of looking counts as such: a task is not always known everywhere at once.
A status that nobody knows means running, said once in a warning.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, TypeAlias, TypeVar

from anchor_webtask._errors import StatusError, TaskTimeoutError
from anchor_webtask._outcome import Completed, Ended, Failed, Failure, Fault, Reply, Running
from anchor_webtask._types import TaskStatus, TaskUpdate, WaitPolicy

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from anchor_webtask._errors import AnchorError

E = TypeVar("E")

LAST_CHECK_LIMIT: Final = 5.0
NOT_FOUND_GRACE: Final = 5.0
LONGEST_RETRY_AFTER: Final = 3600.0
"""A server that asks for more than an hour is looked at after an hour all the same."""

_REPEATED_STATUSES: Final = frozenset({408, 425, 429, 499})

logger = logging.getLogger("anchor_webtask")
logger.addHandler(logging.NullHandler())  # or Python shows warnings where nobody has set up logging


@dataclass(slots=True)
class Fetch:
    """Make the request that this is about, in at most `limit` seconds, `connect` of them for the connection."""

    limit: float
    connect: float | None = None


@dataclass(slots=True)
class Sleep:
    """Wait."""

    seconds: float


@dataclass(slots=True)
class Emit(Generic[E]):
    """Show this to whoever drives."""

    value: E


Step: TypeAlias = Fetch | Sleep | Emit[E]
Came: TypeAlias = tuple[float, Reply | Failure | None]
"""What a step is answered with: the time after it, and for a Fetch what came."""


@dataclass(slots=True)
class Watch:
    """What is known of a task from one wait to the next.

    Attributes:
        task_id: The task's id; None where it ended before it got one.
        begun: When the task is taken to have begun, on the clock that `Came` has.
        due: When the next check is due.
        first_check: When the first check began.
    """

    task_id: str | None
    begun: float
    due: float
    first_check: float | None = None
    checks: int = 0
    status: TaskStatus | None = None
    raw_status: str | None = None
    ended: Ended | None = None
    warned: bool = False

    def end(self, ended: Ended) -> None:
        """Note how the task ended."""
        self.ended = ended
        self.status = TaskStatus.COMPLETED if isinstance(ended, Completed) else TaskStatus.FAILED
        self.raw_status = ended.raw_status
        logger.info("task %s", self.status.value, extra={"task_id": self.task_id})


def watching(
    watch: Watch,
    policy: WaitPolicy,
    *,
    now: float,
    deadline: float | None,
    http_timeout: float,
    chance: Callable[[], float],
) -> Generator[Step[TaskUpdate], Came, None]:
    """Wait for one task's end, which is then in `watch.ended`.

    Args:
        watch: What is known of the task; kept up to date.
        policy: How often to look.
        now: The time.
        deadline: When to stop sleeping; None for never.
        http_timeout: Seconds that one request may take.
        chance: Returns a random number from 0 to 1.

    Raises:
        TaskTimeoutError: The deadline has passed and the last check brought no end.
        AnchorError: A failure that asking again can't mend.
    """
    while watch.ended is None:
        until = watch.due if deadline is None else min(watch.due, deadline)
        if until > now:
            now, _ = yield Sleep(until - now)
            continue
        last = deadline is not None and now >= deadline
        limit = http_timeout
        if deadline is not None:
            limit = min(http_timeout, LAST_CHECK_LIMIT if last else deadline - now)
        if watch.first_check is None:
            watch.first_check = now
        looked_for = now - watch.first_check
        now, came = yield Fetch(limit)
        error = _take_in(watch, came, looked_for)
        delay = 0.0 if watch.ended else max(policy.delay(now - watch.begun, chance()), _retry_after(error))
        watch.due = now + delay
        over = last or watch.ended is not None
        now, _ = yield Emit(_update(watch, error, now, delay=None if over else delay, deadline=deadline))
        if last and watch.ended is None:
            raise _timed_out(watch, now, error)


def _take_in(watch: Watch, came: Reply | Failure | None, looked_for: float) -> AnchorError | None:
    """Note what a check brought; return the error of one that is to be repeated, raise that of one that isn't."""
    watch.checks += 1
    if watch.ended is not None:
        return None  # another wait on the same handle has seen the end meanwhile
    match came:
        case Completed() | Failed():
            watch.end(came)
        case Running():
            watch.status = TaskStatus.RUNNING if came.known else TaskStatus.UNKNOWN
            watch.raw_status = came.raw_status
            if not came.known and not watch.warned:
                watch.warned = True
                logger.warning("unknown status, taken as running", extra={"task_id": watch.task_id})
        case Failure(error=error):
            error.task_id = watch.task_id
            if not _is_repeated(came, looked_for):
                raise error
            logger.warning("check brought %s, looking again", type(error).__name__, extra={"task_id": watch.task_id})
            return error
        case None:
            raise AssertionError("a Fetch was answered with nothing")
    return None


def _is_repeated(failure: Failure, looked_for: float) -> bool:
    match failure.fault:
        case Fault.NOT_CONNECTED | Fault.LOST | Fault.UNREADABLE:
            return True
        case Fault.CERTIFICATE | Fault.REDIRECTED | Fault.TOO_LARGE:
            return False
        case Fault.STATUS:
            status = failure.error.status if isinstance(failure.error, StatusError) else 0
            if status == 404:
                return looked_for < NOT_FOUND_GRACE
            return status >= 500 or status in _REPEATED_STATUSES


def _retry_after(error: AnchorError | None) -> float:
    wanted = error.retry_after if isinstance(error, StatusError) else None
    return min(wanted or 0.0, LONGEST_RETRY_AFTER)


def _update(
    watch: Watch, error: AnchorError | None, now: float, *, delay: float | None, deadline: float | None
) -> TaskUpdate:
    left = None if deadline is None else deadline - now
    return TaskUpdate(
        task_id=watch.task_id,
        status=watch.status or TaskStatus.UNKNOWN,
        raw_status=watch.raw_status,
        elapsed=now - watch.begun,
        checks=watch.checks,
        next_check=delay if delay is None or left is None else min(delay, max(left, 0.0)),
        deadline=left,
        last_error=error,
    )


def _timed_out(watch: Watch, now: float, error: AnchorError | None) -> TaskTimeoutError:
    seen = f"the last check failed ({error.args[0]})" if error else f"its status is {watch.raw_status!r}"
    return TaskTimeoutError(
        f"the deadline has passed {now - watch.begun:.0f} s after the task began, and it has not ended: {seen}",
        last_status=watch.raw_status,
        last_error=error,
        task_id=watch.task_id,
    )
