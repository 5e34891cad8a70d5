"""A worker: `tasks.map` over the jobs that the engine delivers, for as long as the process lives.

The engine's jobs are the requests of one call of the async `map`, which takes a job when it may start a task. Its
outcomes end the jobs, or put them back. So a worker has the same scheduler as `map`, and one task of the event loop,
and no thread, for each task that it waits for.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

import anyio

from anchor_webtask._batch.async_ import AsyncTaskOutcomes
from anchor_webtask._batch.ledger_manager import LedgerManager
from anchor_webtask._batch.limits import Limits, checked_limits
from anchor_webtask._batch.models import TaskRequest
from anchor_webtask._config import checked_timeout
from anchor_webtask._errors import ConfigurationError, LedgerError
from anchor_webtask._ledger.call import CallLimits
from anchor_webtask._output.decode import Output
from anchor_webtask._polling.wait import DEFAULT_TIMEOUT
from anchor_webtask._tasks.async_ledger import AsyncLedgerTasks
from anchor_webtask._tasks.handle import Setup
from anchor_webtask._workers import cancellation, engine_tables, jobs, tables
from anchor_webtask._workers.abandonable import in_thread, result_of
from anchor_webtask._workers.calls import WorkerCall, WorkerCalls, WorkerItems
from anchor_webtask._workers.engine import HEARTBEAT_SECONDS, Engine
from anchor_webtask._workers.names import check_name
from anchor_webtask._workers.plan import WorkerPlan
from anchor_webtask._workers.secret_lookup import NotLookedUpError, Pauses, with_secrets
from anchor_webtask._workers.upkeep import Upkeep

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from anyio.abc import TaskGroup
    from procrastinate.jobs import Job

    from anchor_webtask._batch.models import TaskOutcome
    from anchor_webtask._client import AsyncAnchor
    from anchor_webtask._ledger.database import Connection
    from anchor_webtask._ledger.ledger import Ledger
    from anchor_webtask._tasks.base import Start
    from anchor_webtask._workers.secret_lookup import Lookup
    from anchor_webtask._workers.tables import StoredBatch, StoredRequest

R = TypeVar("R")

LOST_JOBS_SECONDS: Final = 60.0
"""How often open requests without a job are enqueued."""
LATER_SECONDS: Final = 60.0
"""After how many seconds a job is delivered again whose task is still running, or could not be started."""
AGAIN_SECONDS: Final = 5.0
"""After how many seconds a call is made again that could not use the database."""
FINAL: Final = frozenset({"completed", "failed", "unknown", "refused"})
NOT_DRAINED: Final = (
    "the worker has ended before it could hand all back, since the database did not respond within %d s: the other "
    "workers take over what it has left within half a minute"
)
DRAIN_SECONDS: Final = 12.0
"""Seconds within which a worker that is drained ends, whatever hangs: a little longer than `map` takes to be left."""

logger = logging.getLogger("anchor_webtask")


@dataclass(frozen=True, kw_only=True)
class WorkerOptions:
    """What a worker may do.

    Attributes:
        max_running: How many tasks may run at once, over all workers.
        queue: The batch whose tasks are run; None for all.
        timeout: Seconds that each task is waited for, before its job is put back for a minute.
        attempts: How often a task may be started in all, if it fails or its answer is invalid.
        secrets: Looks up the values of secrets.
        heartbeat: How often the worker says that it is alive, in seconds.
        lost_jobs: How often open requests without a job are enqueued, in seconds.
    """

    max_running: int
    queue: str | None = None
    timeout: float | None = DEFAULT_TIMEOUT
    attempts: int = 1
    secrets: Lookup | None = None
    heartbeat: float = HEARTBEAT_SECONDS
    lost_jobs: float = LOST_JOBS_SECONDS


class Worker:
    """One worker.

    Args:
        anchor: The client.
        ledger: The ledger, in a database.
        options: What it may do.

    Raises:
        ConfigurationError: The ledger is in a file, or an option is invalid.
    """

    def __init__(self, anchor: AsyncAnchor, ledger: Ledger, options: WorkerOptions) -> None:
        if options.queue is not None:
            check_name(options.queue)
        self._anchor, self._ledger, self._options = anchor, ledger, options
        self._url = engine_tables.url_of(ledger._store.backend)
        self._settings = anchor._settings
        self._limits: Limits = checked_limits(
            options.max_running, checked_timeout(options.timeout), options.attempts, None
        )
        self._pauses = Pauses()
        self._upkeep = Upkeep(ledger._store, self._settings.clock, self._wall, options.lost_jobs)
        self._engine = Engine(
            self._url,
            options.queue,
            self._wall,
            lambda: self._pauses.paused(self._settings.clock.now()),
            options.heartbeat,
        )
        self._jobs: dict[str, Job] = {}
        self._outcomes: AsyncTaskOutcomes[Any] | None = None
        self._plan: WorkerPlan | None = None
        self._call: WorkerCall | None = None
        self._drain = anyio.Event()
        self._scope = anyio.CancelScope()
        self._error: LedgerError | None = None
        self._is_prepared = False

    def _wall(self) -> float:
        return self._ledger._store.wall(self._settings.clock)

    def health(self) -> dict[str, Any]:
        """Return how the worker is."""
        starting, running, waiting = self._plan.busy if self._plan is not None else (0, 0, 0)
        return {
            "starting": starting,
            "running": running,
            "waiting": waiting,
            "jobs": len(self._jobs),
            "max_running": self._options.max_running,
            "database": "ok" if self._engine.reaches_database else "away",
            "stopped": None if self._upkeep.stopped is None else self._upkeep.stopped[1],
            "draining": self._drain.is_set(),
        }

    async def run(self) -> None:
        """Run tasks until `drain` is called.

        Raises:
            LedgerError: The ledger cannot be used, and it is of no use to wait.
        """
        try:
            with self._scope:
                await self._run_until_drained()
        except BaseExceptionGroup as group:
            raise _first(group) from group
        if self._scope.cancelled_caught:
            logger.warning(NOT_DRAINED, DRAIN_SECONDS, extra={"task_id": None})
        error = self._error or self._engine.error
        if error is not None:
            raise error

    async def _run_until_drained(self) -> None:
        async with anyio.create_task_group() as group:
            looking = anyio.CancelScope()
            while not self._drain.is_set():
                try:
                    await self._run_call(group, looking)
                except LedgerError as error:
                    if not error.is_temporary:
                        self._error = error  # raised later, since a group would wrap it
                        break
                    logger.warning("the worker goes on in a moment: %s", error, extra={"task_id": None})
                if self._drain.is_set():
                    break
                await self._put_all_back()
                with anyio.move_on_after(min(AGAIN_SECONDS, self._options.heartbeat)):
                    await self._drain.wait()
            self._engine.end()
            looking.cancel()

    async def drain(self) -> None:
        """Start nothing more, and hand all that runs to the other workers, within a few seconds."""
        self._scope.deadline = min(self._scope.deadline, anyio.current_time() + DRAIN_SECONDS)
        self._drain.set()
        if self._outcomes is not None:
            await self._outcomes.stop()

    def _prepare(self) -> None:
        """Make or migrate the tables, and let workers start tasks again: whoever starts one wants that."""
        store = self._ledger._store
        store.open(self._settings.base_url)
        engine_tables.prepare(store.backend)
        store.change(tables.clear_stop)

    async def _run_call(self, group: TaskGroup, looking: anyio.CancelScope) -> None:
        if not self._is_prepared:
            await in_thread(self._prepare)
            self._is_prepared = True
            group.start_soon(self._engine.run)
            group.start_soon(self._look_after_all, looking)
        self._outcomes = outcomes = self._new_call()
        if self._drain.is_set():
            return
        async with outcomes:
            async for outcome in outcomes:
                await self._settle(outcome)

    def _new_call(self) -> AsyncTaskOutcomes[Any]:
        settings, limits = self._settings, self._limits
        hold = DEFAULT_TIMEOUT if limits.timeout is None else limits.timeout
        self._call = call = WorkerCall(
            self._ledger,
            settings.clock,
            settings.base_url,
            CallLimits(limits.max_running, limits.attempts, hold),
            closes=False,
        )
        items = WorkerItems(call, Setup(settings, settings.wait, Output(), settings.redact))
        tasks = self._anchor.tasks

        def prepare(request: TaskRequest) -> Start[Any]:
            start = tasks._prepare_one_of_many(request, items.learn(request.data.batch), settings.wait)
            self._pauses.succeeded(request.data.batch.name)
            return start

        calls = WorkerCalls(
            settings, prepare, tasks._start, limits.timeout, AsyncLedgerTasks(items, tasks._start, tasks._handle)
        )
        calls.worker_items = items

        def manager() -> LedgerManager[Any]:
            self._plan = plan = WorkerPlan(limits, settings.wait, None, settings.clock.chance)
            plan.sweep_each(self._options.heartbeat)
            return LedgerManager(plan, calls, self._requests(), reports_progress=False)

        return AsyncTaskOutcomes(manager, None)

    async def _requests(self) -> AsyncIterator[TaskRequest]:
        """Yield the requests of jobs, one when another task may be started."""
        while True:
            job = await self._engine.next()
            key = str(job.task_kwargs.get("key"))
            is_known = key in self._jobs  # delivered anew, since the engine believed that this worker had died
            self._jobs[key] = job
            if is_known:
                continue
            try:
                found = await result_of(self._ledger._store.submit(partial(_stored, key=key), "read"))
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
                options = await with_secrets(request, batch, self._options.secrets)
            except NotLookedUpError as error:
                self._pauses.failed(batch.name, error, self._settings.clock.now())
                await self._engine.put_back(self._jobs.pop(key), LATER_SECONDS)
                continue
            yield TaskRequest(request.prompt, key=key, data=_Asked(request.fingerprint, batch), **options.open())

    async def _settle(self, outcome: TaskOutcome[Any]) -> None:
        """End the job of an outcome, or put it back."""
        if self._drain.is_set() and outcome.state not in FINAL:
            return  # the engine delivers all jobs again that are left
        job = self._jobs.pop(outcome.key, None)
        if job is None:
            return
        is_invalid = isinstance(outcome.error, ConfigurationError)
        batch = outcome.request.data.batch
        if is_invalid and outcome.state == "not_started" and batch.secrets:  # perhaps the looked-up values are
            self._pauses.failed(batch.name, f"{outcome.key}: {outcome.error}", self._settings.clock.now())
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
            return await result_of(self._ledger._store.submit(operation, "intent"))
        except LedgerError as error:
            if not error.is_temporary:
                raise
            return otherwise

    async def _put_all_back(self) -> None:
        left, self._jobs = self._jobs, {}
        for job in left.values():
            await self._engine.put_back(job)

    async def _look_after_all(self, scope: anyio.CancelScope) -> None:
        """Do what is to be done for all workers, and end with the engine, until the scope is cancelled."""
        with scope:
            while True:
                if self._engine.error is not None:
                    await self.drain()
                try:
                    await self._upkeep.do()
                except LedgerError as error:
                    logger.debug("not now: %s", error, extra={"task_id": None})
                await anyio.sleep(min(self._options.heartbeat, self._options.lost_jobs))


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


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the first exception that a group of tasks has raised; the group, its cause, has the others."""
    first = group.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
