"""The lock on the repository: only one program changes it at a time.

The program that has the lock also removes the temporary folders of earlier programs that were killed.
"""

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
        leftovers: The glob pattern of the temporary folders, such as `.generated-*`.
    """
    folder = os.open(root, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        for left in root.glob(leftovers):
            # if a subprocess of the killed program is still writing into the folder, a later run removes the folder
            shutil.rmtree(left, ignore_errors=True)
        yield
    finally:
        os.close(folder)
