"""Compares a ledger's rows with what an emulator has started."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import accumulate
from typing import TYPE_CHECKING, Final, NamedTuple

from anchor_webtask import Ledger
from tests.support.postgres_server import rows_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tests.support.postgres_server import Place

ENDED: Final = frozenset({"completed", "failed", "unknown", "retried"})
MAY_BE_PAID: Final = frozenset({"unknown", "retried"})


class Start(NamedTuple):
    """A task that an emulator has started: its prompt is its key in the ledger; times are seconds since 1970."""

    prompt: str
    task_id: str
    begun: float
    ended: float


class Attempt(NamedTuple):
    """A row of the ledger."""

    key: str
    attempt: int
    state: str
    task_id: str | None
    stamped: float
    hold: float


class Accounts(NamedTuple):
    """The numbers that a ledger and an emulator agree on.

    Attributes:
        starts: How many tasks the emulator has started.
        states: How many rows are in each state.
        paid: The numbers of unknown starts by key that have happened.
        most: The most tasks that ran at once, without unknown ones whose hold had ended.
    """

    starts: int
    states: Mapping[str, int]
    paid: Mapping[str, int]
    most: int


def attempts(ledger: Place) -> list[Attempt]:
    """Return all rows."""
    return [Attempt(*each) for each in rows_of(ledger, ", ".join(Attempt._fields))]


def settled_accounts(ledger: Place, starts: Iterable[Start]) -> Accounts:
    """Assert that all tasks have ended, and that the ledger and the emulator agree on what was started.

    Args:
        ledger: Where the ledger is.
        starts: The tasks that the emulator has started for this ledger.
    """
    with Ledger(ledger) as opened:
        opened.check()
    rows, started = attempts(ledger), [*starts]
    unsettled = [row for row in rows if row.state not in ENDED]
    assert unsettled == []
    with_id = {row.task_id: row for row in rows if row.task_id is not None}
    foreign = {row.key for row in with_id.values()} - {start.prompt for start in started}
    assert foreign == set(), "the ledger has ids that the emulator has not"
    without_id: dict[str, list[Start]] = defaultdict(list)
    for start in started:
        row = with_id.get(start.task_id)
        if row is None:
            without_id[start.prompt].append(start)
        else:
            assert row.key == start.prompt
    assert len(with_id) + sum(map(len, without_id.values())) == len(started)
    unknown: dict[str, list[Attempt]] = defaultdict(list)
    for row in rows:
        if row.task_id is None and row.state in MAY_BE_PAID:
            unknown[row.key].append(row)
    lost = {key: len(each) for key, each in without_id.items() if len(each) > len(unknown[key])}
    assert lost == {}, "more tasks were started than the ledger knows of"
    paid = {key: len(each) for key, each in without_id.items()}
    return Accounts(len(started), Counter(row.state for row in rows), paid, _most(started, without_id, unknown))


def _most(
    started: Sequence[Start], without_id: Mapping[str, Sequence[Start]], unknown: Mapping[str, Sequence[Attempt]]
) -> int:
    """Return the most tasks that ran at once; an unknown one counts until the end of its hold."""
    ends = {start.task_id: start.ended for start in started}
    for key, each in without_id.items():
        until = max(row.stamped + row.hold for row in unknown[key])
        ends |= {start.task_id: min(start.ended, max(until, start.begun)) for start in each}
    changes = sorted([(start.begun, 1) for start in started] + [(end, -1) for end in ends.values()])
    return max(accumulate(change for _, change in changes), default=0)
