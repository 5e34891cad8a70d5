"""Whether a file of SQLite is locked, as another process sees it."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

LOCK: Final = """
import sqlite3, sys
sqlite3.connect(sys.argv[1], timeout=0, isolation_level=None).execute("BEGIN IMMEDIATE")
"""


def is_locked(path: Path) -> bool:
    """Whether another process cannot lock a file now."""
    run = subprocess.run([sys.executable, "-S", "-c", LOCK, path], check=False, stderr=subprocess.PIPE, text=True)
    assert run.returncode == 0 or "database is locked" in run.stderr
    return run.returncode != 0
