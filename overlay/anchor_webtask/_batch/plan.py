"""Decides, without I/O, what `tasks.map` starts next, when, and when it stops; both clients ask the same plan.

A driver takes requests, starts tasks and waits for them. It tells the plan what happened, and asks it what to do. The
plan holds no clock: the driver passes the time, in seconds on the clock of its client.

The limit. At most `max_running` tasks are busy: starting, running, or perhaps running. A task that may still run keeps
its place though its outcome is known: after a timeout or an unknown start, for one further `timeout`. Starts also pause
while `max_running` outcomes have not been read.

A request is sent again only if it is certain that it has started nothing, or if its task has ended without a valid
answer and `attempts` allows it.
"""

from __future__ import annotations

import copy
import math
from collections import deque
from typing import TYPE_CHECKING, Final

from anchor_webtask._batch.gate import STOPPED, Departure, Gate
from anchor_webtask._batch.intake import Intake
from anchor_webtask._batch.pace import Pace
from anchor_webtask._batch.reminder import Reminder
from anchor_webtask._errors import (
    AnchorError,
    AuthenticationError,
    InvalidOutputError,
    LedgerError,
    PaymentRequiredError,
    PermissionDeniedError,
    RateLimitError,
    StartOutcomeUnknownError,
    TaskFailedError,
    TaskTimeoutError,
)
from anchor_webtask._http import limiter
from anchor_webtask._models import T, TaskResult
from anchor_webtask._polling.outcomes import Failure, Fault
from anchor_webtask._polling.wait import DEFAULT_TIMEOUT, MAX_RETRY_AFTER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from anchor_webtask._batch.items import Item, StartFailed, Verdict
    from anchor_webtask._batch.limits import Limits
    from anchor_webtask._batch.models import OutcomeState, Progress
    from anchor_webtask._polling.policy import WaitPolicy

GRACE: Final = 5.0
"""Seconds for which a call that is left waits for the responses to starts that were sent."""
LEFT: Final = "the call of map was stopped before the task ended"
NO_RESPONSE: Final = (
    "the task may or may not have started: the call of map was stopped before the response to the start arrived. "
    "Check the dashboard before you start it again: a second task costs again"
)
BROKEN_START: Final = (
    "the task may or may not have started: an exception has ended its start. "
    "Check the dashboard before you start it again: a second task costs again"
)
ENOUGH_STARTS: Final = "the task was not started, since max_starts={} tasks were started before"
NO_CREDIT: Final = "{}. Either the account is out of credit, or other programs use all browsers of its plan"


class Plan(Intake[T]):
    """What one call of `tasks.map` does.

    Args:
        limits: The limits of the call.
        policy: How long to pause after a refused start.
        total: The number of requests; None if it is not known.
        chance: Returns a random number from 0 to 1.

    Attributes:
        gate: Which each start passes directly before it is sent; whoever leaves the call closes it.
    """

    def __init__(self, limits: Limits, policy: WaitPolicy, total: int | None, chance: Callable[[], float]) -> None:
        super().__init__(total)
        self.gate = Gate()
        self._limits = limits
        self._pending: deque[Item[T]] = deque()
        self._starting: set[Item[T]] = set()
        self._running: set[Item[T]] = set()
        self._held: dict[Item[T], float] = {}  # until when
        self._sent = self._paid = 0
        self._is_exhausted = False
        self._why_stopped: AnchorError | None = None
        self._last_refusal: AnchorError | None = None  # the latest after which a start is repeated
        self._pace = Pace(limits.max_running, limits.timeout, policy, chance)
        self._reminder = Reminder()
        self._give_up_at = math.inf

    # What to do

    def wants_request(self, now: float) -> bool:
        """Whether to take another request."""
        if self._is_exhausted or self._pending or self._unread + self._waiting_twins >= self._limits.max_running:
            return False
        return self._why_stopped is not None or not (self._starting or self._running) or self._may_start(now)

    def next_start(self, now: float) -> Item[T] | None:
        """Return the item whose start is to be sent now; None if there is none."""
        if not self._pending or not self._may_start(now):
            self._give_up_hope(now)
            return None
        item = self._pending.popleft()
        self._sent += 1
        item.attempt += 1
        item.begun, item.place, item.window = now, self._sent, self._pace.number
        item.departure = Departure(self.gate)
        self._starting.add(item)
        self._counts.begin(now)
        return item

    def next_change(self, now: float) -> float:
        """Return when the plan decides something though nothing has happened; infinity if it does not."""
        return min((each for each in self._changes() if each > now), default=math.inf)

    def _changes(self) -> Iterable[float]:
        if self.is_left:
            return [self._give_up_at]
        if not self._pending and self._is_exhausted:
            return []
        return [*self._held.values(), *([self._pace.resumes_at] * (not self._is_full()))]

    @property
    def is_over(self) -> bool:
        """Whether each request that was taken has its outcome, and none is taken any more."""
        return self._is_exhausted and not (self._pending or self._starting or self._running)

    def is_starting(self, item: Item[T]) -> bool:
        """Whether the outcome of the start of an item is waited for."""
        return item in self._starting

    def held_until(self, item: Item[T]) -> float | None:
        """Return until when a task keeps its place after its outcome, unless it is seen to have ended."""
        return self._held.get(item)

    def progress(self, now: float) -> Progress:
        """Return how far the call is."""
        running = len(self._starting) + len(self._running)
        return self._counts.progress(now, pending=len(self._pending), running=running, held=len(self._held))

    def _busy(self) -> int:
        return len(self._starting) + len(self._running) + len(self._held)

    def _is_full(self) -> bool:
        return self._busy() >= self._pace.window

    def _may_start(self, now: float) -> bool:
        for item in [item for item, until in self._held.items() if until <= now]:
            self.free(item)
        limits = self._limits
        return (
            self._why_stopped is None
            and now >= self._pace.resumes_at
            and not self._is_full()
            and len(self._starting) < limiter.MAX_IN_FLIGHT  # others would only queue in the client
            and self._unread < limits.max_running
            and (limits.max_starts is None or self._paid + len(self._starting) < limits.max_starts)
        )

    # What has happened

    def _enqueue(self, item: Item[T]) -> None:
        """Let an item wait for its start, or finish it if nothing is started any more."""
        if self._why_stopped is None:
            self._pending.append(item)
        else:
            self._finish(item, "not_started", copy.copy(self._why_stopped))

    def exhaust(self) -> None:
        """Take no more requests."""
        self._is_exhausted = True

    def started(self, item: Item[T], task_id: str | None) -> bool:
        """Record that a start has succeeded, and return whether the call has not given it up before.

        Args:
            item: The item.
            task_id: The task's id; None if the API has responded with the result, so that `ended` follows at once.
        """
        if item not in self._starting:
            return False
        self._starting.remove(item)
        self._running.add(item)
        item.task_id = task_id
        if item.attempt >= self._limits.attempts:
            item.prepared = None  # otherwise it is kept, since the user may have changed the request in the meantime
        self._pace.succeed(item)
        self._pay()
        if self.is_left and task_id is not None:
            self._leave_running(item)
        return True

    def start_failed(self, item: Item[T], failed: StartFailed, now: float) -> None:
        """Record that a start has not succeeded."""
        if item not in self._starting:
            return
        self._starting.remove(item)
        error, failure = failed.error, failed.failure
        if isinstance(error, StartOutcomeUnknownError):
            self._become_unknown(item, error, now)
            return
        item.attempt -= 1
        if isinstance(error, LedgerError):
            self._ledger_failed(item, error, now)
        elif failure is None:
            self._finish(item, "not_started", error)
        elif failure.fault is Fault.NOT_CONNECTED:
            self._repeat(item, error, 0.0, now)
        elif self._says_full(item, failed, failure):
            self._repeat(item, error, min(failure.retry_after or 0.0, MAX_RETRY_AFTER), now)
        else:
            if isinstance(error, PaymentRequiredError):
                error.args = (NO_CREDIT.format(error.args[0]),)
            if isinstance(error, AuthenticationError | PermissionDeniedError | PaymentRequiredError):
                self._stop_starts(error)
            is_refused = failure.fault in {Fault.STATUS, Fault.REDIRECTED}
            self._finish(item, "refused" if is_refused else "not_started", error)

    def ended(self, item: Item[T], verdict: Verdict[T], now: float) -> None:
        """Record that the wait for a task has ended."""
        if item not in self._running:
            return  # the user has left in the meantime
        self._running.remove(item)
        if isinstance(verdict, TaskResult):
            self._finish(item, "completed", None, verdict)
        elif isinstance(verdict, TaskFailedError | InvalidOutputError):
            self._fail(item, "failed" if isinstance(verdict, TaskFailedError) else "completed", verdict)
        else:
            self._hold(item, now)
            self._finish(item, "running", verdict)

    def free(self, item: Item[T]) -> None:
        """Free the place of a task after its outcome."""
        self._held.pop(item, None)

    def broke(self, item: Item[T], now: float) -> None:
        """Record that an exception, which ends the call, has ended the start or the wait of an item."""
        if item in self._starting:
            self._starting.remove(item)
            if item.task_id is not None:
                self._pay()
                self._finish(item, "running", TaskTimeoutError(LEFT, task_id=item.task_id))
            elif item.departure.is_sent:
                self._become_unknown(item, StartOutcomeUnknownError(BROKEN_START), now)
            else:
                self._finish_unsent(item)
        self.leave(now)
        if item in self._running:  # the call was left before
            self._leave_running(item)

    def leave(self, now: float) -> None:
        """Start and wait for nothing more; only the responses to starts that were sent are waited for, for a moment."""
        self.gate.is_closed = True
        if self.is_left:
            return
        self.is_left, self._give_up_at = True, now + GRACE
        self._stop_starts(AnchorError(STOPPED))
        self.exhaust()
        for item in sorted(self._starting, key=lambda item: item.index):
            if not item.departure.is_sent:
                self._starting.remove(item)
                self._finish_unsent(item)
        for item in sorted(self._running, key=lambda item: item.index):
            self._leave_running(item)

    def give_up(self, now: float) -> None:
        """Stop waiting for the responses to starts, if the call was left and its moment has passed."""
        if now >= self._give_up_at:
            for item in sorted(self._starting, key=lambda item: item.index):
                self._starting.remove(item)
                self._become_unknown(item, StartOutcomeUnknownError(NO_RESPONSE), now)

    # What follows from it

    def _ledger_failed(self, item: Item[T], error: LedgerError, now: float) -> None:
        """Start an item later, or nothing any more: the ledger could not store its intent, so nothing was sent."""
        if error.is_temporary:
            self._repeat(item, error, 0.0, now)
        else:
            self._stop_starts(error)
            self._finish(item, "not_started", error)

    def _says_full(self, item: Item[T], failed: StartFailed, failure: Failure) -> bool:
        """Whether a refused start says that too many tasks run; if it does, let fewer tasks run at once."""
        if failed.is_full is not None:
            return failed.is_full
        if not failure.is_complete:
            return False
        if isinstance(failure.error, PaymentRequiredError):
            is_full = any(other.place < item.place for other in (*self._starting, *self._running, *self._held))
        else:
            is_full = isinstance(failure.error, RateLimitError)
        if is_full:
            self._pace.shrink(item)
        return is_full

    def _repeat(self, item: Item[T], error: AnchorError, wanted: float, now: float) -> None:
        """Start an item again after a pause of at least the wanted seconds, or give up."""
        if self._why_stopped is not None:
            self._finish(item, "not_started", error)
            return
        self._pending.appendleft(item)
        item.was_refused, self._last_refusal = True, error
        if self._pace.pause(item, wanted, now, is_alone=self._is_alone(now)):
            self._reminder.remind(error, self._pace.refused_since, now, self._pace.resumes_at - now)
        else:
            self._stop_starts(error)

    def _is_alone(self, now: float) -> bool:  # noqa: ARG002  for the plan of a ledger
        """Whether nothing runs that could end, and so make room for a start that was refused; nor may it run soon."""
        return not (self._running or self._held or any(not item.was_refused for item in self._starting))

    def _give_up_hope(self, now: float) -> None:
        """Give up the starts that were refused if what ran has ended, and the service asks for too long a pause."""
        if (
            self._pending
            and self._last_refusal is not None
            and self._is_alone(now)
            and not self._pace.become_alone(now)
        ):
            self._stop_starts(self._last_refusal)

    def _fail(self, item: Item[T], state: OutcomeState, error: AnchorError) -> None:
        """Start a task again that has ended without a valid answer, or finish its item."""
        if item.attempt >= self._limits.attempts or self._why_stopped is not None:
            self._finish(item, state, error)
        else:
            item.last, item.task_id = item.outcome(state, error), None
            self._pending.appendleft(item)

    def _become_unknown(self, item: Item[T], error: StartOutcomeUnknownError, now: float) -> None:
        item.task_id = error.task_id or item.task_id
        self._hold(item, now)
        self._pay()
        self._finish(item, "unknown", error)

    def _finish_unsent(self, item: Item[T]) -> None:
        item.attempt -= 1
        self._finish(item, "not_started", AnchorError(STOPPED))

    def _leave_running(self, item: Item[T]) -> None:
        self._running.remove(item)
        self._finish(item, "running", TaskTimeoutError(LEFT, task_id=item.task_id))

    def _hold(self, item: Item[T], now: float) -> None:
        seconds = DEFAULT_TIMEOUT if self._limits.timeout is None else self._limits.timeout
        if not self.is_left:
            self._held[item] = now + seconds

    def _pay(self) -> None:
        """Count a start that has to be paid for, or may have to be."""
        self._paid += 1
        if self._paid == self._limits.max_starts:
            self._stop_starts(AnchorError(ENOUGH_STARTS.format(self._paid)))

    def _stop_starts(self, error: AnchorError) -> None:
        """Start nothing more, for this reason; take further requests only if their number is known."""
        if self._why_stopped is None:
            self._why_stopped = error
        if self._counts.total is None:
            self.exhaust()
        while self._pending:
            self._finish(self._pending.popleft(), "not_started", copy.copy(self._why_stopped))
