"""One call of `map` or `run` that uses a ledger: what it asks and records, and the order of each start.

The order of a start closes each way to pay twice. The connection is open before the intent is on disk, so that "no
connection" leaves nothing behind. The intent is on disk before the first byte may leave. If time has passed since then,
the claim is confirmed again: another process may have given it up. The id is on disk before anybody receives it.
"""

from __future__ import annotations

import json
import secrets
import time
from contextlib import suppress
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from anchor_webtask._errors import LedgerError, LedgerUnusableError, RateLimitError
from anchor_webtask._ledger import transitions
from anchor_webtask._ledger.future import Future
from anchor_webtask._ledger.models import Claimed, Full, Intent
from anchor_webtask._ledger.patience import Patience
from anchor_webtask._polling.outcomes import Completed, Failure, Fault

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Generator

    from anchor_webtask._clock import Clock
    from anchor_webtask._ledger.ledger import Ledger
    from anchor_webtask._ledger.models import Found, OtherRequest, Places, Row, Taken
    from anchor_webtask._ledger.owners import Owner
    from anchor_webtask._ledger.store import Store
    from anchor_webtask._ledger.writer import Operation
    from anchor_webtask._polling.outcomes import Ended

R = TypeVar("R")

MAX_CLAIM_AGE: Final = 5.0
"""Seconds after which a claim is confirmed again before the start is sent."""
CLAIM_LOST: Final = "the ledger was changed after this start was claimed, so nothing was sent"


class NotSentError(Exception):
    """Nothing was sent for a start that was about to be sent.

    Attributes:
        found: Why: what was found in the ledger; None if the call was left.
    """

    def __init__(self, found: Full | Taken | OtherRequest | None) -> None:
        super().__init__()
        self.found = found


class CallLimits(NamedTuple):
    """What a call allows: see `Intent`."""

    limit: int | None
    attempts: int
    hold: float


class LedgerCall:
    """One call that uses a ledger.

    Args:
        ledger: The ledger.
        clock: The client's clock.
        base_url: The client's base URL.
        limits: What the call allows.
        closes: Whether the ledger is only this call's, which closes it.

    Attributes:
        began: When the call began, in seconds since 1970.
        is_left: Whether the call starts nothing more.
        owner: The owner of what the call starts or waits for; it exists while the call is open.
    """

    owner: Owner

    def __init__(self, ledger: Ledger, clock: Clock, base_url: str, limits: CallLimits, *, closes: bool) -> None:
        self.began = clock.wall()
        self.is_left = self._is_open = False
        self.limits = limits
        self._base_url = base_url
        self.drops_answers = ledger._drops_answers
        self._store = ledger._store
        self._closes = closes
        self._clock = clock
        self._patience = Patience(clock.now, clock.wall)
        self._tried: set[str] = set()  # the claims of tasks that may be adopted, though an error was the result

    def open(self) -> None:
        """Open the ledger; this waits for the disk.

        Raises:
            LedgerError: The ledger cannot be used.
        """
        self._store.open(self._base_url)
        self.owner = self._store.new_owner()
        self._is_open = True

    def find(self, key: str, fingerprint: str) -> Future[Found]:
        """Look a key up; a call that does not adopt settles here what owners that have died left."""
        attempts, adopts, is_alive = self.limits.attempts, self.limits.limit is not None, self._store.is_alive

        def operation(db: sqlite3.Connection) -> Found:
            if not adopts:
                transitions.settle(db, is_alive)
            return transitions.find(db, key, fingerprint, attempts)

        return self._store.submit(operation, "read" if adopts else "intent")

    def sweep(self) -> Future[tuple[list[Row], Places]]:
        """Settle what owners that have died left, adopt the tasks that nobody waits for, and count the busy places."""
        owner, is_alive, tried = self.owner.id, self._store.is_alive, self._tried

        def operation(db: sqlite3.Connection) -> tuple[list[Row], Places]:
            rows = transitions.adopt(db, owner, is_alive, tried)
            tried.update(row.claim for row in rows)
            return rows, transitions.places(db, self._patience)

        swept = self._store.submit(operation, "intent")
        swept.add_done_callback(lambda future: None if future.exception() else tried.clear())
        return swept

    def ended(self, claim: str, task_id: str | None, ended: Ended, *, is_valid: bool) -> Future[None]:
        """Record the end of a task; None as its id if the API has responded to its start with the result."""
        now = self._clock.wall()
        if isinstance(ended, Completed):
            answer = _json(ended)
            return self.record(
                lambda db: transitions.end(db, claim, "completed", task_id, now=now, answer=answer, is_valid=is_valid)
            )
        reason = None if ended.reason is None else _storable(ended.reason)
        return self.record(lambda db: transitions.end(db, claim, "failed", task_id, now=now, error=reason))

    def free_place(self, claim: str) -> Future[None]:
        """Record that a task is no longer waited for, and does not count against the limit any more."""
        return self.record(lambda db: transitions.free_place(db, claim))

    def drop_answer(self, key: str, attempt: int) -> Future[None]:
        """Remove the answer of a task."""
        return self.record(lambda db: transitions.drop_answer(db, key, attempt))

    def record(self, operation: Operation[R]) -> Future[R]:
        """Store what must not be lost; the future has the outcome of the first try."""
        return self._store.submit(operation, "record")

    def new_start(self, key: str, fingerprint: str, *, wrapped: bool) -> LedgerStart:
        """Return a start that is to be claimed."""
        limit, attempts, hold = self.limits
        claim = secrets.token_hex(8)
        intent = Intent(key, fingerprint, claim, self.owner.id, attempts, hold, wrapped, limit)
        return LedgerStart(self, self._store, self._clock, self._patience, intent)

    def leave(self) -> None:
        """Start nothing more."""
        self.is_left = True

    def end(self) -> Future[None]:
        """Give up the tasks that run; the future ends when all that the call has recorded is on disk."""
        self.is_left = True
        if not self._is_open:
            nothing: Future[None] = Future()
            nothing.set_result(None)
            return nothing
        owner = self.owner
        owner.has_ended = True
        released = self._store.submit(lambda db: transitions.release(db, owner.id), "last record")
        ended: Future[None] = Future()

        def let_go(stored: Future[None]) -> None:
            owner.let_go()
            if self._closes:
                self._store.close(wait=False)
            if (error := stored.exception()) is None:
                ended.set_result(None)
            else:
                ended.set_exception(error)

        released.add_done_callback(let_go)
        return ended


class LedgerStart:
    """One start: it is claimed directly before it is sent, and its outcome is stored.

    `before_sending`, `succeeded` and `failed` are generators of what is to be waited for, for both clients.

    Attributes:
        claimed: What the claim found; None before it.
        claim: The random id of the claim.
    """

    def __init__(self, call: LedgerCall, store: Store, clock: Clock, patience: Patience, intent: Intent) -> None:
        self.claimed: Claimed | None = None
        self.claim = intent.claim
        self._call = call
        self._store = store
        self._clock = clock
        self._patience = patience
        self._intent = intent
        self._confirmed: tuple[float, ...] = ()
        self._recorded: Future[Any] | None = None
        call.owner.hold()

    def before_sending(self) -> Generator[Future[Any], Any, None]:
        """Claim the start; this is called directly before its first byte may leave.

        Raises:
            NotSentError: The start must not be sent.
            LedgerError: The ledger cannot be used; nothing is sent.
        """
        if self._call.is_left:
            raise NotSentError(None)
        if self.claimed is None:
            before = self._moments()
            intent, patience = self._intent, self._patience
            found = yield self._store.submit(lambda db: transitions.claim(db, intent, patience), "intent")
            if not isinstance(found, Claimed):
                raise NotSentError(found)
            self.claimed, self._confirmed = found, before
        while self._age() > MAX_CLAIM_AGE:
            before = self._moments()
            if not (yield self._store.submit(self._stamp, "intent")):
                raise LedgerUnusableError(CLAIM_LOST, is_temporary=True)
            self._confirmed = before
        if self._call.is_left:
            raise NotSentError(None)

    def _stamp(self, db: sqlite3.Connection) -> bool:
        return transitions.stamp(db, self.claim, self._clock.wall())

    def not_started(self, failure: Failure) -> None:
        """Withdraw a claim while the start waits to be sent again; it is claimed anew then."""
        is_repeated = failure.fault is Fault.NOT_CONNECTED or (
            self._intent.limit is None and isinstance(failure.error, RateLimitError)
        )
        if self.claimed is not None and is_repeated:
            self.withdrawn()
            self.claimed, self.claim = None, secrets.token_hex(8)
            self._intent = self._intent._replace(claim=self.claim)

    @property
    def waits_for_place(self) -> bool:
        """Whether the start waits until the limit has a place for it."""
        return self._intent.limit is not None

    def started(self, task_id: str) -> Future[str]:
        """Record the task's id, and return its row's claim; the id should be on disk before anybody receives it."""
        call, now, attempt = self._call, self._clock.wall(), self.claimed.attempt if self.claimed else 1

        def operation(db: sqlite3.Connection) -> str:
            owner = None if call.owner.has_ended else call.owner.id
            return transitions.start(db, self._intent, attempt, task_id, owner=owner, now=now)

        return self._record(operation)

    def withdrawn(self) -> Future[None]:
        """Record that nothing was started."""
        claim = self.claim
        return self._record(lambda db: transitions.withdraw(db, claim))

    def refused(self, error: str) -> Future[None]:
        """Record that the API has refused the start."""
        text = _storable(error)
        return self._record(lambda db: transitions.refuse(db, self.claim, text))

    def lost(self, error: str) -> Future[None]:
        """Record that it is not known whether the task has started."""
        text = _storable(error)
        return self._record(lambda db: transitions.lose(db, self.claim, text))

    def lacks_room(self, *, is_certain: bool, pause: float) -> Future[bool]:
        """Record that the API has refused the start since too many tasks run; the result says whether that was why."""
        limit, now = self._intent.limit or 1, self._clock.wall()
        return self._record(
            partial(
                transitions.refuse_for_lack_of_room,
                claim_id=self.claim,
                is_certain=is_certain,
                limit=limit,
                pause=pause,
                now=now,
            )
        )

    def let_go(self) -> None:
        """Let go of the owner, once the outcome of the start is stored: until then, the row belongs to this start."""
        if self._recorded is None:
            self._call.owner.let_go()
        else:
            self._recorded.add_done_callback(self._let_go_when_stored)

    def _let_go_when_stored(self, first_try: Future[Any]) -> None:
        error, stored = first_try.exception(), first_try
        if isinstance(error, LedgerError) and error.is_temporary:
            stored = self._store.submit(_nothing, "last record")
        stored.add_done_callback(lambda _: self._call.owner.let_go())

    def _record(self, operation: Operation[R]) -> Future[R]:
        self._recorded = recorded = self._call.record(operation)
        return recorded

    def _moments(self) -> tuple[float, ...]:
        """Return now, by clocks of which at least one counts the time while the machine is suspended."""
        moments = [self._clock.now(), self._clock.wall()]
        with suppress(AttributeError, OSError):
            moments.append(time.clock_gettime(time.CLOCK_BOOTTIME))
        return tuple(moments)

    def _age(self) -> float:
        return max(now - then for now, then in zip(self._moments(), self._confirmed, strict=True))


def _nothing(_: sqlite3.Connection) -> None:
    """Change nothing: what was submitted before is what matters."""


def _storable(text: str) -> str:
    """Return text that SQLite accepts: half of a surrogate pair is no character."""
    return text.encode("utf-8", "replace").decode()


def _json(ended: Completed) -> str:
    """Return an answer as JSON text, with all digits of its numbers."""
    if ended.source is not None and ended.source.is_finite:
        with suppress(RecursionError):
            return _exact_json(ended.source.exact())
    return json.dumps(ended.raw)


def _exact_json(value: Any) -> str:
    match value:
        case dict():
            return "{" + ",".join(f"{json.dumps(name)}:{_exact_json(each)}" for name, each in value.items()) + "}"
        case list():
            return "[" + ",".join(map(_exact_json, value)) + "]"
        case Decimal():
            return str(value)
        case _:
            return json.dumps(value)
