"""What a ledger needs of the place where it is stored: a file of SQLite, or a database of PostgreSQL.

The states and their transitions do not know which it is. They use SQL that both understand, with the placeholders of
SQLite; `place = 1` and not `place`, since PostgreSQL has no numbers that are conditions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from anchor_webtask._clock import Clock
    from anchor_webtask._errors import LedgerError


class Cursor(Protocol):
    """The result of a statement."""

    @property
    def rowcount(self) -> int:
        """How many rows the statement has changed."""
        ...

    def fetchone(self) -> Any:
        """Return the next row; None if there is none."""
        ...

    def fetchall(self) -> list[Any]:
        """Return all further rows."""
        ...

    def __iter__(self) -> Iterator[Any]:
        """Return the further rows, one after the other."""
        ...


class Connection(Protocol):
    """A connection with an open transaction."""

    def execute(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ..., /) -> Cursor:
        """Run one statement, with parameters for `?` or `:name`."""
        ...

    def executemany(self, sql: str, parameters: Iterable[Sequence[Any] | Mapping[str, Any]], /) -> object:
        """Run one statement for each of several parameters."""
        ...


class Failure(NamedTuple):
    """Why a transaction has stored nothing, or why it is not known whether it has.

    Attributes:
        error: The error.
        is_own: Whether it is the error of one operation, which would fail again, and not that of the database.
        may_be_of_one: Whether the other operations may succeed without the one that has failed.
    """

    error: LedgerError
    is_own: bool
    may_be_of_one: bool


class Database(Protocol):
    """An open database. Only the thread that opens it may use it."""

    def begin(self, *, changes: bool) -> Connection:
        """Begin a transaction; one that changes something waits until no other one does.

        Raises:
            LedgerError: The database must not be used any more, or cannot be used now.
        """
        ...

    def commit(self) -> None:
        """Store what the transaction has changed."""
        ...

    def roll_back(self) -> None:
        """End a transaction that has failed; this raises nothing."""
        ...

    def failure(self, error: BaseException) -> Failure | None:
        """Return what an error of the database means; None if it is not one.

        Args:
            error: The error that an operation or one of the methods above has raised.
        """
        ...

    def close(self) -> None:
        """Close the database; this raises nothing."""
        ...


class Owner(Protocol):
    """One call, which owns the tasks that it starts or waits for. It lives until all that uses it has let go.

    Attributes:
        has_ended: Whether the call has ended; its starts that are under way may still use it.
    """

    has_ended: bool

    @property
    def id(self) -> str:
        """A random id. It may change between two transactions, so it is read in the transaction that stores it."""
        ...

    def hold(self) -> None:
        """Count one more user."""
        ...

    def let_go(self) -> None:
        """Count one user less; after the last one, other processes see that the owner has ended."""
        ...


class Backend(Protocol):
    """The place of one ledger, as one process uses it.

    Attributes:
        name: The place in messages: without secrets.
        path: The file; None if there is none.
        settle_after: Seconds since its last stamp after which the start of an owner that has died becomes unknown.
    """

    name: str
    path: Path | None
    settle_after: float

    def open(self, base_url: str | None) -> Database:
        """Open the database in the calling thread.

        Args:
            base_url: The base URL of the client for which a new ledger is made; None if it must exist.

        Raises:
            LedgerError: It cannot be used.
        """
        ...

    def new_owner(self) -> Owner:
        """Return a new owner, in a transaction.

        Raises:
            LedgerError: Its lock cannot be made.
        """
        ...

    def is_alive(self, owner: str) -> bool:
        """Whether an owner lives, in a transaction.

        Raises:
            LedgerError: That cannot be found out.
        """
        ...

    def findings(self, db: Connection) -> list[str]:
        """Return what is damaged."""
        ...

    def wall(self, clock: Clock) -> float:
        """Return seconds since 1970, by a clock on which all agree that use the ledger.

        Args:
            clock: The client's clock.
        """
        ...

    def at_work(self) -> AbstractContextManager[object]:
        """Return a block in which the ledger's thread may wait for the database."""
        ...

    def when_owner_ends(self, callback: Callable[[], object]) -> None:
        """Call a function after each end of an owner of which the database must be told in another transaction."""
        ...

    def forget_in_child(self) -> None:
        """Forget in a forked child what belongs to its parent."""
        ...
