"""The benchmark group `map`: many tasks by `tasks.map`, with a ledger and without; and the ledger alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from benchmarks._durations import MEDIANS
from benchmarks._many_tasks import in_child
from benchmarks._maps import (
    IN_FLIGHT,
    SLOW_COMMIT,
    map_in_virtual_time,
    map_over_tcp,
    memory_per_task,
    seconds_per_claim,
    seconds_per_item,
)
from benchmarks._rows import EMPTY, NO_LEDGER, ONE_AT_A_TIME, OURS, row
from benchmarks._sampling import figures, take_samples

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks._rows import Row

ROUNDS: Final = {100: 5, 1_000: 3, 10_000: 1}
"""The largest number of samples, by the number of tasks."""
TCP_TASKS, TCP_MEDIAN = 1_000, 5.0
ITEMS: Final = 500
ROWS: Final = 200_000

_LEDGER: Final = f"{OURS}: with a ledger."
_ALONE: Final = (
    f"{OURS}: {IN_FLIGHT} tasks in flight, which share commits. "
    f"{ONE_AT_A_TIME}: each of a task's three steps has a commit of its own."
)

_CLAIM: Final = f"{OURS}: with these rows. {EMPTY}: without any."


def rows(rounds: int) -> Iterator[Row]:
    """Measure the rows of this group."""
    for count, most in ROUNDS.items():
        label = f"{count:,} tasks, median 1m, in virtual time: CPU per task"
        yield _with_and_without(f"map.{count}.cpu", label, min(rounds, most), "ms", 1e3, _virtual(count))
    for client in ("sync", "async"):
        label = f"{TCP_TASKS:,} tasks of about {TCP_MEDIAN:g} s over TCP, {client}: CPU per task"
        yield _with_and_without(f"map.tcp.{client}.cpu", label, min(rounds, 3), "ms", 1e3, _tcp(client))
    label = f"{1_000:,} tasks that run: memory per task"
    yield _with_and_without("map.memory", label, 1, "kB", 1e-3, _memory)
    yield _per_item("map.ledger.item", "the ledger alone: time per task", rounds, ITEMS, 0.0)
    label = f"the ledger alone, where a commit takes {SLOW_COMMIT * 1e3:g} ms more: time per task"
    yield _per_item("map.ledger.item.slow", label, rounds, ITEMS, SLOW_COMMIT)
    measures = {
        OURS: lambda: in_child(seconds_per_claim, ROWS, ITEMS),
        EMPTY: lambda: in_child(seconds_per_claim, 0, ITEMS),
    }
    samples = figures(take_samples(measures, min(rounds, 3)), lambda seconds: seconds * 1e3)
    yield row("map.ledger.claim", f"a claim in a ledger with {ROWS:,} tasks that have ended", "ms", samples, _CLAIM)


def _with_and_without(
    key: str, label: str, rounds: int, unit: str, factor: float, measure: Callable[[bool], float]
) -> Row:
    samples = take_samples({OURS: lambda: measure(True), NO_LEDGER: lambda: measure(False)}, rounds)
    return row(key, label, unit, figures(samples, lambda value: value * factor), _LEDGER)


def _per_item(key: str, label: str, rounds: int, items: int, commit: float) -> Row:
    measures = {
        OURS: lambda: in_child(seconds_per_item, IN_FLIGHT, items, commit=commit),
        ONE_AT_A_TIME: lambda: in_child(seconds_per_item, 1, items // 5, commit=commit),
    }
    samples = figures(take_samples(measures, min(rounds, 5)), lambda seconds: seconds * 1e3)
    return row(key, label, "ms", samples, _ALONE)


def _virtual(count: int) -> Callable[[bool], float]:
    return lambda used: in_child(map_in_virtual_time, MEDIANS["1m"], count, with_ledger=used)


def _tcp(client: str) -> Callable[[bool], float]:
    return lambda used: in_child(map_over_tcp, client, TCP_MEDIAN, TCP_TASKS, with_ledger=used)


def _memory(used: bool) -> float:
    return in_child(memory_per_task, 1_000, with_ledger=used)
