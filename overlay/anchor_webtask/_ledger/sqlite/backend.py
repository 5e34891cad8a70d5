"""A ledger in a file: how a process uses it."""

from __future__ import annotations

import logging
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING, Final

from anchor_webtask._ledger.sqlite.file import LedgerFile
from anchor_webtask._ledger.sqlite.owners import FileOwner, is_alive, new_owner

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from anchor_webtask._clock import Clock
    from anchor_webtask._ledger.database import Connection

ON_NETWORK: Final = (
    "the ledger %r is on a network file system: its locks may fail, so only one machine may use it, and tasks may be "
    "started twice; use a local disk"
)

logger = logging.getLogger("anchor_webtask")


class SqliteBackend:
    """A file of SQLite: a `Backend`. The system frees an owner's lock only when the start that holds it has ended.

    Args:
        path: The file.
    """

    settle_after = 0.0

    def __init__(self, path: Path) -> None:
        self.path: Path | None = path
        self.name = str(path)
        self._file = path
        self._owners = path.with_name(f"{path.name}-owners")

    def open(self, base_url: str | None) -> LedgerFile:
        """Open the file in the calling thread.

        Args:
            base_url: The base URL of the client for which a new file is made; None if the file must exist.

        Raises:
            LedgerError: The file cannot be used.
        """
        file = LedgerFile(self._file, base_url)
        with suppress(Exception):  # of the user's filter or handler
            if file.is_on_network():
                logger.warning(ON_NETWORK, self.name, extra={"task_id": None})
        return file

    def new_owner(self) -> FileOwner:
        """Return a new owner, which locks its file.

        Raises:
            LedgerUnusableError: The file of the owner cannot be made.
        """
        return new_owner(self._owners)

    def is_alive(self, owner: str) -> bool:
        """Whether an owner lives."""
        return is_alive(self._owners, owner)

    def findings(self, db: Connection) -> list[str]:
        """Return what SQLite finds damaged."""
        return [text for (text,) in db.execute("PRAGMA integrity_check(10)") if text != "ok"]

    def wall(self, clock: Clock) -> float:
        """Return the time of this machine, on which alone the file is used."""
        return clock.wall()

    def at_work(self) -> AbstractContextManager[object]:
        """Return a block in which the ledger's thread uses the file."""
        return nullcontext()

    def when_owner_ends(self, callback: Callable[[], object]) -> None:
        """Do nothing: the lock of an owner is freed without a transaction."""

    def forget_in_child(self) -> None:
        """Do nothing: the owners close their files themselves."""
