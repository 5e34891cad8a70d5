"""Takes the samples of calls that are compared.

The calls are measured alternately, so that whatever disturbs the machine affects all of them alike.
"""

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
class CallTime:
    """Seconds that one call took, in this process."""

    cpu: float
    wall: float


def take_samples(measures: Mapping[str, Callable[[], M]], rounds: int) -> dict[str, list[M]]:
    """Take one sample per measure in each round. Each round starts with the next measure of the list.

    Args:
        measures: The functions that take one sample each, by the name of what they measure.
        rounds: The number of samples per measure.
    """
    names = list(measures)
    samples: dict[str, list[M]] = {name: [] for name in names}
    for number in range(rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            gc.collect()
            samples[name].append(measures[name]())
    return samples


def sampler(call: Call, calls: int) -> Callable[[], CallTime]:
    """Return a function that takes one sample: the mean time of `calls` calls in a row.

    One warm-up call is made at once, and not counted.
    """
    call()

    def batch() -> None:
        for _ in range(calls):
            call()

    return lambda: _mean_time(batch, calls)


def async_sampler(runner: asyncio.Runner, call: AsyncCall, calls: int) -> Callable[[], CallTime]:
    """Return a function that takes one sample of a coroutine function, as `sampler` does for a function."""

    async def repeat(times: int) -> None:
        for _ in range(times):
            await call()

    runner.run(repeat(1))
    return lambda: _mean_time(lambda: runner.run(repeat(calls)), calls)


def _mean_time(batch: Call, calls: int) -> CallTime:
    cpu, wall = time.process_time(), time.perf_counter()
    batch()
    return CallTime((time.process_time() - cpu) / calls, (time.perf_counter() - wall) / calls)


def figures(samples: Mapping[str, Sequence[M]], figure: Callable[[M], float]) -> dict[str, list[float]]:
    """Compute one figure from each sample."""
    return {name: [figure(sample) for sample in each] for name, each in samples.items()}
