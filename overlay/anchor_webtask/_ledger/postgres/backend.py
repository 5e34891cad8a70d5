"""A ledger in PostgreSQL: how a process uses it."""

from __future__ import annotations

import time
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Final

import psycopg

from anchor_webtask import _world
from anchor_webtask._clock import SystemClock
from anchor_webtask._ledger.postgres.database import PostgresDatabase
from anchor_webtask._ledger.postgres.owners import Locks, SessionOwner

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from anchor_webtask._clock import Clock
    from anchor_webtask._ledger.database import Connection
    from anchor_webtask._ledger.postgres.url import DatabaseUrl

SETTLE_AFTER: Final = 10.0
"""Seconds since its last stamp after which the start of an owner whose connection was lost becomes unknown.

Its process may live, and send what it has claimed or stamped within the last 5 seconds.
"""


class PostgresBackend:
    """A database of PostgreSQL: a `Backend`.

    Args:
        url: The database.
    """

    settle_after = SETTLE_AFTER
    path: Path | None = None

    def __init__(self, url: DatabaseUrl) -> None:
        self.name = url.name
        self.url = url
        self._locks = Locks()
        self._database: PostgresDatabase | None = None
        self._server_time: tuple[float, float] | None = None
        self._callback: Callable[[], object] = lambda: None

    def open(self, base_url: str | None) -> PostgresDatabase:
        """Open a connection in the calling thread, or take the one that living owners have kept open.

        Args:
            base_url: The base URL of the client for which a new ledger is made; None if it must exist.

        Raises:
            LedgerError: The database cannot be used.
        """
        if self._database is None:
            self._database = PostgresDatabase(self.url, self._locks, self._was_told_time)
        self._database.open(base_url)
        return self._database

    def new_owner(self) -> SessionOwner:
        """Return a new owner, which holds its lock.

        Raises:
            LedgerError: Another program holds the lock.
        """
        return self._locks.new_owner(self._connection)

    def is_alive(self, owner: str) -> bool:
        """Whether an owner lives."""
        return self._locks.is_alive(self._connection, owner)

    def findings(self, db: Connection) -> list[str]:
        """Return nothing: PostgreSQL reports damage when it reads a row, so all are read."""
        db.execute("SELECT count(answer), count(error) FROM attempts").fetchall()
        return []

    def wall(self, clock: Clock) -> float:
        """Return the server's time, as of the last transaction; the client's, if that is virtual or all there is."""
        if self._server_time is None or not isinstance(clock, SystemClock):
            return clock.wall()
        server, then = self._server_time
        return server + (time.monotonic() - then)

    def at_work(self) -> AbstractContextManager[object]:
        """Return a block in which virtual time stands still: the test kit takes a wait for a server for idleness."""
        hold: Callable[[], AbstractContextManager[object]] = getattr(_world.current.clock, "hold", nullcontext)
        return hold()

    def when_owner_ends(self, callback: Callable[[], object]) -> None:
        """Call a function after each end of an owner, whose lock the next transaction frees."""
        self._callback = callback
        self._locks.on_end = self._owner_ended

    def forget_in_child(self) -> None:
        """Forget the connection and the owners of the parent."""
        if self._database is not None:
            self._database.forget_in_child()
        self._database, self._locks = None, Locks()
        self._locks.on_end = self._owner_ended

    @property
    def _connection(self) -> psycopg.Connection[Any]:
        if self._database is None:
            raise psycopg.InterfaceError("owners are asked for in a transaction")
        return self._database.connection

    def _owner_ended(self) -> None:
        self._callback()
        if self._database is not None:
            self._database.close_if_unused()

    def _was_told_time(self, seconds: float) -> None:
        self._server_time = seconds, time.monotonic()
