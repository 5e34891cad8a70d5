"""What a driver of `tasks.map` needs of its client: to prepare, start and check one task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from anchor_webtask._models import T
from anchor_webtask._polling.policy import WaitPolicy

if TYPE_CHECKING:
    from anchor_webtask._batch.items import Item, StartFailed
    from anchor_webtask._batch.looked import Looked
    from anchor_webtask._batch.models import TaskOutcome, TaskRequest
    from anchor_webtask._clock import Clock
    from anchor_webtask._ledger.future import Future
    from anchor_webtask._ledger.models import Swept
    from anchor_webtask._models import TaskResult

HOLD_POLICY: Final = WaitPolicy(fraction=0, minimum=60, maximum=60)
"""How often a task is checked that keeps its place after its outcome."""


class Watch(Protocol[T]):
    """The wait for one task, which occupies a thread only while a check is made."""

    @property
    def task_id(self) -> str | None:
        """The task's id; None if the start returned the result at once."""
        ...

    def advance(self) -> float | None:
        """Make the check that is due, and return when the next one is; None if the task has ended.

        Raises:
            AnchorError: The wait has ended before the task.
        """
        ...

    def result(self) -> TaskResult[T]:
        """Return the answer of a task that has ended.

        Raises:
            AnchorError: There is no valid answer.
        """
        ...

    def held(self, until: float) -> Watch[T]:
        """Return a wait that goes on after this one, with few checks."""
        ...


class Calls(Protocol[T]):
    """The calls of the sync client."""

    clock: Clock

    def prepare(self, request: TaskRequest, /) -> object:
        """Check a request, and return what is needed to start its task.

        Raises:
            ConfigurationError: The request is invalid.
        """
        ...

    def start(self, item: Item[T]) -> Watch[T] | StartFailed:
        """Start a task."""
        ...


class LedgerCalls(Calls[T], Protocol[T]):
    """The calls of the sync client with a ledger; each waits for the ledger's thread."""

    def open(self) -> None:
        """Open the ledger.

        Raises:
            LedgerError: The ledger cannot be used.
        """
        ...

    def look(self, item: Item[T], /) -> Looked[T]:
        """Look an item up in the ledger.

        Raises:
            LedgerError: The ledger cannot be used.
        """
        ...

    def start_claimed(self, item: Item[T], /) -> Watch[T] | StartFailed | Looked[T]:
        """Start a task, once its intent is in the ledger; return what the ledger has if that is why it was not sent."""
        ...

    def watch(self, item: Item[T], /) -> Watch[T]:
        """Return a wait for a task that was started before, or by another call."""
        ...

    def sweep(self) -> Swept:
        """Adopt what owners that have died left; return it, and what else has changed.

        Raises:
            LedgerError: The ledger cannot be used.
        """
        ...

    def took(self, outcome: TaskOutcome[T], /) -> None:
        """Record that the loop has asked for the outcome after this one, so that its answer may be dropped."""
        ...

    def leave(self) -> None:
        """Start nothing more."""
        ...

    def end(self) -> Future[None]:
        """Give up the tasks that run; the future ends when all that was recorded is on disk."""
        ...


class AsyncWatch(Protocol[T]):
    """The wait for one task in the async client."""

    @property
    def task_id(self) -> str | None:
        """The task's id; None if the start returned the result at once."""
        ...

    async def result(self) -> TaskResult[T]:
        """Wait until the task ends, and return its answer.

        Raises:
            AnchorError: There is no valid answer, or the wait has ended before the task.
        """
        ...

    async def hold(self, until: float) -> Any:
        """Wait on after `result`, with few checks.

        Raises:
            AnchorError: The task has not ended.
        """
        ...


class AsyncCalls(Protocol[T]):
    """The calls of the async client."""

    clock: Clock

    def prepare(self, request: TaskRequest, /) -> object:
        """Check a request, and return what is needed to start its task.

        Raises:
            ConfigurationError: The request is invalid.
        """
        ...

    async def start(self, item: Item[T]) -> AsyncWatch[T] | StartFailed:
        """Start a task."""
        ...


class AsyncLedgerCalls(AsyncCalls[T], Protocol[T]):
    """The calls of the async client with a ledger."""

    async def open(self) -> None:
        """Open the ledger.

        Raises:
            LedgerError: The ledger cannot be used.
        """
        ...

    async def look(self, item: Item[T], /) -> Looked[T]:
        """Look an item up in the ledger.

        Raises:
            LedgerError: The ledger cannot be used.
        """
        ...

    async def start_claimed(self, item: Item[T], /) -> AsyncWatch[T] | StartFailed | Looked[T]:
        """Start a task, once its intent is in the ledger; return what the ledger has if that is why it was not sent."""
        ...

    def watch(self, item: Item[T], /) -> AsyncWatch[T]:
        """Return a wait for a task that was started before, or by another call."""
        ...

    async def sweep(self) -> Swept:
        """Adopt what owners that have died left; return it, and what else has changed.

        Raises:
            LedgerError: The ledger cannot be used.
        """
        ...

    def took(self, outcome: TaskOutcome[T], /) -> None:
        """Record that the loop has asked for the outcome after this one, so that its answer may be dropped."""
        ...

    def leave(self) -> None:
        """Start nothing more."""
        ...

    def end(self) -> Future[None]:
        """Give up the tasks that run; the future ends when all that was recorded is on disk."""
        ...
