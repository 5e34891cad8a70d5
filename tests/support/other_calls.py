"""A call of another program that uses the same ledger, step by step."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from anchor_webtask import Anchor, Ledger
from anchor_webtask._batch.identity import fingerprint
from anchor_webtask._ledger.call import CallLimits, LedgerCall
from anchor_webtask._ledger.waiting import run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from anchor_webtask import TaskRequest
    from anchor_webtask._ledger.start import LedgerStart


@contextmanager
def starting(place: Path | str, request: TaskRequest) -> Iterator[LedgerStart]:
    """A block in which another call, which is alive, is starting a task, unless its start has ended."""
    with Anchor() as anchor, Ledger(place) as ledger:
        settings = anchor._settings
        call = LedgerCall(ledger, settings.clock, settings.base_url, CallLimits(5, 1, 60.0), closes=False)
        call.open()
        start = call.new_start(str(request.key), fingerprint(request), wrapped=False, has_secrets=False)
        run(start.before_sending())
        yield start
        start.withdrawn().result()
        start.let_go()
        call.end().result()
