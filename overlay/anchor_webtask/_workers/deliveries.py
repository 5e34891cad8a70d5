"""The jobs that the engine has delivered to a worker: what each asks for, and its end.

A job is ended with its request, in one transaction, or put back for later.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from anchor_webtask._batch.models import TaskRequest
from anchor_webtask._errors import ConfigurationError, LedgerError
from anchor_webtask._workers import cancellation, jobs, tables
from anchor_webtask._workers.abandonable import result_of
from anchor_webtask._workers.secret_lookup import NotLookedUpError, with_secrets

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from procrastinate.jobs import Job

    from anchor_webtask._batch.models import TaskOutcome
    from anchor_webtask._clock import Clock
    from anchor_webtask._ledger.database import Connection
    from anchor_webtask._ledger.store import Store
    from anchor_webtask._workers.engine import Engine
    from anchor_webtask._workers.secret_lookup import Lookup, Pauses
    from anchor_webtask._workers.tables import StoredBatch, StoredRequest

R = TypeVar("R")

LATER_SECONDS: Final = 60.0
"""After how many seconds a job is delivered again whose task is still running, or could not be started."""
AGAIN_SECONDS: Final = 5.0
"""After how many seconds something is tried again for which the database was away, such as to read a request."""
FINAL: Final = frozenset({"completed", "failed", "unknown", "refused"})


class Deliveries:
    """The jobs of one worker.

    Args:
        engine: Delivers them.
        store: The ledger.
        clock: The client's clock.
        pauses: The batches whose jobs are left to other workers for a while.
        lookup: Looks up the values of secrets.
        is_drained: Returns whether the worker hands back what it has.
    """

    def __init__(
        self,
        engine: Engine,
        store: Store,
        clock: Clock,
        pauses: Pauses,
        lookup: Lookup | None,
        is_drained: Callable[[], bool],
    ) -> None:
        self._engine, self._store, self._clock = engine, store, clock
        self._pauses, self._lookup, self._is_drained = pauses, lookup, is_drained
        self._jobs: dict[str, Job] = {}

    def __len__(self) -> int:
        """Return how many jobs the worker has."""
        return len(self._jobs)

    async def requests(self) -> AsyncIterator[TaskRequest]:
        """Yield the requests of jobs, one when another task may be started."""
        while True:
            job = await self._engine.next()
            key = str(job.task_kwargs.get("key"))
            is_known = key in self._jobs  # delivered anew, since the engine believed that this worker had died
            self._jobs[key] = job
            if is_known:
                continue
            try:
                found = await result_of(self._store.submit(partial(_stored, key=key), "read"))
            except LedgerError as error:
                if not error.is_temporary:
                    raise
                await self._engine.put_back(self._jobs.pop(key), AGAIN_SECONDS)
                continue
            if found is None:
                await self._finish(self._jobs.pop(key), key)
                continue
            request, batch = found
            try:
                options = await with_secrets(request, batch, self._lookup)
            except NotLookedUpError as error:
                self._pauses.failed(batch.name, error, self._clock.now())
                await self._engine.put_back(self._jobs.pop(key), LATER_SECONDS)
                continue
            yield TaskRequest(request.prompt, key=key, data=_Asked(request.fingerprint, batch), **options.open())

    async def settle(self, outcome: TaskOutcome[Any]) -> None:
        """End the job of an outcome, or put it back."""
        if self._is_drained() and outcome.state not in FINAL:
            return  # the engine delivers all jobs again that are left
        job = self._jobs.pop(outcome.key, None)
        if job is None:
            return
        is_invalid = isinstance(outcome.error, ConfigurationError)
        batch = outcome.request.data.batch
        if is_invalid and outcome.state == "not_started" and batch.secrets:  # perhaps the looked-up values are
            self._pauses.failed(batch.name, f"{outcome.key}: {outcome.error}", self._clock.now())
            is_invalid = False
        if outcome.state in FINAL or is_invalid:
            error = str(outcome.error) if is_invalid else None
            await self._finish(job, outcome.key, lambda db: tables.end(db, outcome.key, error))
        else:  # it may have been cancelled
            await self._finish(job, outcome.key, lambda db: cancellation.end_one(db, outcome.key), LATER_SECONDS)

    async def _finish(
        self,
        job: Job,
        key: str,
        end: Callable[[Connection], object] = lambda _: None,
        seconds: float = 0.0,
    ) -> None:
        """End a request, if it ends, and its job with it; else put the job back for some seconds.

        While an earlier attempt is still busy, that is for later: whoever waits for it ends the request.
        """

        def operation(db: Connection) -> float | None:
            end(db)
            if jobs.finish(db, key, job.id):
                return None
            return LATER_SECONDS if tables.is_busy(db, key) else seconds

        again: float | None = await self._change(operation, otherwise=seconds)
        if again is not None:
            await self._engine.put_back(job, again)

    async def _change(self, operation: Callable[[Connection], R], *, otherwise: R) -> R:
        """Return what an operation returns, or something else while the database is away."""
        try:
            return await result_of(self._store.submit(operation, "intent"))
        except LedgerError as error:
            if not error.is_temporary:
                raise
            return otherwise

    async def put_all_back(self) -> None:
        """Let all jobs that the worker has be delivered again."""
        left, self._jobs = self._jobs, {}
        for job in left.values():
            await self._engine.put_back(job)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What belongs to a request: the hash that was submitted, and its batch."""

    fingerprint: str
    batch: StoredBatch


def _stored(db: Connection, key: str) -> tuple[StoredRequest, StoredBatch] | None:
    """Return an open request and its batch; None if there is nothing to do."""
    request = tables.request_of(db, key)
    if request is None or request.ended is not None:
        return None
    batch = tables.batch_of(db, request.batch)
    return None if batch is None else (request, batch)
