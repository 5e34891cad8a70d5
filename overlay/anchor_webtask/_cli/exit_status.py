"""The exit statuses of the command line, and which of them an outcome means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from anchor_webtask._errors import (
    ConfigurationError,
    InvalidOutputError,
    StartOutcomeUnknownError,
    TaskFailedError,
    TaskTimeoutError,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from anchor_webtask._batch.models import OutcomeState
    from anchor_webtask._errors import AnchorError

DONE: Final = 0
FAILED: Final = 1
USAGE: Final = 2
RUNNING: Final = 3
UNKNOWN: Final = 4
REFUSED: Final = 5
INTERRUPTED: Final = 130
OUTPUT_CLOSED: Final = 141
"""As for a program that SIGPIPE ends: nobody reads the output any more."""

HELP: Final = """Exit status: 0 done; 1 the task failed, or its answer is invalid; 2 wrong usage, nothing was sent;
3 the task still runs, and the command that goes on is printed; 4 it is unknown whether the task has started;
5 nothing was started: key, credit, connection or ledger; 130, 143 and 129 after Ctrl-C, SIGTERM and SIGHUP, as
after a lost terminal; 141 nobody reads the output any more, such as after head, or the disk is full. For many tasks,
the first that applies of 4, 3, 5, 1."""

_BY_STATE: Final[dict[OutcomeState, int]] = {
    "completed": DONE,
    "failed": FAILED,
    "running": RUNNING,
    "unknown": UNKNOWN,
    "refused": REFUSED,
    "not_started": REFUSED,
}
_PRECEDENCE: Final = (UNKNOWN, RUNNING, REFUSED, FAILED)


def of_outcome(state: OutcomeState, error: AnchorError | None) -> int:
    """Return the exit status that one outcome means."""
    return FAILED if state == "completed" and error is not None else _BY_STATE[state]


def of_many(statuses: Iterable[int]) -> int:
    """Return the exit status of a command with many outcomes."""
    found = {*statuses}
    return next((status for status in _PRECEDENCE if status in found), DONE)


def state_of(error: AnchorError, *, is_start: bool) -> OutcomeState | None:
    """Return the state of a task whose start or wait has ended with an error; None if nothing is known of it.

    Args:
        error: The error.
        is_start: Whether the command was to start the task. Otherwise it was to find it.
    """
    match error:
        case TaskFailedError():
            return "failed"
        case InvalidOutputError():
            return "completed"
        case StartOutcomeUnknownError(task_id=None):
            return "unknown"
        case StartOutcomeUnknownError():
            return "running"  # its id has arrived, so that it can be waited for
        case TaskTimeoutError(last_status=str()) | TaskTimeoutError(last_error=None):
            return "running"
    if not is_start:
        return None
    return "refused" if error.task_id is None else "running"


def of_error(error: AnchorError, *, is_start: bool) -> int:
    """Return the exit status for the error that has ended the start of a task, or the wait for it."""
    if isinstance(error, ConfigurationError):
        return USAGE
    state = state_of(error, is_start=is_start)
    return REFUSED if state is None else of_outcome(state, error)
