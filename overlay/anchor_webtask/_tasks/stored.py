"""What a ledger has stored of a task: how it ended, and the values from which its handle is made."""

from __future__ import annotations

import json
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

from anchor_webtask._batch.ledger_plan import Looked
from anchor_webtask._errors import AnchorError, InvalidOutputError, StartOutcomeUnknownError, TaskFailedError
from anchor_webtask._ledger.models import Free, Taken
from anchor_webtask._output.embedded_json import EXACT
from anchor_webtask._polling.outcomes import Completed, Failed, Source
from anchor_webtask._polling.wait import TaskState
from anchor_webtask._tasks.base import HandleParts
from anchor_webtask._tasks.handle import Handle

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anchor_webtask._batch.items import Verdict
    from anchor_webtask._ledger.call import LedgerCall
    from anchor_webtask._ledger.models import Found, Full, OtherRequest, Row
    from anchor_webtask._models import T
    from anchor_webtask._polling.outcomes import Ended
    from anchor_webtask._tasks.handle import Setup

UNKNOWN: Final = (
    "{}. The ledger does not start it again on its own: if the dashboard shows its id, give it to Ledger.attach; if it "
    "has not started, Ledger.retry({!r}) allows another start, which costs again if it has"
)


class RowRecord:
    """Stores in a ledger how one task ends.

    Args:
        call: The call that waits for the task.
        claim: The claim of the task's row.
    """

    __slots__ = ("_call", "_claim")

    def __init__(self, call: LedgerCall, claim: str) -> None:
        self._call, self._claim = call, claim

    def ended(self, state: TaskState, *, is_valid: bool) -> None:
        """Store the end of the task."""
        if state.ended is not None:
            self._call.ended(self._claim, state.task_id, state.ended, is_valid=is_valid)

    def gone(self) -> None:
        """Store that the task is no longer waited for, so that it has no place any more."""
        self._call.free_place(self._claim)


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


def handle_parts(row: Row, setup: Setup[T]) -> HandleParts[T]:
    """Return the values from which the handle of a stored task is made.

    Args:
        row: The task's row.
        setup: What the handle needs; its output is that of today.
    """
    clock, output, started = setup.settings.clock, setup.output, row.started
    if output.schema is None:
        setup = setup._replace(output=output._replace(wrapped=bool(row.wrapped)))
    now = clock.now()
    age = 0.0 if started is None else max(clock.wall() - started, 0.0)
    task_id = None if row.task_id is None else setup.redact.task_id(row.task_id)
    state = TaskState(task_id, now - age, due=now)
    if (ended := _ended(row)) is not None:
        state.end(ended)
    return HandleParts(setup, state, started)


def looked(found: Found | OtherRequest | Full, setup: Setup[T], began: float) -> Looked[T]:
    """Return what a ledger has for a request, as the plan of a call needs it.

    Args:
        found: What the ledger has.
        setup: What a handle of the task needs.
        began: When the call began, in seconds since 1970.
    """
    row = found.row if isinstance(found, Taken) else found.previous if isinstance(found, Free) else None
    if row is None:
        return Looked(found)
    ended = row.claimed if row.ended is None else row.ended
    return Looked(found, verdict(row, setup), is_stored=ended <= began)


def verdict(row: Row, setup: Setup[T]) -> Verdict[T] | None:
    """Return the answer of a stored task, or why there is none; None if the task may have to be awaited."""
    if row.state == "unknown":
        return StartOutcomeUnknownError(UNKNOWN.format(row.error, row.key), task_id=row.task_id)
    parts = handle_parts(row, setup)
    if parts.state.ended is None:
        return None
    try:
        return Handle(parts.setup, parts.state, started=parts.started)._result()
    except AnchorError as error:
        return error


def _ended(row: Row) -> Ended | None:
    if row.state == "failed":
        return Failed(row.error)
    if row.state != "completed" or row.answer is None:
        return None
    raw = json.loads(row.answer)
    return Completed(raw, source=Source(_is_finite(row.answer), partial(EXACT.decode, row.answer)))


def _is_finite(text: str) -> bool:
    try:
        EXACT.decode(text)
    except ValueError:
        return False
    return True
