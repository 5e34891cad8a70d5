"""Makes and migrates the tables of a ledger, and refuses those that are not its own."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg import sql

from anchor_webtask._errors import LedgerUnusableError
from anchor_webtask._ledger.postgres.errors import GONE, MAKE_SCHEMA, MAKE_TABLES, USE_TABLES, no_right
from anchor_webtask._ledger.postgres.schema import MIGRATIONS, VERSION

if TYPE_CHECKING:
    from psycopg import Connection

    from anchor_webtask._ledger.postgres.url import DatabaseUrl

MIGRATION_LOCK: Final = 0x416E634C
"""The advisory lock of whoever makes or migrates tables in the database: "AncL"."""

_NAMES: Final = ("attempts", "ledger")
_TABLES: Final = """
    SELECT relname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE nspname = %s AND relname = ANY(%s)
"""  # `to_regclass` may not see yet what another session has made while this one waited

NO_TABLES: Final = "the ledger {!r} does not exist: tasks.map and tasks.run make it"
LATER: Final = (
    "the ledger {!r} was written by a later version of this package (its format is {}, and this package knows {}): "
    "upgrade the package"
)
FOREIGN: Final = (
    "the schema {!r} of {!r} has a table of another program: add another schema to the URL, as in ?schema=…"
)
REPLACED: Final = (
    "the ledger {!r} was replaced while it was in use: put the old one back, and run the program again. The new one "
    "does not know which tasks were started, and each would cost again"
)


def prepare(url: DatabaseUrl, connection: Connection[Any], base_url: str | None, known_id: str | None) -> str:
    """Check the tables, make or migrate them if necessary, and return the id of the ledger.

    Args:
        url: The database.
        connection: A connection, outside of a transaction.
        base_url: The base URL of the client for which a new ledger is made; None if it must exist.
        known_id: The id of the ledger that was in use before the connection was lost.

    Raises:
        LedgerUnusableError: The tables cannot be used.
    """
    found = _found(url, connection)
    if found is None and known_id is not None:
        raise LedgerUnusableError(GONE.format(url.name))
    if found is None and base_url is None:
        raise LedgerUnusableError(NO_TABLES.format(url.name))
    if found is None or found[0] < VERSION:
        with connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (MIGRATION_LOCK,))
            found = _migrated(url, connection, base_url)
    version, ledger_id = found
    check(url, version, ledger_id, known_id)
    return ledger_id


def check(url: DatabaseUrl, version: int, ledger_id: str, known_id: str | None) -> None:
    """Refuse tables of a later version, which another program may have made of them, and those of another ledger.

    Raises:
        LedgerUnusableError: They must not be used.
    """
    if version > VERSION:
        raise LedgerUnusableError(LATER.format(url.name, version, VERSION))
    if known_id not in {None, ledger_id}:
        raise LedgerUnusableError(REPLACED.format(url.name))


def may_look(url: DatabaseUrl, connection: Connection[Any]) -> bool:
    """Whether the user may look into the schema; where not, PostgreSQL says that there are no tables."""
    query = "SELECT has_schema_privilege(oid, 'USAGE') FROM pg_namespace WHERE nspname = %s"
    return connection.execute(query, (url.schema,)).fetchone() != (False,)


def _found(url: DatabaseUrl, connection: Connection[Any]) -> tuple[int, str] | None:
    """Return the version and the id of the ledger; None if there are no tables."""
    names = {name for (name,) in connection.execute(_TABLES, (url.schema, [*_NAMES])).fetchall()}
    if not names:
        return None
    try:
        row = connection.execute("SELECT version, id FROM ledger").fetchone() if names == {*_NAMES} else None
    except (psycopg.errors.UndefinedColumn, psycopg.errors.WrongObjectType):
        row = None
    except psycopg.errors.UndefinedTable as error:  # it is there, but the user may not look into the schema
        raise no_right(url, error) from None
    if row is None:
        raise LedgerUnusableError(FOREIGN.format(url.schema, url.name))
    version, ledger_id = row
    return version, ledger_id


def _migrated(url: DatabaseUrl, connection: Connection[Any], base_url: str | None) -> tuple[int, str]:
    """Make the tables, or bring them up to date, in a transaction that holds the lock; another one may have done it."""
    found = _found(url, connection)
    version, ledger_id = found or (0, secrets.token_hex(8))
    remedy = USE_TABLES if found else MAKE_TABLES
    try:
        if found is None:
            exists = connection.execute("SELECT FROM pg_namespace WHERE nspname = %s", (url.schema,)).fetchone()
            if exists is None:  # IF NOT EXISTS would ask for the right to create one first
                remedy = MAKE_SCHEMA
                connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(url.schema)))
        elif version < VERSION:
            # Transactions use this table first and may use the others in any order: each that runs must end before.
            connection.execute("LOCK TABLE ledger IN ACCESS EXCLUSIVE MODE")
        for statements in MIGRATIONS[version:]:
            for statement in statements:
                connection.execute(statement.encode())
    except psycopg.errors.InsufficientPrivilege as error:
        raise no_right(url, error, remedy) from None
    if found is None:
        row = (VERSION, ledger_id, base_url)
        connection.execute("INSERT INTO ledger (version, id, base_url) VALUES (%s, %s, %s)", row)
    elif version < VERSION:
        connection.execute("UPDATE ledger SET version = %s", (VERSION,))
    return max(version, VERSION), ledger_id
