"""The benchmark group `schedule`: lag and number of checks per task, compared with a loop that checks every 2 seconds.

The lag of a task is the time from its end until the next check, which notices the end.
Complete waits are simulated with the package's own scheduling code, without an event loop and without requests.
"""

from __future__ import annotations

import math
import random
import statistics
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from anchor_webtask import WaitPolicy
from anchor_webtask._polling.outcomes import Completed, Running
from anchor_webtask._polling.wait import Fetch, Sleep, TaskState, wait_steps
from benchmarks._durations import MEDIANS, SIGMA, lognormal, percentile_95
from benchmarks._request_data import INTERVAL
from benchmarks._rows import BARE, OURS, row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

    from anchor_webtask._polling.outcomes import Reply
    from benchmarks._rows import Row

TASKS: Final = 1_000
TARGET_LAG: Final = 0.1
"""The largest lag that a schedule should have at the 95th percentile, as a share of the task's duration."""
TARGET_CHECKS: Final[Mapping[str, float]] = {"1m": 0.5, "5m": 0.2, "30m": 0.2}
"""The largest share of the loop's checks that a schedule should make, by the median of the durations."""

_DEFAULT: Final = WaitPolicy()
_NEIGHBOURS: Final = {
    "fraction": (0.05, 0.1, 0.15, 0.2),
    "minimum": (0.5, 1.0, 2.0, 5.0),
    "maximum": (30.0, 120.0, 300.0),
}
_TICKS: Final = (0.05, 0.1, 0.2, 0.5, 1, 2)
_NOTE: Final = "httpx: a loop that checks each task every 2 seconds."


@dataclass(frozen=True)
class Course:
    """The result of waiting for many tasks with one schedule.

    Attributes:
        checks: The number of checks per task.
        lag: The 95th percentile of the tasks' lags; each lag is divided by its task's duration.
    """

    checks: float
    lag: float


def course(policy: WaitPolicy, durations: Sequence[float]) -> Course:
    """Simulate waits with a policy, for tasks of these durations. Each call uses the same random numbers."""
    chance = random.Random(len(durations)).random  # noqa: S311  jitter of checks, no secret
    return _course(durations, [_simulate_wait(policy, seconds, chance) for seconds in durations])


def course_of_loop(durations: Sequence[float]) -> Course:
    """Simulate a loop that sleeps and checks alternately, for tasks of these durations."""
    checks = [math.ceil(seconds / INTERVAL) for seconds in durations]
    return _course(durations, [(each, each * INTERVAL) for each in checks])


def _course(durations: Sequence[float], waits: Sequence[tuple[int, float]]) -> Course:
    shares = [noticed / seconds - 1 for seconds, (_, noticed) in zip(durations, waits, strict=True)]
    return Course(statistics.fmean(checks for checks, _ in waits), percentile_95(shares))


def _simulate_wait(policy: WaitPolicy, seconds: float, chance: Callable[[], float]) -> tuple[int, float]:
    """Simulate the wait for a task from its start; return the number of checks, and the time at the end of the wait."""
    state = TaskState("task", 0.0, policy.delay(0.0, chance()))
    steps = wait_steps(state, policy, now=0.0, deadline=None, http_timeout=30.0, chance=chance)
    now = 0.0
    step = next(steps)
    with suppress(StopIteration):
        while True:
            reply: Reply | None = None
            match step:
                case Sleep(seconds=pause):
                    now += pause
                case Fetch():
                    reply = Completed(None) if now >= seconds else Running()
            step = steps.send((now, reply))
    return state.checks, now


def rows() -> Iterator[Row]:
    """Compare the default schedule with the loop, for each median of the durations."""
    for name, median in MEDIANS.items():
        durations = lognormal(median, TASKS)
        ours, loop = course(_DEFAULT, durations), course_of_loop(durations)
        checks = {OURS: [ours.checks], BARE: [loop.checks]}
        yield row(f"schedule.{name}.checks", f"median {name}: checks per task", "checks", checks, _NOTE)
        lags = {OURS: [ours.lag * 100], BARE: [loop.lag * 100]}
        yield row(f"schedule.{name}.lag", f"median {name}: lag, 95th percentile", "%", lags, _NOTE)


def plot(path: Path) -> None:
    """Plot the number of checks against the lag, for the default schedule, similar schedules and the loop.

    Each median of the durations has its own panel.

    Args:
        path: The path of the image file. Its extension selects the format, such as `.svg` or `.png`.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 10), layout="constrained")
    figure.suptitle(f"Checks against lag: lognormal durations, sigma {SIGMA:g}, {TASKS:,} tasks")
    for axes, (name, median) in zip(figure.subplots(2, 2).flat, MEDIANS.items(), strict=True):
        _draw(axes, name, lognormal(median, TASKS))
    figure.savefig(path)


def _draw(axes: Axes, name: str, durations: Sequence[float]) -> None:
    loop, default = course_of_loop(durations), course(_DEFAULT, durations)
    axes.scatter(1, loop.lag, s=60, marker="s", color="grey", zorder=3, label=f"every {INTERVAL:g} s")
    axes.scatter(default.checks / loop.checks, default.lag, s=120, marker="*", color="black", zorder=3, label="default")
    for parameter, values in _NEIGHBOURS.items():
        policies = [
            replace(_DEFAULT, **{parameter: value}) for value in sorted({*values, getattr(_DEFAULT, parameter)})
        ]
        courses = [course(policy, durations) for policy in policies]
        checks, lags = [each.checks / loop.checks for each in courses], [each.lag for each in courses]
        axes.plot(checks, lags, marker="o", markersize=4, linewidth=0.8, label=parameter)
        for policy, neighbour, x, y in zip(policies, courses, checks, lags, strict=True):
            if not _overlap(neighbour, default):
                text = f"{getattr(policy, parameter):g}"
                axes.annotate(text, (x, y), (4, 4), textcoords="offset points", fontsize=8)
    if name in TARGET_CHECKS:
        axes.axhline(TARGET_LAG, color="green", linestyle="--", linewidth=0.8)
        label = "target: below and to the left"
        axes.axvline(TARGET_CHECKS[name], color="green", linestyle="--", linewidth=0.8, label=label)
    axes.set(title=f"median {name}", xscale="log", ylim=(0, None), xlim=(0.04, 2.5))
    axes.set_xlabel("checks, divided by the checks of the loop")
    axes.set_ylabel("lag at the 95th percentile, as a share of the duration")
    axes.set_xticks(_TICKS, labels=[f"{tick:g}" for tick in _TICKS])
    axes.minorticks_off()
    axes.legend(fontsize=8)


def _overlap(one: Course, other: Course) -> bool:
    """Return whether two points of the plot are so close that their labels would overlap."""
    return math.isclose(one.checks, other.checks, rel_tol=0.05) and math.isclose(one.lag, other.lag, rel_tol=0.05)
