"""Tells in the log, once a minute, why a call starts nothing, so that none waits forever without a word."""

from __future__ import annotations

import logging
import math
from typing import Final

REMIND_AGAIN: Final = 60.0
"""Seconds after which a call that waits says so, and says so again."""
WAITING: Final = "a start has waited for %d s, and goes on waiting: %s"

logger = logging.getLogger("anchor_webtask")


class Reminder:
    """The reminders of one call."""

    def __init__(self) -> None:
        self._last = -math.inf

    def remind(self, why: object, since: float, now: float, delay: float) -> None:
        """Log what the call waits for, unless it has not waited for long, or has said so a moment ago.

        Args:
            why: What it waits for.
            since: When the wait began, on the clock of the client.
            now: The time.
            delay: For how many seconds it waits until it tries again.
        """
        silent = now - max(since, self._last)
        if silent >= REMIND_AGAIN or silent + delay >= 2 * REMIND_AGAIN:
            self._last = now
            logger.warning(WAITING, now - since, why, extra={"task_id": None})
