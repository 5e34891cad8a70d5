"""A worker: `tasks.map` over the jobs that the engine delivers, for as long as the process lives.

The engine's jobs are the requests of one call of the async `map`, which takes a job when it may start a task. Its
outcomes end the jobs, or put them back. So a worker has the same scheduler as `map`, and one task of the event loop,
and no thread, for each task that it waits for.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import anyio

from anchor_webtask._batch.async_ import AsyncTaskOutcomes
from anchor_webtask._batch.ledger_manager import LedgerManager
from anchor_webtask._batch.limits import Limits, checked_limits
from anchor_webtask._config import checked_timeout
from anchor_webtask._errors import LedgerError
from anchor_webtask._ledger.call import CallLimits
from anchor_webtask._output.decode import Output
from anchor_webtask._polling.wait import DEFAULT_TIMEOUT
from anchor_webtask._tasks.async_ledger import AsyncLedgerTasks
from anchor_webtask._tasks.handle import Setup
from anchor_webtask._workers import engine_tables, tables
from anchor_webtask._workers.abandonable import in_thread, result_of
from anchor_webtask._workers.calls import WorkerCall, WorkerCalls, WorkerItems
from anchor_webtask._workers.deliveries import AGAIN_SECONDS, Deliveries
from anchor_webtask._workers.engine import HEARTBEAT_SECONDS, Engine
from anchor_webtask._workers.names import check_name
from anchor_webtask._workers.plan import WorkerPlan
from anchor_webtask._workers.secret_lookup import Pauses
from anchor_webtask._workers.upkeep import Upkeep

if TYPE_CHECKING:
    from collections.abc import Callable

    from anyio.abc import TaskGroup

    from anchor_webtask._batch.models import TaskRequest
    from anchor_webtask._client import AsyncAnchor
    from anchor_webtask._ledger.ledger import Ledger
    from anchor_webtask._tasks.base import Start
    from anchor_webtask._workers.secret_lookup import Lookup

LOST_JOBS_SECONDS: Final = 60.0
"""How often open requests without a job are enqueued."""
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
        self._outcomes: AsyncTaskOutcomes[Any] | None = None
        self._plan: WorkerPlan | None = None
        self._call: WorkerCall | None = None
        self._drain = anyio.Event()
        self._deliveries = Deliveries(
            self._engine, ledger._store, self._settings.clock, self._pauses, options.secrets, self._drain.is_set
        )
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
            "jobs": len(self._deliveries),
            "max_running": self._options.max_running,
            "database": "ok" if self._engine.reaches_database else "away",
            "stopped": None if self._upkeep.stopped is None else self._upkeep.stopped[1],
            "draining": self._drain.is_set(),
        }

    async def run(self, on_ready: Callable[[], object] = lambda: None) -> None:
        """Run tasks until `drain` is called.

        Args:
            on_ready: Is called once, when the database was reached and its tables fit.

        Raises:
            LedgerError: The ledger cannot be used, and it is of no use to wait.
        """
        try:
            with self._scope:
                await self._run_until_drained(on_ready)
        except BaseExceptionGroup as group:
            raise _first(group) from group
        if self._scope.cancelled_caught:
            logger.warning(NOT_DRAINED, DRAIN_SECONDS, extra={"task_id": None})
        error = self._error or await self._explained(self._engine.error)
        if error is not None:
            raise error

    async def _explained(self, error: LedgerError | None) -> LedgerError | None:
        """Return what the ledger says of an error of the engine, which may know less of its cause."""
        if error is None:
            return None
        try:
            with anyio.move_on_after(AGAIN_SECONDS):
                await result_of(self._ledger._store.submit(lambda _: None, "read"))
        except LedgerError as found:
            return error if found.is_temporary else found
        return error

    async def _run_until_drained(self, on_ready: Callable[[], object]) -> None:
        async with anyio.create_task_group() as group:
            looking = anyio.CancelScope()
            while not self._drain.is_set():
                try:
                    if not self._is_prepared:
                        await self._begin(group, looking)
                        on_ready()
                    await self._run_call()
                except LedgerError as error:
                    if not error.is_temporary:
                        self._error = error  # raised later, since a group would wrap it
                        break
                    logger.warning("the worker goes on in a moment: %s", error, extra={"task_id": None})
                if self._drain.is_set():
                    break
                await self._deliveries.put_all_back()
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

    async def _begin(self, group: TaskGroup, looking: anyio.CancelScope) -> None:
        await in_thread(self._prepare)
        self._is_prepared = True
        group.start_soon(self._engine.run)
        group.start_soon(self._look_after_all, looking)

    async def _run_call(self) -> None:
        self._outcomes = outcomes = self._new_call()
        if self._drain.is_set():
            return
        async with outcomes:
            async for outcome in outcomes:
                await self._deliveries.settle(outcome)

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
            return LedgerManager(plan, calls, self._deliveries.requests(), reports_progress=False)

        return AsyncTaskOutcomes(manager, None)

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


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the first exception that a group of tasks has raised; the group, its cause, has the others."""
    first = group.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
