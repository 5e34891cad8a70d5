"""One connection to PostgreSQL, with the limits without which a stopped process could hold up all others.

A process has one session for each ledger. Its transactions, and the locks by which others see that its calls are alive,
belong to the same session: what was stored by it proves that the locks were held.
"""

from __future__ import annotations

import os
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from anchor_webtask._errors import LedgerError, LedgerUnusableError
from anchor_webtask._ledger.postgres.errors import LOCK_SECONDS, connect_error, failure

if TYPE_CHECKING:
    from collections.abc import Generator

    from anchor_webtask._ledger.postgres.url import DatabaseUrl

IDLE_SECONDS: Final = 3
"""Seconds after which the server ends a session that says nothing in the middle of a transaction.

The process was stopped, or its network is broken, and its transaction would hold up the others. They wait longer.
"""
CONNECT_SECONDS: Final = 5
RESPONSE_SECONDS: Final = 10.0
"""Seconds without a response, after which a connection is given up; the server gives up a statement before."""

POOLER: Final = (
    "the ledger {!r} is behind a connection pooler, which may give each transaction another session, so that the locks "
    "of the ledger mean nothing: use the URL of the database itself"
)

DEFAULTS: Final = {
    "connect_timeout": str(CONNECT_SECONDS),
    # A peer that is gone is noticed, also while nothing is sent.
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",
    "application_name": "anchor-webtask",
    "client_encoding": "utf8",
}
# The server must notice, too, that a machine is gone, since it holds the locks of that machine's calls; by default, it
# takes hours.
_LIMITS: Final = sql.SQL(
    "SET tcp_keepalives_idle TO 5; SET tcp_keepalives_interval TO 2; SET tcp_keepalives_count TO 3; "
    "SET tcp_user_timeout TO 10000; "
    "SET search_path TO {schema}; "
    "SET idle_in_transaction_session_timeout TO {idle}; "
    "SET lock_timeout TO {lock}; "
    "SET statement_timeout TO {statement}; "
    "SET default_transaction_isolation TO 'read committed'; "
    "SET synchronous_commit TO on"
)


class _NoResponseError(psycopg.OperationalError):
    """The server has not responded in time."""


class _Connection(psycopg.Connection[Any]):
    """A connection that waits for a response for a limited time; it is closed by its ledger, or with its process.

    Attributes:
        was_given_up: Whether a response did not come in time.
    """

    was_given_up = False

    def __del__(self, *_: object) -> None:
        """Close the connection without psycopg's warning."""

    def wait(self, gen: Generator[Any, Any, Any], *arguments: Any, **named: Any) -> Any:
        """Run a generator of psycopg, which is passed something each tenth of a second at least.

        Raises:
            _NoResponseError: There is no response in time; the connection is closed then.
        """
        try:
            return super().wait(_limited(gen, monotonic() + RESPONSE_SECONDS), *arguments, **named)
        except _NoResponseError:
            self.was_given_up = True
            self.close()
            raise


def _limited(gen: Generator[Any, Any, Any], until: float) -> Generator[Any, Any, Any]:
    advance, value = gen.send, None
    while True:
        try:
            wanted = advance(value)
        except StopIteration as stop:
            return stop.value
        value = yield wanted
        if not value and monotonic() > until:
            gen.close()
            raise _NoResponseError(f"there was no response for {RESPONSE_SECONDS:g} s")


class Session:
    """An open connection. Only the thread of the ledger uses it.

    Args:
        url: The database.

    Attributes:
        connection: The connection, outside of a transaction.
        pid: The server's process.

    Raises:
        LedgerError: There is no connection, or it is one of a pooler.
    """

    def __init__(self, url: DatabaseUrl) -> None:
        self._url = url
        opened = _connected(url)
        if not isinstance(opened, _Connection):
            raise opened  # here, where no frame of the traceback has a secret
        self.connection = opened
        self.pid = opened.info.backend_pid
        failed = self._prepare()
        if failed is not None:
            self.close()
            raise failed

    @property
    def is_lost(self) -> bool:
        """Whether the connection can't be used any more."""
        return self.connection.closed

    @property
    def was_given_up(self) -> bool:
        """Whether the server has not responded in time."""
        return self.connection.was_given_up

    def check_server_process(self, pid: int) -> None:
        """Check that a transaction is one of this session.

        Args:
            pid: The process of the server that runs the transaction.

        Raises:
            LedgerUnusableError: It runs in another session.
        """
        if pid != self.pid:
            raise LedgerUnusableError(POOLER.format(self._url.name))

    def close(self) -> None:
        """Close the connection; PostgreSQL frees its locks."""
        with suppress(psycopg.Error, OSError):
            self.connection.close()

    def forget_in_child(self) -> None:
        """Let a forked child not keep the connection of its parent open; nothing is said to the server."""
        with suppress(psycopg.Error, OSError):
            socket = self.connection.fileno()
            null = os.open(os.devnull, os.O_RDWR)
            os.dup2(null, socket)  # the number stays in use, since psycopg believes that it is its own
            os.close(null)

    def _prepare(self) -> LedgerError | None:
        """Set the limits, and check that this is a session; return what is wrong."""
        limits = _LIMITS.format(
            schema=sql.Identifier(self._url.schema),
            idle=sql.Literal(IDLE_SECONDS * 1000),
            lock=sql.Literal(LOCK_SECONDS * 1000),
            statement=sql.Literal((LOCK_SECONDS + IDLE_SECONDS) * 1000),
        )
        try:
            # First, since a pooler would give what is set here to its other clients.
            (pid,) = self.connection.execute("SELECT pg_backend_pid()").fetchone() or (0,)
            self.check_server_process(pid)
            self.connection.execute(limits)
        except psycopg.Error as error:
            return failure(self._url, error, is_lost=self.is_lost).error
        except LedgerError as error:
            return error
        return None


def _connected(url: DatabaseUrl) -> _Connection | LedgerError:
    try:
        return _Connection.connect(make_conninfo(**{**DEFAULTS, **url.parameters.open()}), autocommit=True)
    except (psycopg.Error, OSError, UnicodeError) as error:  # psycopg's frames and causes may have the password
        return connect_error(url, error)
