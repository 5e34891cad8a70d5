"""Makes and migrates the tables of the engine, Procrastinate, in the schema of a ledger.

The engine has no versions of its own: its package has a schema, and files that lead from one version to the next. The
name of the last file is stored in the ledger.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import psycopg

from anchor_webtask._errors import ConfigurationError, LedgerUnusableError
from anchor_webtask._ledger.postgres import errors
from anchor_webtask._ledger.postgres.backend import PostgresBackend
from anchor_webtask._ledger.postgres.session import Session
from anchor_webtask._ledger.postgres.tables import MIGRATION_LOCK
from anchor_webtask._workers.engine_statements import INDICES
from anchor_webtask._workers.tables import NO_FILE

if TYPE_CHECKING:
    from anchor_webtask._ledger.database import Backend
    from anchor_webtask._ledger.postgres.url import DatabaseUrl

LATER: Final = (
    "the ledger {!r} was used with a later version of procrastinate, which delivers the tasks (its tables are those "
    "after {}, and this program knows {}): upgrade that package, and start the worker again"
)


def prepare(backend: Backend) -> None:
    """Make the engine's tables, or bring them up to date; the ledger exists.

    Args:
        backend: Where the ledger is.

    Raises:
        ConfigurationError: It is in a file.
        LedgerError: The database cannot be used.
    """
    url = url_of(backend)
    from procrastinate.schema import SchemaManager

    session = Session(url)
    try:
        try:
            with session.connection.transaction():
                session.connection.execute("SELECT pg_advisory_xact_lock(%s)", (MIGRATION_LOCK,))
                _prepare(url, session.connection, SchemaManager.get_schema())
        except psycopg.Error as error:
            failed = errors.failure(url, error, is_lost=session.is_lost).error
        else:
            return
        raise failed
    finally:
        session.close()


def check(url: DatabaseUrl, known: str | None) -> None:
    """Refuse tables that a later version of the engine has changed.

    Args:
        url: The database.
        known: The last change to the tables; None if there are none.

    Raises:
        LedgerUnusableError: They are those of a later version.
    """
    last = _files()[-1].name
    if known is not None and known > last:
        raise LedgerUnusableError(LATER.format(url.name, known, last))


def url_of(backend: Backend) -> DatabaseUrl:
    """Return the URL of a ledger.

    Raises:
        ConfigurationError: It is in a file.
    """
    if not isinstance(backend, PostgresBackend):
        raise ConfigurationError(NO_FILE)
    return backend.url


def _prepare(url: DatabaseUrl, connection: psycopg.Connection[Any], schema: str) -> None:
    # Transactions that enqueue jobs lock this row first, too.
    (known,) = connection.execute("SELECT engine FROM ledger FOR UPDATE").fetchone() or (None,)
    check(url, known)
    files = _files()
    if known is None:
        connection.execute(schema.encode())
    else:
        for file in files:
            if file.name > known:
                connection.execute(file.read_bytes())
    if known != files[-1].name:
        connection.execute("UPDATE ledger SET engine = %s", (files[-1].name,))
    made = connection.execute("SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace")
    names = {name for (name,) in made.fetchall()}
    for name, columns in INDICES.items():
        if name not in names:  # IF NOT EXISTS would wait for all that use the table
            connection.execute(f"CREATE INDEX {name} ON procrastinate_jobs {columns}".encode())


@cache
def _files() -> list[Path]:
    """Return the files that lead from each version of the engine's tables to the next, in their order."""
    from procrastinate.schema import SchemaManager

    return sorted(Path(SchemaManager.get_migrations_path()).glob("*.sql"))
