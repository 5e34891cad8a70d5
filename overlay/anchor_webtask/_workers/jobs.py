"""What a worker does with the jobs of requests in a transaction of the ledger.

The end of a request and that of its job are one change: a retry in between would find the job, and enqueue no other. An
open request without a job is enqueued: the engine may lose a job, and a task must not be lost with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from anchor_webtask._ledger.database import Connection

PAGE: Final = 1000
"""How many requests are enqueued in one transaction, for which the workers' transactions wait."""


class Lost(NamedTuple):
    """A request without a job, by its place among all."""

    batch: str
    number: int
    key: str


FIRST: Final = Lost("", -1, "")
"""Comes before all requests."""


def finish(db: Connection, key: str, job: int | None) -> bool:
    """Remove the job of a request that has ended; return whether it has."""
    if db.execute("SELECT 1 FROM requests WHERE key = ? AND ended IS NULL", (key,)).fetchone() is not None:
        return False
    db.execute("DELETE FROM procrastinate_jobs WHERE id = ?", (job,))
    return True


def may_look(db: Connection, now: float, seconds: float) -> bool:
    """Record that this worker looks for them, unless another one has done so within some seconds; return whether."""
    cursor = db.execute("UPDATE ledger SET looked_after = ? WHERE looked_after <= ?", (now, now - seconds))
    return cursor.rowcount == 1


def page_after(db: Connection, last: Lost) -> list[Lost]:
    """Return the next requests that are open and have no job; this takes long if there are many requests.

    Args:
        db: The connection, which need not change anything.
        last: The last one that was found before.
    """
    found = db.execute(
        "SELECT batch, number, key FROM requests WHERE ended IS NULL AND (batch, number) > (?, ?) AND NOT EXISTS "
        "(SELECT FROM procrastinate_jobs WHERE id = job AND status IN ('todo', 'doing')) "
        "ORDER BY batch, number LIMIT ?",
        (last.batch, last.number, PAGE),
    )
    return [Lost(*row) for row in found.fetchall()]


def enqueue(db: Connection, lost: Iterable[Lost]) -> None:
    """Enqueue those that are still open and have no job."""
    db.execute("SELECT enqueue(?)", ([each.key for each in lost],))
