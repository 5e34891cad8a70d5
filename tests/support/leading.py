"""Leads the steps of waits and starts by hand, in time that passes only when they sleep or a request takes its time."""

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

MOST_STEPS = 100_000


@dataclass
class Trip(Generic[E]):
    """What happened on the way to the end.

    Attributes:
        steps: The steps of a wait or a start.
        fetch: Returns what a request brings, by the time at which it is made.
        now: The time; in the end, that of the end.
        requests: When each request was made, and what was said about it.
        sleeps: How long each sleep was.
        wakes: When each sleep ended.
        emitted: What was shown.
        error: What it raised; None if it ended well.
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
        """When each request was made."""
        return [time for time, _ in self.requests]

    @property
    def limits(self) -> list[float]:
        """How long each request might take."""
        return [fetch.limit for _, fetch in self.requests]

    def go_on(self, came: StepResult | None, takes: Callable[[], float]) -> StepResult | None:
        """Tell the steps what came, and do the next one; None where there is none."""
        try:
            step = next(self.steps) if came is None else self.steps.send(came)
        except StopIteration:
            return None
        except AnchorError as error:
            self.error = error
            return None
        reply = None
        match step:
            case Sleep(seconds=seconds):
                self.now += seconds
                self.sleeps.append(seconds)
                self.wakes.append(self.now)
            case Fetch():
                self.requests.append((self.now, step))
                reply = self.fetch(self.now)
                self.now += takes()
            case Emit(value=value):
                self.emitted.append(value)
        return self.now, reply


def lead_together(trips: Iterable[Trip[E]], *, takes: Callable[[], float] = lambda: 0.0) -> list[Trip[E]]:
    """Lead many through the same time until all have ended, and return them; a request takes what `takes` returns."""
    led = list(trips)
    queue: list[tuple[float, int, StepResult | None]] = [(trip.now, index, None) for index, trip in enumerate(led)]
    heapq.heapify(queue)
    for _ in range(MOST_STEPS * len(led)):
        if not queue:
            return led
        _, index, came = heapq.heappop(queue)
        came = led[index].go_on(came, takes)
        if came is not None:
            heapq.heappush(queue, (came[0], index, came))
    raise AssertionError(f"no end after {MOST_STEPS} steps each")


def lead(
    steps: Generator[Step[E], StepResult, None],
    fetch: Callable[[float], Reply | Failure],
    *,
    now: float = 0.0,
    takes: Callable[[], float] = lambda: 0.0,
) -> Trip[E]:
    """Lead one until it has ended."""
    (trip,) = lead_together([Trip(steps, fetch, now)], takes=takes)
    return trip


def in_turn(*replies: Reply | Failure) -> Callable[[float], Reply | Failure]:
    """Return one reply a request, and the last one ever after."""
    left = list(replies)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]
