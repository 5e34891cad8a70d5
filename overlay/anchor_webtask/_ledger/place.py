"""Which place a user means by what was passed as a ledger: a path, or the URL of a database."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from anchor_webtask import _importing
from anchor_webtask._errors import ConfigurationError
from anchor_webtask._ledger.sqlite.backend import SqliteBackend
from anchor_webtask._redaction.secrets import Sealed

if TYPE_CHECKING:
    from anchor_webtask._ledger.database import Backend

NO_SUCH_PLACE: Final = (
    "there are no ledgers at {}://…: pass the path of a file on a local disk, or a URL that begins with postgresql://"
)
NO_PSYCOPG: Final = "a ledger in PostgreSQL needs psycopg ({}): pip install 'anchor-webtask[postgres]'"


def backend_of(given: Sealed[object]) -> Backend:
    """Return the place of a ledger. What was passed is sealed, since a URL may have a password.

    Raises:
        ConfigurationError: It is neither a path nor the URL of a database, or a package is missing.
    """
    place = _place(given)
    if isinstance(place, str):
        raise ConfigurationError(place)
    return SqliteBackend(place) if isinstance(place, Path) else _database(place)


def _place(given: Sealed[object]) -> Path | Sealed[str] | str:
    """Return a path, the sealed URL of a database, or what is wrong."""
    value = given.open()
    if not isinstance(value, str | os.PathLike) or not (text := os.fspath(value)):
        return f"the ledger must be the path of a file, the URL of a database, or a Ledger, not {value!r}"
    if isinstance(text, bytes):
        return f"the ledger's path must be text without null characters, not {value!r}"
    if "://" not in text:
        if "\0" in text:
            return f"the ledger's path must be text without null characters, not {value!r}"
        return Path(text).absolute()  # `resolve` would follow a symbolic link
    scheme = text.partition("://")[0]
    return Sealed(text) if scheme in {"postgresql", "postgres"} else NO_SUCH_PLACE.format(scheme)


def _database(url: Sealed[str]) -> Backend:
    try:
        with _importing.lock:
            from anchor_webtask._ledger.postgres.backend import PostgresBackend
            from anchor_webtask._ledger.postgres.url import parsed
    except ImportError as error:
        raise ConfigurationError(NO_PSYCOPG.format(error)) from None
    return PostgresBackend(parsed(url))
