"""Many tasks waited for at once in one event loop, against a loop by hand on bare httpx that looks every 2 seconds.

A task that is lost, or answered with another's answer, ends it with an error.
"""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Final

from benchmarks._durations import MEDIANS, late
from benchmarks._many_tasks import in_child, wait_over_tcp, wait_virtually, weigh
from benchmarks._rows import BARE, OURS, row
from benchmarks._sampling import figures, take_samples

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks._many_tasks import Waited
    from benchmarks._rows import Row
    from benchmarks._servers import ServerCounts

SUBJECTS: Final = (OURS, BARE)
ROUNDS: Final = {1: 5, 100: 5, 1_000: 3, 10_000: 1}
"""How often so many tasks are waited for: ten thousand take minutes."""

FEW, MANY = 100, 1_000
LONG: Final = MEDIANS["5m"]
"""From this median on, few tasks are waited for: the loop by hand looks at each some hundred times, or a thousand."""

TCP_MEDIAN, TCP_SIGMA, TCP_LATENCY = 5.0, 0.3, 0.05

_CHECKS: Final = "The loop by hand looks every 2 seconds."
_LAG: Final = "Between a task's end and the caller knowing, as a share of the task's duration."
_TCP: Final = f"Tasks of {TCP_MEDIAN:g} s, started in one moment; each answer takes {TCP_LATENCY * 1e3:g} ms."


def rows() -> Iterator[Row]:
    """Measure in virtual time, then over TCP."""
    for count, rounds in ROUNDS.items():
        yield from _of_count(count, rounds)
    for name, median in MEDIANS.items():
        yield from _of_median(name, median)
    yield from _over_tcp()


def _of_count(count: int, rounds: int) -> Iterator[Row]:
    """What a task costs while so many are waited for at once; a single one is followed by the next."""

    def waiting(name: str) -> Callable[[], Waited]:
        all_in_all = max(count, FEW)
        return lambda: in_child(wait_virtually, name, MEDIANS["1m"], all_in_all, at_once=count)

    def weighing(name: str, *, traced: bool) -> Callable[[], float]:
        return lambda: in_child(weigh, name, count, traced=traced)

    took = take_samples({name: waiting(name) for name in SUBJECTS}, rounds)
    cpu = figures(took, lambda waited: waited.cpu * 1e3)
    yield row(f"wait.{count}.cpu", f"{count:,} tasks of a minute: CPU a task", "ms", cpu, _CHECKS)
    allocated = take_samples({name: weighing(name, traced=True) for name in SUBJECTS}, 1)
    label = f"{count:,} waiting tasks: memory of one"
    yield row(f"wait.{count}.memory", label, "kB", figures(allocated, _kilobytes), "What Python has allocated.")
    if count >= MANY:  # fewer fit into what the process has already
        resident = take_samples({name: weighing(name, traced=False) for name in SUBJECTS}, 1)
        label = f"{count:,} waiting tasks: resident memory of one"
        yield row(f"wait.{count}.resident", label, "kB", figures(resident, _kilobytes))


def _of_median(name: str, median: float) -> Iterator[Row]:
    """How often tasks are looked at, and how late their end is noticed."""

    def waiting(subject: str) -> Callable[[], Waited]:
        count = FEW if median >= LONG else MANY
        return lambda: in_child(wait_virtually, subject, median, count, at_once=count)

    took = take_samples({subject: waiting(subject) for subject in SUBJECTS}, 1)
    checks = figures(took, lambda waited: waited.checks)
    yield row(f"wait.{name}.checks", f"median {name}: checks a task", "checks", checks, _CHECKS)
    middle = figures(took, lambda waited: statistics.median(waited.shares) * 100)
    yield row(f"wait.{name}.lag", f"median {name}: lag, median", "%", middle, _LAG)
    lags = figures(took, lambda waited: late(waited.shares) * 100)
    yield row(f"wait.{name}.lag95", f"median {name}: lag, 95th percentile", "%", lags, _LAG)


def _over_tcp() -> Iterator[Row]:
    def waiting(name: str) -> Callable[[], tuple[Waited, ServerCounts]]:
        return lambda: in_child(wait_over_tcp, name, TCP_MEDIAN, MANY, sigma=TCP_SIGMA, latency=TCP_LATENCY)

    took = take_samples({name: waiting(name) for name in SUBJECTS}, 1)
    label = f"{MANY:,} tasks over TCP"
    cpu = figures(took, lambda each: each[0].cpu * 1e3)
    yield row("wait.tcp.cpu", f"{label}: CPU a task", "ms", cpu, _TCP)
    checks = figures(took, lambda each: each[0].checks)
    yield row("wait.tcp.checks", f"{label}: checks a task", "checks", checks, _CHECKS)
    lags = figures(took, lambda each: late(each[0].lags))
    yield row("wait.tcp.lag95", f"{label}: lag, 95th percentile", "s", lags, _TCP)
    connections = figures(took, lambda each: float(each[1].max_open))
    yield row("wait.tcp.connections", f"{label}: connections at once", "connections", connections, _TCP)


def _kilobytes(size: float) -> float:
    return size / 1e3
