"""The plan of a call of `tasks.map` with a ledger, which other calls and other processes may use at the same time.

The ledger decides what was started, and how many tasks may run. So each request is looked up first. A task that an
earlier run has left is adopted, and waited for before its request is read, since it has a place.
"""

from __future__ import annotations

import copy
import logging
import math
from collections import deque
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Generic, NamedTuple

from anchor_webtask._batch.gate import STOPPED
from anchor_webtask._batch.items import Item
from anchor_webtask._batch.models import TaskRequest
from anchor_webtask._batch.plan import Plan
from anchor_webtask._errors import AnchorError, ConfigurationError, LedgerBusyError, LedgerError, NotFoundError
from anchor_webtask._ledger.models import Free, Full, OtherRequest, Places, Row, Taken
from anchor_webtask._models import T, TaskResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from anchor_webtask._batch.items import Verdict
    from anchor_webtask._batch.limits import Limits
    from anchor_webtask._batch.models import OutcomeState, Progress
    from anchor_webtask._errors import StartOutcomeUnknownError
    from anchor_webtask._polling.policy import WaitPolicy

NOBODY: Final = TaskRequest("")
"""The request of a task that this call has adopted, and that none of its requests has asked for."""
SWEEP_SECONDS: Final = 30.0
"""How often a call adopts what owners that have died left."""
OTHER_TASK: Final = (
    "the ledger has the key {!r} with another prompt, URL or other options: give this task another key, or use another "
    "ledger. Ledger.get has what is stored"
)
HELD: Final = (
    "no task of the ledger can start now: %d of its places are held until %s by tasks of which it is not known whether "
    "they run; Ledger.free ends the places of the keys that you name"
)
KEY_FOR_SESSION: Final = "a request with a session_id needs a key, since a ledger cannot recognize it otherwise"
KEY_FOR_DATA: Final = "equal requests with different data need keys, since a ledger cannot tell them apart otherwise"
OTHER_CALL: Final = "another call has been starting the task with the key {!r} for longer than the timeout"
DROPPED: Final = "the ledger has dropped the answer of this attempt, which did not fit the output; its task_id finds it"
GONE: Final = "the ledger has dropped the answer of this task, and the API does not have it any more: {}"

logger = logging.getLogger("anchor_webtask")

_STATES: Final[dict[str, OutcomeState]] = {"completed": "completed", "failed": "failed", "unknown": "unknown"}


class Looked(NamedTuple, Generic[T]):
    """What a look at an item in the ledger found.

    Attributes:
        found: The answer of the ledger.
        verdict: How the task had ended, for today's output; None if it has not ended.
        is_stored: Whether it had ended before the call began.
    """

    found: Free | Taken | OtherRequest | Full
    verdict: Verdict[T] | None = None
    is_stored: bool = False


class LedgerPlan(Plan[T]):
    """What one call of `tasks.map` with a ledger does.

    Args:
        limits: The limits of the call.
        policy: How long to pause after a refused start, and while the ledger has no place.
        total: The number of requests; None if it is not known.
        chance: Returns a random number from 0 to 1.

    Attributes:
        places: How many places of the ledger were in use when it was last looked up.
    """

    def __init__(self, limits: Limits, policy: WaitPolicy, total: int | None, chance: Callable[[], float]) -> None:
        super().__init__(limits, policy, total, chance)
        self.places = Places(0, 0, None)
        self._policy, self._chance = policy, chance
        self._to_look: deque[Item[T]] = deque()
        self._looking: set[Item[T]] = set()
        self._look_again: dict[Item[T], float] = {}  # when
        self._watched: dict[str, Item[T]] = {}
        self._fetched: set[Item[T]] = set()  # completed, and the ledger has dropped the answer
        self._orphans: set[Item[T]] = set()  # adopted, and no request of this call has asked for them yet
        self._data: dict[str, object] = {}  # the data of the first request without a key, by its fingerprint
        self._look_since: dict[Item[T], float] = {}
        self._guests = 0
        self._sweep_at = -math.inf
        self._has_swept = False
        self._full_since: float | None = None
        self._full_until = -math.inf

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
        if self.is_left or now < self._sweep_at:
            return False
        self._sweep_at = math.inf
        return True

    def wants_request(self, now: float) -> bool:
        """Whether to take another request."""
        is_idle = len(self._looking) == len(self._look_again)
        return self._has_swept and is_idle and super().wants_request(now)

    def _changes(self) -> Iterable[float]:
        if self.is_left:
            return super()._changes()
        return [
            *super()._changes(),
            self._sweep_at,
            *self._look_again.values(),
            *([self._full_until] * bool(self._pending)),
        ]

    @property
    def is_over(self) -> bool:
        """Whether each request that was taken has its outcome, and none is taken any more."""
        if not self._is_exhausted or self._pending or self._starting or self._looking:
            return False
        return len(self._running) == len(self._orphans)

    def progress(self, now: float) -> Progress:
        """Return how far the call is."""
        until = self.places.held_until
        return self._counts.progress(
            now,
            pending=len(self._pending) + len(self._looking),
            running=len(self._starting) + len(self._running) - len(self._orphans),
            held=self.places.held,
            held_until=None if until is None else datetime.fromtimestamp(until, UTC),
        )

    def _busy(self) -> int:
        # The claim counts the places that are held, which the user may free at any time.
        return len(self._starting) + len(self._running) - self._guests

    def _is_alone(self) -> bool:
        return super()._is_alone() and not self.places.held

    def _may_start(self, now: float) -> bool:
        return now >= self._full_until and super()._may_start(now)

    # What has happened

    def take(self, request: TaskRequest, prepared: object) -> None:
        """Take a request, which is looked up next."""
        super().take(request, self._refusal(request) or prepared)

    def _refusal(self, request: TaskRequest) -> ConfigurationError | None:
        """Return why the ledger could not recognize a request without a key; None if it can."""
        if request.key is not None:
            return None
        if request.sealed_options.open().get("session_id") is not None:
            return ConfigurationError(KEY_FOR_SESSION)
        return None

    def _enqueue(self, item: Item[T]) -> None:
        if item.request.key is None:
            first = self._data.setdefault(item.fingerprint, item.request.data)
            if not _are_equal(first, item.request.data):
                self._finish(item, "not_started", ConfigurationError(KEY_FOR_DATA))
                return
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
        if self._full_since is None:
            self._full_since = now
            self._warn_of_held_places()
        seconds = looked.found.seconds
        delay = self._policy.delay(now - self._full_since, self._chance()) if seconds is None else seconds
        self._full_until = now + delay
        return None

    def _warn_of_held_places(self) -> None:
        if self.places.held_until is not None:
            until = datetime.fromtimestamp(self.places.held_until, UTC).isoformat(timespec="seconds")
            logger.warning(HELD, self.places.held, until, extra={"task_id": None})

    def look_failed(self, item: Item[T], error: AnchorError, now: float) -> None:
        """Record that an item could not be looked up."""
        if item not in self._looking:
            return
        timeout = self._limits.timeout
        is_alone = not (self._starting or self._running or self._held)
        is_hopeless = is_alone and timeout is not None and now - self._look_since.setdefault(item, now) >= timeout
        if isinstance(error, LedgerError) and error.is_temporary and not is_hopeless:
            self._look_later(item, now)
        else:
            self._looking.discard(item)
            self._finish(item, "not_started", error)

    def started(self, item: Item[T], task_id: str | None) -> bool:
        """Record that a start has succeeded, and return whether the call has not given it up before."""
        self._full_since = None
        if item in self._starting:
            self._watched[item.claim] = item
        return super().started(item, task_id)

    def swept(self, rows: Iterable[Row], places: Places, now: float) -> list[Item[T]]:
        """Record which tasks the call has adopted, and return those that are to be watched from now on."""
        self._has_swept, self.places = True, places
        if self.is_left:
            return []
        self._sweep_at = now + SWEEP_SECONDS
        if places.busy < self._limits.max_running:
            self._full_until = -math.inf  # the user may have freed a place
        adopted = []
        for row in rows:
            item = self._watched.get(row.claim)
            if item is not None:
                self._set_guest(item, is_guest=not row.place)
                continue
            orphan: Item[T] = Item(-1, row.key, NOBODY, None, fingerprint=row.fingerprint)
            self._orphans.add(orphan)
            adopted.append(self._watch(orphan, row, now, is_guest=not row.place))
        return adopted

    def sweep_failed(self, now: float) -> bool:
        """Record that the ledger could not be used; return whether the call must end, since it has not begun yet."""
        self._sweep_at = now + SWEEP_SECONDS
        return not self._has_swept

    def ended(self, item: Item[T], verdict: Verdict[T], now: float) -> None:
        """Record that the wait for a task has ended."""
        if item in self._running:
            self._watched.pop(item.claim, None)
            self._full_until = now  # its place may be free now
            if item in self._fetched and isinstance(verdict, NotFoundError):
                verdict.args = (GONE.format(verdict.args[0]),)
        super().ended(item, verdict, now)
        self._set_guest(item, is_guest=False)

    def free(self, item: Item[T]) -> None:
        """Free the place of a task after its outcome."""
        super().free(item)
        self._full_until = -math.inf

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
                self._finish(item, "not_started", ConfigurationError(OTHER_TASK.format(item.key)))
            case Free(attempt, previous):
                if previous is not None:
                    self._take_row(item, previous, looked)
                    item.last = item.outcome(*_outcome(previous, looked))
                item.attempt, item.task_id, item.is_stored = attempt - 1, None, False
                super()._enqueue(item)
            case Taken(row) if row.state == "starting":
                self._wait_for_other(item, now)
            case Taken(row) if looked.verdict is None:
                watched = self._join(item, row, now)
                if watched is None or not self.is_left:
                    return watched
                self._leave_running(watched)
            case Taken(row):
                self._take_row(item, row, looked)
                self._finish(item, *_outcome(row, looked))
        return None

    def _take_row(self, item: Item[T], row: Row, looked: Looked[T]) -> None:
        item.task_id, item.attempt, item.is_stored = row.task_id, row.attempt, looked.is_stored

    def _wait_for_other(self, item: Item[T], now: float) -> None:
        """Look an item up again later that another call is starting, or give up."""
        timeout = self._limits.timeout
        if self.is_left:
            self._finish(item, "not_started", AnchorError(STOPPED))
        elif timeout is not None and now - self._look_since.setdefault(item, now) >= timeout:
            self._finish(item, "not_started", LedgerBusyError(OTHER_CALL.format(item.key)))
        else:
            self._look_later(item, now)

    def _look_later(self, item: Item[T], now: float) -> None:
        since = self._look_since.setdefault(item, now)
        self._looking.add(item)
        self._look_again[item] = now + self._policy.delay(now - since, self._chance())

    def _join(self, item: Item[T], row: Row, now: float) -> Item[T] | None:
        """Wait for the running task of an item, unless this call does so already; return what is to be watched."""
        known = self._watched.get(row.claim)
        if known is None or known not in self._orphans:
            return self._watch(item, row, now, is_guest=True)
        self._orphans.discard(known)
        known.index, known.request, known.twins = item.index, item.request, item.twins
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
        self._sweep_at = min(self._sweep_at, now)  # so that the progress says which places are held
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


def _are_equal(one: object, other: object) -> bool:
    """Whether two values of the user's are equal; values that cannot tell are different."""
    if one is other:
        return True
    try:
        return (one == other) is True  # arrays compare their elements
    except Exception:  # noqa: BLE001  the comparison is the user's code
        return False


def _outcome(row: Row, looked: Looked[T]) -> tuple[OutcomeState, AnchorError | None, TaskResult[T] | None]:
    """Return state, error and result of a task that has ended before."""
    state = _STATES[row.state]
    if isinstance(looked.verdict, TaskResult):
        return state, None, looked.verdict
    return state, looked.verdict or AnchorError(DROPPED), None
