"""Statements in SQLite's form, as the transitions have them, on a connection of psycopg."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from psycopg import Connection, Cursor

_PLACEHOLDER: Final = re.compile(r"\?|:([a-z_]+)")


class Statements:
    """A connection with an open transaction: a `database.Connection`.

    Args:
        connection: The connection.
    """

    def __init__(self, connection: Connection[Any]) -> None:
        self._connection = connection

    def execute(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = (), /) -> Cursor[Any]:
        """Run one statement."""
        return self._connection.execute(_translated(sql), parameters)

    def executemany(self, sql: str, parameters: Iterable[Sequence[Any] | Mapping[str, Any]], /) -> None:
        """Run one statement for each of several parameters."""
        with self._connection.cursor() as cursor:
            cursor.executemany(_translated(sql), parameters)


@cache
def _translated(sql: str) -> bytes:
    return _PLACEHOLDER.sub(lambda found: f"%({found[1]})s" if found[1] else "%s", sql).encode()
