"""What a ledger has stored of a task: how it ended, and the values from which its handle is made."""

from __future__ import annotations

import json
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from anchor_webtask._batch.looked import Looked
from anchor_webtask._errors import (
    AnchorError,
    InvalidOutputError,
    NotFoundError,
    StartOutcomeUnknownError,
    TaskFailedError,
    TaskTimeoutError,
)
from anchor_webtask._ledger.claims import is_claim_in
from anchor_webtask._ledger.models import Free, Taken
from anchor_webtask._models import TaskResult
from anchor_webtask._output.embedded_json import exact
from anchor_webtask._polling.outcomes import Completed, Failed, Source
from anchor_webtask._polling.wait import TaskState
from anchor_webtask._tasks.base import HandleParts
from anchor_webtask._tasks.handle import Handle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from anchor_webtask._batch.items import Item, Verdict
    from anchor_webtask._ledger.call import LedgerCall
    from anchor_webtask._ledger.models import Found, Full, OtherRequest, Row
    from anchor_webtask._models import T
    from anchor_webtask._polling.outcomes import Ended
    from anchor_webtask._redaction.secrets import Redactor
    from anchor_webtask._tasks.handle import Setup

UNKNOWN: Final = (
    "{}. The ledger does not start it again on its own. If the dashboard shows its id, give it to the ledger's attach; "
    "if it has not started, the ledger's retry({}) allows another start, which costs again if it has; its free ends "
    "the place that the start holds, for which others may wait"
)


class RowRecord:
    """Stores in a ledger how one task ends.

    Args:
        call: The call that waits for the task.
        claim: The claim of the task's row.
        redact: Removes the secrets of the task's request.
        knows_output: Whether it is known what is asked for.
    """

    __slots__ = ("_call", "_claim", "_knows_output", "_redact")

    def __init__(self, call: LedgerCall, claim: str, redact: Redactor, knows_output: Callable[[], bool]) -> None:
        self._call, self._claim, self._redact, self._knows_output = call, claim, redact, knows_output

    def ended(self, state: TaskState, *, is_valid: bool) -> None:
        """Store the end of the task."""
        if state.ended is not None:
            verdict = is_valid if self._knows_output() else None
            self._call.ended(self._claim, state.task_id, state.ended, self._redact, is_valid=verdict)

    def gone(self) -> None:
        """Store that the task is no longer waited for, so that it has no place any more."""
        self._call.free_place(self._claim)


def ends_place(error: AnchorError) -> bool:
    """Whether a task has no place any more whose place was held until this error ended the wait for it.

    It has one until its time is over, unless it is certainly gone: a refused key says nothing about the task.
    """
    return isinstance(error, NotFoundError | TaskTimeoutError)


@contextmanager
def recorded(record: RowRecord | None, state: TaskState) -> Iterator[None]:
    """A block that returns a task's answer, or raises why there is none: a ledger stores how the task has ended."""
    try:
        yield
    except (InvalidOutputError, TaskFailedError):
        if record is not None:
            record.ended(state, is_valid=False)
        raise
    if record is not None:
        record.ended(state, is_valid=True)


def handle_parts(row: Row, setup: Setup[T], wall: float) -> HandleParts[T]:
    """Return the values from which the handle of a stored task is made.

    Args:
        row: The task's row.
        setup: What the handle needs; its output is that of today.
        wall: Seconds since 1970, by the clock of the ledger.
    """
    output, started = setup.output, row.started
    if not is_claim_in(row.claim, setup.session_id):
        setup = setup._replace(session_id=None)
    if output.schema is None:
        setup = setup._replace(output=output._replace(wrapped=bool(row.wrapped)))
    now = setup.settings.clock.now()
    age = 0.0 if started is None else max(wall - started, 0.0)
    task_id = None if row.task_id is None else setup.redact.task_id(row.task_id)
    state = TaskState(task_id, now - age, due=now)
    if (ended := _ended(row, setup.redactor())) is not None:
        state.end(ended)
    return HandleParts(setup, state, started)


def looked(item: Item[T], found: Found | OtherRequest | Full, setup: Setup[T], call: LedgerCall) -> Looked[T]:
    """Return what a ledger has for a request, as the plan of a call needs it.

    Args:
        item: The request's item.
        found: What the ledger has.
        setup: What a handle of the task needs.
        call: The call that asks.
    """
    row = found.row if isinstance(found, Taken) else found.previous if isinstance(found, Free) else None
    if row is None:
        return Looked(found)
    if row.state == "starting":
        return Looked(found, age=call.age(row))
    verdict = _verdict(item, row, setup, call.wall())
    if isinstance(found, Taken) and verdict is not None and row.state == "completed" and row.valid is None:
        found = _judged(row, call, is_valid=isinstance(verdict, TaskResult))
    ended = row.claimed if row.ended is None else row.ended
    return Looked(found, verdict, is_stored=ended <= call.began)


def _judged(row: Row, call: LedgerCall, *, is_valid: bool) -> Found:
    """Record the first verdict about an answer that another program has stored, and return what follows from it."""
    call.judged(row.claim, is_valid=is_valid)
    return Taken(row) if is_valid or row.attempt >= call.limits.attempts else Free(row.attempt + 1, row)


def _verdict(item: Item[T], row: Row, setup: Setup[T], wall: float) -> Verdict[T] | None:
    """Return the answer of a stored task, or why there is none; None if the task may have to be awaited."""
    if row.state == "unknown":
        return unknown(row, setup, item.shown_key)
    parts = handle_parts(row, setup, wall)
    if parts.state.ended is None:
        return None
    try:
        return Handle(parts.setup, parts.state, started=parts.started)._result()
    except AnchorError as error:
        return error


def unknown(row: Row, setup: Setup[Any], shown_key: str) -> StartOutcomeUnknownError:
    """Return the error of a stored start whose outcome is unknown."""
    return StartOutcomeUnknownError(UNKNOWN.format(reason(row.error, setup.redactor()), shown_key), task_id=row.task_id)


def reason(stored: str | None, redact: Redactor) -> str | None:
    """Return the stored reason of what went wrong, without secrets.

    Whoever has stored it may not have known the secrets of the request, or what was answered.
    """
    return None if stored is None else redact(stored)


def _ended(row: Row, redact: Redactor) -> Ended | None:
    if row.state == "failed":
        return Failed(reason(row.error, redact))
    if row.state != "completed" or row.answer is None:
        return None
    raw = json.loads(row.answer)
    return Completed(raw, source=Source(_is_finite(row.answer), partial(exact().decode, row.answer)))


def _is_finite(text: str) -> bool:
    try:
        exact().decode(text)
    except ValueError:
        return False
    return True
