"""`run` with a key and a ledger: what is done next, for both clients.

This alone makes a job engine safe that delivers a job more than once: the first delivery starts the task, and each
other one gets the same task.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from anchor_webtask._batch.identity import fingerprint
from anchor_webtask._batch.items import Item, checked_key
from anchor_webtask._batch.ledger_plan import OTHER_CALL, OTHER_TASK
from anchor_webtask._batch.models import TaskRequest
from anchor_webtask._errors import ConfigurationError, LedgerBusyError
from anchor_webtask._ledger.call import CallLimits
from anchor_webtask._ledger.models import Free, OtherRequest, Taken
from anchor_webtask._models import TaskResult
from anchor_webtask._polling.wait import DEFAULT_TIMEOUT
from anchor_webtask._tasks.ledger import LedgerItems, ledger_call

if TYPE_CHECKING:
    from anchor_webtask._batch.ledger_plan import Looked
    from anchor_webtask._clock import Clock
    from anchor_webtask._models import T, TaskOptions
    from anchor_webtask._redaction.secrets import Sealed
    from anchor_webtask._tasks.base import Start

BOTH: Final = "run needs key= and ledger= together: the key is the name of the task in the ledger"


class Later(NamedTuple):
    """Another call is starting the task: look again after some seconds."""

    seconds: float


class Watched(NamedTuple):
    """The task runs, and is to be waited for."""


class ToStart(NamedTuple):
    """The task is to be started."""


Next: TypeAlias = "TaskResult[T] | Later | Watched | ToStart"


class Keyed:
    """One call of `run` with a key and a ledger.

    Args:
        prompt: The prompt.
        key: The key, as the user passed it.
        ledger: The ledger, as the user passed it.
        options: The task's options.
        start: The checked start of the task.

    Raises:
        ConfigurationError: The key or the ledger is missing or invalid.
    """

    def __init__(
        self, prompt: str, key: object, ledger: object, options: Sealed[TaskOptions], start: Start[Any]
    ) -> None:
        if key is None or ledger is None:
            raise ConfigurationError(BOTH)
        name = checked_key("the key", key)
        settings = start.setup.settings
        began = settings.clock.now()
        hold = DEFAULT_TIMEOUT if start.deadline is None else start.deadline - began
        call = ledger_call(ledger, settings, CallLimits(None, 1, hold))
        request = TaskRequest(prompt, key=name, **options.open())
        self.items: LedgerItems[Any] = LedgerItems(call, start.setup)
        self.item: Item[Any] = Item(0, name, request, start, attempt=1, begun=began, fingerprint=fingerprint(request))
        self.start = start
        self.clock: Clock = settings.clock
        self.deadline = start.deadline

    def next(self, looked: Looked[T]) -> Next[T]:
        """Return what is done next, for what the ledger has.

        Raises:
            AnchorError: The task has ended without a valid answer, or it is not known whether it has started.
            ConfigurationError: The ledger has another request with the key.
            LedgerBusyError: Another call has been starting the task until the deadline.
        """
        item, clock, deadline = self.item, self.clock, self.deadline
        match looked.found:
            case OtherRequest():
                raise ConfigurationError(OTHER_TASK.format(item.key))
            case Free():
                return ToStart()
            case Taken(row) if row.state == "starting":
                now = clock.now()
                if deadline is not None and now >= deadline:
                    raise LedgerBusyError(OTHER_CALL.format(item.key))
                delay = self.start.setup.policy.delay(now - item.begun, clock.chance())
                return Later(delay if deadline is None else min(delay, deadline - now))
            case Taken(row) if looked.verdict is None:
                item.row, item.claim, item.task_id = row, row.claim, row.task_id
                return Watched()
        if isinstance(looked.verdict, TaskResult):
            return looked.verdict
        raise looked.verdict or AssertionError("a task that has ended has a verdict")
