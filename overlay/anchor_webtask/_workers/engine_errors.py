"""What failed requests of the engine mean: a job is gone, the database is away, or nothing will ever succeed."""

from __future__ import annotations

import logging
import math
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

import psycopg
from procrastinate.exceptions import ConnectorException
from psycopg_pool import PoolTimeout

from anchor_webtask._errors import LedgerUnusableError
from anchor_webtask._ledger.postgres.errors import no_right, shown

if TYPE_CHECKING:
    from anchor_webtask._errors import LedgerError
    from anchor_webtask._ledger.postgres.url import DatabaseUrl

FAILURES: Final = (ConnectorException, PoolTimeout, OSError)
"""The exceptions of a request."""
FIRST_AFTER: Final = 30.0
"""Seconds without a request that succeeds, after which a warning says so."""
AGAIN_AFTER: Final = 600.0
"""Seconds after which it says so again."""

UNFIT: Final = (
    "the tables of the ledger {!r} do not fit procrastinate {}, which delivers the tasks here ({}): another version "
    "has changed them, or they were removed. Install the same version on all machines, bring removed tables back from "
    "a copy, and start the worker again"
)
FAILING: Final = (
    "the jobs of the ledger %r cannot be asked for since %d s, so that this worker starts nothing new: %s. It goes on "
    "trying"
)
BACK: Final = "the jobs of the ledger %r can be asked for again"

_GONE: Final = "P0001"
"""The functions of the engine raise this if a job has ended, or is another worker's."""
_NO_RIGHT: Final = "42501"
_UNFIT: Final = frozenset({"42", "3F"})
"""The classes of errors that say that a table, a column, a function, or a schema is not there, or not as expected."""

logger = logging.getLogger("anchor_webtask")


def is_gone(error: Exception) -> bool:
    """Whether the database has answered that the job is not there any more."""
    return _state(error) == _GONE


def final_error(url: DatabaseUrl, error: Exception) -> LedgerError | None:
    """Return the error that ends a worker, since no further request would succeed; None if one may."""
    if isinstance(error, LedgerUnusableError):
        return error
    state = _state(error)
    if state == _NO_RIGHT:
        return no_right(url, _found(error))
    if state[:2] in _UNFIT:
        return LedgerUnusableError(UNFIT.format(url.name, version("procrastinate"), _text(url, error)))
    return None


class FailureLog:
    """Warns of requests that fail for long: once, and again rarely.

    Args:
        url: The database.
    """

    def __init__(self, url: DatabaseUrl) -> None:
        self._url = url
        self._since: float | None = None
        self._next = math.inf
        self._has_warned = False

    def succeeded(self) -> None:
        """Record that a request has succeeded, and say so if it was said that none does."""
        self._since = None
        if self._has_warned:
            self._has_warned = False
            logger.warning(BACK, self._url.name, extra={"task_id": None})

    def failed(self, error: Exception, now: float) -> None:
        """Record that a request has failed."""
        if self._since is None:
            self._since, self._next = now, now + FIRST_AFTER
        text = _text(self._url, error)
        logger.debug("the engine has not done this: %s", text, extra={"task_id": None})
        if now >= self._next:
            self._next, self._has_warned = now + AGAIN_AFTER, True
            logger.warning(FAILING, self._url.name, now - self._since, text, extra={"task_id": None})


def _state(error: Exception) -> str:
    cause = error.__cause__
    return (isinstance(cause, psycopg.Error) and cause.sqlstate) or ""


def _found(error: Exception) -> Exception:
    return error.__cause__ if isinstance(error.__cause__, psycopg.Error) else error


def _text(url: DatabaseUrl, error: Exception) -> str:
    found = _found(error)
    return shown(url, found) or type(found).__name__
