"""What users ask of a ledger's rows, and what they decide about them, on the connection of an open transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anchor_webtask._ledger.rows import change, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from anchor_webtask._ledger.database import Connection
    from anchor_webtask._ledger.models import Row


def latest(db: Connection, key: str) -> Row | None:
    """Return the latest attempt of a key."""
    found = rows_of(db, "key = ? ORDER BY attempt DESC LIMIT 1", key)
    return found[0] if found else None


def deciding(db: Connection, key: str) -> Row | None:
    """Return the attempt that the user decides about: the latest one that the API has not refused."""
    rows = rows_of(db, "key = ? ORDER BY attempt DESC LIMIT 2", key)
    if len(rows) > 1 and rows[0].state == "refused" and rows[1].state != "retried":
        return rows[1]
    return rows[0] if rows else None


def without_id(db: Connection, key: str) -> Row | None:
    """Return the latest attempt of which it is not known whether it has started; None if there is none."""
    found = rows_of(
        db, "key = ? AND state IN ('unknown', 'retried') AND task_id IS NULL ORDER BY attempt DESC LIMIT 1", key
    )
    return found[0] if found else None


def retry(db: Connection, row: Row) -> None:
    """Allow one more attempt after one that has ended, or that is unknown; its place stays held."""
    change(db, row.claim, state="retried")
    # Else an earlier attempt with an answer would stay the outcome.
    db.execute("UPDATE attempts SET state = 'retried' WHERE key = ? AND state = 'completed'", (row.key,))


def has_ended_unstarted(db: Connection, key: str) -> bool:
    """Whether the request of a batch in a database has ended without a start, since it was refused or is invalid.

    A cancelled one was ended for good.
    """
    row = deciding(db, key)
    if row is not None and row.state != "refused":
        return False
    found = db.execute(
        "SELECT 1 FROM requests JOIN batches ON name = batch WHERE key = ? AND ended IS NOT NULL "
        "AND requests.cancelled IS NULL AND (cancelled_below IS NULL OR number >= cancelled_below OR EXISTS "
        "(SELECT FROM attempts WHERE attempts.key = requests.key AND attempts.state <> 'refused'))",
        (key,),
    )
    return found.fetchone() is not None


def reopen(db: Connection, keys: list[str]) -> None:
    """Let workers start the requests of batches that have ended without a start."""
    db.execute("UPDATE requests SET ended = NULL, error = NULL WHERE key = ANY(?)", (keys,))
    db.execute("SELECT enqueue(?)", (keys,))


def attach(db: Connection, row: Row, task_id: str, now: float) -> None:
    """Give an unknown attempt the id that the user has found."""
    change(db, row.claim, state="running", task_id=task_id, attached=1, owner=None, place=1, started=now, error=None)


def free(db: Connection, rows: Iterable[Row]) -> None:
    """End the places that attempts hold."""
    db.executemany("UPDATE attempts SET place = 0 WHERE claim = ?", [(row.claim,) for row in rows])


def counts(db: Connection) -> dict[Any, int]:
    """Return the number of rows in each state that has any."""
    return dict(db.execute("SELECT state, count(*) FROM attempts GROUP BY state").fetchall())
