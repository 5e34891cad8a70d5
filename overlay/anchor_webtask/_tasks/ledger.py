"""What the sync and the async `map` with a ledger share: what a start means, and how a stored task is waited for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

from anchor_webtask._batch import ledger_starts
from anchor_webtask._batch.gate import STOPPED
from anchor_webtask._batch.items import NOBODY, StartFailed
from anchor_webtask._batch.ledger_plan import LedgerPlan
from anchor_webtask._errors import AnchorError, StartOutcomeUnknownError
from anchor_webtask._ledger.call import CallLimits, LedgerCall
from anchor_webtask._ledger.ledger import Ledger
from anchor_webtask._ledger.start import NotSentError
from anchor_webtask._models import T
from anchor_webtask._polling.wait import DEFAULT_TIMEOUT, TaskState
from anchor_webtask._redaction.secrets import LearningRedactor, Sealed
from anchor_webtask._tasks.base import HandleParts
from anchor_webtask._tasks.handle import Setup
from anchor_webtask._tasks.stored import UNKNOWN, RowRecord, handle_parts, looked

if TYPE_CHECKING:
    from collections.abc import Generator

    from anchor_webtask._batch.items import Item
    from anchor_webtask._batch.limits import Limits
    from anchor_webtask._batch.looked import Looked
    from anchor_webtask._batch.models import TaskOutcome
    from anchor_webtask._config import Settings
    from anchor_webtask._ledger.future import Future
    from anchor_webtask._ledger.models import Found, Full
    from anchor_webtask._ledger.start import LedgerStart
    from anchor_webtask._output.decode import Output
    from anchor_webtask._polling.policy import WaitPolicy
    from anchor_webtask._tasks.base import Start
    from anchor_webtask._tasks.handle import Handle

H = TypeVar("H", bound="Handle[Any]")


def planned(
    given: Sealed[object],
    settings: Settings,
    limits: Limits,
    policy: WaitPolicy,
    output: Output[T],
    total: int | None,
) -> tuple[LedgerPlan[T], LedgerItems[T]]:
    """Return the plan and the items of a call of `map` with a ledger, which is not opened yet.

    Args:
        given: What the user passed as the ledger.
        settings: The client's settings.
        limits: The limits of the call.
        policy: How often each task is checked.
        output: How answers are decoded.
        total: The number of requests; None if it is not known.

    Raises:
        ConfigurationError: What was given is neither a ledger nor a path.
    """
    hold = DEFAULT_TIMEOUT if limits.timeout is None else limits.timeout
    call = ledger_call(given, settings, CallLimits(limits.max_running, limits.attempts, hold))
    setup = Setup(settings, policy, output, settings.redact)
    return LedgerPlan(limits, policy, total, settings.clock.chance), LedgerItems(call, setup)


def ledger_call(given: Sealed[object], settings: Settings, limits: CallLimits) -> LedgerCall:
    """Return a call that uses a ledger; it is not opened yet.

    Raises:
        ConfigurationError: What was given is neither a ledger nor a path.
    """
    # No variable has a URL with a password, since tracebacks show variables.
    own = isinstance(given.open(), Ledger)
    ledger: Ledger = given.open() if own else Ledger(given.open())  # type: ignore[assignment, arg-type]  # it checks it
    return LedgerCall(ledger, settings.clock, settings.base_url, limits, closes=not own)


class LedgerItems(Generic[T]):
    """The items of one call that uses a ledger.

    Args:
        call: The call.
        setup: What a handle needs of a task for which this call has no request.
    """

    def __init__(self, call: LedgerCall, setup: Setup[T]) -> None:
        self.call = call
        self._setup = setup

    def looked(self, item: Item[T], found: Found | Full) -> Looked[T]:
        """Return what the ledger has for an item."""
        return looked(item, found, self._setup_of(item), self.call)

    def new_start(self, item: Item[T], request: Start[T]) -> LedgerStart:
        """Return the start of an item, which is to be claimed."""
        setup = request.setup
        return self.call.new_start(
            item.key,
            item.fingerprint,
            wrapped=setup.output.wrapped,
            has_secrets={*setup.redact.secrets()} != {setup.settings.key.open()},
            session_id=setup.session_id,
        )

    def concluded(
        self, item: Item[T], start: LedgerStart, outcome: H | StartFailed | NotSentError
    ) -> Generator[Future[Any], Any, H | StartFailed | Looked[T] | None]:
        """Store the outcome of a start, and return what it means for the plan; None if the item is to be watched.

        Args:
            item: The item, which nobody else uses while it starts.
            start: Its start.
            outcome: The task's handle, or why there is none.
        """
        if start.claimed is not None:
            item.claim, item.attempt = start.claim, start.claimed.attempt
        if isinstance(outcome, NotSentError):
            start.withdrawn()
            if outcome.found is None:
                return StartFailed(AnchorError(STOPPED), None)
            return self.looked(item, outcome.found)
        # The id comes first, before it is on disk, since the user may leave meanwhile.
        if isinstance(outcome, StartFailed):
            item.task_id = outcome.error.task_id if isinstance(outcome.error, StartOutcomeUnknownError) else None
            failed = yield from ledger_starts.failed(start, outcome)
        else:
            item.task_id = outcome._state.task_id
            failed = yield from ledger_starts.succeeded(start, item.task_id)
        item.claim = start.claim
        if failed is None:
            return None if isinstance(outcome, StartFailed) else outcome
        item.task_id = None
        if isinstance(failed.error, StartOutcomeUnknownError):
            failed.error.args = (UNKNOWN.format(failed.error.args[0], item.shown_key),)
        return failed

    def watched(self, item: Item[T]) -> HandleParts[T]:
        """Return the values from which the handle of an item is made that was started before."""
        setup, row = self._setup_of(item), item.row
        item.row = None
        if item.prepared is None:  # it was adopted, and its request may become known at any time, in another thread
            item.redact = LearningRedactor(setup.redact)
            item.learn_secrets()
            setup = setup._replace(redact=item.redact)
        if item.attempt >= self.call.limits.attempts:
            item.prepared = None  # otherwise it is kept, since the user may change the request before the next attempt
        if row is not None:
            return handle_parts(row, setup, self.call.wall())
        now = setup.settings.clock.now()
        return HandleParts(setup, TaskState(item.task_id, now, due=now), setup.settings.clock.wall())

    def took(self, outcome: TaskOutcome[T]) -> None:
        """Remove an answer that the loop has taken from the ledger, if the ledger is to drop answers."""
        if outcome.state == "completed":
            self.took_answer(outcome._claim)

    def took_answer(self, claim: str) -> None:
        """Do the same for the answer of one row."""
        if self.call.drops_answers:
            self.call.drop_answer(claim)

    def record(self, item: Item[T]) -> RowRecord:
        """Return what stores how the task of an item ends."""
        redact = item.redact or self._setup_of(item).redact
        return RowRecord(self.call, item.claim, redact, lambda: self._knows_output(item))

    def _knows_output(self, item: Item[T]) -> bool:
        """Whether it is known what is asked for: of a task that was adopted, another program knows it."""
        return item.request is not NOBODY

    def _setup_of(self, item: Item[T]) -> Setup[T]:
        setup: Setup[T] = self._setup if item.prepared is None else item.prepared.setup
        return setup
