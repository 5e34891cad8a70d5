"""How fast `tasks.map` starts tasks: the window, and the pauses after refused starts.

429 means that the service is full, and so does 402 while another task was busy from the start until the response. Then
the window halves, once for all starts that were sent since it last halved; it grows by one with each start that
succeeds. It is at least one, and at most `max_running`. No start is sent before `Retry-After` has passed.

After each refusal, and if there is no connection, all starts pause. If starts are refused for `timeout` seconds while
nothing else runs, there is no hope.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchor_webtask._batch.items import Item
    from anchor_webtask._models import T
    from anchor_webtask._polling.policy import WaitPolicy


class Pace:
    """The window and the pauses of one call.

    Args:
        max_running: The largest window.
        timeout: Seconds of refusals after which there is no hope; None for never.
        policy: How long to pause, depending on the time since the first of several refusals.
        chance: Returns a random number from 0 to 1.

    Attributes:
        window: How many tasks may be busy.
        number: How often the window has halved.
        resumes_at: Until when starts pause.
        refused_since: When the first of several refusals came; infinity if a start after them has succeeded.
    """

    def __init__(
        self, max_running: int, timeout: float | None, policy: WaitPolicy, chance: Callable[[], float]
    ) -> None:
        self.window = self._max_running = max_running
        self.number = 0
        self.resumes_at = -math.inf
        self._timeout, self._policy, self._chance = timeout, policy, chance
        self.refused_since = math.inf
        self._alone_since: float | None = None
        self._refused_at = -math.inf  # the latest refusal
        self._wanted_until = -math.inf  # until when the service has asked for a pause

    def succeed(self, item: Item[T]) -> None:
        """Record that the start of this item has succeeded; one sent before a refusal says nothing about the pause."""
        self.window = min(self.window + 1, self._max_running)
        self._alone_since = None
        if item.begun > self._refused_at:
            self.refused_since = math.inf
            self._wanted_until = -math.inf

    def shrink(self, item: Item[T]) -> None:
        """Halve the window, since the start of this item was refused: the service is full."""
        if item.window == self.number:
            self.window = max(self.window // 2, 1)
            self.number += 1

    def pause(self, item: Item[T], wanted: float, now: float, *, is_alone: bool) -> bool:
        """Pause after a start that is to be repeated, and return whether there is hope.

        Args:
            item: The item whose start was refused.
            wanted: The least number of seconds until the next start.
            now: The time.
            is_alone: Whether nothing runs.
        """
        self.refused_since, self._refused_at = min(self.refused_since, now), now
        self._wanted_until = max(self._wanted_until, now + wanted)
        delay = max(self._policy.delay(now - self.refused_since, self._chance()), wanted)
        if not is_alone:
            self._alone_since = None
        elif self._timeout is not None:
            if self._alone_since is None:
                self._alone_since = item.begun
            left = self._alone_since + self._timeout - now
            if left <= wanted:
                return False
            delay = min(delay, left)  # the last start is at the deadline
        self.resumes_at = max(self.resumes_at, now + delay)
        return True

    def become_alone(self, now: float) -> bool:
        """Record that nothing runs any more, while starts are refused; return whether there is hope."""
        if self.refused_since == math.inf or self._alone_since is not None or self._timeout is None:
            return True
        self._alone_since = now
        if self._wanted_until >= now + self._timeout:
            return False
        self.resumes_at = min(self.resumes_at, now + self._timeout)
        return True
