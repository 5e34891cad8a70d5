"""One start with a ledger, in an order that closes each way to pay twice.

The connection is open before the intent is on disk, so that "no connection" leaves nothing behind. The intent is on
disk before the first byte may leave. If time has passed since then, the claim is confirmed again: another process may
have given it up. The id is on disk before anybody receives it.
"""

from __future__ import annotations

import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from anchor_webtask._errors import LedgerError, LedgerUnusableError, RateLimitError
from anchor_webtask._ledger import transitions
from anchor_webtask._ledger.claims import new_claim
from anchor_webtask._ledger.models import Claimed
from anchor_webtask._ledger.texts import storable
from anchor_webtask._polling.outcomes import Failure, Fault
from anchor_webtask._polling.wait import MAX_RETRY_AFTER

if TYPE_CHECKING:
    from collections.abc import Generator

    from anchor_webtask._clock import Clock
    from anchor_webtask._errors import AnchorError
    from anchor_webtask._ledger.database import Connection, Owner
    from anchor_webtask._ledger.future import Future
    from anchor_webtask._ledger.models import Full, Intent, OtherRequest, Taken
    from anchor_webtask._ledger.patience import Patience
    from anchor_webtask._ledger.store import Store
    from anchor_webtask._ledger.writer import Operation

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


class Call(Protocol):
    """The call that makes a start.

    Attributes:
        is_left: Whether the call starts nothing more.
        owner: The owner of what it starts.
    """

    is_left: bool
    owner: Owner

    def wall(self) -> float:
        """Return seconds since 1970, by the clock of the ledger."""
        ...

    def record(self, operation: Operation[R]) -> Future[R]:
        """Store what must not be lost; the future has the outcome of the first try."""
        ...


class LedgerStart:
    """One start: it is claimed directly before it is sent, and its outcome is stored.

    `before_sending`, `succeeded` and `failed` are generators of what is to be waited for, for both clients.

    Attributes:
        claimed: What the claim found; None before it.
        claim: The random id of the claim.
    """

    def __init__(self, call: Call, store: Store, clock: Clock, patience: Patience, intent: Intent) -> None:
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
            found = yield self._store.submit(partial(self._claim, intent=self._intent), "intent")
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

    def _claim(self, db: Connection, *, intent: Intent) -> Claimed | Full | Taken | OtherRequest:
        return transitions.claim(db, intent._replace(owner=self._call.owner.id), self._patience)

    def _stamp(self, db: Connection) -> bool:
        return transitions.stamp(db, self.claim, self._call.wall())

    def not_started(self, failure: Failure) -> None:
        """Withdraw a claim while the start waits to be sent again; it is claimed anew then."""
        if self.claimed is None:
            return
        if failure.fault is Fault.NOT_CONNECTED:
            self.withdrawn()
        elif self._intent.limit is None and failure.is_complete and isinstance(failure.error, RateLimitError):
            self.lacks_room(failure)  # `run` repeats it
        else:
            return
        self.claimed, self.claim = None, new_claim(self._intent.session_id)
        self._intent = self._intent._replace(claim=self.claim)

    def started(self, task_id: str) -> Future[str | None]:
        """Record the task's id, and return its row's claim; the id should be on disk before anybody receives it.

        The result is None if another task of the ledger has the id: then it is not known which task has started.
        """
        call, now, attempt = self._call, self._call.wall(), self.claimed.attempt if self.claimed else 1

        def operation(db: Connection) -> str | None:
            owner = None if call.owner.has_ended else call.owner.id
            return transitions.start(db, self._intent, attempt, task_id, owner=owner, now=now)

        return self._record(operation)

    def withdrawn(self) -> Future[None]:
        """Record that nothing was started."""
        claim = self.claim
        return self._record(lambda db: transitions.withdraw(db, claim))

    def refused(self, error: AnchorError) -> Future[None]:
        """Record that the API has refused the start."""
        text = storable(str(error))
        return self._record(lambda db: transitions.refuse(db, self.claim, text))

    def lost(self, error: str) -> Future[None]:
        """Record that it is not known whether the task has started."""
        text = storable(error)
        return self._record(lambda db: transitions.lose(db, self.claim, text))

    def lacks_room(self, failure: Failure) -> Future[bool]:
        """Record that the API has refused the start since too many tasks run; the result says whether that was why."""
        return self._record(
            partial(
                transitions.refuse_for_lack_of_room,
                claim_id=self.claim,
                is_certain=isinstance(failure.error, RateLimitError),
                limit=self._intent.limit,
                pause=min(failure.retry_after or 0.0, MAX_RETRY_AFTER),
                now=self._call.wall(),
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


def _nothing(_: Connection) -> None:
    """Change nothing: what was submitted before is what matters."""
