"""How many tasks may run at once, on the connection of an open transaction: the places, the window, and the pauses.

Each call compares all places that are in use with its own limit, and with the window: that is how many tasks may run
at once since the API has refused a start. It halves once for all starts sent since it last halved, is at least one, and
grows by one with each success.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from anchor_webtask._ledger.models import Full, Places

if TYPE_CHECKING:
    from anchor_webtask._ledger.database import Connection
    from anchor_webtask._ledger.models import Row
    from anchor_webtask._ledger.patience import Patience

A_MOMENT: Final = 0.001
"""Seconds that are too few to wait for: seconds since 1970 are not more exact than a fraction of this."""


def places(db: Connection, patience: Patience) -> Places:
    """Return how many places are in use; the place of an unknown start becomes free after its hold."""
    busy, may_be_held = db.execute(
        "SELECT (SELECT count(*) FROM attempts WHERE state IN ('starting', 'running') AND place = 1), "
        "EXISTS (SELECT * FROM attempts WHERE state IN ('unknown', 'retried') AND place = 1)"
    ).fetchone()
    if not may_be_held:
        return Places(busy, 0, None)
    held = [
        patience.seconds_left((claim_id, stamped), stamped, hold)
        for claim_id, stamped, hold in db.execute(
            "SELECT claim, stamped, hold FROM attempts WHERE state IN ('unknown', 'retried') AND place = 1"
        )
    ]
    held = [left for left in held if left > 0]
    if not held:
        return Places(busy, 0, None)
    return Places(busy + len(held), len(held), patience.wall() + max(held), max(held))


def full(db: Connection, limit: int | None, busy: int, patience: Patience) -> Full | None:
    """Return that no task may start now; None if one may.

    Args:
        db: The connection.
        limit: The caller's limit; None if it waits for no place, but only while the API wants a pause.
        busy: How many places are in use.
        patience: How long the caller has known of the pause.
    """
    room, paused_until, pause = db.execute("SELECT room, paused_until, pause FROM ledger").fetchone()
    left = patience.seconds_left(("pause", paused_until), paused_until - pause, pause)
    if left > A_MOMENT:
        return Full(left)
    return Full(None) if limit is not None and busy >= min(limit, room or limit) else None


def grow(db: Connection) -> None:
    """Let one more task run at once, since a start has succeeded."""
    db.execute("UPDATE ledger SET room = room + 1 WHERE room IS NOT NULL")


def shrink(db: Connection, row: Row, limit: int | None, pause: float, now: float) -> None:
    """Let fewer tasks run at once, since the API has refused a start.

    Args:
        db: The connection.
        row: The row of the start.
        limit: The caller's limit; None if it has none, so that as many tasks as are busy now are too many.
        pause: For how many seconds the API wants no further start.
        now: The time, in seconds since 1970.
    """
    (room, halvings) = db.execute("SELECT room, halvings FROM ledger").fetchone()
    if halvings == row.halvings:
        most = _busy(db, now) if limit is None else limit
        room = max(min(most if room is None else room, most) // 2, 1)
        db.execute("UPDATE ledger SET room = ?, halvings = halvings + 1", (room,))
    if pause > 0:
        db.execute(
            "UPDATE ledger SET paused_until = :until, pause = :pause "
            "WHERE paused_until < :until OR paused_until > :now + pause",
            {"until": now + pause, "pause": pause, "now": now},
        )


def was_alone(db: Connection, row: Row, now: float) -> bool:
    """Whether no other task was busy from the claim of a row until now."""
    (numbers,) = db.execute("SELECT numbers FROM ledger").fetchone()
    return bool(row.alone and row.number == numbers) and _busy(db, now, other_than=row.claim) == 0


def _busy(db: Connection, now: float, *, other_than: str = "") -> int:
    """Return how many tasks are busy, by the clock of the system alone."""
    (busy,) = db.execute(
        "SELECT count(*) FROM attempts WHERE claim != ? AND place = 1 AND (state IN ('starting', 'running') "
        "OR (state IN ('unknown', 'retried') AND stamped + hold > ?))",
        (other_than, now),
    ).fetchone()
    return int(busy)
