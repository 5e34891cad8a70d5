"""The benchmark group `logging`: the same waits with logging and without."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from benchmarks._durations import MEDIANS
from benchmarks._many_tasks import in_child, wait_with_secrets
from benchmarks._rows import NO_LOGGING, OURS, row
from benchmarks._sampling import figures, take_samples

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks._many_tasks import WaitCost
    from benchmarks._rows import Row

TASKS: Final = 1_000
SECRETS: Final = 5
MAX_ROUNDS: Final = 5
"""The largest number of samples: each takes seconds."""

_NOTE: Final = (
    f"{OURS}: with log records of level INFO, which are formatted and written to a file. "
    f"Each task has {SECRETS} secret values of its own."
)


def rows(rounds: int) -> Iterator[Row]:
    """Measure the row of this group."""

    def waiting(*, is_logging: bool) -> Callable[[], WaitCost]:
        return lambda: in_child(wait_with_secrets, MEDIANS["1m"], TASKS, SECRETS, is_logging=is_logging)

    measures = {OURS: waiting(is_logging=True), NO_LOGGING: waiting(is_logging=False)}
    samples = take_samples(measures, min(rounds, MAX_ROUNDS))
    label = f"{TASKS:,} tasks at once, logging at INFO: CPU per task"
    yield row("logging.info.cpu", label, "ms", figures(samples, lambda cost: cost.cpu * 1e3), _NOTE)
