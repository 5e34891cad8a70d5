"""`run` with a key and a ledger: what is done next, for both clients.

This alone makes a job engine safe that delivers a job more than once: the first delivery starts the task, and each
other one gets the same task.

`run` waits for no place, since it has no limit of its own. All else that the calls of a ledger tell each other concerns
it, too: it waits as long as the API has asked any of them to pause, and after its own refusals fewer tasks run at once.
"""

from __future__ import annotations

import math
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from anchor_webtask._batch.identity import fingerprint
from anchor_webtask._batch.items import Item, checked_key
from anchor_webtask._batch.looked import GONE, OTHER_CALL, OTHER_TASK
from anchor_webtask._batch.models import TaskRequest
from anchor_webtask._batch.plan import NO_CREDIT
from anchor_webtask._batch.reminder import Reminder
from anchor_webtask._batch.room import PAUSED
from anchor_webtask._errors import (
    ConfigurationError,
    InvalidOutputError,
    LedgerBusyError,
    NotFoundError,
    PaymentRequiredError,
    RateLimitError,
)
from anchor_webtask._ledger.call import CallLimits
from anchor_webtask._ledger.models import Free, Full, OtherRequest, Taken
from anchor_webtask._models import TaskResult
from anchor_webtask._polling.wait import DEFAULT_TIMEOUT, MAX_RETRY_AFTER
from anchor_webtask._tasks.ledger import LedgerItems, ledger_call

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anchor_webtask._batch.items import StartFailed
    from anchor_webtask._batch.looked import Looked
    from anchor_webtask._clock import Clock
    from anchor_webtask._errors import AnchorError
    from anchor_webtask._models import T, TaskOptions
    from anchor_webtask._redaction.secrets import Sealed
    from anchor_webtask._tasks.base import Start

BOTH: Final = "run needs key= and ledger= together: the key is the name of the task in the ledger"


class Later(NamedTuple):
    """The task cannot be started now: look again after some seconds."""

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
        ledger: The ledger, as the user passed it; it may be a URL with a password.
        options: The task's options.
        start: The checked start of the task.

    Raises:
        ConfigurationError: The key or the ledger is missing or invalid.
    """

    def __init__(
        self, prompt: str, key: object, ledger: Sealed[object], options: Sealed[TaskOptions], start: Start[Any]
    ) -> None:
        if key is None or ledger.open() is None:
            raise ConfigurationError(BOTH)
        request = TaskRequest(prompt, **options.open())
        request.key = name = checked_key("the key", key, request)
        settings = start.setup.settings
        began = settings.clock.now()
        self._timeout = math.inf if start.deadline is None else start.deadline - began
        hold = DEFAULT_TIMEOUT if start.deadline is None else self._timeout
        call = ledger_call(ledger, settings, CallLimits(None, 1, hold))
        self.items: LedgerItems[Any] = LedgerItems(call, start.setup)
        self.item: Item[Any] = Item(0, name, request, start, attempt=1, begun=began, fingerprint=fingerprint(request))
        self.start = start
        self.clock: Clock = settings.clock
        self.deadline = start.deadline
        self._reminder = Reminder()
        self._is_fetched = False  # the task has ended, and the ledger has dropped its answer

    def next(self, looked: Looked[T]) -> Next[T]:
        """Return what is done next, for what the ledger has.

        Raises:
            AnchorError: The task has ended without a valid answer, or it is not known whether it has started.
            ConfigurationError: The ledger has another request with the key.
            LedgerBusyError: Another call has been starting the task for longer than the timeout.
            RateLimitError: The API wants no start before the deadline.
        """
        item = self.item
        match looked.found:
            case OtherRequest():
                raise ConfigurationError(OTHER_TASK.format(item.shown_key))
            case Free():
                return ToStart()
            case Full(seconds):
                left = seconds or 0.0
                return self._later(RateLimitError(PAUSED.format(left), status=429, retry_after=left), left, left)
            case Taken(row) if row.state == "starting":
                error = LedgerBusyError(OTHER_CALL.format(item.shown_key))
                if looked.age >= self._timeout:
                    raise error
                return self._later(error, min(self._delay(), self._timeout - looked.age))
            case Taken(row) if looked.verdict is None:
                item.row, item.claim, item.task_id, item.attempt = row, row.claim, row.task_id, row.attempt
                self._is_fetched = row.state == "completed"
                return Watched()
            case Taken(row):
                item.claim = row.claim
        if isinstance(looked.verdict, TaskResult):
            return looked.verdict
        raise looked.verdict or AssertionError("a task that has ended has a verdict")

    def failed(self, failed: StartFailed) -> Later:
        """Return when a start is repeated that got no task.

        Raises:
            AnchorError: It is not repeated.
        """
        error, failure = failed.error, failed.failure
        if not isinstance(error, PaymentRequiredError) or failure is None:
            raise error  # all other starts that may be repeated were
        if not failed.is_full:
            error.args = (NO_CREDIT.format(error.args[0]),)
            raise error
        wanted = min(failure.retry_after or 0.0, MAX_RETRY_AFTER)
        return self._later(error, max(self._delay(), wanted), wanted)

    def _delay(self) -> float:
        return self.start.setup.policy.delay(self.clock.now() - self.item.begun, self.clock.chance())

    def _later(self, why: AnchorError, delay: float, least: float = 0.0) -> Later:
        """Return when to look again: after a delay, but not after the deadline.

        Args:
            why: What is raised if there is no time left.
            delay: The delay, in seconds.
            least: For how many seconds it would certainly be in vain.
        """
        now = self.clock.now()
        if self.deadline is not None:
            if now + least >= self.deadline:
                raise why
            delay = min(delay, self.deadline - now)
        self._reminder.remind(why, self.item.begun, now, delay)
        return Later(delay)

    @contextmanager
    def taking(self) -> Iterator[None]:
        """A block that returns the answer, or raises why there is none; the ledger may have to drop it then."""
        try:
            yield
        except NotFoundError as error:
            if self._is_fetched:
                error.args = (GONE.format(error.args[0]),)
            raise
        except InvalidOutputError:
            self.items.took_answer(self.item.claim)
            raise
        self.items.took_answer(self.item.claim)
