"""Waits for many tasks at once in one event loop, with this package or with a hand-written loop on bare httpx.

Each run takes place in a new process (see `in_child`), so that no run inherits the memory of another run.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import gc
import itertools
import logging
import multiprocessing
import os
import time
import tracemalloc
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeAlias, TypeVar

import httpx
import psutil

from anchor_webtask import AsyncAnchor
from benchmarks import _virtual_time
from benchmarks._durations import lognormal
from benchmarks._fake_api import FakeApi
from benchmarks._request_data import INTERVAL, KEY, PATH
from benchmarks._rows import BARE, OURS
from benchmarks._servers import ServerCounts, mock_transport, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

P = ParamSpec("P")
T = TypeVar("T")

LONG: Final = 3600.0
"""The duration in seconds of tasks that must not end while their memory is measured."""
MEMORY_TIME: Final = 2.5
"""Seconds until the memory of the waits is measured. By then each wait has made one check, and is sleeping."""

Answer: TypeAlias = "dict[str, Any]"
Wait: TypeAlias = "Callable[[float], Awaitable[Answer]]"
"""Receives a duration in seconds, starts a task that takes this long, waits for it and returns its answer."""


@dataclass(frozen=True)
class WaitCost:
    """The cost of waiting until all tasks have ended.

    Attributes:
        cpu: CPU seconds per task, in the process that waits.
        lags: The lag of each task: seconds from the end of the task until the end of the wait for it.
        shares: The lag of each task, divided by the task's duration.
        checks: The number of status checks per task.
    """

    cpu: float
    lags: list[float]
    shares: list[float]
    checks: float


def in_child(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a module-level function in a new process, and return its result."""
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(function, *args, **kwargs).result()


@asynccontextmanager
async def _ours(
    base_url: str, transport: httpx.AsyncBaseTransport | None, new_secrets: Callable[[], dict[str, str]] | None = None
) -> AsyncIterator[Wait]:
    async with AsyncAnchor(KEY, base_url=base_url, transport=transport) as anchor:

        async def wait(seconds: float) -> Answer:
            secrets = new_secrets() if new_secrets else None
            result = await anchor.tasks.run(str(seconds), timeout=None, secret_values=secrets)
            answer: Answer = result.raw
            return answer

        yield wait


@asynccontextmanager
async def _bare(base_url: str, transport: httpx.AsyncBaseTransport | None) -> AsyncIterator[Wait]:
    headers = {"anchor-api-key": KEY}
    timeout = httpx.Timeout(30, pool=None)  # with a pool timeout, a third of 1,000 waits would fail
    async with httpx.AsyncClient(base_url=base_url, transport=transport, headers=headers, timeout=timeout) as client:

        async def wait(seconds: float) -> Answer:
            started = await client.post(PATH, json={"prompt": str(seconds), "async": True})
            task_id = started.raise_for_status().json()["data"]["workflow_id"]
            while True:
                await asyncio.sleep(INTERVAL)
                checked = await client.get(f"{PATH}/{task_id}/status")
                data = checked.raise_for_status().json()["data"]
                if data["status"] == "COMPLETED":
                    answer: Answer = data["result"]
                    return answer

        yield wait


@asynccontextmanager
async def _opened(client: str, base_url: str, transport: httpx.AsyncBaseTransport | None = None) -> AsyncIterator[Wait]:
    async with {OURS: _ours, BARE: _bare}[client](base_url, transport) as wait:
        await wait(0.0)  # the first call also imports modules and fills caches, which must not count
        yield wait


async def _wait_for_all(
    wait: Wait, durations: Sequence[float], at_once: int, now: Callable[[], float], checks: Callable[[], int]
) -> WaitCost:
    """Wait for all tasks, at most `at_once` at a time, and verify that each one received its own answer."""
    lags: list[float] = []
    shares: list[float] = []
    answered: set[str] = set()

    async def wait_for_one(seconds: float) -> None:
        answer = await wait(seconds)
        lags.append(now() - answer["ended"])
        shares.append(lags[-1] / seconds)
        answered.add(answer["task"])

    checks_before, cpu_before = checks(), time.process_time()
    for first in range(0, len(durations), at_once):
        await asyncio.gather(*map(wait_for_one, durations[first : first + at_once]))
    cpu = time.process_time() - cpu_before
    count = len(durations)
    if len(answered) != count:
        raise RuntimeError(f"the waits for {count} tasks returned the answers of only {len(answered)} tasks")
    return WaitCost(cpu / count, lags, shares, (checks() - checks_before) / count)


def wait_in_virtual_time(client: str, median: float, count: int, *, at_once: int) -> WaitCost:
    """Wait for tasks in virtual time, over a transport without I/O.

    Args:
        client: The client that waits: OURS or BARE.
        median: The median of the tasks' durations in seconds.
        count: The total number of tasks.
        at_once: The number of tasks that are waited for at once.
    """

    async def main() -> WaitCost:
        now = asyncio.get_running_loop().time
        api = FakeApi(now)
        async with _opened(client, "http://127.0.0.1", mock_transport(api.respond)) as wait:
            return await _wait_for_all(wait, lognormal(median, count), at_once, now, lambda: api.checks)

    return _virtual_time.run(main, seed=count)


def wait_with_secrets(median: float, count: int, secrets_per_task: int, *, is_logging: bool) -> WaitCost:
    """Wait for tasks in virtual time, with this package, each of which has secret values of its own.

    Args:
        median: The median of the tasks' durations in seconds.
        count: The number of tasks, all of which are waited for at once.
        secrets_per_task: The number of secret values of each task.
        is_logging: Whether log records of level INFO and above are formatted and written.
    """
    numbers = itertools.count()

    def new_secrets() -> dict[str, str]:
        task = next(numbers)
        return {f"NAME{number}": f"pässwörd-{task:05d}-{number}-of-a-task" for number in range(secrets_per_task)}

    async def main() -> WaitCost:
        now = asyncio.get_running_loop().time
        api = FakeApi(now)
        async with _ours("http://127.0.0.1", mock_transport(api.respond), new_secrets) as wait:
            await wait(0.0)  # the first call also imports modules and fills caches, which must not count
            return await _wait_for_all(wait, lognormal(median, count), count, now, lambda: api.checks)

    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        if is_logging:
            logging.basicConfig(level=logging.INFO, stream=nowhere)
        return _virtual_time.run(main, seed=count)


def wait_over_tcp(
    client: str, median: float, count: int, *, sigma: float, latency: float
) -> tuple[WaitCost, ServerCounts]:
    """Wait for all tasks at once, in real time and over loopback TCP.

    Args:
        client: The client that waits: OURS or BARE.
        median: The median of the tasks' durations in seconds.
        count: The number of tasks.
        sigma: The standard deviation of the natural logarithms of the durations.
        latency: Seconds that the server waits before each response.

    Returns:
        The cost of the waits, and the server's counts.
    """

    async def main() -> WaitCost:
        async with _opened(client, server.url) as wait:
            durations = lognormal(median, count, sigma=sigma)
            return await _wait_for_all(wait, durations, count, time.monotonic, lambda: server.counts().checks)

    api = FakeApi(time.monotonic)  # all processes share this clock, so the lags are correct
    with serving(api.respond, latency) as server:
        return asyncio.run(main()), server.counts()


def memory_per_task(client: str, count: int, *, traced: bool) -> float:
    """Return the memory that each of many simultaneous waits takes, in bytes.

    Args:
        client: The client that waits: OURS or BARE.
        count: The number of tasks that are waited for at once.
        traced: Whether to measure the memory that Python has allocated, instead of the process's resident memory.
    """
    process = psutil.Process()

    def size() -> int:
        gc.collect()
        return tracemalloc.get_traced_memory()[0] if traced else process.memory_info().rss

    async def main() -> float:
        api = FakeApi(asyncio.get_running_loop().time)
        async with _opened(client, "http://127.0.0.1", mock_transport(api.respond)) as wait:
            before = size()
            waits = [asyncio.ensure_future(wait(LONG)) for _ in range(count)]
            await asyncio.sleep(MEMORY_TIME)
            growth = size() - before
            for each in waits:
                each.cancel()
            await asyncio.wait(waits)
        return growth / count

    if traced:
        tracemalloc.start()
    return _virtual_time.run(main, seed=count)
