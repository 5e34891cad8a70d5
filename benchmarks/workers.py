"""The benchmark group `worker`: batches in a database, and what a worker costs that waits for many of their tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from benchmarks._many_tasks import in_child
from benchmarks._processes import MIB
from benchmarks._rows import OURS, row
from benchmarks._sampling import figures, take_samples
from benchmarks._workers import cost_of_waiting, seconds_per_submission

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks._rows import Row

SUBMITTED: Final = (1_000, 10_000)
WAITING: Final = (100, 1_000, 3_000)


def rows(rounds: int, database: str) -> Iterator[Row]:
    """Measure the rows of this group."""
    for count in SUBMITTED:
        samples = figures(take_samples({OURS: _submission(database, count)}, min(rounds, 3)), lambda value: value * 1e3)
        yield row(f"worker.submit.{count}", f"submit {count:,} tasks: time per task", "ms", samples)
    for count in WAITING:
        cost = in_child(cost_of_waiting, database, count)
        label = f"a worker that waits for {count:,} tasks"
        yield row(f"worker.{count}.cpu", f"{label}: CPU", "% of a core", {OURS: [cost.cpu * 100]})
        yield row(f"worker.{count}.memory", f"{label}: memory", "MiB", {OURS: [cost.memory / MIB]})
        yield row(f"worker.{count}.connections", f"{label}: connections", "", {OURS: [float(cost.connections)]})


def _submission(database: str, count: int) -> Callable[[], float]:
    return lambda: in_child(seconds_per_submission, database, count)
