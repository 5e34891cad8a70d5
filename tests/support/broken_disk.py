"""A disk that is full, or a file that another process has locked, as SQLite reports it at a commit."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

from anchor_webtask._ledger import writer

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest


class BrokenDisk:
    """Makes commits fail.

    Args:
        monkeypatch: Installs it for all connections that are opened from now on.

    Attributes:
        commits: How many commits of changes were tried.
        fails: Whether the commit with this number fails, counted from 1.
        code: The error that SQLite reports.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.commits = 0
        self.fails: Callable[[int], bool] = lambda _: False
        self.code = sqlite3.SQLITE_FULL
        disk = self

        class Connection(sqlite3.Connection):
            before = 0

            def execute(self, sql: str, *arguments: Any) -> sqlite3.Cursor:
                if sql.startswith("BEGIN"):
                    self.before = self.total_changes
                if sql == "COMMIT" and self.total_changes > self.before:
                    disk.commits += 1
                    if disk.fails(disk.commits):
                        error = sqlite3.OperationalError("the disk is broken")
                        error.sqlite_errorcode = disk.code
                        raise error
                return super().execute(sql, *arguments)

        connect = sqlite3.connect
        monkeypatch.setattr(sqlite3, "connect", lambda *args, **named: connect(*args, factory=Connection, **named))
        monkeypatch.setattr(writer, "AGAIN", 0.2)  # real seconds; virtual time passes while the thread waits
