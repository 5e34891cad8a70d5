"""What errors of PostgreSQL mean for a ledger, in words and without secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import psycopg
from psycopg import pq

from anchor_webtask._errors import LedgerBusyError, LedgerError, LedgerUnusableError
from anchor_webtask._ledger.database import Failure

if TYPE_CHECKING:
    from anchor_webtask._ledger.postgres.url import DatabaseUrl

LOCK_SECONDS: Final = 5
"""Seconds for which a transaction waits while another one changes the ledger."""

BUSY: Final = (
    f"the ledger {{!r}} was locked by another program for {LOCK_SECONDS} s: wait for it, or look for it in "
    "pg_stat_activity"
)
TOO_SLOW: Final = "the ledger {!r} was too slow, so PostgreSQL has ended this: {}; nothing was changed"
AWAY: Final = "the ledger {!r} cannot be used now, since PostgreSQL does not answer: {}"
REFUSED: Final = "the ledger {!r} cannot be used, since PostgreSQL refuses it: {}"
GONE: Final = (
    "the tables of the ledger {!r} are gone: bring them back. New ones would not know which tasks were started"
)
NO_RIGHT: Final = "the ledger {!r} cannot be used, since this user lacks a right ({}): let an administrator run {}"
USE_TABLES: Final = (
    "GRANT USAGE ON SCHEMA {schema} TO {user} and GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {user}, which "
    "suffice to read; to start tasks, it needs ALL on the tables, and on the sequences"
)
MAKE_TABLES: Final = "GRANT ALL ON SCHEMA {schema} TO {user}"
MAKE_SCHEMA: Final = "CREATE SCHEMA {schema} AUTHORIZATION {user}"
"""What gives the right."""

_LOCKED: Final = frozenset({"55P03", "40001", "40P01"})
"""Not available in time, and two kinds of conflicts: the same may succeed later."""
_TOO_SLOW: Final = "57014"
_GONE: Final = frozenset({"42P01", "3F000", "42703"})
"""No such table, schema or column."""
_NO_RIGHT: Final = "42501"
_OF_OPERATION: Final = frozenset({"21", "22", "23", "42", "54"})
"""The classes of errors that are an operation's own."""
_LATER: Final = (
    "starting up",
    "shutting down",
    "recovery",
    "too many",
    "remaining connection slots",
    "terminating connection",
)
"""What refusals of a new connection say that end in time; a server may say it in another language."""


def connect_error(url: DatabaseUrl, error: Exception) -> LedgerError:
    """Return the error to raise since no connection could be opened.

    Args:
        url: The URL.
        error: Its text may have parts of the parameters of the connection.
    """
    text = shown(url, error)
    needs_password = isinstance(error, psycopg.Error) and error.pgconn is not None and error.pgconn.needs_password
    is_final = needs_password or ("FATAL" in text and not any(each in text for each in _LATER))
    if isinstance(error, psycopg.ProgrammingError):
        return LedgerUnusableError(REFUSED.format(url.name, text))
    return LedgerUnusableError((REFUSED if is_final else AWAY).format(url.name, text), is_temporary=not is_final)


def failure(url: DatabaseUrl, error: psycopg.Error, *, is_lost: bool) -> Failure:
    """Return what the error of a transaction means.

    Args:
        url: The URL.
        error: The error.
        is_lost: Whether the connection was lost.
    """
    code, text = error.sqlstate or "", shown(url, error)
    if is_lost:
        return _of_all(LedgerUnusableError(AWAY.format(url.name, text), is_temporary=True))
    if code in _LOCKED:
        return _of_all(LedgerBusyError(BUSY.format(url.name), is_temporary=True))
    if code == _TOO_SLOW:
        return _of_all(LedgerBusyError(TOO_SLOW.format(url.name, text), is_temporary=True))
    if is_gone(error):
        return _of_all(LedgerUnusableError(GONE.format(url.name)))
    if code == _NO_RIGHT:
        return _of_all(no_right(url, error))
    is_own = code[:2] in _OF_OPERATION or (not code and isinstance(error, psycopg.DataError))
    return Failure(LedgerUnusableError(REFUSED.format(url.name, text), is_temporary=not is_own), is_own, is_own)


def is_gone(error: psycopg.Error) -> bool:
    """Whether an error says that a table, a column or the schema does not exist."""
    return error.sqlstate in _GONE


def no_right_any_more(url: DatabaseUrl, error: psycopg.Error) -> Failure:
    """Return what the error of a transaction means whose user may not look into the schema."""
    return _of_all(no_right(url, error))


def no_right(url: DatabaseUrl, error: Exception, remedy: str = USE_TABLES) -> LedgerUnusableError:
    """Return the error to raise since the user lacks a right.

    Args:
        url: The database.
        error: What PostgreSQL says.
        remedy: What gives the right.
    """
    user = next((each.val for each in pq.Conninfo.get_defaults() if each.keyword == b"user" and each.val), b"").decode()
    statement = remedy.format(schema=url.schema, user=url.parameters.open().get("user", user))
    return LedgerUnusableError(NO_RIGHT.format(url.name, shown(url, error), statement))


def _of_all(error: LedgerError) -> Failure:
    return Failure(error, is_own=False, may_be_of_one=False)


def shown(url: DatabaseUrl, error: Exception) -> str:
    """Return the text of an error, without secrets."""
    return url.redact.quote(" ".join(str(error).split()))
