"""Measures functions that are compared with each other, in several rounds.

Each round measures every function once, so that a disturbance of the machine affects all functions alike.
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
    """The mean CPU time (of this process) and wall time of a call, in seconds."""

    cpu: float
    wall: float


def take_samples(measures: Mapping[str, Callable[[], M]], rounds: int) -> dict[str, list[M]]:
    """In each round, call every function once, and collect the samples that the functions return.

    The order rotates: the second function of a round is the first function of the next round.

    Args:
        measures: The functions, by name. Each call of a function takes one sample.
        rounds: The number of samples per function.
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

    Before `sampler` returns this function, it makes one call to warm up; this call is not measured.
    """
    call()

    def batch() -> None:
        for _ in range(calls):
            call()

    return lambda: _mean_time(batch, calls)


def async_sampler(runner: asyncio.Runner, call: AsyncCall, calls: int) -> Callable[[], CallTime]:
    """Do the same as `sampler`, but for a coroutine function, whose coroutines `runner` runs."""

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
