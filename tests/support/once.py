"""Fills a folder only once in a test session, even if several xdist workers need this folder."""

from __future__ import annotations

import fcntl
import os
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest


def once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """Return a folder that one xdist worker makes; the other workers wait until it is complete.

    Args:
        factory: The session's temporary folders. The folders of all xdist workers have the same parent.
        name: The name of the folder, unique in the session.
        make: Fills a new folder, which has a temporary name until it is complete.
    """
    base = factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = shared / name
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            work = shared / f"{name}.work"
            shutil.rmtree(work, ignore_errors=True)  # left over if an earlier attempt has failed
            work.mkdir()
            make(work)
            work.rename(folder)
    return folder
