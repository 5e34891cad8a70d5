"""Many tasks waited for at once in one event loop, against a loop by hand on bare httpx that looks every 2 seconds."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Final

from benchmarks._durations import MEDIANS
from benchmarks._rows import BARE, OURS, row
from benchmarks._waits import in_child, wait_virtually, weigh

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks._rows import Row

COUNTS: Final = (1, 100, 1_000, 10_000)
MINUTE: Final = MEDIANS["1m"]
MANY: Final = 200
_CHECKS: Final = "The loop by hand looks every 2 seconds."
_LAG: Final = "Between a task's end and the caller knowing, as a share of the task's duration."


def rows() -> Iterator[Row]:
    """Measure, in virtual time; a task that is lost ends it with an error."""
    for count in COUNTS:
        took = {name: in_child(wait_virtually, name, MINUTE, max(count, 100), at_once=count) for name in (OURS, BARE)}
        cpu = {name: [waited.cpu * 1e3] for name, waited in took.items()}
        yield row(f"wait.{count}.cpu", f"{count:,} tasks of a minute: CPU a task", "ms", cpu, _CHECKS)
        if count > 1:
            sizes = {name: [in_child(weigh, name, count, traced=False) / 1e3] for name in (OURS, BARE)}
            yield row(f"wait.{count}.memory", f"{count:,} waiting tasks: memory of one", "kB", sizes)
    for name, median in MEDIANS.items():
        took = {who: in_child(wait_virtually, who, median, MANY, at_once=MANY) for who in (OURS, BARE)}
        checks = {who: [waited.checks] for who, waited in took.items()}
        yield row(f"wait.{name}.checks", f"median {name}: checks a task", "checks", checks, _CHECKS)
        lags = {who: [_percentile(waited.shares) * 100] for who, waited in took.items()}
        yield row(f"wait.{name}.lag", f"median {name}: lag, 95th percentile", "%", lags, _LAG)


def _percentile(shares: Sequence[float]) -> float:
    return statistics.quantiles(shares, n=20)[-1]
