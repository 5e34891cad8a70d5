"""Counts what a ledger holds, for a notebook: the answer comes at once, and nothing is raised.

The file is not opened as a call of the ledger does, by the thread that writes: what that thread has to do first could
take long. It is only read, and stays as it is.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING, Final

from anchor_webtask._display.html import MAX_LINE

if TYPE_CHECKING:
    from pathlib import Path

SECONDS: Final = 0.5
"""How long reading may take, and waiting for another process that has locked the file."""
STEPS: Final = 10_000
"""How many operations SQLite does before it checks the time again."""

NO_FILE: Final = "the file does not exist yet: tasks.map and tasks.run make it"
NOT_NOW: Final = "they cannot be counted now; ledger.counts() says why"


def counts(path: Path) -> dict[str, int] | str:
    """Return how many attempts are in each state that has any; if they cannot be counted at once, a text about that."""
    try:
        if not path.exists():
            return NO_FILE
        if not path.is_file():  # to open a pipe, for instance, could take forever
            return NOT_NOW
        until = time.monotonic() + SECONDS
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=SECONDS)) as db:
            db.set_progress_handler(lambda: time.monotonic() > until, STEPS)
            found = db.execute("SELECT state, count(*) FROM attempts GROUP BY state ORDER BY state").fetchall()
    except (OSError, ValueError, sqlite3.Error):
        return NOT_NOW
    return {str(state)[:MAX_LINE]: int(number) for state, number in found}
