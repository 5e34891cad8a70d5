"""Many tasks waited for at once in one event loop: by this package, and by the loop that one would write by hand.

Everything here runs in a process of its own, see `in_child`, so that no run inherits the memory of another.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import gc
import multiprocessing
import time
import tracemalloc
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeAlias, TypeVar

import httpx
import psutil

from anchor_webtask import AsyncAnchor
from benchmarks import _virtual_time
from benchmarks._durations import lognormal
from benchmarks._fake_api import Service
from benchmarks._request_data import INTERVAL, KEY, PATH
from benchmarks._rows import BARE, OURS
from benchmarks._servers import ServerCounts, mock_transport, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

P = ParamSpec("P")
T = TypeVar("T")

LONG: Final = 3600.0
LOOK: Final = 2.5
"""When the memory of waiting tasks is looked at: every one has been checked once and sleeps."""

Answer: TypeAlias = "dict[str, Any]"
Wait: TypeAlias = "Callable[[float], Awaitable[Answer]]"


@dataclass(frozen=True)
class Waited:
    """What it took to wait for tasks until all had ended.

    Attributes:
        cpu: Seconds of CPU a task, in the process that waited.
        lags: By how many seconds each end was noticed late,
        shares: and by how much of the task's duration.
        checks: Checks a task.
    """

    cpu: float
    lags: list[float]
    shares: list[float]
    checks: float


def in_child(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a function of a module in a new process, and return what it returns."""
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(function, *args, **kwargs).result()


@asynccontextmanager
async def _ours(base_url: str, transport: httpx.AsyncBaseTransport | None) -> AsyncIterator[Wait]:
    async with AsyncAnchor(KEY, base_url=base_url, transport=transport) as anchor:

        async def wait(seconds: float) -> Answer:
            result = await anchor.tasks.run(str(seconds), timeout=None)
            answer: Answer = result.raw
            return answer

        yield wait


@asynccontextmanager
async def _bare(base_url: str, transport: httpx.AsyncBaseTransport | None) -> AsyncIterator[Wait]:
    headers = {"anchor-api-key": KEY}
    timeout = httpx.Timeout(30, pool=None)  # with one, a third of a thousand tasks would be lost
    async with httpx.AsyncClient(base_url=base_url, transport=transport, headers=headers, timeout=timeout) as client:

        async def wait(seconds: float) -> Answer:
            started = await client.post(PATH, json={"prompt": str(seconds), "async": True})
            task_id = started.raise_for_status().json()["data"]["workflow_id"]
            while True:
                await asyncio.sleep(INTERVAL)
                looked = await client.get(f"{PATH}/{task_id}/status")
                data = looked.raise_for_status().json()["data"]
                if data["status"] == "COMPLETED":
                    answer: Answer = data["result"]
                    return answer

        yield wait


@asynccontextmanager
async def _waiting(
    subject: str, base_url: str, transport: httpx.AsyncBaseTransport | None = None
) -> AsyncIterator[Wait]:
    async with {OURS: _ours, BARE: _bare}[subject](base_url, transport) as wait:
        await wait(0.0)  # what a first call imports and makes isn't what a task costs
        yield wait


async def _wait_for(
    wait: Wait, durations: Sequence[float], at_once: int, now: Callable[[], float], checks: Callable[[], int]
) -> Waited:
    """Wait for all, so many at once, and make sure that each has got its own answer."""
    lags: list[float] = []
    shares: list[float] = []
    tasks: set[str] = set()

    async def one(seconds: float) -> None:
        answer = await wait(seconds)
        lags.append(now() - answer["ended"])
        shares.append(lags[-1] / seconds)
        tasks.add(answer["task"])

    checked, begun = checks(), time.process_time()
    for first in range(0, len(durations), at_once):
        await asyncio.gather(*map(one, durations[first : first + at_once]))
    cpu = time.process_time() - begun
    count = len(durations)
    if len(tasks) != count:
        raise RuntimeError(f"of {count} tasks {count - len(tasks)} were lost")
    return Waited(cpu / count, lags, shares, (checks() - checked) / count)


def wait_virtually(subject: str, median: float, count: int, *, at_once: int) -> Waited:
    """Wait for tasks in virtual time, over a transport without I/O.

    Args:
        subject: Who waits.
        median: The median of the tasks' durations in seconds.
        count: How many tasks there are in all,
        at_once: and how many are waited for at once.
    """

    async def main() -> Waited:
        now = asyncio.get_running_loop().time
        service = Service(now)
        async with _waiting(subject, "http://127.0.0.1", mock_transport(service.answer)) as wait:
            return await _wait_for(wait, lognormal(median, count), at_once, now, lambda: service.checks)

    return _virtual_time.run(main, seed=count)


def wait_over_tcp(
    subject: str, median: float, count: int, *, sigma: float, latency: float
) -> tuple[Waited, ServerCounts]:
    """Wait for all tasks at once, in real time and over loopback TCP; return as well what the server saw.

    Args:
        subject: Who waits.
        median: The median of the tasks' durations in seconds,
        sigma: and their spread.
        count: How many tasks there are.
        latency: Seconds that the server takes for an answer.
    """

    async def main() -> Waited:
        async with _waiting(subject, server.url) as wait:
            durations = lognormal(median, count, sigma=sigma)
            return await _wait_for(wait, durations, count, time.monotonic, lambda: server.counts().checks)

    service = Service(time.monotonic)  # one clock for all processes of a machine: the ends are told by it
    with serving(service.answer, latency) as server:
        return asyncio.run(main()), server.counts()


def weigh(subject: str, count: int, *, traced: bool) -> float:
    """Return the bytes that one of many waiting tasks takes.

    Args:
        subject: Who waits.
        count: How many wait at once.
        traced: Whether to ask Python what it has allocated, or else the system how much memory it has given.
    """
    process = psutil.Process()

    def size() -> int:
        gc.collect()
        return tracemalloc.get_traced_memory()[0] if traced else process.memory_info().rss

    async def main() -> float:
        service = Service(asyncio.get_running_loop().time)
        async with _waiting(subject, "http://127.0.0.1", mock_transport(service.answer)) as wait:
            before = size()
            waits = [asyncio.ensure_future(wait(LONG)) for _ in range(count)]
            await asyncio.sleep(LOOK)
            grown = size() - before
            for each in waits:
                each.cancel()
            await asyncio.wait(waits)
        return grown / count

    if traced:
        tracemalloc.start()
    return _virtual_time.run(main, seed=count)
