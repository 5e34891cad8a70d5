"""Synthetic durations of tasks, and the 95th percentile of lags."""

from __future__ import annotations

import math
import random
from statistics import NormalDist, quantiles
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MEDIANS: Final[Mapping[str, float]] = {"10s": 10.0, "1m": 60.0, "5m": 300.0, "30m": 1800.0}
SIGMA: Final = 1.0
"""The sigma of the durations: one task in six takes more than e times the median, one in six less than median / e."""


def lognormal(median: float, count: int, *, sigma: float = SIGMA) -> list[float]:
    """Return lognormally distributed durations in seconds, shuffled in the same way on each run.

    The durations are quantiles of the distribution, not random samples, so that each run has the same work. If the
    count is 1, the only duration is the median.
    """
    normal = [NormalDist().inv_cdf((index + 0.5) / count) for index in range(count)]
    random.Random(count).shuffle(normal)  # noqa: S311  shuffles, no secret
    return [median * math.exp(sigma * quantile) for quantile in normal]


def percentile_95(lags: Sequence[float]) -> float:
    """Return the 95th percentile of lags: one lag in twenty is longer.

    The lag of a task is the time from its end until the end is noticed, in seconds or divided by the task's duration.
    """
    return quantiles(lags, n=20)[-1]
