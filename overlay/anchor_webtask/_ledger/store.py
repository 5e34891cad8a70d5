"""One ledger as a process uses it: its file is opened on first use, once in each process, and shared by all calls."""

from __future__ import annotations

import logging
import os
import threading
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from anchor_webtask._errors import ConfigurationError, LedgerError
from anchor_webtask._ledger import forks
from anchor_webtask._ledger.file import LedgerFile, check_base_url
from anchor_webtask._ledger.future import Future
from anchor_webtask._ledger.owners import Owner, is_alive, new_owner
from anchor_webtask._ledger.writer import Writer

if TYPE_CHECKING:
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
        # It is held for moments only, and never while the disk is waited for. A signal's handler may use the ledger,
        # too, in the thread that holds it.
        self._guard = threading.RLock()
        self._writer: Writer | None = None
        forks.stores.add(self)

    def open(self, base_url: str) -> None:
        """Open the file for a client, and make it if it does not exist.

        Raises:
            LedgerError: The file cannot be used, or belongs to another base URL.
        """
        self._submit(partial(check_base_url, self.path, base_url), "read", base_url).result()

    def read(self, operation: Operation[R]) -> R:
        """Return the result of an operation that only reads.

        Raises:
            LedgerError: The file cannot be used.
        """
        return self.submit(operation, "read").result()

    def change(self, operation: Operation[R]) -> R:
        """Return the result of an operation once it is on disk.

        Raises:
            LedgerError: The file cannot be used; nothing was changed.
        """
        return self.submit(operation, "intent").result()

    def submit(self, operation: Operation[R], kind: Kind) -> Future[R]:
        """Run an operation soon, as `Writer.submit` does. This raises nothing, and does not wait for the disk."""
        return self._submit(operation, kind, None)

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
        if writer is not None:  # whatever was submitted to it is in its queue already
            writer.close(wait=wait)

    def forget_in_child(self) -> None:
        """Forget the writer in a forked child, which has no such thread, and must not use its parent's connection."""
        forks.left_behind.append(self._writer)
        self._writer, self._guard = None, threading.RLock()

    @property
    def _owners(self) -> Path:
        return self.path.with_name(f"{self.path.name}-owners")

    def _submit(self, operation: Operation[R], kind: Kind, base_url: str | None) -> Future[R]:
        with self._guard:  # so that nothing is submitted to a writer that is being closed
            try:
                if self._writer is None or self._writer.has_ended:
                    self._writer = Writer(partial(_opened, self.path))
                return self._writer.submit(operation, kind, base_url)
            except RuntimeError as error:
                failed: Future[R] = Future()
                failed.set_exception(LedgerError(f"the ledger {str(self.path)!r} cannot be used now: {error}"))
                return failed


def _opened(path: Path, base_url: str | None) -> LedgerFile:
    file = LedgerFile(path, base_url)
    with suppress(Exception):  # of the user's filter or handler
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
