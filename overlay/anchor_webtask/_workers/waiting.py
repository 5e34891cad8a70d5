"""Decides, without I/O, how the outcomes of a batch are read: in pages, each once, with pauses if there are none."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Generic

from anchor_webtask._errors import LedgerError
from anchor_webtask._models import T

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from anchor_webtask._batch.models import TaskOutcome
    from anchor_webtask._tasks.handle import Setup
    from anchor_webtask._workers.outcomes import Page

POLL_SECONDS: Final = 1.0
"""Seconds between two looks for outcomes, while there are none."""


class Reading(Generic[T]):
    """One reading of all outcomes.

    Args:
        setup: How answers are decoded.
        begun: The number of the latest ending before it began.
        wall: Returns seconds since 1970, by the clock of the ledger.

    Attributes:
        after: The number of the last ending that was read.
        is_over: Whether all tasks of the batch have ended, and all their outcomes were read.
        pause: For how many seconds to wait before the next page.
    """

    def __init__(self, setup: Setup[T], begun: int, wall: Callable[[], float]) -> None:
        self.after = 0
        self.is_over = False
        self.pause = 0.0
        self._setup, self._begun, self._wall = setup, begun, wall
        self._seen = bytearray()  # by the number of the request: a batch may have a million
        self._page: Page | None = None

    @contextmanager
    def trying(self) -> Iterator[None]:
        """A block that reads a page; a database that cannot be used now is waited for."""
        self._page, self.pause = None, POLL_SECONDS
        try:
            yield
        except LedgerError as error:
            if not error.is_temporary:
                raise

    def take(self, page: Page) -> None:
        """Take a page."""
        self._page = page
        self.pause = POLL_SECONDS if page.is_last and page.is_open else 0.0
        self.is_over = page.is_last and not page.is_open

    def outcomes(self) -> Iterator[TaskOutcome[T]]:
        """Yield the outcomes of the page that were not read before: a task may end again after a retry."""
        page, self._page = self._page, None
        if page is None:
            return
        if page.requests:
            self.after = page.requests[-1].ended or 0
        for outcome in page.outcomes(self._setup, self._begun, self._wall()):
            if outcome.index >= len(self._seen):
                self._seen.extend(bytes(outcome.index + 1 - len(self._seen)))
            if not self._seen[outcome.index]:
                self._seen[outcome.index] = True
                yield outcome
