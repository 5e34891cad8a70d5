"""How many checks a wait's schedule takes, and how late it notices an end, against a loop that looks every 2 seconds.

The package's own decisions are led through whole waits, with no event loop and no request.
"""

from __future__ import annotations

import math
import random
import statistics
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from anchor_webtask import WaitPolicy
from anchor_webtask._outcome import Completed, Running
from anchor_webtask._wait import Fetch, Sleep, Watch, watching
from benchmarks._durations import MEDIANS, SIGMA, late, lognormal
from benchmarks._request_data import INTERVAL
from benchmarks._rows import BARE, OURS, row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

    from anchor_webtask._outcome import Reply
    from benchmarks._rows import Row

TASKS: Final = 1_000
AIMED_LAG: Final = 0.1
AIMED_CHECKS: Final[Mapping[str, float]] = {"1m": 0.5, "5m": 0.2, "30m": 0.2}
"""How many of the loop's checks a schedule should take at most, by the median of the durations."""

_DEFAULT: Final = WaitPolicy()
_NEIGHBOURS: Final = {
    "fraction": (0.05, 0.1, 0.15, 0.2),
    "minimum": (0.5, 1.0, 2.0, 5.0),
    "maximum": (30.0, 120.0, 300.0),
}
_TICKS: Final = (0.05, 0.1, 0.2, 0.5, 1, 2)
_NOTE: Final = "httpx: a loop that looks every 2 seconds."


@dataclass(frozen=True)
class Course:
    """What waiting for many tasks came to.

    Attributes:
        checks: Checks a task.
        lag: By how much of its duration an end is noticed late, at the 95th percentile.
    """

    checks: float
    lag: float


def course(policy: WaitPolicy, durations: Sequence[float]) -> Course:
    """Wait for tasks by a policy; what it leaves to chance is the same each time."""
    chance = random.Random(len(durations)).random  # noqa: S311  it scatters checks
    return _course(durations, [_led(policy, seconds, chance) for seconds in durations])


def course_of_loop(durations: Sequence[float]) -> Course:
    """Wait for tasks by a loop that sleeps, looks, and does so again."""
    checks = [math.ceil(seconds / INTERVAL) for seconds in durations]
    return _course(durations, [(each, each * INTERVAL) for each in checks])


def _course(durations: Sequence[float], waits: Sequence[tuple[int, float]]) -> Course:
    shares = [noticed / seconds - 1 for seconds, (_, noticed) in zip(durations, waits, strict=True)]
    return Course(statistics.fmean(checks for checks, _ in waits), late(shares))


def _led(policy: WaitPolicy, seconds: float, chance: Callable[[], float]) -> tuple[int, float]:
    """Lead the wait for a task that has just been started; return its checks, and when it was over."""
    watch = Watch("task", 0.0, policy.delay(0.0, chance()))
    steps = watching(watch, policy, now=0.0, deadline=None, http_timeout=30.0, chance=chance)
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
    return watch.checks, now


def rows() -> Iterator[Row]:
    """Lead the default schedule, for each median of the durations."""
    for name, median in MEDIANS.items():
        durations = lognormal(median, TASKS)
        ours, loop = course(_DEFAULT, durations), course_of_loop(durations)
        checks = {OURS: [ours.checks], BARE: [loop.checks]}
        yield row(f"schedule.{name}.checks", f"median {name}: checks a task", "checks", checks, _NOTE)
        lags = {OURS: [ours.lag * 100], BARE: [loop.lag * 100]}
        yield row(f"schedule.{name}.lag", f"median {name}: lag, 95th percentile", "%", lags, _NOTE)


def plot(path: Path) -> None:
    """Draw checks against lag: the default schedule, its neighbours and the loop, a panel for each median.

    Args:
        path: Where the picture goes; what it ends with says its format, as `.svg` or `.png`.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 10), layout="constrained")
    figure.suptitle(f"Checks against lag: lognormal durations, sigma {SIGMA:g}, {TASKS:,} tasks")
    for axes, (name, median) in zip(figure.subplots(2, 2).flat, MEDIANS.items(), strict=True):
        _draw(axes, name, lognormal(median, TASKS))
    figure.savefig(path)


def _draw(axes: Axes, name: str, durations: Sequence[float]) -> None:
    loop, own = course_of_loop(durations), course(_DEFAULT, durations)
    axes.scatter(1, loop.lag, s=60, marker="s", color="grey", zorder=3, label=f"every {INTERVAL:g} s")
    axes.scatter(own.checks / loop.checks, own.lag, s=120, marker="*", color="black", zorder=3, label="default")
    for parameter, values in _NEIGHBOURS.items():
        policies = [
            replace(_DEFAULT, **{parameter: value}) for value in sorted({*values, getattr(_DEFAULT, parameter)})
        ]
        courses = [course(policy, durations) for policy in policies]
        checks, lags = [each.checks / loop.checks for each in courses], [each.lag for each in courses]
        axes.plot(checks, lags, marker="o", markersize=4, linewidth=0.8, label=parameter)
        for policy, found, x, y in zip(policies, courses, checks, lags, strict=True):
            if not _is_near(found, own):
                text = f"{getattr(policy, parameter):g}"
                axes.annotate(text, (x, y), (4, 4), textcoords="offset points", fontsize=8)
    if name in AIMED_CHECKS:
        axes.axhline(AIMED_LAG, color="green", linestyle="--", linewidth=0.8)
        axes.axvline(AIMED_CHECKS[name], color="green", linestyle="--", linewidth=0.8, label="aim: below, and left of")
    axes.set(
        title=f"median {name}", xlabel="checks, to those of the loop", xscale="log", ylim=(0, None), xlim=(0.04, 2.5)
    )
    axes.set_ylabel("lag at the 95th percentile, as a share of the duration")
    axes.set_xticks(_TICKS, labels=[f"{tick:g}" for tick in _TICKS])
    axes.minorticks_off()
    axes.legend(fontsize=8)


def _is_near(one: Course, other: Course) -> bool:
    """Whether two lie so near to each other that their labels would cover each other."""
    return math.isclose(one.checks, other.checks, rel_tol=0.05) and math.isclose(one.lag, other.lag, rel_tol=0.05)
