"""What a call of `tasks.map` leaves behind that ends early: tasks that run, and outcomes that were not read."""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from anchor_webtask import _notes
from anchor_webtask._batch.models import shown_part
from anchor_webtask._batch.plan import GRACE
from anchor_webtask._errors import AnchorError, ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from anchor_webtask._batch.models import TaskOutcome
    from anchor_webtask._ledger.future import Future

FLUSH_SECONDS: Final = 5.0
"""Seconds for which the end of a call waits until all that it has recorded is on disk."""
HURRIED_FLUSH_SECONDS: Final = 1.0
"""The same after a second Ctrl-C."""
A_MOMENT: Final = 0.5
"""Seconds within which a call does what it need not wait for, on a busy machine."""
ENDS_WITHIN: Final = GRACE + FLUSH_SECONDS + 2 * A_MOMENT
"""Seconds within which a call that was left has certainly ended."""
HURRIED_ENDS_WITHIN: Final = HURRIED_FLUSH_SECONDS + A_MOMENT
"""The same for a call that is to end at once."""
_SLICE: Final = 0.1
STILL_RUN: Final = (
    "this does not stop the tasks that run; with a ledger, the next run goes on with them, and tasks.get(id) finds each"
)
FORKED: Final = "another process has begun this call of map, and this one was forked from it: call map again here"
STOP_RAISED: Final = (
    "on_progress or other code of yours has raised the exception that ends a loop, which would end this one as if all "
    "tasks were done"
)

logger = logging.getLogger("anchor_webtask")


def is_forked(process: int | None) -> bool:
    """Whether a call was begun by another process, from which this one was forked.

    Args:
        process: The process that has begun the call; None if it has not begun.
    """
    return process is not None and process != os.getpid()


def check_process(process: int | None) -> None:
    """Refuse a call that was begun by another process.

    Raises:
        ConfigurationError: It was: its threads and its event loop are in the other process.
    """
    if is_forked(process):
        raise ConfigurationError(FORKED)


def running(outcomes: Iterable[TaskOutcome[Any]]) -> dict[str, str]:
    """Return the ids of the tasks that still run, by key."""
    return {each.key: each.task_id for each in _running(outcomes) if each.task_id is not None}


def note(outcomes: Iterable[TaskOutcome[Any]]) -> str:
    """Return a text about outcomes that were not read; it is empty if no task was started for them."""
    unread = [*outcomes]
    ended = [each for each in unread if each.state in {"completed", "failed"}]
    unknown = [each for each in unread if each.state == "unknown"]
    parts = [
        (STILL_RUN, _running(unread)),
        ("these tasks have ended, and their outcomes were not read; tasks.get(id) finds each again", ended),
        ("these tasks may or may not have started; check the dashboard", unknown),
    ]
    return "; ".join(f"{text}: {_listed(each)}" for text, each in parts if each)


def _running(outcomes: Iterable[TaskOutcome[Any]]) -> list[TaskOutcome[Any]]:
    return [each for each in outcomes if each.state == "running" and each.task_id is not None]


def _listed(outcomes: Iterable[TaskOutcome[Any]]) -> str:
    # The repr of an id that contains a secret is redacted.
    shown = {each.key: (shown_part(each.key, each.request), each.task_id) for each in outcomes}
    return ", ".join(key if task_id is None else f"{key} is {task_id!r}" for key, task_id in shown.values())


def add_note(raised: BaseException, outcomes: Iterable[TaskOutcome[Any]]) -> bool:
    """Add what is left behind to the exception that ends the call, and return whether this is new."""
    text = note(outcomes)
    if not text or text in _notes.notes_of(raised):
        return False
    _notes.add_note(raised, text)
    return True


def pass_notes(later: BaseException, first: BaseException) -> None:
    """Add the notes of an exception to another one, which is raised in its place: they may tell the id of a task."""
    for text in _notes.notes_of(later):
        _notes.add_note(first, text)


def log(outcomes: Iterable[TaskOutcome[Any]]) -> None:
    """Log what is left behind by a call that ends without an exception."""
    if text := note(outcomes):
        logger.warning("map was left early: %s", text, extra={"task_id": None})


def log_iterable(raised: BaseException | None) -> None:
    """Log the exception of the user's iterable, if it was not raised since the call has ended early."""
    if raised is not None:
        logger.warning(
            "map was left early: reading the requests has raised this", exc_info=raised, extra={"task_id": None}
        )


def log_late(task_id: str | None) -> None:
    """Log the id of a task whose start got its response after the call had ended; None if that was the result."""
    if task_id is None:
        logger.warning("a task has ended after map was left: its answer is not returned", extra={"task_id": None})
        return
    logger.warning("a task has started after map was left: its id is %r", task_id, extra={"task_id": task_id})


def flush(stored: Future[None], is_hurried: Callable[[], bool]) -> None:
    """Wait for a moment until all is on disk that a call has recorded, and log if it is not.

    Args:
        stored: Ends when all is on disk.
        is_hurried: Whether the user has asked a second time that the call ends.
    """
    waited = 0.0
    while not stored.done() and waited < (HURRIED_FLUSH_SECONDS if is_hurried() else FLUSH_SECONDS):
        with suppress(TimeoutError, AnchorError):
            stored.result(_SLICE)
        waited += _SLICE
    _log_unstored(stored)


async def flush_async(stored: Future[None]) -> None:
    """Do the same in an event loop."""
    from anchor_webtask._ledger.loop_waits import ready_within  # it imports anyio

    await ready_within(stored, FLUSH_SECONDS)
    _log_unstored(stored)


def _log_unstored(stored: Future[None]) -> None:
    """Log that the ledger has not stored all that is known of the tasks of a call that has ended."""
    if not stored.done():
        why: object = "its file is locked, its disk is full, or its database does not respond or refuses this"
    elif (error := stored.exception()) is not None:
        why = error
    else:
        return
    text = "the call has ended, and the ledger has not stored all that is known of its tasks: %s"
    logger.warning(text, why, extra={"task_id": None})
