"""Decides when a task is checked next, after which failures it is checked again, and what ends a wait.

A wait is a sequence of steps. This module decides the next step, and a driver with a socket and a clock executes it:

    Fetch(limit)      check the task's status within `limit` seconds, and return the reply or the failure
    Sleep(seconds)    wait
    Emit(update)      pass the update to the caller

Nothing here reads a clock, sleeps or sends. After each step the driver passes in the time and the result. So a test can
run a thousand waits through a week in a second, and the sync and the async driver cannot make different decisions.

The schedule. A task takes seconds to hours, and each check is a request. So the delay before the next check is 9 % of
the time that the task has run, but at least two seconds and at most a minute. Unless a task is very short, its end is
noticed with a delay of less than a tenth of its duration. The number of checks grows with the logarithm of the duration
until the delay reaches a minute. The API's documentation recommends a check every two seconds; compared with that, this
schedule makes half as many checks for a task of a minute, and a sixth for a task of five minutes. `make bench` draws
the curve for other values. Each delay is randomly changed by up to a tenth, so that a thousand waits do not check at
the same moment. A `Retry-After` can delay a check, and never makes it earlier. A handle that was found by its id checks
immediately, since it is unknown how long its task has run.

The deadline. The last sleep ends at the deadline, and one last check follows. That check may take five seconds beyond
the deadline, because an answer that is ready has been paid for. So every wait makes at least one check, `timeout=0`
makes exactly one, and a task whose end is reported after the deadline counts as ended. Earlier checks may take only the
time that is left until the deadline. These limits include the time that a check queues for a slot: when thousands of
waits end at once, some of the last checks may get no slot.

What ends a wait. A final status; the deadline; or a failure that a retry cannot fix: most 4xx statuses, an invalid
certificate, a redirect, a response that is too large. After any other failure, such as a lost connection, a gateway's
502, HTML in place of JSON, or a shape that the spec does not describe, the task is checked again, because it keeps
running and is paid for whether we see it or not. A 404 is one of these for a while, since a task is not always known to
all servers at once: for five seconds if no check has seen the task yet, and for a minute of nothing but 404 if one has.
A status that this package does not know means running, and is logged once as a warning.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final, Generic, NamedTuple, TypeAlias, TypeVar

from anchor_webtask._errors import StatusError, TaskTimeoutError
from anchor_webtask._models import TaskStatus, TaskUpdate
from anchor_webtask._polling.outcomes import Completed, Ended, Failed, Failure, Fault, Reply, Running
from anchor_webtask._secret_task_id import SecretTaskId, shown_id

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from anchor_webtask._errors import AnchorError
    from anchor_webtask._polling.policy import WaitPolicy

E = TypeVar("E")

DEFAULT_TIMEOUT: Final = 1800
"""Seconds after which a wait ends if its caller gives no timeout."""
LAST_CHECK_LIMIT: Final = 5.0
NOT_FOUND_GRACE: Final = 5.0
"""Seconds of nothing but 404 after which a wait ends if no check has seen the task."""
GONE_GRACE: Final = 60.0
"""Seconds of nothing but 404 after which a wait ends if a check has seen the task."""
MAX_RETRY_AFTER: Final = 3600.0
"""If a server asks for a longer delay, the next check still comes after an hour."""

_RETRIED_STATUSES: Final = frozenset({408, 425, 429, 499})

logger = logging.getLogger("anchor_webtask")
logger.addHandler(logging.NullHandler())  # else Python prints warnings to stderr if the application sets up no logging


class Fetch(NamedTuple):
    """Send the request within `limit` seconds, of which connecting may take `connect`, and return its outcome."""

    limit: float
    connect: float | None = None


class Sleep:
    """Sleep for this number of seconds."""

    __slots__ = ("seconds",)

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds


class Emit(Generic[E]):
    """Pass this value to the caller."""

    __slots__ = ("value",)

    def __init__(self, value: E) -> None:
        self.value = value


Step: TypeAlias = Fetch | Sleep | Emit[E]
StepResult: TypeAlias = tuple[float, Reply | Failure | None]
"""What the driver passes in after a step: the time, and after a Fetch the reply or the failure."""


class TaskState:
    """What is known about a task; all waits on the same handle share it.

    Attributes:
        task_id: The task's id; None if the API returned the result at once, without an id. Then the task has ended,
            and no step of a wait is made.
        begun: When the task began, as far as is known, on the clock of `StepResult`.
        due: When the next check is due; None if the wait policy has not been asked yet.
        least_delay: The least number of seconds until the first check, from the response to the start.
        seen: Whether a check has got the task's status.
        not_found_since: When the first of the latest checks began that all got a 404; None if the last check got none.
        paused: The seconds in which the task waited for a human. They do not make the next checks rarer.
    """

    __slots__ = (
        "begun",
        "checks",
        "due",
        "ended",
        "least_delay",
        "not_found_since",
        "paused",
        "raw_status",
        "seen",
        "status",
        "task_id",
        "warned",
    )

    def __init__(self, task_id: str | None, begun: float, due: float | None, least_delay: float = 0.0) -> None:
        self.task_id = task_id
        self.begun = begun
        self.due = due
        self.least_delay = least_delay
        self.seen = False
        self.not_found_since: float | None = None
        self.checks = 0
        self.status: TaskStatus | None = None
        self.raw_status: str | None = None
        self.ended: Ended | None = None
        self.warned = False
        self.paused = 0.0

    def known_id(self) -> str:
        """Return the id of a task that was checked."""
        if self.task_id is None:
            raise AssertionError("a task without an id cannot be checked")
        return self.task_id

    def end(self, ended: Ended) -> None:
        """Record how the task ended."""
        self.ended = ended
        self.status = TaskStatus.COMPLETED if isinstance(ended, Completed) else TaskStatus.FAILED
        self.raw_status = ended.raw_status

    def log_start(self) -> None:
        """Log the start of the task, and a warning if its id contains a secret."""
        shown = shown_id(self.task_id)
        logger.info("task %s started", shown or "without an id", extra={"task_id": shown})
        self.warn_of_secret_id()

    def warn_of_secret_id(self) -> None:
        """Log a warning if the task's id contains a secret, since texts then show it redacted."""
        if isinstance(self.task_id, SecretTaskId):
            logger.warning(
                "the id of task %s contains the key or a secret value: texts and tokens show it redacted, "
                ".id is complete",
                self.task_id.shown,
                extra={"task_id": self.task_id.shown},
            )

    def log_end(self) -> None:
        """Log how the task ended. A user's handler or filter may raise, so the end is recorded before."""
        if self.status is not None:
            shown = shown_id(self.task_id)
            logger.info("task %s %s", shown or "without an id", self.status.value, extra={"task_id": shown})


def wait_steps(
    state: TaskState,
    policy: WaitPolicy,
    *,
    now: float,
    deadline: float | None,
    http_timeout: float,
    chance: Callable[[], float],
) -> Generator[Step[TaskUpdate], StepResult, None]:
    """Yield the steps of a wait; afterwards `state.ended` says how the task ended.

    Args:
        state: What is known about the task; each check updates it.
        policy: How often to check.
        now: The time.
        deadline: When to make the last check; None if there is no deadline.
        http_timeout: Seconds that one request may take.
        chance: Returns a random number from 0 to 1.

    Raises:
        TaskTimeoutError: The deadline has passed, and the task had not ended at the last check.
        AnchorError: A check failed in a way that a retry cannot fix.
    """
    if state.due is None:
        state.due = state.begun + max(policy.delay(0.0, chance()), state.least_delay)
    while state.ended is None:
        until = state.due if deadline is None else min(state.due, deadline)
        if until > now:
            now, _ = yield Sleep(until - now)
            continue
        last = deadline is not None and now >= deadline
        limit = http_timeout
        if deadline is not None:
            limit = min(http_timeout, LAST_CHECK_LIMIT if last else deadline - now)
        began = now
        now, outcome = yield Fetch(limit)
        error = _record(state, outcome, began, last=last)
        delay = (
            0.0
            if state.ended
            else max(policy.delay(max(now - state.begun - state.paused, 0.0), chance()), least_delay(outcome))
        )
        state.due = now + delay
        over = last or state.ended is not None
        now, _ = yield Emit(_update(state, error, now, delay=None if over else delay, deadline=deadline))
        if last and state.ended is None:
            raise _timed_out(state, now, error)


def _record(state: TaskState, outcome: Reply | Failure | None, began: float, *, last: bool) -> AnchorError | None:
    """Record the outcome of a check; return the error of a failure that is retried, raise that of any other."""
    state.checks += 1
    if state.ended is not None:
        return None  # another wait on the same handle has seen the end in the meantime
    is_not_found = isinstance(outcome, Failure) and _status(outcome) == 404
    if not is_not_found:
        state.not_found_since = None
    elif state.not_found_since is None:
        state.not_found_since = began
    state.seen = state.seen or not isinstance(outcome, Failure)
    match outcome:
        case Completed() | Failed():
            state.end(outcome)
            state.log_end()
        case Running():
            state.status = TaskStatus.RUNNING if outcome.known else TaskStatus.UNKNOWN
            state.raw_status = outcome.raw_status
            if not outcome.known and not state.warned:
                state.warned = True
                logger.warning(
                    "task %s has the unknown status %r, treated as running",
                    shown_id(state.task_id),
                    outcome.raw_status,
                    extra={"task_id": shown_id(state.task_id)},
                )
        case Failure(error=error):
            error.task_id = state.task_id
            if not _is_retried(outcome, state, began):
                raise error
            if not last:  # otherwise the caller gets the error
                logger.warning(
                    "check of task %s failed (%s), checking again later",
                    shown_id(state.task_id),
                    _kind(error),
                    extra={"task_id": shown_id(state.task_id)},
                )
            return error
        case None:
            raise AssertionError("the driver must return the outcome of a Fetch")
    return None


def _kind(error: AnchorError) -> str:
    """Return an error's class and HTTP status; its text may quote the server, which does not belong in a log."""
    status = f", HTTP {error.status}" if isinstance(error, StatusError) else ""
    return f"{type(error).__name__}{status}"


def _is_retried(failure: Failure, state: TaskState, began: float) -> bool:
    match failure.fault:
        case Fault.NOT_CONNECTED | Fault.LOST | Fault.UNREADABLE:
            return True
        case Fault.CERTIFICATE | Fault.REDIRECTED | Fault.TOO_LARGE:
            return False
        case Fault.STATUS:
            status = _status(failure)
            if status == 404 and state.not_found_since is not None:
                return began - state.not_found_since < (GONE_GRACE if state.seen else NOT_FOUND_GRACE)
            return status >= 500 or status in _RETRIED_STATUSES


def _status(failure: Failure) -> int:
    return failure.error.status if isinstance(failure.error, StatusError) else 0


def least_delay(outcome: Reply | Failure | None) -> float:
    """Return the least number of seconds until the next check, which the response with this outcome asks for."""
    match outcome:
        case Running(retry_after=wanted) | Failure(retry_after=wanted):
            return min(wanted or 0.0, MAX_RETRY_AFTER)
        case _:
            return 0.0


def _update(
    state: TaskState, error: AnchorError | None, now: float, *, delay: float | None, deadline: float | None
) -> TaskUpdate:
    left = None if deadline is None else deadline - now
    return TaskUpdate(
        task_id=state.known_id(),
        status=state.status or TaskStatus.UNKNOWN,
        raw_status=state.raw_status,
        elapsed=now - state.begun,
        checks=state.checks,
        next_check=delay if delay is None or left is None else min(delay, max(left, 0.0)),
        deadline=left,
        last_error=error,
    )


def _timed_out(state: TaskState, now: float, error: AnchorError | None) -> TaskTimeoutError:
    seen = f"the last check failed ({error.args[0]})" if error else f"its status is {state.raw_status!r}"
    return TaskTimeoutError(
        f"the deadline passed {now - state.begun:.0f} s after the task began, and the task has not ended: {seen}",
        last_status=state.raw_status,
        last_error=error,
        task_id=state.known_id(),
    )
