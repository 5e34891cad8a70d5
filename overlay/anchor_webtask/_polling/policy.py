"""`WaitPolicy`, which says how often a wait checks its task."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Never

from anchor_webtask._errors import ConfigurationError

MAX_VALUE: Final = 86_400
"""A day in seconds: a longer delay is a mistake, and arithmetic with very large numbers overflows."""


@dataclass(frozen=True, slots=True, kw_only=True, init=False)
class WaitPolicy:
    """How often a wait checks its task: each delay is a fraction of the time that the task has run, within bounds.

    Attributes:
        fraction: The delay before the next check, as a fraction of the time that the task has run.
        minimum: The shortest delay, in seconds.
        maximum: The longest delay, in seconds; at most a day.
        jitter: The fraction by which each delay is randomly lengthened or shortened, so that many waits spread out.

    Raises:
        ConfigurationError: A value is out of range, or is passed by position.
    """

    fraction: float
    minimum: float
    maximum: float
    jitter: float

    def __init__(
        self,
        *positional: Never,
        fraction: float = 0.09,
        minimum: float = 2.0,
        maximum: float = 60.0,
        jitter: float = 0.1,
    ) -> None:
        if positional:
            raise ConfigurationError(
                "WaitPolicy accepts only fraction, minimum, maximum and jitter, each by its name: "
                "WaitPolicy(minimum=5) waits at least 5 seconds between two checks"
            )
        given = {"fraction": fraction, "minimum": minimum, "maximum": maximum, "jitter": jitter}
        for name, value in given.items():
            object.__setattr__(self, name, value)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
                raise ConfigurationError(f"WaitPolicy: {name} must be a finite number of at least 0, not {value!r}")
            if value > MAX_VALUE:
                raise ConfigurationError(f"WaitPolicy: {name} must be at most {MAX_VALUE}")
        if self.minimum == 0 or self.maximum < self.minimum:
            raise ConfigurationError(
                f"WaitPolicy: minimum must be above 0, and not above maximum; it is {self.minimum!r}, and maximum is "
                f"{self.maximum!r}"
            )
        if self.jitter >= 1:
            raise ConfigurationError(f"WaitPolicy: jitter must be below 1, not {self.jitter!r}")

    def delay(self, elapsed: float, chance: float) -> float:
        """Return the seconds until the next check.

        Args:
            elapsed: Seconds that the task has run.
            chance: A random number from 0 to 1; it decides where the delay lies within the jitter.
        """
        plain = min(max(self.fraction * elapsed, self.minimum), self.maximum)
        return plain * (1 + self.jitter * (2 * chance - 1))
