"""Failed requests of the workers' engine: what ends a worker, and what is only said, and how often."""

from __future__ import annotations

import logging

import psycopg
import pytest
from procrastinate.exceptions import ConnectorException

from anchor_webtask._ledger.postgres.url import parsed
from anchor_webtask._redaction.secrets import Sealed
from anchor_webtask._workers.engine_errors import AGAIN_AFTER, FIRST_AFTER, FailureLog, final_error, is_gone

URL = parsed(Sealed("postgresql://me:c0rrect-horse-battery@db.example/shop"))


def refused(kind: type[psycopg.Error], text: str = "no such function") -> ConnectorException:
    error = ConnectorException()
    error.__cause__ = kind(text)
    return error


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        (psycopg.errors.UndefinedFunction, "do not fit procrastinate"),
        (psycopg.errors.UndefinedTable, "do not fit procrastinate"),
        (psycopg.errors.InvalidSchemaName, "do not fit procrastinate"),
        (psycopg.errors.InsufficientPrivilege, "lacks a right"),
    ],
)
def test_tables_that_do_not_fit_end_a_worker(kind: type[psycopg.Error], says: str) -> None:
    assert says in str(final_error(URL, refused(kind)))


@pytest.mark.parametrize(
    "error",
    [
        refused(psycopg.errors.RaiseException),
        refused(psycopg.errors.TooManyConnections),
        refused(psycopg.OperationalError),
        ConnectorException(),
        TimeoutError(),
    ],
    ids=["job is gone", "too many", "no connection", "no cause", "timeout"],
)
def test_others_may_succeed_later(error: Exception) -> None:
    assert final_error(URL, error) is None
    assert is_gone(error) == (error.__cause__ is not None and error.__cause__.sqlstate == "P0001")  # type: ignore[attr-defined]  # psycopg's


def test_requests_that_fail_for_long_are_said_once_and_again_rarely(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "anchor_webtask")
    log = FailureLog(URL)
    error = refused(psycopg.OperationalError, "no entry for c0rrect-horse-battery")
    said = []
    for now in range(0, int(FIRST_AFTER + 2 * AGAIN_AFTER), 5):
        before = len(caplog.records)
        log.failed(error, float(now))
        said += [now for record in caplog.records[before:] if record.levelno == logging.WARNING]
    assert said == [FIRST_AFTER, FIRST_AFTER + AGAIN_AFTER]
    assert "c0rrect-horse" not in caplog.text
    assert "no entry for" in caplog.text
    caplog.clear()
    log.succeeded()
    log.succeeded()
    log.failed(error, 5000.0)
    (back,) = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert "can be asked for again" in back.getMessage()
