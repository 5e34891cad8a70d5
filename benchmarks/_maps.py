"""Runs many tasks by `tasks.map`, with a ledger and without, and uses a ledger without any requests.

Each run takes place in a new process, as in `_many_tasks`.
"""

from __future__ import annotations

import asyncio
import gc
import sqlite3
import tempfile
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from unittest import mock

from anchor_webtask import Anchor, AsyncAnchor, Ledger, Progress, TaskRequest, WaitPolicy, _world
from anchor_webtask._clock import SystemClock
from anchor_webtask._ledger import writer
from anchor_webtask._ledger.call import CallLimits, LedgerCall
from anchor_webtask._ledger.waiting import run
from anchor_webtask._polling.outcomes import Completed
from anchor_webtask._redaction.secrets import Redactor, Sealed
from anchor_webtask.testing import VirtualClock
from benchmarks._durations import lognormal
from benchmarks._fake_api import FakeApi
from benchmarks._request_data import KEY
from benchmarks._servers import mock_transport, serving

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import httpx

IN_FLIGHT: Final = 25
"""How many tasks use the ledger at once."""
SLOW_COMMIT: Final = 0.015
"""Seconds that a commit takes on a disk that is busy. On a fast one, Python's share of the time decides."""
TIMEOUT: Final = 10 * 3600.0
"""Seconds to wait for a task: the longest of 10,000 tasks with a median of a minute takes about an hour."""
LONG_WAIT: Final = WaitPolicy(minimum=3600, maximum=3600)
SHORT_WAIT: Final = WaitPolicy(minimum=0.01, maximum=0.01)
_FIRST: Final = TaskRequest("0", key="first")


@contextmanager
def _ledger(*, is_used: bool) -> Iterator[Path | None]:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        yield Path(folder) / "tasks.ledger" if is_used else None


def _requests(durations: Sequence[float]) -> list[TaskRequest]:
    return [TaskRequest(str(seconds), key=str(number)) for number, seconds in enumerate(durations)]


async def _map(
    base_url: str, transport: httpx.AsyncBaseTransport | None, durations: Sequence[float], path: Path | None
) -> float:
    """Return the CPU seconds per task that the async client needs for all tasks at once."""
    requests, ended = _requests(durations), 0
    async with AsyncAnchor(KEY, base_url=base_url, transport=transport) as anchor:
        async for _ in anchor.tasks.map([_FIRST], ledger=path, wait=SHORT_WAIT):
            pass  # the first call also imports modules
        cpu = time.process_time()
        async for outcome in anchor.tasks.map(requests, max_running=len(requests), ledger=path, timeout=TIMEOUT):
            ended += outcome.state == "completed"
        cpu = time.process_time() - cpu
    _check(ended, len(requests))
    return cpu / len(requests)


def _map_sync(base_url: str, durations: Sequence[float], path: Path | None) -> float:
    requests = _requests(durations)
    with Anchor(KEY, base_url=base_url) as anchor:
        list(anchor.tasks.map([_FIRST], ledger=path, wait=SHORT_WAIT))  # the first call also imports modules
        cpu = time.process_time()
        outcomes = anchor.tasks.map(requests, max_running=len(requests), ledger=path, timeout=TIMEOUT)
        ended = sum(each.state == "completed" for each in outcomes)
        cpu = time.process_time() - cpu
    _check(ended, len(requests))
    return cpu / len(requests)


def _check(ended: int, count: int) -> None:
    if ended != count:
        raise RuntimeError(f"only {ended} of {count} tasks have an answer")


def map_in_virtual_time(median: float, count: int, *, with_ledger: bool) -> float:
    """Return the CPU seconds per task, in virtual time and over a transport without I/O."""
    clock = VirtualClock()
    transport = mock_transport(FakeApi(clock.now).respond)
    with _ledger(is_used=with_ledger) as path, mock.patch.object(_world, "current", _world.World(clock)):
        return asyncio.run(_map("http://127.0.0.1", transport, lognormal(median, count), path))


def map_over_tcp(client: str, median: float, count: int, *, with_ledger: bool) -> float:
    """Return the CPU seconds per task, in real time and over loopback TCP.

    Args:
        client: "sync" or "async".
        median: The median of the tasks' durations in seconds.
        count: The number of tasks, all of which run at once.
        with_ledger: Whether the call has a ledger.
    """
    durations = lognormal(median, count, sigma=0.3)
    with _ledger(is_used=with_ledger) as path, serving(FakeApi(time.monotonic).respond, 0.05) as server:
        if client == "sync":
            return _map_sync(server.url, durations, path)
        return asyncio.run(_map(server.url, None, durations, path))


def seconds_per_item(in_flight: int, items: int, *, commit: float) -> float:
    """Return the seconds that a ledger needs for one task: to claim its start, and to store its id and its answer.

    Args:
        in_flight: How many tasks are claimed and stored at once, which share commits. With 1, nothing shares them, and
            nothing waits for others.
        items: The number of tasks.
        commit: Seconds that each commit takes beyond what it takes on the disk of this machine.
    """
    interval = writer.INTERVAL if in_flight > 1 else 0.0
    with mock.patch.object(writer, "INTERVAL", interval), _slow_disk(commit):
        return _seconds_per_item(in_flight, items)


@contextmanager
def _slow_disk(commit: float) -> Iterator[None]:
    class Connection(sqlite3.Connection):
        def execute(self, sql: str, *arguments: Any) -> sqlite3.Cursor:
            if sql == "COMMIT":
                time.sleep(commit)
            return super().execute(sql, *arguments)

    with mock.patch.object(sqlite3, "connect", partial(sqlite3.connect, factory=Connection)):
        yield


def _seconds_per_item(in_flight: int, items: int) -> float:
    with _ledger(is_used=True) as path:
        call = LedgerCall(
            Ledger(str(path)), SystemClock(), "http://127.0.0.1", CallLimits(in_flight, 1, 1800), closes=True
        )
        call.open()
        no_secrets = Redactor(Sealed(()))

        def one(number: int) -> None:
            start = call.new_start(str(number), "fingerprint", wrapped=False, has_secrets=False)
            run(start.before_sending())
            start.started(f"task-{number}").result()
            call.ended(start.claim, f"task-{number}", Completed(number), no_secrets, is_valid=True).result()
            start.let_go()

        begun = time.perf_counter()
        with ThreadPoolExecutor(in_flight) as threads:
            list(threads.map(one, range(items)))
        seconds = time.perf_counter() - begun
        call.end().result()
    return seconds / items


def seconds_per_claim(rows: int, claims: int) -> float:
    """Return the seconds that the claim of a start takes in a ledger with many tasks that have ended."""
    with _ledger(is_used=True) as path:
        ledger = Ledger(str(path))
        call = LedgerCall(ledger, SystemClock(), "http://127.0.0.1", CallLimits(claims, 1, 1800), closes=True)
        call.open()
        names = (
            "key, attempt, state, fingerprint, claim, place, hold, number, alone, halvings, claimed, stamped, wrapped"
        )
        insert = f"INSERT INTO attempts ({names}) VALUES (:key, 1, 'completed', '', :key, 0, 0, 0, 0, 0, 0, 0, 0)"  # noqa: S608  no user's text
        many = ({"key": f"old-{number}"} for number in range(rows))
        call.record(lambda db: db.executemany(insert, many) and None).result()

        def claim(number: int) -> None:
            start = call.new_start(str(number), "fingerprint", wrapped=False, has_secrets=False)
            run(start.before_sending())
            start.let_go()

        begun = time.perf_counter()
        with ThreadPoolExecutor(IN_FLIGHT) as threads:
            list(threads.map(claim, range(claims)))
        seconds = time.perf_counter() - begun
        call.end().result()
    return seconds / claims


def memory_per_task(count: int, *, with_ledger: bool) -> float:
    """Return the memory in bytes that Python allocates for each of many tasks that `map` waits for."""

    async def main(path: Path | None) -> float:
        api = FakeApi(time.monotonic)
        requests = (TaskRequest("3600", key=str(number)) for number in range(count))
        async with AsyncAnchor(
            KEY, base_url="http://127.0.0.1", transport=mock_transport(api.respond), wait=LONG_WAIT
        ) as anchor:
            async for _ in anchor.tasks.map(["0"], wait=SHORT_WAIT):
                pass  # the first call also imports modules and fills caches
            gc.collect()
            before = tracemalloc.get_traced_memory()[0]
            started = asyncio.Event()

            def watch(progress: Progress) -> None:
                if progress.running == count:
                    started.set()

            async with anchor.tasks.map(
                requests,
                max_running=count,
                ledger=path,
                on_progress=watch,
            ) as outcomes:
                reading = asyncio.ensure_future(anext(outcomes))
                await started.wait()
                await asyncio.sleep(1)  # until the last start has its response
                gc.collect()
                growth = tracemalloc.get_traced_memory()[0] - before
                reading.cancel()
                await asyncio.wait([reading])
        return growth / count

    tracemalloc.start()
    with _ledger(is_used=with_ledger) as path:
        return asyncio.run(main(path))
