"""The transitions between the states of a ledger's rows, each a function on the connection of an open transaction.

Every transition compares the state and the claim id of its row: whoever comes too late changes nothing. What a start
or a task has shown is only ever recorded for the row with its claim.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, Literal

from anchor_webtask._ledger import capacity
from anchor_webtask._ledger.claims import new_claim
from anchor_webtask._ledger.models import Claimed, Free, Intent, OtherRequest, Row, Taken
from anchor_webtask._ledger.rows import change, delete, insert, row_of, rows_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from anchor_webtask._ledger.database import Connection
    from anchor_webtask._ledger.models import Found, Full
    from anchor_webtask._ledger.patience import Patience

OWNER_ENDED: Final = "the process that started the task ended before it knew whether the start had succeeded"
SAME_ID: Final = "the API returned the id of another task of this ledger, {!r}, so it is not known which task this is"
REPLACED: Final = "another id has arrived for the task to which the user had attached this one"

# Before a start


def find(db: Connection, key: str, fingerprint: str, attempts: int) -> Found:
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
    completed = [row for row in rows if row.state == "completed"]
    for verdict in (1, None):  # an answer of which nobody has said yet whether it fits may be valid
        if (answered := next((row for row in completed if row.valid == verdict), None)) is not None:
            return Taken(answered)
    match latest.state:
        case "retried":
            return Free(latest.attempt + 1, None)
        case "refused":
            return _find_again(latest, earlier, attempts)
        case "completed" | "failed" if attempts > latest.attempt:
            return _running(earlier) or Free(latest.attempt + 1, latest)
        case _:
            return Taken(latest)


def _find_again(refused: Row, earlier: Sequence[Row], attempts: int) -> Free | Taken:
    """Return what is done about an attempt that the API has refused, so that it may be made again in the same row."""
    previous = earlier[-1] if earlier else None
    if previous is None or previous.state == "retried":
        return Free(refused.attempt, None, is_refused=True)
    if previous.state in {"completed", "failed"} and attempts >= refused.attempt:
        return _running(earlier) or Free(refused.attempt, previous, is_refused=True)
    return Taken(previous)


def _running(earlier: Iterable[Row]) -> Taken | None:
    """Return an earlier attempt that runs, since its id has arrived late: it is waited for before another start."""
    return next((Taken(row) for row in earlier if row.state == "running"), None)


def claim(db: Connection, intent: Intent, patience: Patience) -> Claimed | Full | Taken | OtherRequest:
    """Claim a start: its intent is on disk once the transaction is committed."""
    found = find(db, intent.key, intent.fingerprint, intent.attempts)
    if not isinstance(found, Free):
        return found
    busy = capacity.places(db, patience).busy
    if (full := capacity.full(db, intent.limit, busy, patience)) is not None:
        return full
    numbers, halvings = db.execute("SELECT numbers, halvings FROM ledger").fetchone()
    db.execute("UPDATE ledger SET numbers = numbers + 1")
    if found.is_refused:
        db.execute("DELETE FROM attempts WHERE key = ? AND attempt = ?", (intent.key, found.attempt))
    row = _new_row(intent, found.attempt, intent.claim, patience.wall())
    insert(db, row._replace(owner=intent.owner, number=numbers + 1, alone=int(not busy), halvings=halvings))
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
        has_secrets=int(intent.has_secrets),
        answer=None,
        valid=None,
        error=None,
    )


def stamp(db: Connection, claim_id: str, now: float) -> bool:
    """Confirm a claim directly before its start is sent; False if the claim is lost."""
    cursor = db.execute("UPDATE attempts SET stamped = ? WHERE claim = ? AND state = 'starting'", (now, claim_id))
    return cursor.rowcount == 1


# After a start


def withdraw(db: Connection, claim_id: str) -> None:
    """Record that a start certainly has not happened: it can be claimed again."""
    row = row_of(db, claim_id)
    if row is None:
        return
    if row.state in {"starting", "unknown"}:
        delete(db, claim_id)
    elif row.state == "retried":
        change(db, claim_id, place=0)


def refuse(db: Connection, claim_id: str, error: str) -> None:
    """Record that the API has certainly refused a start."""
    row = row_of(db, claim_id)
    if row is not None and row.state == "starting":
        change(db, claim_id, state="refused", owner=None, place=0, error=error)
    else:
        withdraw(db, claim_id)


def refuse_for_lack_of_room(
    db: Connection, claim_id: str, *, is_certain: bool, limit: int | None, pause: float, now: float
) -> bool:
    """Withdraw a start that the API refused because too many tasks run, and let fewer tasks run at once.

    Args:
        db: The connection.
        claim_id: The claim of the start.
        is_certain: Whether the API says so. Otherwise it only may, and is believed if another task was busy at any
            moment from the claim until now.
        limit: The caller's limit; None if it has none.
        pause: For how many seconds the API wants no further start.
        now: The time, in seconds since 1970.

    Returns:
        Whether that was the reason; otherwise nothing has changed.
    """
    row = row_of(db, claim_id)
    if row is None:
        return True  # this was recorded before
    if not is_certain and capacity.was_alone(db, row, now):
        return False
    capacity.shrink(db, row, limit, pause, now)
    withdraw(db, claim_id)
    return True


def lose(db: Connection, claim_id: str, error: str) -> None:
    """Record that it is not known whether a start has happened."""
    db.execute(
        "UPDATE attempts SET state = 'unknown', owner = NULL, error = ? WHERE claim = ? AND state = 'starting'",
        (error, claim_id),
    )


def start(db: Connection, intent: Intent, attempt: int, task_id: str, *, owner: str | None, now: float) -> str | None:
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
        None if it was the id of another task before, so that the start is unknown.
    """
    row, others = None, []
    for each in rows_of(db, "claim = ? OR task_id = ?", intent.claim, task_id):
        if each.claim == intent.claim:
            row = each
        else:
            others.append(each)
    if row is not None and row.task_id == task_id:  # this was recorded before, or the user has attached the right id
        change(db, row.claim, attached=0)
        return row.claim
    for other in others:
        if not other.attached:
            if row is not None and row.attached and other.key == row.key:
                return other.claim  # this was recorded before
            lose(db, intent.claim, SAME_ID.format(task_id))
            return None
        _detach(db, other)
    capacity.grow(db)
    if row is not None and row.task_id is None:
        change(db, row.claim, state="running", task_id=task_id, owner=owner, place=1, started=now, error=None)
        return row.claim
    claim_id = intent.claim if row is None else new_claim(intent.session_id)
    (last,) = db.execute("SELECT max(attempt) FROM attempts WHERE key = ?", (intent.key,)).fetchone()
    new = _new_row(intent, max((last or 0) + 1, attempt), claim_id, now)
    insert(db, new._replace(state="running", owner=owner, started=now, task_id=task_id))
    return claim_id


def _detach(db: Connection, row: Row) -> None:
    """Take the id away that the user has attached to a row, with all that is known by it."""
    change(
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
    db: Connection,
    claim_id: str,
    state: Literal["completed", "failed"],
    task_id: str | None,
    *,
    now: float,
    answer: str | None = None,
    is_valid: bool | None = None,
    error: str | None = None,
    error_of_secret: str | None = None,
) -> None:
    """Record the end of a task, unless it is recorded already, or the row has another task now.

    Args:
        db: The connection.
        claim_id: The claim of the task's row.
        state: How it has ended.
        task_id: Its id; None if the row has none.
        now: The time, in seconds since 1970.
        answer: The answer, as JSON.
        is_valid: Whether the answer fits what is asked for; None if the caller does not know what that is.
        error: Why the task has failed.
        error_of_secret: What is stored in place of `error` if the task's request has secret values; None for `error`.
    """
    db.execute(
        "UPDATE attempts SET state = :state, owner = NULL, place = 0, ended = :now, answer = :answer, valid = :valid, "
        "error = CASE has_secrets WHEN 1 THEN :error_of_secret ELSE :error END "
        "WHERE claim = :claim AND ended IS NULL AND coalesce(task_id, '') = :task_id AND state != 'refused'",
        {
            "state": state,
            "now": now,
            "answer": answer,
            "valid": None if is_valid is None else int(is_valid),
            "error": error,
            "error_of_secret": error if error_of_secret is None else error_of_secret,
            "claim": claim_id,
            "task_id": task_id or "",
        },
    )


def judge(db: Connection, claim_id: str, *, is_valid: bool) -> None:
    """Record whether an answer fits what is asked for, if whoever stored it did not know what that is."""
    db.execute(
        "UPDATE attempts SET valid = ? WHERE claim = ? AND state = 'completed' AND valid IS NULL",
        (int(is_valid), claim_id),
    )


def free_place(db: Connection, claim_id: str) -> None:
    """End the place of a task that is no longer waited for."""
    db.execute("UPDATE attempts SET place = 0 WHERE claim = ? AND state = 'running'", (claim_id,))


def drop_answer(db: Connection, claim_id: str) -> None:
    """Remove the answer of a task that the API still has by its id."""
    db.execute("UPDATE attempts SET answer = NULL WHERE claim = ? AND task_id IS NOT NULL", (claim_id,))


# Owners


def release(db: Connection, owner: str) -> None:
    """Give up the running tasks of a call that has ended; whoever comes next may adopt them."""
    db.execute("UPDATE attempts SET owner = NULL WHERE owner = ? AND state = 'running'", (owner,))


def settle(db: Connection, is_alive: Callable[[str], bool], *, before: float = math.inf) -> list[str]:
    """Make the unfinished starts of owners that have died unknown, and return these owners.

    Args:
        db: The connection.
        is_alive: Whether an owner lives.
        before: Only starts that were last confirmed before this moment; the others may still be sent.
    """
    owners = db.execute("SELECT DISTINCT owner FROM attempts WHERE state IN ('starting', 'running')")
    dead = [owner for (owner,) in owners.fetchall() if owner is not None and not is_alive(owner)]
    for each in dead:
        db.execute(
            "UPDATE attempts SET state = 'unknown', owner = NULL, error = ? "
            "WHERE owner = ? AND state = 'starting' AND stamped <= ?",
            (OWNER_ENDED, each, before),
        )
    return dead


def adopt(
    db: Connection, owner: str, is_alive: Callable[[str], bool], tried: Iterable[str] = (), *, before: float = math.inf
) -> list[Row]:
    """Settle what owners that have died left, and return the running tasks that this owner has adopted.

    Args:
        db: The connection.
        owner: The owner.
        is_alive: Whether another owner lives.
        tried: The claims of tasks that it may have adopted before, in a transaction whose result was lost.
        before: As in `settle`.
    """
    for each in settle(db, is_alive, before=before):
        release(db, each)
    adopted = rows_of(db, "state = 'running' AND owner IS NULL")
    db.executemany("UPDATE attempts SET owner = ? WHERE claim = ?", [(owner, row.claim) for row in adopted])
    for claim_id in tried:
        adopted += rows_of(db, "claim = ? AND owner = ?", claim_id, owner)
    return adopted


def freed(db: Connection, owner: str) -> list[str]:
    """Return the claims of the running tasks of an owner that have no place any more."""
    rows = db.execute("SELECT claim FROM attempts WHERE state = 'running' AND owner = ? AND place = 0", (owner,))
    return [claim_id for (claim_id,) in rows]
