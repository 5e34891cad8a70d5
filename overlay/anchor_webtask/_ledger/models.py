"""The values of a ledger: a row, and what a look at a key or a claim of a start finds."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple, TypeAlias, get_args

LedgerState: TypeAlias = Literal["starting", "running", "completed", "failed", "unknown", "refused", "retried"]
STATES: tuple[LedgerState, ...] = get_args(LedgerState)


class Row(NamedTuple):
    """One attempt at a task, as it is stored.

    Attributes:
        key: The request's key.
        attempt: The number of the attempt, from 1.
        state: Its state.
        fingerprint: The hash of the request.
        claim: The random id of the claim by which the attempt began.
        owner: The id of the call that starts it or waits for it; None if there is none.
        place: Whether it counts against the limit, as far as its state allows that.
        hold: Seconds for which it keeps its place if its start is unknown.
        number: The number of the claim among all claims of the ledger.
        alone: Whether no other task was busy when it was claimed.
        halvings: How often the limit had been halved before the claim.
        claimed: When the start was claimed; this and the other times are seconds since 1970.
        stamped: When the claim was last confirmed, before the start was sent.
        started: When the task's id arrived.
        ended: When its end was stored.
        task_id: The task's id.
        attached: Whether the user has attached the id.
        wrapped: Whether the sent schema wraps the answer in an object.
        answer: The answer's JSON.
        valid: Whether the answer fitted the output when it was first read; None if whoever stored it did not know the
            output.
        error: Why the task failed, or why it is unknown whether it has started.
    """

    key: str
    attempt: int
    state: LedgerState
    fingerprint: str
    claim: str
    owner: str | None
    place: int
    hold: float
    number: int
    alone: int
    halvings: int
    claimed: float
    stamped: float
    started: float | None
    ended: float | None
    task_id: str | None
    attached: int
    wrapped: int
    has_secrets: int
    answer: str | None
    valid: int | None
    error: str | None


class Intent(NamedTuple):
    """A start that is to be claimed.

    Attributes:
        key: The request's key.
        fingerprint: The hash of the request.
        claim: A new random id.
        owner: The id of the call.
        attempts: How often the task may be started in all.
        hold: Seconds for which it keeps its place if its start is unknown.
        wrapped: Whether the sent schema wraps the answer in an object.
        has_secrets: Whether the request has secret values.
        limit: How many tasks may run at once; None if the start waits for no place.
        session_id: The browser session in which it runs.
    """

    key: str
    fingerprint: str
    claim: str
    owner: str
    attempts: int
    hold: float
    wrapped: bool
    has_secrets: bool
    limit: int | None
    session_id: str | None = None


class Free(NamedTuple):
    """Nothing was started for the key, or another attempt is due: it may be claimed.

    Attributes:
        attempt: The number of the attempt.
        previous: The attempt before, which is the outcome if this one starts nothing; None if there is none.
        is_refused: Whether the attempt has a row already, since the API has refused it.
    """

    attempt: int
    previous: Row | None
    is_refused: bool = False


class Taken(NamedTuple):
    """The key has an attempt that is the outcome, or that is starting or running."""

    row: Row


class OtherRequest(NamedTuple):
    """The key belongs to another request."""


class Full(NamedTuple):
    """There is no place for another task.

    Attributes:
        seconds: After how many seconds there may be one; None if that is not known.
    """

    seconds: float | None


class Claimed(NamedTuple):
    """The start was claimed: its intent is on disk.

    Attributes:
        attempt: The number of the attempt.
        previous: The attempt before; None if there is none.
    """

    attempt: int
    previous: Row | None


Found: TypeAlias = Free | Taken | OtherRequest


class Places(NamedTuple):
    """How many places of the limit are in use.

    Attributes:
        busy: All of them.
        held: Those of tasks of which it is not known whether they run.
        held_until: When the last of these becomes free, in seconds since 1970; None if there is none.
        held_for: How many seconds that is from now.
    """

    busy: int
    held: int
    held_until: float | None
    held_for: float = 0.0


class Swept(NamedTuple):
    """What a call finds when it looks at all rows.

    Attributes:
        adopted: The running tasks that it waits for from now on, since nobody did.
        freed: The claims of running tasks that it waits for, and whose places the user has freed.
        places: How many places are in use.
    """

    adopted: list[Row]
    freed: list[str]
    places: Places


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRow:
    """One attempt at a task, as a ledger remembers it.

    Attributes:
        key: The request's key.
        attempt: The number of the attempt, from 1.
        state: `"starting"`, `"running"`, `"completed"`, `"failed"`, `"unknown"`, `"refused"` or `"retried"`.
        task_id: The task's id; None if it is not known.
        answer: The answer's JSON as received; None if there is none.
        valid: Whether the answer fitted `output` when it was first read; None if there is no answer, or if
            another program has stored it, which did not know the output.
        error: Why the task failed, why it was refused, or why it is not known whether it has started.
        has_place: Whether it may count against `max_running`: a task that starts or runs, or may run.
        claimed: When the start was about to be sent.
        started: When the task's id arrived; None if it has not.
        ended: When its end was stored; None if it was not.
    """

    key: str
    attempt: int
    state: LedgerState
    task_id: str | None
    answer: Any
    valid: bool | None
    error: str | None
    has_place: bool
    claimed: datetime
    started: datetime | None
    ended: datetime | None


def as_ledger_row(row: Row) -> LedgerRow:
    """Return a row as users see it."""
    return LedgerRow(
        key=row.key,
        attempt=row.attempt,
        state=row.state,
        task_id=row.task_id,
        answer=None if row.answer is None else json.loads(row.answer),
        valid=None if row.valid is None else bool(row.valid),
        error=row.error,
        has_place=bool(row.place),
        claimed=datetime.fromtimestamp(row.claimed, UTC),
        started=_moment(row.started),
        ended=_moment(row.ended),
    )


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
