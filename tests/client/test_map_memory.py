"""A task that waits in `tasks.map` needs little memory, however many there are."""

from __future__ import annotations

import gc
import sys
import tracemalloc
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from anchor_webtask import TaskRequest, WaitPolicy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anchor_webtask.testing import VirtualClock
    from tests.support.runners import Runner

TASKS = 300
MAX_BYTES = 12 * 1024


def memory() -> int:
    """Return how many bytes are in use, without those of the virtual clock, which users do not have."""
    found = tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(False, "*/anchor_webtask/testing/*")])
    return sum(trace.size for trace in found.traces)


@pytest.mark.skipif("coverage" in sys.modules, reason="coverage needs memory, too")
def test_waiting_task_needs_at_most_twelve_kibibytes(runner: Runner, exact_clock: VirtualClock) -> None:
    ids = iter(range(10 * TASKS))

    def handle(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"data": {"workflow_id": f"{next(ids):080}", "status": "RUNNING"}})

    def requests(count: int) -> Iterator[TaskRequest | str]:
        for number in range(count):
            yield TaskRequest(f"Read the price of product {number}", url="https://shop.example/", key=f"{number}")
        yield ""  # it is invalid, so its outcome comes first

    async def first(outcomes: Any) -> None:
        await anext(outcomes)
        await exact_clock.sleep_async(1)

    def run(count: int) -> int:
        """Return how many bytes these tasks need while they wait."""
        outcomes = anchor.tasks.map(requests(count), max_running=count + 1)
        gc.collect()
        before = memory()
        if runner.name == "sync":
            next(outcomes)
            exact_clock.sleep(1)
        else:
            runner.call(first, outcomes)
        gc.collect()
        used = memory() - before
        assert len(runner.call(outcomes.stop)) == count
        return used

    wait = WaitPolicy(minimum=1000, maximum=1000)
    with runner.anchor(transport=httpx.MockTransport(handle), wait=wait) as anchor:
        tracemalloc.start()
        try:
            run(1)  # what is made only once
            assert run(TASKS) / TASKS <= MAX_BYTES
        finally:
            tracemalloc.stop()
