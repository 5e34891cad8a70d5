"""The stop of all workers, for the command line: since when and why, and its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from anchor_webtask._workers import tables

if TYPE_CHECKING:
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
