"""Tells whether the call that owns a row is alive: as long as the operating system holds the lock on its file.

The system frees the lock when the process ends, also by `kill -9`; a process that is stopped keeps it. Each call locks
a file of its own, so that calls of one process can tell each other apart. On Windows, msvcrt does the same as flock;
only Linux is tested.
"""

from __future__ import annotations

import os
import secrets
import sys
import threading
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING

from anchor_webtask._errors import LedgerUnusableError
from anchor_webtask._ledger import forks

if TYPE_CHECKING:
    from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    def _lock(file: int) -> None:
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except PermissionError as error:  # another process has locked it
            raise BlockingIOError(*error.args) from None

    _probe = _lock  # there are no shared locks

else:
    import fcntl

    def _lock(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _probe(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)  # shared, so that two who ask do not find each other


class FileOwner:
    """One call, which owns the tasks that it starts or waits for: an `Owner`.

    Args:
        folder: Where the owners' files are.

    Attributes:
        id: A random id.
        has_ended: Whether the call has ended; its starts that are under way may still use it.

    Raises:
        LedgerUnusableError: The file cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        self._path, file = _locked_file(folder)
        self.id = self._path.name
        self.has_ended = False
        self._users = 1
        self._guard = threading.Lock()
        # Also closed when it is not used any more: an interruption may keep a call from letting go.
        self._end = weakref.finalize(self, _end, self._path, file)
        self._end.atexit = False  # a start may still be under way; the system frees the lock
        forks.owners.add(self)

    def hold(self) -> None:
        """Count one more user."""
        with self._guard:
            self._users += 1

    def let_go(self) -> None:
        """Count one user less; after the last one, other processes see that the owner has ended."""
        with self._guard:
            self._users -= 1
            if self._users:
                return
        self._end()

    def forget_in_child(self) -> None:
        """Close the file in a forked child, which must not keep the lock of its parent."""
        if (end := self._end.detach()) is not None:
            _, _, (_, file), _ = end
            with suppress(OSError):
                os.close(file)


def is_alive(folder: Path, owner: str) -> bool:
    """Whether an owner lives; what is left of a dead one is removed."""
    path = folder / owner
    try:
        file = os.open(path, os.O_RDWR | getattr(os, "O_CLOEXEC", 0))
    except FileNotFoundError:
        return False
    except OSError as error:
        raise _unusable(path, error) from None
    try:
        _probe(file)
    except OSError:
        return True
    else:
        _remove(path)
        return False
    finally:
        os.close(file)


def new_owner(folder: Path) -> FileOwner:
    """Return a new owner, and remove the files of owners that have died.

    Raises:
        LedgerUnusableError: A file cannot be made or opened.
    """
    owner = FileOwner(folder)
    for path in list(folder.iterdir()):
        is_alive(folder, path.name)
    return owner


def _locked_file(folder: Path) -> tuple[Path, int]:
    for _ in range(100):  # other owners may remove the empty folder, or a file that is not locked yet
        path = folder / secrets.token_hex(8)
        try:
            with suppress(FileExistsError):
                folder.mkdir(mode=0o700)
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
            file = os.open(path, flags, 0o600)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise _unusable(path, error) from None
        try:
            _lock(file)
        except BlockingIOError:
            os.close(file)
            continue
        except OSError as error:
            os.close(file)
            raise _unusable(path, error) from None
        if os.fstat(file).st_nlink:
            return path, file
        os.close(file)
    raise LedgerUnusableError(f"the folder of {str(folder)!r} does not exist: create it, or choose another ledger")


def _end(path: Path, file: int) -> None:
    _remove(path)
    os.close(file)
    with suppress(OSError):
        path.parent.rmdir()  # fails while there are other owners


def _unusable(path: Path, error: OSError) -> LedgerUnusableError:
    return LedgerUnusableError(
        f"the ledger's lock files in {str(path.parent)!r} cannot be used ({error.strerror}): they must be beside "
        "the ledger, on a local disk, and this user must be allowed to write there"
    )


def _remove(path: Path) -> None:
    with suppress(OSError):  # Windows does not remove an open file; a later call does
        path.unlink()
