"""Which lines of a file of tasks a ledger has already, by their keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from anchor_webtask import TaskRequest


def keys_of(requests: Iterable[TaskRequest]) -> list[str]:
    """Return the key that each of the valid requests of a call has in a ledger."""
    from anchor_webtask._batch.identity import GivenKeys, fingerprint

    given = GivenKeys()
    return [given.next(fingerprint(each)) if each.key is None else each.key for each in requests]


def started_keys(place: Path | str) -> set[str]:
    """Return the keys of the tasks that a ledger has, but not of those that were certainly not started.

    Raises:
        AnchorError: The ledger cannot be read.
    """
    from anchor_webtask import Ledger

    latest: dict[str, str] = {}
    with Ledger(place) as ledger:
        for row in ledger.rows():
            latest[row.key] = row.state
    return {key for key, state in latest.items() if state not in {"refused", "retried"}}
