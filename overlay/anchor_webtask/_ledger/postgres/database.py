"""Transactions of a ledger in PostgreSQL, over sessions that may be lost.

A transaction that changes something locks the one row of the table `ledger` first. So transactions come one after the
other, as in a file, and a transaction whose commit was not confirmed is over before the next one looks.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Final

import psycopg

from anchor_webtask._errors import LedgerError, LedgerUnusableError
from anchor_webtask._ledger.postgres import errors, tables
from anchor_webtask._ledger.postgres.session import Session
from anchor_webtask._ledger.postgres.statements import Statements

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchor_webtask._ledger.database import Failure
    from anchor_webtask._ledger.postgres.owners import Locks
    from anchor_webtask._ledger.postgres.url import DatabaseUrl

PAUSE: Final = 0.5
"""Seconds after a failed connection within which no other one is tried."""

_BEGIN: Final = {
    True: "BEGIN; SELECT FROM ledger FOR UPDATE; ",
    False: "BEGIN ISOLATION LEVEL REPEATABLE READ; ",
}
_WHO_AND_WHEN: Final = (
    "SELECT version, id, pg_backend_pid(), extract(epoch FROM clock_timestamp())::double precision FROM ledger"
)


class PostgresDatabase:
    """An open database: a `Database`.

    Args:
        url: The database.
        locks: The locks of this process's owners.
        is_told_time: Is called with the server's time, in seconds since 1970.
    """

    def __init__(self, url: DatabaseUrl, locks: Locks, is_told_time: Callable[[float], object]) -> None:
        self._url = url
        self._locks = locks
        self._is_told_time = is_told_time
        self._session: Session | None = None
        self._ledger_id: str | None = None
        self._failed: tuple[LedgerError, float] | None = None
        self._guard = threading.RLock()
        self._is_used = False

    @property
    def connection(self) -> psycopg.Connection[Any]:
        """The connection, in a transaction."""
        if self._session is None:
            raise psycopg.InterfaceError("a transaction has a session")
        return self._session.connection

    def open(self, base_url: str | None) -> Session:
        """Open a session, unless there is one.

        Args:
            base_url: The base URL of the client for which a new ledger is made; None if it must exist.

        Raises:
            LedgerError: The database cannot be used.
        """
        self._is_used = True
        with self._guard:
            if self._session is not None and not self._session.is_lost:
                return self._session
        if self._failed is not None and base_url is None and time.monotonic() - self._failed[1] < PAUSE:
            raise type(self._failed[0])(*self._failed[0].args, is_temporary=self._failed[0].is_temporary)
        try:
            self._session = self._opened(base_url)
        except LedgerError as error:
            self._failed = error.with_traceback(None), time.monotonic()
            raise
        self._failed = None
        return self._session

    def begin(self, *, changes: bool) -> Statements:
        """Begin a transaction, in a new session if the old one was lost.

        Raises:
            LedgerError: The database cannot be used now.
        """
        session = self.open(None)
        try:
            self._begin(session, changes=changes)
        except psycopg.Error:
            if session.was_given_up or not session.is_lost:
                raise
            session = self.open(None)  # it was lost since the last transaction, such as by a restart of the server
            self._begin(session, changes=changes)
        return Statements(session.connection)

    def commit(self) -> None:
        """Store what the transaction has changed."""
        self.connection.execute("COMMIT")

    def roll_back(self) -> None:
        """End a transaction that has failed."""
        session = self._session
        if session is None or session.is_lost:
            return
        try:
            session.connection.execute("ROLLBACK")
        except psycopg.Error:
            session.close()

    def failure(self, error: BaseException) -> Failure | None:
        """Return what an error of psycopg means; None if it is not one."""
        if not isinstance(error, psycopg.Error):
            return None
        is_lost = self._session is None or self._session.is_lost
        if not is_lost and errors.is_gone(error) and not self._may_look():
            return errors.no_right_any_more(self._url, error)
        return errors.failure(self._url, error, is_lost=is_lost)

    def _may_look(self) -> bool:
        try:
            return tables.may_look(self._url, self.connection)
        except psycopg.Error:
            return True  # it is not known

    def close(self) -> None:
        """Close the connection, unless owners live, whose locks it holds: it is closed after the last of them."""
        self._is_used = False
        self.close_if_unused()

    def close_if_unused(self) -> None:
        """Close the connection if neither the ledger's thread nor an owner needs it; any thread may call this."""
        with self._guard:
            if self._session is not None and not self._is_used and not self._locks.are_held:
                self._session.close()
                self._session = None

    def forget_in_child(self) -> None:
        """Let a forked child not keep the connection of its parent."""
        if self._session is not None:
            self._session.forget_in_child()

    def _opened(self, base_url: str | None) -> Session:
        session = Session(self._url)
        try:
            self._ledger_id = tables.prepare(self._url, session.connection, base_url, self._ledger_id)
            self._locks.move(session.connection)
        except psycopg.Error as error:
            failed = errors.failure(self._url, error, is_lost=session.is_lost).error
        except BaseException:
            session.close()
            raise
        else:
            return session
        session.close()
        raise failed

    def _begin(self, session: Session, *, changes: bool) -> None:
        connection = session.connection
        self._locks.begin(connection)
        cursor = connection.execute((_BEGIN[changes] + _WHO_AND_WHEN).encode())
        while cursor.nextset():
            pass
        found = cursor.fetchone()
        if found is None:
            raise LedgerUnusableError(errors.GONE.format(self._url.name))
        version, ledger_id, pid, now = found
        tables.check(self._url, version, ledger_id, self._ledger_id)
        session.check_server_process(pid)
        self._is_told_time(now)
