"""The benchmark group `wait`: waiting for many tasks at once, compared with a hand-written loop on bare httpx.

All waits run in one event loop. The hand-written loop checks each task every 2 seconds. The run ends with an error
unless the waits return the answers of all tasks.
"""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Final

from benchmarks._durations import MEDIANS, percentile_95
from benchmarks._many_tasks import in_child, memory_per_task, wait_in_virtual_time, wait_over_tcp
from benchmarks._rows import BARE, OURS, row
from benchmarks._sampling import figures, take_samples

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks._many_tasks import WaitCost
    from benchmarks._rows import Row
    from benchmarks._servers import ServerCounts

CLIENTS: Final = (OURS, BARE)
ROUNDS: Final = {1: 5, 100: 5, 1_000: 3, 10_000: 1}
"""The number of samples, by the number of tasks that are waited for at once. Ten thousand tasks take minutes."""

FEW, MANY = 100, 1_000
LONG: Final = MEDIANS["5m"]
"""From this median on, only FEW tasks are used, because the hand-written loop checks each task hundreds of times."""

TCP_MEDIAN, TCP_SIGMA, TCP_LATENCY = 5.0, 0.3, 0.05

_CHECKS: Final = "httpx: a hand-written loop that checks each task every 2 seconds."
_LAG: Final = "The time from a task's end until the caller has its answer, as a share of the task's duration."
_TCP: Final = f"Tasks of about {TCP_MEDIAN:g} s, all started at once; each response takes {TCP_LATENCY * 1e3:g} ms."


def rows() -> Iterator[Row]:
    """Measure the rows of this group: first in virtual time, then over TCP."""
    for count, rounds in ROUNDS.items():
        yield from _for_count(count, rounds)
    for name, median in MEDIANS.items():
        yield from _for_median(name, median)
    yield from _over_tcp()


def _for_count(count: int, rounds: int) -> Iterator[Row]:
    """Measure the CPU and memory per task while `count` tasks are waited for at once.

    If `count` is less than `FEW`, several groups of `count` tasks are waited for, `FEW` tasks in total.
    """

    def waiting(client: str) -> Callable[[], WaitCost]:
        total = max(count, FEW)
        return lambda: in_child(wait_in_virtual_time, client, MEDIANS["1m"], total, at_once=count)

    def memory(client: str, *, traced: bool) -> Callable[[], float]:
        return lambda: in_child(memory_per_task, client, count, traced=traced)

    tasks = f"{count:,} task" if count == 1 else f"{count:,} tasks"
    samples = take_samples({client: waiting(client) for client in CLIENTS}, rounds)
    cpu = figures(samples, lambda cost: cost.cpu * 1e3)
    yield row(f"wait.{count}.cpu", f"{tasks} at once, median 1m: CPU per task", "ms", cpu, _CHECKS)
    allocated = take_samples({client: memory(client, traced=True) for client in CLIENTS}, 1)
    label = f"{tasks} at once: memory per task"
    yield row(f"wait.{count}.memory", label, "kB", figures(allocated, _kilobytes), "The memory that Python allocated.")
    if count >= MANY:  # fewer tasks need no more memory than the process already has
        resident = take_samples({client: memory(client, traced=False) for client in CLIENTS}, 1)
        label = f"{tasks} at once: resident memory per task"
        yield row(f"wait.{count}.resident", label, "kB", figures(resident, _kilobytes))


def _for_median(name: str, median: float) -> Iterator[Row]:
    """Measure the checks per task, and the lag between a task's end and the end of its wait."""

    def waiting(client: str) -> Callable[[], WaitCost]:
        count = FEW if median >= LONG else MANY
        return lambda: in_child(wait_in_virtual_time, client, median, count, at_once=count)

    samples = take_samples({client: waiting(client) for client in CLIENTS}, 1)
    checks = figures(samples, lambda cost: cost.checks)
    yield row(f"wait.{name}.checks", f"median {name}: checks per task", "checks", checks, _CHECKS)
    middle = figures(samples, lambda cost: statistics.median(cost.shares) * 100)
    yield row(f"wait.{name}.lag", f"median {name}: lag, median", "%", middle, _LAG)
    lags = figures(samples, lambda cost: percentile_95(cost.shares) * 100)
    yield row(f"wait.{name}.lag95", f"median {name}: lag, 95th percentile", "%", lags, _LAG)


def _over_tcp() -> Iterator[Row]:
    def waiting(client: str) -> Callable[[], tuple[WaitCost, ServerCounts]]:
        return lambda: in_child(wait_over_tcp, client, TCP_MEDIAN, MANY, sigma=TCP_SIGMA, latency=TCP_LATENCY)

    samples = take_samples({client: waiting(client) for client in CLIENTS}, 1)
    label = f"{MANY:,} tasks over TCP"
    cpu = figures(samples, lambda sample: sample[0].cpu * 1e3)
    yield row("wait.tcp.cpu", f"{label}: CPU per task", "ms", cpu, _TCP)
    checks = figures(samples, lambda sample: sample[0].checks)
    yield row("wait.tcp.checks", f"{label}: checks per task", "checks", checks, _CHECKS)
    lags = figures(samples, lambda sample: percentile_95(sample[0].lags))
    yield row("wait.tcp.lag95", f"{label}: lag, 95th percentile", "s", lags, _TCP)
    connections = figures(samples, lambda sample: float(sample[1].max_open))
    yield row("wait.tcp.connections", f"{label}: open connections, maximum", "connections", connections, _TCP)


def _kilobytes(size: float) -> float:
    return size / 1e3
