"""The end of what was not started: all of it at once by a mark of the batch, and then each request, in parts.

Each change holds the lock of the ledger, for which the workers' transactions wait. The mark, which each claim compares,
is one row: from its commit on, nothing starts that it concerns. What is written of the requests may take its time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from anchor_webtask._ledger.database import Connection

PART: Final = 1000
"""How many requests are cancelled in one transaction."""

_NOT_STARTED: Final = (
    "NOT EXISTS (SELECT FROM attempts WHERE attempts.key = requests.key AND attempts.state <> 'refused')"
)
"""Whether no attempt may have been started of a request: what was refused was not."""


def mark(db: Connection, batch: str, now: float) -> None:
    """Cancel all requests of a batch that it has now and that were not started; they are still to be ended."""
    db.execute(
        "UPDATE batches SET cancelled = ?, cancelled_below = "
        "(SELECT coalesce(max(number) + 1, 0) FROM requests WHERE batch = name) WHERE name = ?",
        (now, batch),
    )


def end_part(db: Connection, batch: str, after: int) -> int | None:
    """End some of the requests that the mark has cancelled.

    Args:
        db: The connection.
        batch: The name of the batch.
        after: The number of the last request that was seen; -1 at first.

    Returns:
        The number of the last request that was seen; None if there are no more.
    """
    (last,) = db.execute(
        "SELECT max(number) FROM (SELECT number FROM requests WHERE batch = ? AND ended IS NULL AND number > ? "
        "AND number < (SELECT cancelled_below FROM batches WHERE name = ?) ORDER BY number LIMIT ?) part",
        (batch, after, batch, PART),
    ).fetchone()
    if last is not None:
        _end(db, "batch = ? AND number > ? AND number <= ?", batch, after, last)
    return None if last is None else int(last)


def end_one(db: Connection, key: str) -> None:
    """End a request if the mark has cancelled it."""
    if is_cancelled(db, key):
        _end(db, "key = ?", key)


def is_cancelled(db: Connection, key: str) -> bool:
    """Whether a request was cancelled."""
    found = db.execute(
        "SELECT 1 FROM requests JOIN batches ON name = batch WHERE key = ? "  # noqa: S608  a constant
        f"AND (requests.cancelled IS NOT NULL OR number < cancelled_below AND {_NOT_STARTED})",
        (key,),
    )
    return found.fetchone() is not None


def allows_no_more(db: Connection, key: str) -> bool:
    """Whether the mark concerns a request: if its task has failed, only the user may start it again."""
    found = db.execute(
        "SELECT 1 FROM requests JOIN batches ON name = batch WHERE key = ? AND number < cancelled_below", (key,)
    )
    return found.fetchone() is not None


def number_of(db: Connection, batch: str, now: float) -> int:
    """Return how many requests a mark has ended."""
    found = db.execute("SELECT count(*) FROM requests WHERE batch = ? AND cancelled = ?", (batch, now)).fetchone()
    return int(found[0])


def _end(db: Connection, where: str, *values: object) -> None:
    db.execute(
        "UPDATE requests SET cancelled = (SELECT cancelled FROM batches WHERE name = batch), "  # noqa: S608  constants
        f"ended = nextval('endings') WHERE {where} AND ended IS NULL AND {_NOT_STARTED}",
        values,
    )
