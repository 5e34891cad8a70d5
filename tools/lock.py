"""The lock on the repository: one program works in it at a time, and removes the temporary folders of killed ones."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextlib.contextmanager
def locked(root: Path, leftovers: str) -> Iterator[None]:
    """Wait for the lock on a repository, remove the temporary folders of killed programs, and hold the lock.

    Args:
        root: The repository.
        leftovers: The pattern of the temporary folders.
    """
    folder = os.open(root, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        for left in root.glob(leftovers):
            # a subprocess of the killed program may still be writing into the folder; then the next run removes it
            shutil.rmtree(left, ignore_errors=True)
        yield
    finally:
        os.close(folder)
