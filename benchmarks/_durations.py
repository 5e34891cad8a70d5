"""The durations of the tasks that are waited for, and the percentile used for lags."""

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

    They are quantiles of the distribution, not random samples, so that each run has the same work. With a count of 1,
    the duration is the median.
    """
    normal = [NormalDist().inv_cdf((index + 0.5) / count) for index in range(count)]
    random.Random(count).shuffle(normal)  # noqa: S311  shuffles, no secret
    return [median * math.exp(sigma * quantile) for quantile in normal]


def percentile_95(lags: Sequence[float]) -> float:
    """Return the 95th percentile of lags: the end of one task in twenty is noticed later than that."""
    return quantiles(lags, n=20)[-1]
