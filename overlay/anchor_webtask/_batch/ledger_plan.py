"""The plan of a call of `tasks.map` with a ledger, which other calls and other processes may use at the same time.

The ledger decides what was started, and how many tasks may run. So each request is looked up first. A task that an
earlier run has left is adopted, and waited for before its request is read, since it has a place.
"""

from __future__ import annotations

import copy
import math
from collections import deque
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar, Final

from anchor_webtask._batch.gate import STOPPED
from anchor_webtask._batch.items import NOBODY, Item
from anchor_webtask._batch.keyless import Keyless
from anchor_webtask._batch.looked import GONE, OTHER_CALL, OTHER_TASK, Looked, ended_outcome
from anchor_webtask._batch.plan import Plan
from anchor_webtask._batch.room import Room
from anchor_webtask._errors import (
    AnchorError,
    ConfigurationError,
    LedgerBusyError,
    LedgerError,
    LedgerUnusableError,
    NotFoundError,
)
from anchor_webtask._ledger.models import Free, Full, OtherRequest, Row, Swept, Taken
from anchor_webtask._models import T, TaskResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from anchor_webtask._batch.items import Verdict
    from anchor_webtask._batch.limits import Limits
    from anchor_webtask._batch.models import OutcomeState, Progress, TaskRequest
    from anchor_webtask._errors import StartOutcomeUnknownError
    from anchor_webtask._polling.policy import WaitPolicy

FIRST_SWEEPS: Final = 3
"""How often a call tries to begin if the connection to its ledger is lost."""


class LedgerPlan(Plan[T]):
    """What one call of `tasks.map` with a ledger does.

    Args:
        limits: The limits of the call.
        policy: How long to pause after a refused start, and while the ledger has no place.
        total: The number of requests; None if it is not known.
        chance: Returns a random number from 0 to 1.
    """

    other_request: ClassVar[OutcomeState] = "not_started"
    """The state of an item whose key another request has."""

    def __init__(self, limits: Limits, policy: WaitPolicy, total: int | None, chance: Callable[[], float]) -> None:
        super().__init__(limits, policy, total, chance)
        self._policy, self._chance = policy, chance
        self._room = Room(limits.max_running, policy, chance, self._reminder)
        self._to_look: deque[Item[T]] = deque()
        self._looking: set[Item[T]] = set()
        self._look_again: dict[Item[T], float] = {}  # when
        self._watched: dict[str, Item[T]] = {}
        self._fetched: set[Item[T]] = set()  # completed, and the ledger has dropped the answer
        self._orphans: set[Item[T]] = set()  # adopted, and no request of this call has asked for them yet
        self._keyless = Keyless()
        self._look_since: dict[Item[T], float] = {}
        self._guests = self._first_sweeps = 0

    # What to do

    def next_look(self, now: float) -> Item[T] | None:
        """Return the item that is to be looked up in the ledger now; None if there is none."""
        for item in [item for item, due in self._look_again.items() if due <= now]:
            del self._look_again[item]
            self._to_look.append(item)
        while self._to_look:
            item = self._to_look.popleft()
            if item in self._looking:  # it may have been finished since
                return item
        return None

    def next_sweep(self, now: float) -> bool:
        """Whether to adopt now what owners that have died left; this is asked once for each time."""
        return not self.is_left and self._room.next_sweep(now)

    def wants_request(self, now: float) -> bool:
        """Whether to take another request."""
        return self._room.has_swept and self._may_look() and super().wants_request(now)

    def _may_look(self) -> bool:
        """Whether one more item may be looked up; all of them at once may need a place, or have outcomes already."""
        limits, looking = self._limits, len(self._looking) - len(self._look_again)
        free = min(self._pace.window - self._busy(), limits.max_running - self._unread)
        if limits.max_starts is not None:
            free = min(free, limits.max_starts - self._paid - len(self._starting))
        return looking < max(free, 1)

    def _changes(self) -> Iterable[float]:
        if self.is_left:
            return super()._changes()
        return [
            *super()._changes(),
            self._room.sweep_at,
            *self._look_again.values(),
            *([self._room.resumes_at] if self._pending else []),
        ]

    @property
    def is_over(self) -> bool:
        """Whether each request that was taken has its outcome, and none is taken any more."""
        if not self._is_exhausted or self._pending or self._starting or self._looking:
            return False
        return len(self._running) == len(self._orphans)

    def progress(self, now: float) -> Progress:
        """Return how far the call is."""
        places = self._room.places
        until = places.held_until
        return self._counts.progress(
            now,
            pending=len(self._pending) + len(self._looking),
            running=len(self._starting) + len(self._running) - len(self._orphans),
            held=places.held,
            held_until=None if until is None else datetime.fromtimestamp(until, UTC),
        )

    def _busy(self) -> int:
        # The claim counts the places that are held, which the user may free at any time.
        return len(self._starting) + len(self._running) - self._guests

    def _is_alone(self, now: float) -> bool:
        return super()._is_alone(now) and not self._room.may_become_free(now)

    def _may_start(self, now: float) -> bool:
        return now >= self._room.resumes_at and super()._may_start(now)

    # What has happened

    def _refusal(self, request: TaskRequest, digest: str) -> ConfigurationError | None:
        return self._keyless.refusal(request, digest)

    def _enqueue(self, item: Item[T]) -> None:
        self._looking.add(item)
        self._to_look.append(item)

    def looked(self, item: Item[T], looked: Looked[T], now: float) -> Item[T] | None:
        """Record what the ledger has for an item, and return the item if its task is to be watched from now on."""
        if item not in self._looking:
            return None  # the user has left in the meantime
        self._looking.discard(item)
        return self._decide(item, looked, now)

    def not_claimed(self, item: Item[T], looked: Looked[T], now: float) -> Item[T] | None:
        """Record that a start was not sent, since the ledger has something else for its item, or no place.

        Returns:
            The item if its task is to be watched from now on.
        """
        if item not in self._starting:
            return None
        self._starting.remove(item)
        item.attempt -= 1
        if not isinstance(looked.found, Full):
            return self._decide(item, looked, now)
        if self._why_stopped is not None:
            self._finish(item, "not_started", copy.copy(self._why_stopped))
            return None
        self._pending.appendleft(item)
        self._room.was_full(looked.found, now, is_idle=not (self._starting or self._running))
        return None

    def look_failed(self, item: Item[T], error: AnchorError, now: float) -> None:
        """Record that an item could not be looked up."""
        if item not in self._looking:
            return
        timeout, since = self._limits.timeout, self._look_since.setdefault(item, now)
        is_hopeless = self._is_alone(now) and timeout is not None and now - since >= timeout
        if isinstance(error, LedgerError) and error.is_temporary and not is_hopeless:
            self._look_later(item, error, now)
        else:
            self._looking.discard(item)
            self._finish(item, "not_started", error)

    def started(self, item: Item[T], task_id: str | None) -> bool:
        """Record that a start has succeeded, and return whether the call has not given it up before."""
        self._room.started()
        if item in self._starting:
            self._watched[item.claim] = item
        return super().started(item, task_id)

    def swept(self, swept: Swept, now: float) -> list[Item[T]]:
        """Record which tasks the call has adopted, and return those that are to be watched from now on."""
        self._room.swept(swept.places, now)
        if self.is_left:
            return []
        for claim in swept.freed:
            if claim in self._watched:
                self._set_guest(self._watched[claim], is_guest=True)
        adopted = []
        for row in swept.adopted:
            item = self._watched.get(row.claim)
            if item is not None:
                self._set_guest(item, is_guest=not row.place)
                continue
            orphan: Item[T] = Item(-1, row.key, NOBODY, None, fingerprint=row.fingerprint)
            self._orphans.add(orphan)
            adopted.append(self._watch(orphan, row, now, is_guest=not row.place))
        return adopted

    def sweep_failed(self, error: AnchorError, now: float) -> bool:
        """Record that the ledger could not be used; return whether the call must end, since it has not begun yet."""
        self._room.sweep_failed(now)
        if self._room.has_swept:
            return False
        self._first_sweeps += 1
        # The ledger was just opened, so its connection was lost since. What is locked has been waited for already.
        is_lost = isinstance(error, LedgerUnusableError) and error.is_temporary
        if not is_lost or self._first_sweeps >= FIRST_SWEEPS:
            return True
        self._room.sweep_soon(now + 1.0)
        return False

    def ended(self, item: Item[T], verdict: Verdict[T], now: float) -> None:
        """Record that the wait for a task has ended."""
        if item in self._running:
            self._watched.pop(item.claim, None)
            self._room.ask_again()  # its place may be free now
            if item in self._fetched and isinstance(verdict, NotFoundError):
                verdict.args = (GONE.format(verdict.args[0]),)
        super().ended(item, verdict, now)
        self._set_guest(item, is_guest=False)

    def free(self, item: Item[T]) -> None:
        """Free the place of a task after its outcome."""
        super().free(item)
        self._room.ask_again()

    def leave(self, now: float) -> None:
        """Start and wait for nothing more; only the responses to starts that were sent are waited for, for a moment."""
        if not self.is_left:
            self._running -= self._orphans
            self._orphans.clear()
            self._stop_looking(self._look_again)
        super().leave(now)

    def give_up(self, now: float) -> None:
        """Stop waiting for the responses to starts, if the call was left and its moment has passed."""
        super().give_up(now)
        if now >= self._give_up_at:
            self._stop_looking(self._looking)

    # What follows from it

    def _stop_looking(self, items: Iterable[Item[T]]) -> None:
        for item in sorted(items, key=lambda item: item.index):
            self._looking.discard(item)
            self._look_again.pop(item, None)
            self._finish(item, "not_started", AnchorError(STOPPED))

    def _decide(self, item: Item[T], looked: Looked[T], now: float) -> Item[T] | None:
        if not (isinstance(looked.found, Taken) and looked.found.row.state == "starting"):
            self._look_since.pop(item, None)
        match looked.found:
            case OtherRequest():
                self._finish(item, self.other_request, ConfigurationError(OTHER_TASK.format(item.shown_key)))
            case Free(attempt, previous):
                if previous is not None:
                    self._take_row(item, previous, looked)
                    item.last = item.outcome(*ended_outcome(previous, looked))
                item.attempt, item.task_id, item.is_stored = attempt - 1, None, False
                super()._enqueue(item)
            case Taken(row) if row.state == "starting":
                self._wait_for_other(item, looked.age, now)
            case Taken(row) if looked.verdict is None:
                watched = self._join(item, row, now)
                if watched is None or not self.is_left:
                    return watched
                self._leave_running(watched)
            case Taken(row):
                self._take_row(item, row, looked)
                self._finish(item, *ended_outcome(row, looked))
        return None

    def _take_row(self, item: Item[T], row: Row, looked: Looked[T]) -> None:
        item.task_id, item.claim, item.attempt = row.task_id, row.claim, row.attempt
        item.is_stored = looked.is_stored

    def _wait_for_other(self, item: Item[T], age: float, now: float) -> None:
        """Look an item up again later that another call is starting, or give up."""
        timeout, error = self._limits.timeout, LedgerBusyError(OTHER_CALL.format(item.shown_key))
        if self.is_left:
            self._finish(item, "not_started", AnchorError(STOPPED))
        elif timeout is None:
            self._look_later(item, error, now)
        elif age >= timeout:
            self._finish(item, "not_started", error)
        else:
            self._look_later(item, error, now, within=timeout - age)

    def _look_later(self, item: Item[T], why: AnchorError, now: float, *, within: float = math.inf) -> None:
        since = self._look_since.setdefault(item, now)
        self._looking.add(item)
        delay = min(self._policy.delay(now - since, self._chance()), within)
        self._look_again[item] = now + delay
        self._reminder.remind(why, since, now, delay)

    def _join(self, item: Item[T], row: Row, now: float) -> Item[T] | None:
        """Wait for the running task of an item, unless this call does so already; return what is to be watched."""
        known = self._watched.get(row.claim)
        if known is None or known not in self._orphans:
            return self._watch(item, row, now, is_guest=True)
        self._orphans.discard(known)
        known.index, known.request, known.twins = item.index, item.request, item.twins
        known.learn_secrets()
        if item.request.key is not None:
            self._named[item.key] = (item.fingerprint, known)
        return None

    def _watch(self, item: Item[T], row: Row, now: float, *, is_guest: bool) -> Item[T]:
        item.task_id, item.claim, item.attempt, item.begun = row.task_id, row.claim, row.attempt, now
        item.row = row
        if row.state == "completed":
            self._fetched.add(item)
        self._running.add(item)
        self._counts.begin(now)
        self._watched[row.claim] = item
        self._set_guest(item, is_guest=is_guest)
        return item

    def _set_guest(self, item: Item[T], *, is_guest: bool) -> None:
        self._guests += is_guest - item.is_guest
        item.is_guest = is_guest

    def _become_unknown(self, item: Item[T], error: StartOutcomeUnknownError, now: float) -> None:
        self._room.sweep_soon(now)  # so that the progress says which places are held
        super()._become_unknown(item, error, now)
        self._held.pop(item, None)  # the ledger holds its place

    def _hold(self, item: Item[T], now: float) -> None:
        if not item.is_guest:
            super()._hold(item, now)

    def _fail(self, item: Item[T], state: OutcomeState, error: AnchorError) -> None:
        if item in self._orphans or item in self._fetched:
            self._finish(item, state, error)
        else:
            super()._fail(item, state, error)

    def _finish(
        self, item: Item[T], state: OutcomeState, error: AnchorError | None, result: TaskResult[T] | None = None
    ) -> None:
        self._look_since.pop(item, None)
        if item in self._fetched:
            self._fetched.discard(item)
            state = "completed" if state == "running" else state
        if item in self._orphans:
            self._orphans.discard(item)
        else:
            super()._finish(item, state, error, result)
