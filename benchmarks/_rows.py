"""One line of the table: what was measured, of whom, in which unit, and how much it scattered."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

OURS: Final = "anchor_webtask"
BARE: Final = "httpx"
OFFICIAL: Final = "anchorbrowser"


@dataclass(frozen=True)
class Summary:
    """Samples of one figure.

    Attributes:
        median: Their median.
        low: Their first quartile,
        high: and their third.
        samples: How many there are.
    """

    median: float
    low: float
    high: float
    samples: int

    @property
    def spread(self) -> float:
        """Half the distance between the quartiles, as a share of the median: the noise."""
        return (self.high - self.low) / 2 / self.median if self.median else 0.0


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        key: What budgets name it by, such as `import.wall`.
        label: What a reader sees.
        unit: The unit of the figures, such as `ms`.
        figures: By subject; whoever can't do this is left out.
        ratios: Ours to another subject's, pair by pair, by the other's name.
        note: What a reader has to know.
    """

    key: str
    label: str
    unit: str
    figures: Mapping[str, Summary]
    ratios: Mapping[str, Summary] = field(default_factory=dict)
    note: str = ""


def summary(samples: Sequence[float]) -> Summary:
    """Summarise samples, at least one."""
    if len(samples) == 1:
        return Summary(samples[0], samples[0], samples[0], 1)
    low, _, high = statistics.quantiles(samples, n=4, method="inclusive")
    return Summary(statistics.median(samples), low, high, len(samples))


def row(key: str, label: str, unit: str, samples: Mapping[str, Sequence[float]], note: str = "") -> Row:
    """Make a row of samples that were taken in turn: the n-th of each subject belong together, and are compared."""
    ours = samples.get(OURS, ())
    ratios = {
        name: summary([mine / other for mine, other in zip(ours, theirs, strict=True)])
        for name, theirs in samples.items()
        if name != OURS and ours and all(theirs)
    }
    return Row(key, label, unit, {name: summary(each) for name, each in samples.items()}, ratios, note)
