"""One call of `map` or `run` that uses a ledger: what it asks, and what it records of tasks."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple, TypeVar

from anchor_webtask._ledger import capacity, transitions
from anchor_webtask._ledger.claims import new_claim
from anchor_webtask._ledger.future import Future
from anchor_webtask._ledger.models import Intent, Swept
from anchor_webtask._ledger.patience import Patience
from anchor_webtask._ledger.start import LedgerStart
from anchor_webtask._ledger.texts import answer_json, storable
from anchor_webtask._polling.outcomes import Completed

if TYPE_CHECKING:
    from anchor_webtask._clock import Clock
    from anchor_webtask._ledger.database import Connection, Owner
    from anchor_webtask._ledger.ledger import Ledger
    from anchor_webtask._ledger.models import Found, Row
    from anchor_webtask._ledger.writer import Operation
    from anchor_webtask._polling.outcomes import Ended
    from anchor_webtask._redaction.secrets import Redactor

R = TypeVar("R")

WITHHELD: Final = (
    "the reason is not stored, since it may hold a secret value of the task's request, which was not known to the "
    "program that waited for it; the API has the reason by the task's id"
)


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
        wall: Returns seconds since 1970, by the clock of the ledger.
        is_left: Whether the call starts nothing more.
        owner: The owner of what the call starts or waits for; it exists while the call is open.
    """

    owner: Owner
    start_type: ClassVar[type[LedgerStart]] = LedgerStart
    """The class of its starts."""

    def __init__(self, ledger: Ledger, clock: Clock, base_url: str, limits: CallLimits, *, closes: bool) -> None:
        self.is_left = self._is_open = False
        self.limits = limits
        self._base_url = base_url
        self.drops_answers = ledger._drops_answers
        self._store = store = ledger._store
        self._closes = closes
        self._clock = clock
        self.wall = partial(store.wall, clock)
        self.began = self.wall()
        self._patience = Patience(clock.now, self.wall)
        self._tried: set[str] = set()  # the claims of tasks that may be adopted, though an error was the result

    def open(self) -> None:
        """Open the ledger; this waits for the disk.

        Raises:
            LedgerError: The ledger cannot be used.
        """
        self._store.open(self._base_url)
        self.began = self.wall()
        self.owner = self._store.new_owner()
        self._is_open = True

    def find(self, key: str, fingerprint: str) -> Future[Found]:
        """Look a key up; a call that does not adopt settles here what owners that have died left."""
        attempts, adopts, is_alive = self.limits.attempts, self.limits.limit is not None, self._store.is_alive

        def operation(db: Connection) -> Found:
            if not adopts:
                transitions.settle(db, is_alive, before=self._may_settle())
            return transitions.find(db, key, fingerprint, attempts)

        return self._store.submit(operation, "read" if adopts else "intent")

    def age(self, row: Row) -> float:
        """Return how many seconds ago the start of a row was claimed."""
        return self._patience.age(("claim", row.claim), row.claimed)

    def sweep(self) -> Future[Swept]:
        """Settle what owners that have died left, adopt the tasks that nobody waits for, and count the busy places."""
        is_alive, tried = self._store.is_alive, self._tried
        returned: set[str] = set()

        def operation(db: Connection) -> Swept:
            nonlocal returned
            if self.owner.has_ended:  # nobody would wait for what it adopted, and nobody would release it
                return Swept([], [], capacity.places(db, self._patience))
            owner = self.owner.id
            returned = tried.copy()  # another thread may call `adopt_again` at any moment
            adopted = transitions.adopt(db, owner, is_alive, returned, before=self._may_settle())
            returned.update(row.claim for row in adopted)
            tried.update(returned)
            return Swept(adopted, transitions.freed(db, owner), capacity.places(db, self._patience))

        swept = self._store.submit(operation, "intent")
        swept.add_done_callback(lambda future: None if future.exception() else tried.difference_update(returned))
        return swept

    def adopt_again(self, swept: Swept) -> None:
        """Let the next sweep return what this one has adopted, since it was not taken over."""
        self._tried.update(row.claim for row in swept.adopted)

    def ended(
        self, claim: str, task_id: str | None, ended: Ended, redact: Redactor, *, is_valid: bool | None
    ) -> Future[None]:
        """Record the end of a task.

        Args:
            claim: The claim of the task's row.
            task_id: Its id; None if the API has responded to its start with the result.
            ended: How it has ended.
            redact: Removes the secrets of its request.
            is_valid: Whether its answer fits what is asked for; None if it is not known what that is.
        """
        now = self.wall()
        if isinstance(ended, Completed):
            answer = answer_json(ended)
            return self.record(
                lambda db: transitions.end(db, claim, "completed", task_id, now=now, answer=answer, is_valid=is_valid)
            )
        withheld = None if ended.reason is None or redact.knows_request else WITHHELD
        reason = None if ended.reason is None else storable(redact(ended.reason))
        return self.record(
            lambda db: transitions.end(db, claim, "failed", task_id, now=now, error=reason, error_of_secret=withheld)
        )

    def judged(self, claim: str, *, is_valid: bool) -> Future[None]:
        """Record whether an answer fits what is asked for, if whoever stored it did not know what that is."""
        return self.record(lambda db: transitions.judge(db, claim, is_valid=is_valid))

    def free_place(self, claim: str) -> Future[None]:
        """Record that a task is no longer waited for, and does not count against the limit any more."""
        return self.record(lambda db: transitions.free_place(db, claim))

    def drop_answer(self, claim: str) -> Future[None]:
        """Remove the answer of a task."""
        return self.record(lambda db: transitions.drop_answer(db, claim))

    def read(self, operation: Operation[R]) -> Future[R]:
        """Run an operation that only reads."""
        return self._store.submit(operation, "read")

    def record(self, operation: Operation[R]) -> Future[R]:
        """Store what must not be lost; the future has the outcome of the first try."""
        return self._store.submit(operation, "record")

    def new_start(
        self, key: str, fingerprint: str, *, wrapped: bool, has_secrets: bool, session_id: str | None = None
    ) -> LedgerStart:
        """Return a start that is to be claimed."""
        limit, attempts, hold = self.limits
        claim = new_claim(session_id)
        intent = Intent(key, fingerprint, claim, self.owner.id, attempts, hold, wrapped, has_secrets, limit, session_id)
        return self.start_type(self, self._store, self._clock, self._patience, intent)

    def _may_settle(self) -> float:
        """Return before which moment a start must have been confirmed that was given up, if its owner has died."""
        return self.wall() - self._store.settle_after

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
