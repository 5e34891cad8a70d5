"""What a look at a task in the ledger found, and what it means for the task's outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Generic, NamedTuple

from anchor_webtask._errors import AnchorError
from anchor_webtask._models import T, TaskResult

if TYPE_CHECKING:
    from anchor_webtask._batch.items import Verdict
    from anchor_webtask._batch.models import OutcomeState
    from anchor_webtask._ledger.models import Found, Full, Row

OTHER_TASK: Final = (
    "the ledger has the key {} with another prompt, URL or other options: give this task another key, or use another "
    "ledger. Ledger.get has what is stored"
)
OTHER_CALL: Final = (
    "another call, which is alive, is still starting the task with the key {}: wait until it has ended, or end it"
)
DROPPED: Final = "the ledger has dropped the answer of this attempt, which did not fit the output; its task_id finds it"
GONE: Final = "the ledger has dropped the answer of this task, and the API does not have it any more: {}"

_STATES: Final[dict[str, OutcomeState]] = {"completed": "completed", "failed": "failed", "unknown": "unknown"}


class Looked(NamedTuple, Generic[T]):
    """What a look at an item in the ledger found.

    Attributes:
        found: The answer of the ledger.
        verdict: How the task had ended, for today's output; None if it has not ended.
        is_stored: Whether it had ended before the call began.
        age: How many seconds ago its latest attempt was claimed, if that is starting.
    """

    found: Found | Full
    verdict: Verdict[T] | None = None
    is_stored: bool = False
    age: float = 0.0


def ended_outcome(row: Row, looked: Looked[T]) -> tuple[OutcomeState, AnchorError | None, TaskResult[T] | None]:
    """Return state, error and result of a task that has ended before."""
    state = _STATES[row.state]
    if isinstance(looked.verdict, TaskResult):
        return state, None, looked.verdict
    return state, looked.verdict or AnchorError(DROPPED), None
