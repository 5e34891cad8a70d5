"""What a worker asks of the ledger beyond what `tasks.map` asks: stops of all workers, and what was cancelled."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from anchor_webtask._errors import (
    AuthenticationError,
    ConfigurationError,
    PaymentRequiredError,
    PermissionDeniedError,
)
from anchor_webtask._ledger import transitions
from anchor_webtask._ledger.call import LedgerCall
from anchor_webtask._ledger.models import Full, Intent
from anchor_webtask._ledger.start import LedgerStart
from anchor_webtask._ledger.texts import storable
from anchor_webtask._tasks.async_ledger import AsyncLedgerManyCalls
from anchor_webtask._tasks.ledger import LedgerItems
from anchor_webtask._workers import cancellation, tables
from anchor_webtask._workers.abandonable import in_thread
from anchor_webtask._workers.submission import output_of_stored

if TYPE_CHECKING:
    from anchor_webtask._batch.items import Item
    from anchor_webtask._errors import AnchorError
    from anchor_webtask._ledger.database import Connection
    from anchor_webtask._ledger.future import Future
    from anchor_webtask._ledger.models import Claimed, OtherRequest, Swept, Taken
    from anchor_webtask._output.decode import Output
    from anchor_webtask._polling.outcomes import Ended
    from anchor_webtask._redaction.secrets import Redactor
    from anchor_webtask._tasks.handle import Setup

STOPPING: Final = (AuthenticationError, PaymentRequiredError, PermissionDeniedError)
"""What stops all workers: the key, the account or its credit is refused, and each further start would be."""

NOT_KNOWN: Final = (
    "this worker has ended before the API has responded to the start of the task %r, which may run, and may have been "
    "paid for. It is not started again: decide with `anchor-webtask ledger attach` or `ledger retry`"
)
NOT_LEARNED: Final = "the answers of the batch %r are not validated: %s"

logger = logging.getLogger("anchor_webtask")


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The request was cancelled, so that it is not started."""


class WorkerStart(LedgerStart):
    """One start of a worker."""

    def _claim(self, db: Connection, *, intent: Intent) -> Claimed | Full | Taken | OtherRequest:
        if cancellation.is_cancelled(db, intent.key):
            return cast("Full", Cancelled())
        if tables.stopped(db) is not None:
            return Full(None)
        attempts = 1 if cancellation.allows_no_more(db, intent.key) else intent.attempts
        return super()._claim(db, intent=intent._replace(attempts=attempts))

    def refused(self, error: AnchorError) -> Future[None]:
        """Record that the API has refused the start; nothing was paid, so it is made again once workers may start."""
        if not isinstance(error, STOPPING):
            return super().refused(error)
        text, claim, now = storable(str(error)), self.claim, self._call.wall()

        def operation(db: Connection) -> None:
            transitions.withdraw(db, claim)
            tables.stop(db, text, now)

        return self._record(operation)

    def lost(self, error: str) -> Future[None]:
        """Record that it is not known whether the task has started, and that its request has ended by that."""
        text, claim = storable(error), self.claim
        if self._call.is_left:  # nobody reads its outcome any more
            logger.warning(NOT_KNOWN, self._intent.key, extra={"task_id": None})

        def operation(db: Connection) -> None:
            transitions.lose(db, claim, text)
            tables.end_unknown(db)

        return self._record(operation)


class WorkerCall(LedgerCall):
    """The call of one worker that uses the ledger.

    It ends the request of whatever it stores or settles, also of tasks that it has adopted and whose job it does not
    have: nobody takes a job while there is no place, or while all workers have stopped.
    """

    start_type = WorkerStart

    def ended(
        self, claim: str, task_id: str | None, ended: Ended, redact: Redactor, *, is_valid: bool | None
    ) -> Future[None]:
        """Record the end of a task, and that its request has ended if the task is not started again."""
        stored = super().ended(claim, task_id, ended, redact, is_valid=is_valid)
        self.record(lambda db: tables.end_by_attempt(db, claim, self.limits.attempts))
        return stored

    def sweep(self) -> Future[Swept]:
        """Adopt what owners that have died left, and end the requests whose start has become unknown."""
        swept = super().sweep()
        self._store.submit(tables.end_unknown, "intent")  # the next sweep repeats it
        return swept


class WorkerItems(LedgerItems[Any]):
    """The items of a worker, whose batches ask for different answers."""

    def __init__(self, call: LedgerCall, setup: Setup[Any]) -> None:
        super().__init__(call, setup)
        self._outputs: dict[str, Output[Any]] = {}

    def learn(self, batch: tables.StoredBatch) -> Output[Any]:
        """Return how the answers of a batch are asked for."""
        if batch.name not in self._outputs:
            self._outputs[batch.name] = output_of_stored(batch)
        return self._outputs[batch.name]

    def unknown_batches(self, keys: list[str]) -> set[str]:
        """Return the names of batches to which keys may belong, and which are not known yet."""
        return {key.partition("/")[0] for key in keys if "/" in key} - self._outputs.keys()

    def _setup_of(self, item: Item[Any]) -> Setup[Any]:
        setup = super()._setup_of(item)
        if item.prepared is not None:
            return setup
        # It was adopted. Its answer is validated by the schema of its batch, before its job is delivered.
        output = self._output_of(item)
        return setup if output is None else setup._replace(output=output)

    def _knows_output(self, item: Item[Any]) -> bool:
        return super()._knows_output(item) or self._output_of(item) is not None

    def _output_of(self, item: Item[Any]) -> Output[Any] | None:
        return self._outputs.get(item.key.partition("/")[0])


class WorkerCalls(AsyncLedgerManyCalls[Any]):
    """Starts and watches tasks for a worker."""

    worker_items: WorkerItems

    async def open(self) -> None:
        """Open the ledger; a drained worker does not wait for a database that hangs."""
        await in_thread(self._call.open)

    async def sweep(self) -> Swept:
        """Adopt what owners that have died left, once it is known what is asked of it."""
        swept = await super().sweep()
        names = self.worker_items.unknown_batches([row.key for row in swept.adopted])
        if names:

            def operation(db: Connection) -> list[tables.StoredBatch]:
                return [batch for name in sorted(names) if (batch := tables.batch_of(db, name)) is not None]

            try:
                batches = await self._tasks.waits.result_of(self._call.read(operation))
            except BaseException:
                self._call.adopt_again(swept)
                raise
            for batch in batches:
                try:
                    self.worker_items.learn(batch)
                except ConfigurationError as error:
                    logger.warning(NOT_LEARNED, batch.name, error, extra={"task_id": None})
        return swept
