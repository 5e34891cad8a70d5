"""One ledger as a process uses it: opened on first use, once in each process, and shared by all calls."""

from __future__ import annotations

import threading
import weakref
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from anchor_webtask._errors import LedgerError, LedgerUnusableError
from anchor_webtask._ledger import forks
from anchor_webtask._ledger.future import Future
from anchor_webtask._ledger.writer import Writer

if TYPE_CHECKING:
    from anchor_webtask._clock import Clock
    from anchor_webtask._ledger.database import Backend, Connection, Owner
    from anchor_webtask._ledger.writer import Kind, Operation

R = TypeVar("R")


class Store:
    """The database of a ledger.

    Args:
        backend: Where it is.

    Attributes:
        name: The place in messages.
        settle_after: Seconds since its last stamp after which the start of an owner that has died becomes unknown.
    """

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.name, self.settle_after = backend.name, backend.settle_after
        own = weakref.ref(self)  # a ledger that is not used any more closes itself
        backend.when_owner_ends(lambda: store._free_locks() if (store := own()) is not None else None)
        # It is held for moments only, and never while the disk is waited for. A signal's handler may use the ledger,
        # too, in the thread that holds it.
        self._guard = threading.RLock()
        self._writer: Writer | None = None
        forks.stores.add(self)

    def open(self, base_url: str) -> None:
        """Open the ledger for a client, and make it if it does not exist.

        Raises:
            LedgerError: It cannot be used, or belongs to another base URL.
        """
        self._submit(partial(check_base_url, self.name, base_url), "read", base_url).result()

    def read(self, operation: Operation[R]) -> R:
        """Return the result of an operation that only reads.

        Raises:
            LedgerError: The ledger cannot be used.
        """
        return self.submit(operation, "read").result()

    def change(self, operation: Operation[R]) -> R:
        """Return the result of an operation once it is on disk.

        Raises:
            LedgerError: The ledger cannot be used; nothing was changed.
        """
        return self.submit(operation, "intent").result()

    def submit(self, operation: Operation[R], kind: Kind) -> Future[R]:
        """Run an operation soon, as `Writer.submit` does. This raises nothing, and does not wait for the disk."""
        return self._submit(operation, kind, None)

    def new_owner(self) -> Owner:
        """Return a new owner, which holds its lock.

        Raises:
            LedgerError: The owner's lock cannot be made.
        """
        # In the ledger's thread, since a signal's exception would leave the lock of an owner held that nobody knows.
        return self.submit(lambda _: self.backend.new_owner(), "read").result()

    def is_alive(self, owner: str) -> bool:
        """Whether an owner lives; operations ask this, in the ledger's thread."""
        return self.backend.is_alive(owner)

    def wall(self, clock: Clock) -> float:
        """Return seconds since 1970, by a clock on which all agree that use the ledger."""
        return self.backend.wall(clock)

    def close(self, *, wait: bool = True) -> None:
        """Store what is left to store, and close the ledger; the next use opens it again.

        Args:
            wait: Whether to wait until that is done.
        """
        with self._guard:  # whatever was submitted to it is in its queue already
            if (writer := self._writer) is not None:
                writer.close(wait=False)
        if writer is not None and wait:
            writer.close(wait=True)

    def forget_in_child(self) -> None:
        """Forget the writer in a forked child, which has no such thread, and must not use its parent's connection."""
        forks.left_behind.append(self._writer)
        self.backend.forget_in_child()
        self._writer, self._guard = None, threading.RLock()

    def _free_locks(self) -> None:
        """Let the ledger's thread begin a transaction soon, unless the ledger is closed."""
        with self._guard:
            if self._writer is not None and not self._writer.is_closed:
                self._writer.submit(lambda _: None, "read")

    def _submit(self, operation: Operation[R], kind: Kind, base_url: str | None) -> Future[R]:
        with self._guard:  # so that nothing is submitted to a writer that is being closed
            try:
                if self._writer is None or self._writer.is_closed:
                    self._writer = Writer(self.backend, self._writer)
                return self._writer.submit(operation, kind, base_url)
            except RuntimeError as error:
                failed: Future[R] = Future()
                failed.set_exception(LedgerError(f"the ledger {self.name!r} cannot be used now: {error}"))
                return failed


def check_base_url(name: str, base_url: str, db: Connection) -> None:
    """Refuse a client of another API.

    Raises:
        LedgerUnusableError: The ledger belongs to another base URL.
    """
    (own,) = db.execute("SELECT base_url FROM ledger").fetchone()
    if own != base_url:
        raise LedgerUnusableError(
            f"the ledger {name!r} belongs to base_url {own!r}, but this client uses {base_url!r}: use another ledger "
            "for this client"
        )
