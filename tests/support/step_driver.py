"""A driver that executes the steps of waits and starts in virtual time, and records the requests and sleeps."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from anchor_webtask import AnchorError
from anchor_webtask._polling.wait import Emit, Fetch, Sleep, Step, StepResult

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    from anchor_webtask._polling.outcomes import Failure, Reply

E = TypeVar("E")

MAX_STEPS = 100_000


@dataclass
class StepDriver(Generic[E]):
    """Executes the steps of one wait or one start, and records them.

    Attributes:
        steps: The generator of the steps.
        fetch: Returns the outcome of a request that is sent at the given time.
        now: The current virtual time; in the end, the time at which the steps ended.
        requests: The time of each request, and the Fetch step that asked for the request.
        sleeps: The seconds of each sleep.
        wakes: The time at which each sleep ended.
        emitted: The values of the Emit steps.
        error: The error that the steps raised; None if they raised none.
    """

    steps: Generator[Step[E], StepResult, None]
    fetch: Callable[[float], Reply | Failure]
    now: float
    requests: list[tuple[float, Fetch]] = field(default_factory=list)
    sleeps: list[float] = field(default_factory=list)
    wakes: list[float] = field(default_factory=list)
    emitted: list[E] = field(default_factory=list)
    error: AnchorError | None = None

    @property
    def times(self) -> list[float]:
        """The time of each request."""
        return [time for time, _ in self.requests]

    @property
    def limits(self) -> list[float]:
        """The seconds that each request may take."""
        return [fetch.limit for _, fetch in self.requests]

    def execute_next(self, previous: StepResult | None, duration: Callable[[], float]) -> StepResult | None:
        """Pass the result of the previous step to the generator, execute the next step, and return its result.

        Args:
            previous: The result of the previous step; None before the first step.
            duration: Returns the seconds that a request takes.

        Returns:
            The result; None if the steps have ended.
        """
        try:
            step = next(self.steps) if previous is None else self.steps.send(previous)
        except StopIteration:
            return None
        except AnchorError as error:
            self.error = error
            return None
        outcome = None
        match step:
            case Sleep(seconds=seconds):
                self.now += seconds
                self.sleeps.append(seconds)
                self.wakes.append(self.now)
            case Fetch():
                self.requests.append((self.now, step))
                outcome = self.fetch(self.now)
                self.now += duration()
            case Emit(value=value):
                self.emitted.append(value)
        return self.now, outcome


def drive_together(
    drivers: Iterable[StepDriver[E]], *, duration: Callable[[], float] = lambda: 0.0
) -> list[StepDriver[E]]:
    """Run several drivers through the same virtual time until all their steps have ended, and return the drivers.

    Args:
        drivers: The drivers.
        duration: Returns the seconds that a request takes.
    """
    all_drivers = list(drivers)
    queue: list[tuple[float, int, StepResult | None]] = [
        (driver.now, index, None) for index, driver in enumerate(all_drivers)
    ]
    heapq.heapify(queue)
    for _ in range(MAX_STEPS * len(all_drivers)):
        if not queue:
            return all_drivers
        _, index, previous = heapq.heappop(queue)
        result = all_drivers[index].execute_next(previous, duration)
        if result is not None:
            heapq.heappush(queue, (result[0], index, result))
    raise AssertionError(f"the steps have not ended after {MAX_STEPS} steps for each driver")


def drive(
    steps: Generator[Step[E], StepResult, None],
    fetch: Callable[[float], Reply | Failure],
    *,
    now: float = 0.0,
    duration: Callable[[], float] = lambda: 0.0,
) -> StepDriver[E]:
    """Execute the steps of one wait or one start until they end, and return the driver that recorded them."""
    (driver,) = drive_together([StepDriver(steps, fetch, now)], duration=duration)
    return driver


def in_order(*outcomes: Reply | Failure) -> Callable[[float], Reply | Failure]:
    """Return a `fetch` function that returns one outcome for each request, in order, and then repeats the last one."""
    left = list(outcomes)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]
