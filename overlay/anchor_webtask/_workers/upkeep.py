"""What each worker does for all at times: it enqueues requests that have lost their job, and notices a stop of all."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Final

from anchor_webtask._workers import jobs, tables
from anchor_webtask._workers.abandonable import result_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchor_webtask._clock import Clock
    from anchor_webtask._ledger.database import Connection
    from anchor_webtask._ledger.store import Store

STOPPED: Final = (
    "no worker of this ledger starts a task any more, since the API has refused one: %s. Once that is settled, run "
    "`anchor-webtask ledger resume '%s'`, or start a worker anew"
)

logger = logging.getLogger("anchor_webtask")


class Upkeep:
    """What one worker does for all.

    Args:
        store: The ledger.
        clock: The client's clock.
        wall: Returns the server's time, in seconds since 1970.
        lost_jobs: How often lost jobs are looked for, in seconds.

    Attributes:
        stopped: Since when, and why, no worker starts anything; None if they may.
    """

    def __init__(self, store: Store, clock: Clock, wall: Callable[[], float], lost_jobs: float) -> None:
        self.stopped: tuple[float, str] | None = None
        self._store, self._clock, self._wall = store, clock, wall
        self._seconds = lost_jobs
        self._next = 0.0

    async def do(self) -> None:
        """Do what is due.

        Raises:
            LedgerError: The ledger cannot be used.
        """
        await result_of(self._store.submit(self._notice_stop, "read"))
        if self._clock.now() >= self._next:
            self._next = self._clock.now() + self._seconds
            await self._enqueue_lost()

    async def _enqueue_lost(self) -> None:
        may_look = partial(jobs.may_look, now=self._wall(), seconds=self._seconds / 2)
        if not await result_of(self._store.submit(may_look, "intent")):
            return
        last, is_full = jobs.FIRST, True
        while is_full:
            found = await result_of(self._store.submit(partial(jobs.page_after, last=last), "read"))
            if found:
                await result_of(self._store.submit(partial(jobs.enqueue, lost=found), "intent"))
                last = found[-1]
            is_full = len(found) >= jobs.PAGE

    def _notice_stop(self, db: Connection) -> None:
        before, self.stopped = self.stopped, tables.stopped(db)
        if self.stopped is not None and self.stopped != before:
            logger.warning(STOPPED, self.stopped[1], self._store.name, extra={"task_id": None})
