"""Batches in a database of PostgreSQL, and a worker that waits for many tasks of one; each run in a new process."""

from __future__ import annotations

import asyncio
import gc
import secrets
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import psutil
import psycopg

from anchor_webtask import AsyncAnchor, Batch, Ledger, TaskRequest
from anchor_webtask._workers.worker import Worker, WorkerOptions
from benchmarks._fake_api import FakeApi
from benchmarks._many_tasks import LONG
from benchmarks._request_data import KEY
from benchmarks._servers import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME: Final = "tasks"
NOWHERE: Final = "http://127.0.0.1"
SETTLES: Final = 30.0
"""Seconds from the last start until the worker is measured: the longer a task runs, the rarer it is checked."""
MEASURED: Final = 10.0
_SESSIONS: Final = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'anchor-webtask%'"


@dataclass(frozen=True)
class WorkerCost:
    """The cost of one worker.

    Attributes:
        cpu: The share of a core.
        memory: The resident memory in bytes.
        connections: The number of connections to the database.
    """

    cpu: float
    memory: float
    connections: int


def seconds_per_submission(database: str, count: int) -> float:
    """Return the seconds that each task of a new batch takes to submit."""
    with _schema(database) as url, Batch(url, NAME, base_url=NOWHERE) as batch:
        batch.submit([])  # it makes the tables
        begun = time.perf_counter()
        batch.submit(_requests(count))
        return (time.perf_counter() - begun) / count


def cost_of_waiting(database: str, count: int) -> WorkerCost:
    """Return what a worker costs that waits for so many tasks, a moment after it has started them."""
    with _schema(database) as url, serving(FakeApi(time.monotonic).respond) as server:
        with Batch(url, NAME, base_url=server.url) as batch:
            batch.submit(_requests(count))
        return asyncio.run(_wait(database, url, server.url, count))


async def _wait(database: str, url: str, base_url: str, count: int) -> WorkerCost:
    async with AsyncAnchor(KEY, base_url=base_url) as anchor:
        worker = Worker(anchor, Ledger(url), WorkerOptions(max_running=count))
        running = asyncio.ensure_future(worker.run())
        while worker.health()["running"] < count:  # noqa: ASYNC110  a worker tells nobody
            await asyncio.sleep(0.1)
        await asyncio.sleep(SETTLES)
        gc.collect()
        process, begun = psutil.Process(), time.process_time()
        await asyncio.sleep(MEASURED)
        cpu = (time.process_time() - begun) / MEASURED
        with psycopg.connect(database) as connection:
            (connections,) = connection.execute(_SESSIONS).fetchone() or (0,)
        cost = WorkerCost(cpu, process.memory_info().rss, connections)
        await worker.drain()
        await running
    return cost


def _requests(count: int) -> list[TaskRequest]:
    return [TaskRequest(f"{LONG:g}", key=str(number)) for number in range(count)]


@contextmanager
def _schema(database: str) -> Iterator[str]:
    """Return the URL of a ledger in a schema of its own, which is removed at the end."""
    name = f"bench_{secrets.token_hex(4)}"
    try:
        yield f"{database}{'&' if '?' in database else '?'}schema={name}"
    finally:
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute(f"DROP SCHEMA IF EXISTS {name} CASCADE".encode())
