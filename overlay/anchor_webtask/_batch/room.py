"""What a call of `tasks.map` knows of the places in its ledger, and when it asks again.

The claim of each start decides in the ledger whether there is a place. After one that found none, the call waits: for
the rest of a pause that the API wants, or for a while. It counts all places again and again, and at once when one of
its own starts may hold one.
"""

from __future__ import annotations

import logging
import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from anchor_webtask._ledger.models import Places

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchor_webtask._batch.reminder import Reminder
    from anchor_webtask._ledger.models import Full
    from anchor_webtask._polling.policy import WaitPolicy

SWEEP_SECONDS: Final = 30.0
"""How often a call adopts what owners that have died left, and counts all places."""
HELD: Final = (
    "no task of the ledger can start now: running tasks have %d of its places, and tasks of which it is not known "
    "whether they run hold %d, until %s; Ledger.free ends the places of the keys that you name"
)
PAUSED: Final = (
    "the API has refused another start of this ledger since too many tasks run, and wants no further one for {:.0f} s"
)
FULL: Final = "the ledger has no free place: the tasks of other calls have all ({}), and one of them must end first"

logger = logging.getLogger("anchor_webtask")


class Room:
    """The places, as one call knows them.

    Args:
        max_running: The limit of the call.
        policy: How long to wait after a claim that found no place.
        chance: Returns a random number from 0 to 1.
        reminder: Tells what the call waits for.

    Attributes:
        places: How many were in use at the latest sweep.
        has_swept: Whether there was a sweep.
        sweep_seconds: How long after a sweep the next one is due.
        sweep_at: When the next sweep is due; infinity while one is under way.
    """

    def __init__(self, max_running: int, policy: WaitPolicy, chance: Callable[[], float], reminder: Reminder) -> None:
        self.places = Places(0, 0, None)
        self.has_swept = False
        self.sweep_at = -math.inf
        self.sweep_seconds = SWEEP_SECONDS
        self._max_running, self._policy, self._chance, self._reminder = max_running, policy, chance, reminder
        self._sweeps = 0  # under way
        self._full_since: float | None = None
        self._full_until = self._paused_until = self._held_until = -math.inf
        self._has_warned = False  # of the places that are held

    @property
    def resumes_at(self) -> float:
        """Until when no start is claimed."""
        return max(self._full_until, self._paused_until)

    def may_become_free(self, now: float) -> bool:
        """Whether a place is held that becomes free."""
        return now < self._held_until

    def next_sweep(self, now: float) -> bool:
        """Whether to sweep now; this is asked once for each time."""
        if now < self.sweep_at:
            return False
        self.sweep_at = math.inf
        self._sweeps += 1
        return True

    def swept(self, places: Places, now: float) -> None:
        """Record the places in use."""
        self._sweep_ended(now)
        self.has_swept, self.places = True, places
        self._held_until = now + places.held_for
        if places.busy < self._max_running:
            self.ask_again()  # the user may have freed a place

    def sweep_failed(self, now: float) -> None:
        """Record that the ledger could not be used."""
        self._sweep_ended(now)

    def _sweep_ended(self, now: float) -> None:
        self._sweeps -= 1
        self.sweep_at = min(self.sweep_at, now + self.sweep_seconds)  # another one may be due already

    def sweep_soon(self, now: float) -> None:
        """Sweep now, though it is not time: a start of this call has perhaps kept its place."""
        self.sweep_at = min(self.sweep_at, now)

    def ask_again(self) -> None:
        """Claim the next start at once, unless the API wants a pause: there may be a place now."""
        self._full_until = -math.inf

    def started(self) -> None:
        """Record that a start has succeeded."""
        self._full_since, self._has_warned = None, False

    def was_full(self, found: Full, now: float, *, is_idle: bool) -> None:
        """Record that a claim has found no place.

        Args:
            found: What the claim has found.
            now: The time.
            is_idle: Whether the call only waits for others: no task of its own runs.
        """
        if self._full_since is None:
            self._full_since = now
        if found.seconds is None:
            delay = self._policy.delay(now - self._full_since, self._chance())
            self._full_until = now + delay
            others = self.places.busy - self.places.held
            if is_idle and others:
                self._reminder.remind(FULL.format(others), self._full_since, now, delay)
            self._warn_of_held_places(now)
        else:
            self._paused_until = now + found.seconds
            self._reminder.remind(PAUSED.format(found.seconds), self._full_since, now, found.seconds)

    def _warn_of_held_places(self, now: float) -> None:
        """Say once, until a task starts, how many places only time or the user makes free."""
        is_known = not self._sweeps and self.sweep_at > now  # otherwise the next time that there is no place
        if is_known and self.places.held_until is not None and not self._has_warned:
            self._has_warned = True
            until = datetime.fromtimestamp(self.places.held_until, UTC).isoformat(timespec="seconds")
            others = self.places.busy - self.places.held
            logger.warning(HELD, others, self.places.held, until, extra={"task_id": None})
