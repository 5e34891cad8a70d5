"""The one place that interleaves: what is compared is measured in turn, so what disturbs one disturbs the other."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Mapping, Sequence

M = TypeVar("M")

Call: TypeAlias = Callable[[], object]
AsyncCall: TypeAlias = Callable[[], Coroutine[Any, Any, object]]


@dataclass(frozen=True)
class Took:
    """Seconds that one call took, in this process."""

    cpu: float
    wall: float


def in_turn(measures: Mapping[str, Callable[[], M]], rounds: int) -> dict[str, list[M]]:
    """Take a sample of each in each round; another one begins each time.

    Args:
        measures: By the name of what is measured: takes one sample.
        rounds: How many samples of each.
    """
    names = list(measures)
    samples: dict[str, list[M]] = {name: [] for name in names}
    for turn in range(rounds):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            gc.collect()
            samples[name].append(measures[name]())
    return samples


def timed(call: Call, calls: int) -> Callable[[], Took]:
    """Return what takes a sample of a function: as many calls in a row. A first one is left out."""
    call()

    def batch() -> None:
        for _ in range(calls):
            call()

    return lambda: _took(batch, calls)


def timed_async(runner: asyncio.Runner, call: AsyncCall, calls: int) -> Callable[[], Took]:
    """Return the same of a coroutine function."""

    async def repeat(times: int) -> None:
        for _ in range(times):
            await call()

    runner.run(repeat(1))
    return lambda: _took(lambda: runner.run(repeat(calls)), calls)


def _took(batch: Call, calls: int) -> Took:
    cpu, wall = time.process_time(), time.perf_counter()
    batch()
    return Took((time.process_time() - cpu) / calls, (time.perf_counter() - wall) / calls)


def figures(samples: Mapping[str, Sequence[M]], figure: Callable[[M], float]) -> dict[str, list[float]]:
    """Return one figure of each sample."""
    return {name: [figure(sample) for sample in each] for name, each in samples.items()}
