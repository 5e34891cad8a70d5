"""What the command line asks of the workers of a ledger: whether all have stopped, and which tasks none has started."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from anchor_webtask._workers import cancellation, tables

if TYPE_CHECKING:
    from collections.abc import Iterable

    from anchor_webtask._ledger.database import Connection
    from anchor_webtask._ledger.ledger import Ledger


class Stop(NamedTuple):
    """A stop of all workers: since when, in seconds since 1970, and why."""

    since: float
    reason: str


def stop_of(ledger: Ledger) -> Stop | None:
    """Return the stop of the workers of a ledger; None if they may start tasks, or if it is a file."""
    found = None if ledger.path is not None else ledger._store.read(tables.stopped)
    return None if found is None else Stop(*found)


def clear_stop(ledger: Ledger) -> Stop | None:
    """Let the workers of a ledger start tasks again; return their stop, if there was one."""
    found = None if ledger.path is not None else ledger._store.change(tables.clear_stop)
    return None if found is None else Stop(*found)


def unstarted_request(ledger: Ledger, keys: Iterable[str]) -> tuple[str, bool] | None:
    """Return the first key of a request of a batch that needs no retry, since no worker has started it; None if none.

    It is either open, or cancelled, in which case the second value is True. A request that has ended otherwise waits
    for the user.
    """
    wanted = [*keys]

    def operation(db: Connection) -> tuple[str, bool] | None:
        for key in wanted:
            found = tables.request_of(db, key)
            if found is not None and not tables.was_started(db, key):
                is_cancelled = found.cancelled or cancellation.is_cancelled(db, key)
                if is_cancelled or found.ended is None:
                    return key, is_cancelled
        return None

    return None if ledger.path is not None else ledger._store.read(operation)
