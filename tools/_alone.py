"""One program at a time in the repository, and nothing left of one that was killed."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import os
import shutil
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_AT_FDCWD: Final = -100
_EXCHANGE: Final = 2  # RENAME_EXCHANGE of Linux, RENAME_SWAP of macOS


@contextlib.contextmanager
def alone(root: Path, leftovers: str) -> Iterator[None]:
    """Wait until nobody else works here, and clear away what one that was killed has left.

    Args:
        root: The repository.
        leftovers: A pattern for the folders that are made meanwhile.
    """
    folder = os.open(root, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        for left in root.glob(leftovers):
            # what its programs are still writing is left for the next one
            shutil.rmtree(left, ignore_errors=True)
        yield
    finally:
        os.close(folder)


def exchange(one: Path, other: Path) -> None:
    """Let two folders change places, in one step where the system can: there is no moment without either.

    Args:
        one: A folder.
        other: A folder of the same file system.

    Raises:
        OSError: They can't be renamed; both are where they were.
    """
    if _exchanged(os.fsencode(one), os.fsencode(other)):
        return
    aside = other.with_name(f"{one.name}.aside")
    one.rename(aside)
    try:
        other.rename(one)
    except BaseException:
        aside.rename(one)
        raise
    aside.rename(other)


def _exchanged(one: bytes, other: bytes) -> bool:
    libc = ctypes.CDLL(None, use_errno=True)
    if sys.platform == "darwin":
        failed = libc.renamex_np(one, other, _EXCHANGE)
    elif hasattr(libc, "renameat2"):
        failed = libc.renameat2(_AT_FDCWD, one, _AT_FDCWD, other, _EXCHANGE)
    else:
        return False
    if not failed:
        return True
    number = ctypes.get_errno()
    if number in {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP}:
        return False  # the file system can't
    raise OSError(number, os.strerror(number))
