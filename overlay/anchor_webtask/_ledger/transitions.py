"""The transitions between the states of a ledger's rows, each a function on the connection of an open transaction.

Every transition compares the state and the claim id of its row: whoever comes too late changes nothing. What a start
or a task has shown is only ever recorded for the row with its claim.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Final, Literal

from anchor_webtask._ledger.models import Claimed, Free, Full, Intent, OtherRequest, Places, Row, Taken

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable

    from anchor_webtask._ledger.models import Found
    from anchor_webtask._ledger.patience import Patience

OWNER_ENDED: Final = "the process that started the task ended before it knew whether the start had succeeded"
SAME_ID: Final = "the API returned the id of another task of this ledger, {!r}, so it is not known which task this is"
REPLACED: Final = "another id has arrived for the task to which the user had attached this one"

_COLUMNS: Final = ", ".join(Row._fields)
_VALUES: Final = ", ".join(f":{name}" for name in Row._fields)


def rows_of(db: sqlite3.Connection, where: str, *values: object) -> list[Row]:
    """Return the rows that meet a condition of SQL."""
    return [Row(*each) for each in db.execute(f"SELECT {_COLUMNS} FROM attempts WHERE {where}", values)]  # noqa: S608  no user's text


def _row(db: sqlite3.Connection, claim: str) -> Row | None:
    found = rows_of(db, "claim = ?", claim)
    return found[0] if found else None


def _insert(db: sqlite3.Connection, row: Row) -> None:
    db.execute(f"INSERT INTO attempts ({_COLUMNS}) VALUES ({_VALUES})", row._asdict())  # noqa: S608  names of columns


def _set(db: sqlite3.Connection, of: str, /, **values: object) -> None:
    names = ", ".join(f"{name} = :{name}" for name in values)
    db.execute(f"UPDATE attempts SET {names} WHERE claim = :of", {**values, "of": of})  # noqa: S608  names of columns


def _delete(db: sqlite3.Connection, claim: str) -> None:
    db.execute("DELETE FROM attempts WHERE claim = ?", (claim,))


# Before a start


def find(db: sqlite3.Connection, key: str, fingerprint: str, attempts: int) -> Found:
    """Look a key up.

    Args:
        db: The connection.
        key: The request's key.
        fingerprint: The hash of the request.
        attempts: How often the caller allows the task to be started.
    """
    rows = rows_of(db, "key = ? ORDER BY attempt", key)
    if any(row.fingerprint != fingerprint for row in rows if row.state != "refused"):
        return OtherRequest()
    if not rows:
        return Free(1, None)
    *earlier, latest = rows
    answered = next((row for row in rows if row.state == "completed" and row.valid), None)
    if answered is not None:
        return Taken(answered)
    match latest.state:
        case "retried":
            return Free(latest.attempt + 1, None)
        case "refused":
            return _find_again(latest, earlier[-1] if earlier else None, attempts)
        case "completed" | "failed" if attempts > latest.attempt:
            # An earlier attempt runs if its id has arrived late.
            return next((Taken(row) for row in earlier if row.state == "running"), Free(latest.attempt + 1, latest))
        case _:
            return Taken(latest)


def _find_again(refused: Row, previous: Row | None, attempts: int) -> Free | Taken:
    """Return what is done about an attempt that the API has refused, so that it may be made again in the same row."""
    if previous is None or previous.state == "retried":
        return Free(refused.attempt, None)
    if previous.state in {"completed", "failed"} and attempts >= refused.attempt:
        return Free(refused.attempt, previous)
    return Taken(previous)


def claim(db: sqlite3.Connection, intent: Intent, patience: Patience) -> Claimed | Full | Taken | OtherRequest:
    """Claim a start: its intent is on disk once the transaction is committed."""
    found = find(db, intent.key, intent.fingerprint, intent.attempts)
    if not isinstance(found, Free):
        return found
    numbers, room, halvings, paused_until, pause = db.execute(
        "SELECT numbers, room, halvings, paused_until, pause FROM ledger"
    ).fetchone()
    busy = places(db, patience).busy
    if intent.limit is not None:
        left = patience.seconds_left(("pause", paused_until), paused_until - pause, pause)
        if left > 0:
            return Full(left)
        if busy >= min(intent.limit, room or intent.limit):
            return Full(None)
    db.execute("UPDATE ledger SET numbers = numbers + 1")
    db.execute(
        "DELETE FROM attempts WHERE key = ? AND attempt = ?", (intent.key, found.attempt)
    )  # one that was refused
    row = _new_row(intent, found.attempt, intent.claim, patience.wall())
    _insert(db, row._replace(owner=intent.owner, number=numbers + 1, alone=int(not busy), halvings=halvings))
    return Claimed(found.attempt, found.previous)


def _new_row(intent: Intent, attempt: int, claim_id: str, now: float) -> Row:
    """Return the row of a start that begins now, without an owner."""
    return Row(
        key=intent.key,
        attempt=attempt,
        state="starting",
        fingerprint=intent.fingerprint,
        claim=claim_id,
        owner=None,
        place=1,
        hold=intent.hold,
        number=0,
        alone=0,
        halvings=0,
        claimed=now,
        stamped=now,
        started=None,
        ended=None,
        task_id=None,
        attached=0,
        wrapped=int(intent.wrapped),
        answer=None,
        valid=None,
        error=None,
    )


def places(db: sqlite3.Connection, patience: Patience) -> Places:
    """Return how many places are in use; the place of an unknown start becomes free after its hold."""
    (busy,) = db.execute("SELECT count(*) FROM attempts WHERE state IN ('starting', 'running') AND place").fetchone()
    held = [
        patience.seconds_left((claim_id, stamped), stamped, hold)
        for claim_id, stamped, hold in db.execute(
            "SELECT claim, stamped, hold FROM attempts WHERE state IN ('unknown', 'retried') AND place"
        )
    ]
    held = [left for left in held if left > 0]
    return Places(busy + len(held), len(held), patience.wall() + max(held) if held else None)


def stamp(db: sqlite3.Connection, claim_id: str, now: float) -> bool:
    """Confirm a claim directly before its start is sent; False if the claim is lost."""
    cursor = db.execute("UPDATE attempts SET stamped = ? WHERE claim = ? AND state = 'starting'", (now, claim_id))
    return cursor.rowcount == 1


# After a start


def withdraw(db: sqlite3.Connection, claim_id: str) -> None:
    """Record that a start certainly has not happened: it can be claimed again."""
    row = _row(db, claim_id)
    if row is None:
        return
    if row.state in {"starting", "unknown"}:
        _delete(db, claim_id)
    elif row.state == "retried":
        _set(db, claim_id, place=0)


def refuse(db: sqlite3.Connection, claim_id: str, error: str) -> None:
    """Record that the API has certainly refused a start."""
    row = _row(db, claim_id)
    if row is not None and row.state == "starting":
        _set(db, claim_id, state="refused", owner=None, place=0, error=error)
    else:
        withdraw(db, claim_id)


def refuse_for_lack_of_room(
    db: sqlite3.Connection, claim_id: str, *, is_certain: bool, limit: int, pause: float, now: float
) -> bool:
    """Withdraw a start that the API refused because too many tasks run, and let fewer tasks run at once.

    Args:
        db: The connection.
        claim_id: The claim of the start.
        is_certain: Whether the API says so. Otherwise it only may, and is believed if another task was busy at any
            moment from the claim until now.
        limit: The caller's limit.
        pause: For how many seconds the API wants no further start.
        now: The time, in seconds since 1970.

    Returns:
        Whether that was the reason; otherwise nothing has changed.
    """
    row = _row(db, claim_id)
    if row is None:
        return True  # this was recorded before
    if not is_certain and _was_alone(db, row, now):
        return False
    db.execute(
        "UPDATE ledger SET room = max(min(ifnull(room, :limit), :limit) / 2, 1), halvings = halvings + 1 "
        "WHERE halvings = :halvings",
        {"limit": limit, "halvings": row.halvings},
    )
    if pause > 0:
        db.execute(
            "UPDATE ledger SET paused_until = :until, pause = :pause "
            "WHERE paused_until < :until OR paused_until > :now + pause",
            {"until": now + pause, "pause": pause, "now": now},
        )
    withdraw(db, claim_id)
    return True


def _was_alone(db: sqlite3.Connection, row: Row, now: float) -> bool:
    """Whether no other task was busy from a claim until now."""
    (numbers,) = db.execute("SELECT numbers FROM ledger").fetchone()
    return bool(row.alone and row.number == numbers) and not rows_of(
        db,
        "claim != ? AND place AND (state IN ('starting', 'running') "
        "OR (state IN ('unknown', 'retried') AND stamped + hold > ?)) LIMIT 1",
        row.claim,
        now,
    )


def lose(db: sqlite3.Connection, claim_id: str, error: str) -> None:
    """Record that it is not known whether a start has happened."""
    db.execute(
        "UPDATE attempts SET state = 'unknown', owner = NULL, error = ? WHERE claim = ? AND state = 'starting'",
        (error, claim_id),
    )


def start(db: sqlite3.Connection, intent: Intent, attempt: int, task_id: str, *, owner: str | None, now: float) -> str:
    """Record the id of a task that has started; it is stronger than an id that the user has attached.

    Args:
        db: The connection.
        intent: The intent of the start.
        attempt: The number of the attempt that was claimed.
        task_id: The id.
        owner: The call that waits for the task; None if its call has ended.
        now: The time, in seconds since 1970.

    Returns:
        The claim of the row that has the id: another one than that of the intent if the user has attached another id.
    """
    row = _row(db, intent.claim)
    if row is not None and row.task_id == task_id:  # this was recorded before, or the user has attached the right id
        _set(db, row.claim, attached=0)
        return row.claim
    for other in rows_of(db, "task_id = ?", task_id):
        if not other.attached:
            if row is not None and row.attached and other.key == row.key:
                return other.claim  # this was recorded before
            lose(db, intent.claim, SAME_ID.format(task_id))
            return intent.claim
        _detach(db, other)
    db.execute("UPDATE ledger SET room = room + 1")
    if row is not None and row.task_id is None:
        _set(db, row.claim, state="running", task_id=task_id, owner=owner, place=1, started=now, error=None)
        return row.claim
    claim_id = intent.claim if row is None else secrets.token_hex(8)
    (last,) = db.execute("SELECT max(attempt) FROM attempts WHERE key = ?", (intent.key,)).fetchone()
    new = _new_row(intent, max((last or 0) + 1, attempt), claim_id, now)
    _insert(db, new._replace(state="running", owner=owner, started=now, task_id=task_id))
    return claim_id


def _detach(db: sqlite3.Connection, row: Row) -> None:
    """Take the id away that the user has attached to a row, with all that is known by it."""
    _set(
        db,
        row.claim,
        state="retried" if row.state == "retried" else "unknown",
        task_id=None,
        attached=0,
        owner=None,
        place=1,
        started=None,
        ended=None,
        answer=None,
        valid=None,
        error=REPLACED,
    )


# While a task runs


def end(
    db: sqlite3.Connection,
    claim_id: str,
    state: Literal["completed", "failed"],
    task_id: str | None,
    *,
    now: float,
    answer: str | None = None,
    is_valid: bool | None = None,
    error: str | None = None,
) -> None:
    """Record the end of a task, unless it is recorded already, or the row has another task now."""
    row = _row(db, claim_id)
    if row is not None and row.ended is None and row.task_id == task_id and row.state != "refused":
        _set(db, claim_id, state=state, owner=None, place=0, ended=now, answer=answer, valid=is_valid, error=error)


def free_place(db: sqlite3.Connection, claim_id: str) -> None:
    """End the place of a task that is no longer waited for."""
    db.execute("UPDATE attempts SET place = 0 WHERE claim = ? AND state = 'running'", (claim_id,))


def drop_answer(db: sqlite3.Connection, key: str, attempt: int) -> None:
    """Remove the answer of a task that the API still has by its id."""
    db.execute(
        "UPDATE attempts SET answer = NULL WHERE key = ? AND attempt = ? AND task_id IS NOT NULL", (key, attempt)
    )


# Owners


def release(db: sqlite3.Connection, owner: str) -> None:
    """Give up the running tasks of a call that has ended; whoever comes next may adopt them."""
    db.execute("UPDATE attempts SET owner = NULL WHERE owner = ? AND state = 'running'", (owner,))


def settle(db: sqlite3.Connection, is_alive: Callable[[str], bool]) -> list[str]:
    """Make the unfinished starts of owners that have died unknown, and return these owners."""
    owners = db.execute("SELECT DISTINCT owner FROM attempts WHERE state IN ('starting', 'running')")
    dead = [owner for (owner,) in owners.fetchall() if owner is not None and not is_alive(owner)]
    for each in dead:
        db.execute(
            "UPDATE attempts SET state = 'unknown', owner = NULL, error = ? WHERE owner = ? AND state = 'starting'",
            (OWNER_ENDED, each),
        )
    return dead


def adopt(db: sqlite3.Connection, owner: str, is_alive: Callable[[str], bool], tried: Iterable[str] = ()) -> list[Row]:
    """Settle what owners that have died left, and return the running tasks that this owner has adopted.

    Args:
        db: The connection.
        owner: The owner.
        is_alive: Whether another owner lives.
        tried: The claims of tasks that it may have adopted before, in a transaction whose result was lost.
    """
    for each in settle(db, is_alive):
        release(db, each)
    adopted = rows_of(db, "state = 'running' AND owner IS NULL")
    db.executemany("UPDATE attempts SET owner = ? WHERE claim = ?", [(owner, row.claim) for row in adopted])
    for claim_id in tried:
        adopted += rows_of(db, "claim = ? AND owner = ?", claim_id, owner)
    return adopted


# The user's decisions


def latest(db: sqlite3.Connection, key: str) -> Row | None:
    """Return the latest attempt of a key."""
    found = rows_of(db, "key = ? ORDER BY attempt DESC LIMIT 1", key)
    return found[0] if found else None


def deciding(db: sqlite3.Connection, key: str) -> Row | None:
    """Return the attempt that the user decides about: the latest one that the API has not refused."""
    rows = rows_of(db, "key = ? ORDER BY attempt DESC LIMIT 2", key)
    if len(rows) > 1 and rows[0].state == "refused" and rows[1].state != "retried":
        return rows[1]
    return rows[0] if rows else None


def retry(db: sqlite3.Connection, row: Row) -> None:
    """Allow one more attempt after one that has ended, or that is unknown; its place stays held."""
    _set(db, row.claim, state="retried")
    # Else an earlier attempt with an answer would stay the outcome.
    db.execute("UPDATE attempts SET state = 'retried' WHERE key = ? AND state = 'completed'", (row.key,))


def attach(db: sqlite3.Connection, row: Row, task_id: str, now: float) -> None:
    """Give an unknown attempt the id that the user has found."""
    _set(db, row.claim, state="running", task_id=task_id, attached=1, owner=None, place=1, started=now, error=None)


def free(db: sqlite3.Connection, rows: Iterable[Row]) -> None:
    """End the places that attempts hold."""
    db.executemany("UPDATE attempts SET place = 0 WHERE claim = ?", [(row.claim,) for row in rows])


def counts(db: sqlite3.Connection) -> dict[Any, int]:
    """Return the number of rows in each state that has any."""
    return dict(db.execute("SELECT state, count(*) FROM attempts GROUP BY state").fetchall())
