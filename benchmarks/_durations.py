"""How long tasks take."""

from __future__ import annotations

import math
import random
from statistics import NormalDist, quantiles
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MEDIANS: Final[Mapping[str, float]] = {"10s": 10.0, "1m": 60.0, "5m": 300.0, "30m": 1800.0}
SIGMA: Final = 1.0
"""One task in six takes more than e times the median, and one in six less than a part in e of it."""


def lognormal(median: float, count: int, *, sigma: float = SIGMA) -> list[float]:
    """Return durations in seconds that are spread as the lognormal distribution is, in an order without meaning.

    They are its quantiles and no sample of it, so that each run has the same work, and a single one is the median.
    """
    normal = [NormalDist().inv_cdf((index + 0.5) / count) for index in range(count)]
    random.Random(count).shuffle(normal)  # noqa: S311  an order
    return [median * math.exp(sigma * quantile) for quantile in normal]


def late(lags: Sequence[float]) -> float:
    """Return the 95th percentile of lags: one task in twenty is noticed later than that."""
    return quantiles(lags, n=20)[-1]
