"""The rows of the table: the figures of each client, their unit, their spread, and the ratios between clients."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

OURS: Final = "anchor_webtask"
BARE: Final = "httpx"
OFFICIAL: Final = "anchorbrowser"
NO_LOGGING: Final = "no logging"
BARE_TYPER: Final = "bare typer"
NO_LEDGER: Final = "no ledger"
ONE_AT_A_TIME: Final = "one at a time"
EMPTY: Final = "empty ledger"


@dataclass(frozen=True)
class Summary:
    """The median, the quartiles and the number of the samples of one figure.

    Attributes:
        median: The median of the samples.
        low: The first quartile.
        high: The third quartile.
        samples: The number of samples.
    """

    median: float
    low: float
    high: float
    samples: int

    @property
    def spread(self) -> float:
        """The noise of the samples: half the distance between the quartiles, divided by the median."""
        return (self.high - self.low) / 2 / self.median if self.median else 0.0


@dataclass(frozen=True)
class Row:
    """One row of the table.

    Attributes:
        key: The name of the row in budgets.toml and in the JSON, such as `import.wall`.
        label: The name of the row in the table.
        unit: The unit of the figures, such as `ms`.
        figures: The figures, by the name of their column (a client or function). Columns without a figure are left out.
        ratios: The ratios of this package's samples to the samples of another column, by the name of that column.
        note: A footnote, or an empty string.
    """

    key: str
    label: str
    unit: str
    figures: Mapping[str, Summary]
    ratios: Mapping[str, Summary] = field(default_factory=dict)
    note: str = ""


def summary(samples: Sequence[float]) -> Summary:
    """Summarise one or more samples."""
    if len(samples) == 1:
        return Summary(samples[0], samples[0], samples[0], 1)
    low, _, high = statistics.quantiles(samples, n=4, method="inclusive")
    return Summary(statistics.median(samples), low, high, len(samples))


def row(key: str, label: str, unit: str, samples: Mapping[str, Sequence[float]], note: str = "") -> Row:
    """Make a row from samples that were taken in rounds.

    The n-th samples of all columns come from the same round. Each sample of this package is divided by each other
    column's sample of the same round.
    """
    ours = samples.get(OURS, ())
    ratios = {
        name: summary([our / their for our, their in zip(ours, theirs, strict=True)])
        for name, theirs in samples.items()
        if name != OURS and ours and all(theirs)
    }
    return Row(key, label, unit, {name: summary(each) for name, each in samples.items()}, ratios, note)
