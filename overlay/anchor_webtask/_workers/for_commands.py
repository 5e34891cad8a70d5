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


def open_requests(ledger: Ledger, keys: Iterable[str]) -> dict[str, bool]:
    """Return which keys are those of requests of a batch that no worker has started; True for a cancelled one."""
    wanted = [*keys]

    def operation(db: Connection) -> dict[str, bool]:
        return {
            key: found.cancelled or cancellation.is_cancelled(db, key)
            for key in wanted
            if (found := tables.request_of(db, key)) is not None and not tables.was_started(db, key)
        }

    return {} if ledger.path is not None else ledger._store.read(operation)
