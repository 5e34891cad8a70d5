"""One ledger as a process uses it: its file is opened on first use, once in each process, and shared by all calls."""

from __future__ import annotations

import logging
import os
import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from anchor_webtask._errors import ConfigurationError
from anchor_webtask._ledger import forks
from anchor_webtask._ledger.file import LedgerFile, check_base_url
from anchor_webtask._ledger.owners import Owner, is_alive, new_owner
from anchor_webtask._ledger.writer import Writer

if TYPE_CHECKING:
    from anchor_webtask._ledger.future import Future
    from anchor_webtask._ledger.writer import Kind, Operation

R = TypeVar("R")

ON_NETWORK: Final = (
    "the ledger %r is on a network file system: its locks may fail, so only one machine may use it, and tasks may be "
    "started twice; use a local disk"
)

logger = logging.getLogger("anchor_webtask")


class Store:
    """The file of a ledger.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._guard = threading.Lock()
        self._writer: Writer | None = None
        forks.stores.add(self)

    def open(self, base_url: str) -> None:
        """Open the file for a client, and make it if it does not exist.

        Raises:
            LedgerError: The file cannot be used, or belongs to another base URL.
        """
        self._open_writer(base_url).submit(partial(check_base_url, self.path, base_url), "read").result()

    def read(self, operation: Operation[R]) -> R:
        """Return the result of an operation that only reads.

        Raises:
            LedgerError: The file cannot be used.
        """
        return self._open_writer(None).submit(operation, "read").result()

    def change(self, operation: Operation[R]) -> R:
        """Return the result of an operation once it is on disk.

        Raises:
            LedgerError: The file cannot be used; nothing was changed.
        """
        return self._open_writer(None).submit(operation, "intent").result()

    def submit(self, operation: Operation[R], kind: Kind) -> Future[R]:
        """Run an operation soon, as `Writer.submit` does."""
        return self._open_writer(None).submit(operation, kind)

    def new_owner(self) -> Owner:
        """Return a new owner, which locks its file.

        Raises:
            LedgerUnusableError: The file of the owner cannot be made.
        """
        # In the ledger's thread, since a signal's exception would leave the file of an owner open that nobody knows.
        return self.submit(lambda _: new_owner(self._owners), "read").result()

    def is_alive(self, owner: str) -> bool:
        """Whether an owner lives."""
        return is_alive(self._owners, owner)

    def close(self, *, wait: bool = True) -> None:
        """Store what is left to store, and close the file; the next use opens it again.

        Args:
            wait: Whether to wait until that is done.
        """
        with self._guard:
            writer, self._writer = self._writer, None
        if writer is not None:
            writer.close(wait=wait)

    def forget_in_child(self) -> None:
        """Forget the writer in a forked child, which has no such thread, and must not use its parent's connection."""
        forks.left_behind.append(self._writer)
        self._writer, self._guard = None, threading.Lock()

    @property
    def _owners(self) -> Path:
        return self.path.with_name(f"{self.path.name}-owners")

    def _open_writer(self, base_url: str | None) -> Writer:
        with self._guard:
            if self._writer is None:
                self._writer = Writer(partial(_opened, self.path, base_url))
            return self._writer


def _opened(path: Path, base_url: str | None) -> LedgerFile:
    file = LedgerFile(path, base_url)
    if file.is_on_network():
        logger.warning(ON_NETWORK, str(path), extra={"task_id": None})
    return file


def checked_path(given: object) -> Path:
    """Return the absolute path of a ledger.

    Raises:
        ConfigurationError: It is not a path.
    """
    if not isinstance(given, str | os.PathLike) or not (text := os.fspath(given)):
        raise ConfigurationError(f"the ledger must be the path of a file, or a Ledger, not {given!r}")
    if isinstance(text, bytes) or "\0" in text:
        raise ConfigurationError(f"the ledger's path must be text without null characters, not {given!r}")
    if "://" in text:
        raise ConfigurationError(f"the ledger must be the path of a file on a local disk, not the URL {text!r}")
    return Path(text).absolute()  # `resolve` would follow a symbolic link
