"""The engine that delivers jobs to workers: Procrastinate, whose tables are in the schema of the ledger.

A job is a key. What was started, and what may be, only the ledger knows: so a job that is delivered twice, or to two
workers at once, does no harm, and one that the engine has lost is enqueued again. For this reason only tables that do
not fit are a fatal error: while the database is away, jobs are asked for again and again.

A worker takes a job when it may start a task, and not before. So it asks the engine's job manager, instead of running
the engine's own worker, which takes as many jobs as it may run.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import anyio
from anyio import CancelScope
from procrastinate import App, PsycopgConnector
from procrastinate.jobs import Job
from psycopg.conninfo import make_conninfo

from anchor_webtask._errors import LedgerUnusableError
from anchor_webtask._ledger.postgres.session import CONNECT_SECONDS, DEFAULTS
from anchor_webtask._workers import engine_tables
from anchor_webtask._workers.engine_errors import FAILURES, FailureLog, final_error, is_gone
from anchor_webtask._workers.engine_statements import DELIVER_AGAIN, FETCH_OF_OTHERS, FETCH_OF_QUEUE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from anchor_webtask._errors import LedgerError
    from anchor_webtask._ledger.postgres.url import DatabaseUrl

HEARTBEAT_SECONDS: Final = 10.0
"""How often a worker says that it is alive, and looks for jobs of workers that no longer do."""
STALLED_AFTER: Final = 3
"""After so many heartbeats that did not come, the jobs of a worker are delivered again."""
POLL_SECONDS: Final = 5.0
"""How often jobs are looked for of which no notification has come, such as those that are put back for later."""
AGAIN_SECONDS: Final = 1.0
REQUEST_SECONDS: Final = 15.0
"""Seconds after which a request to a database that does not respond is given up."""
CLOSE_SECONDS: Final = 2.0
"""Seconds after which connections are left to the end of the process."""
CONNECTIONS: Final = 2
"""Beside the one that listens for notifications: a heartbeat does not wait for a job that is asked for."""


class Engine:
    """The jobs of one worker.

    Args:
        url: The database.
        queue: The batch whose jobs are taken; None for all.
        wall: Returns the server's time, in seconds since 1970.
        paused: Returns the batches whose jobs are left to other workers for a while.
        heartbeat: How often the worker says that it is alive, in seconds.

    Attributes:
        reaches_database: Whether the latest request has succeeded.
        error: Why no request succeeds any more; None if one may.
    """

    def __init__(
        self,
        url: DatabaseUrl,
        queue: str | None,
        wall: Callable[[], float],
        paused: Callable[[], list[str]] = list,
        heartbeat: float = HEARTBEAT_SECONDS,
    ) -> None:
        self.reaches_database = True
        self.error: LedgerError | None = None
        self._url = url
        self._log = FailureLog(url)
        self._queue = queue
        self._paused = paused
        self._wall = wall
        self._heartbeat = heartbeat
        self._poll = min(POLL_SECONDS, heartbeat)
        self._connector = PsycopgConnector(
            conninfo=_Conninfo(url), min_size=1, max_size=CONNECTIONS, timeout=CONNECT_SECONDS, max_idle=60
        )
        self._jobs = App(connector=self._connector).job_manager
        self._worker: int | None = None
        self._arrived = anyio.Event()
        self._opening = anyio.Lock()
        self._ended = anyio.Event()

    async def next(self) -> Job:
        """Wait for a job, and return it; its key is in `task_kwargs`."""
        while True:
            self._arrived = anyio.Event()
            job: Job | None = None
            if self.error is not None:
                await anyio.sleep_forever()
            with CancelScope(shield=True):  # a job that was taken must be known
                job = await self._try(self._fetch)
            if job is not None:
                return job
            with anyio.move_on_after(self._poll if self.reaches_database else AGAIN_SECONDS):
                await self._arrived.wait()

    async def put_back(self, job: Job, seconds: float = 0.0) -> None:
        """Let a job be delivered again, to any worker, after some seconds."""
        due = datetime.fromtimestamp(self._wall() + seconds if seconds else 0.0, UTC)
        await self._try(lambda: self._jobs.retry_job(job, retry_at=due))

    async def run(self) -> None:
        """Stay alive, and deliver the jobs of workers that are not, until `end` is called."""
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(self._listen)
                group.start_soon(self._each_heartbeat, self._deliver_again)
                await self._each_heartbeat(self._beat)
                group.cancel_scope.cancel()
            if self._worker is not None:
                await self._try(self._unregister)
        finally:
            # The tasks of an open pool hide their cancellation, so that the event loop would wait for them forever.
            with CancelScope(shield=True), anyio.move_on_after(CLOSE_SECONDS), suppress(*FAILURES):
                await self._connector.close_async()

    def end(self) -> None:
        """Let `run` end; the engine then delivers all jobs to other workers that were not ended or put back."""
        self._ended.set()

    async def _each_heartbeat(self, request: Callable[[], Awaitable[Any]]) -> None:
        while not self._ended.is_set():
            await self._try(request)
            with anyio.move_on_after(self._heartbeat):
                await self._ended.wait()

    async def _try(self, request: Callable[[], Awaitable[Any]]) -> Any:
        """Return the result of a request; None if it has failed."""
        if self.error is not None:
            return None
        try:
            with anyio.fail_after(REQUEST_SECONDS):
                await self._open()
                returned = await request()
        except (*FAILURES, LedgerUnusableError) as error:
            self._failed(error)
            return None
        self._succeeded()
        return returned

    def _succeeded(self) -> None:
        self.reaches_database = True
        self._log.succeeded()

    def _failed(self, error: Exception) -> None:
        if is_gone(error):
            self._succeeded()
            return
        self.reaches_database = False
        self._worker = None  # it may have been forgotten meanwhile
        self._log.failed(error, anyio.current_time())
        self.error = final_error(self._url, error)

    async def _open(self) -> None:
        async with self._opening:  # else several tasks would each make a pool of connections
            await self._connector.open_async()

    async def _fetch(self) -> Job | None:
        if self._worker is None:
            self._worker = await self._jobs.register_worker()
        paused = self._paused()
        if self._queue in paused:
            return None
        rows = await self._connector.execute_query_all_async(
            FETCH_OF_OTHERS if self._queue is None else FETCH_OF_QUEUE,
            queue=self._queue,
            paused=paused,
            worker=self._worker,
        )
        return Job.from_row(rows[0]) if rows else None

    async def _unregister(self) -> None:
        if self._worker is not None:
            await self._jobs.unregister_worker(self._worker)

    async def _beat(self) -> None:
        if self._worker is not None:
            await self._jobs.update_heartbeat(self._worker)
        found = await self._connector.execute_query_one_async("SELECT engine FROM ledger")
        engine_tables.check(self._url, found["engine"])

    async def _deliver_again(self) -> None:
        seconds = STALLED_AFTER * self._heartbeat
        await self._connector.execute_query_async(DELIVER_AGAIN, seconds=seconds)
        await self._jobs.prune_stalled_workers(seconds)

    async def _listen(self) -> None:
        async def notified(**_: Any) -> None:
            self._arrived.set()

        queues = None if self._queue is None else [self._queue]
        while True:
            with suppress(*FAILURES):
                await self._open()
                await _cancelled_once(self._jobs.listen_for_jobs(on_notification=notified, queues=queues))
            await anyio.sleep(AGAIN_SECONDS)


async def _cancelled_once(listening: Coroutine[Any, Any, None]) -> None:
    """Listen, and end that by one cancellation.

    A scope cancels again what has not ended at once. The engine then leaves its connection open, for it waits for a
    task of its own before it closes it.
    """
    task = asyncio.create_task(listening)
    try:
        await asyncio.wait([task])
    finally:
        task.cancel()
        with CancelScope(shield=True), anyio.move_on_after(CLOSE_SECONDS), suppress(asyncio.CancelledError, *FAILURES):
            await task


def quiet_loggers() -> None:
    """Let a program that is a worker say nothing of each attempt to reach a database that is away."""
    for name in ("psycopg", "procrastinate"):
        logging.getLogger(name).setLevel(logging.ERROR)


class _Conninfo:
    """Returns the parameters of a connection when one is opened; until then, no variable has the password."""

    def __init__(self, url: DatabaseUrl) -> None:
        self._url = url

    async def __call__(self) -> str:
        given = dict(self._url.parameters.open())
        options = f"{given.pop('options', '')} -csearch_path={self._url.schema}".strip()
        return make_conninfo(**{**DEFAULTS, "application_name": "anchor-webtask worker", **given, "options": options})
