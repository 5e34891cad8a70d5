"""What the application remembers of each page, in SQLite: first that a task may exist, then its id, then its end."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

TABLE = "CREATE TABLE IF NOT EXISTS page (url TEXT PRIMARY KEY, task_id TEXT, amount REAL, problem TEXT)"


class Store:
    """A file of pages. Threads and processes may share it.

    Args:
        file: The file; it is created if it does not exist.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._rows(TABLE)

    def begin(self, url: str) -> bool:
        """Note that a task is about to start; return False if the page is known, since its task may exist already."""
        return bool(self._rows("INSERT INTO page (url) VALUES (?) ON CONFLICT DO NOTHING RETURNING url", url))

    def forget(self, url: str) -> None:
        """Note that no task has started."""
        self._rows("DELETE FROM page WHERE url = ?", url)

    def started(self, url: str, task_id: str) -> None:
        """Note the id of the task that has started."""
        self._rows("UPDATE page SET task_id = ? WHERE url = ?", task_id, url)

    def completed(self, url: str, amount: float) -> None:
        """Note the price."""
        self._rows("UPDATE page SET amount = ? WHERE url = ?", amount, url)

    def failed(self, url: str, problem: str) -> None:
        """Note why there is no price; a person has to decide what to do."""
        self._rows("UPDATE page SET problem = ? WHERE url = ?", problem, url)

    def running(self) -> list[tuple[str, str]]:
        """Return each page whose task has not ended, with the id of the task."""
        return self._rows("SELECT url, task_id FROM page WHERE task_id NOT NULL AND amount IS NULL AND problem IS NULL")

    def prices(self) -> dict[str, float]:
        """Return the prices that are known."""
        return dict(self._rows("SELECT url, amount FROM page WHERE amount NOT NULL"))

    def problems(self) -> dict[str, str]:
        """Return the pages for which a person has to decide what to do, and why."""
        return dict(self._rows("SELECT url, problem FROM page WHERE problem NOT NULL"))

    def _rows(self, statement: str, *values: object) -> list[Any]:
        with closing(sqlite3.connect(self._file)) as connection, connection:
            return connection.execute(statement, values).fetchall()
