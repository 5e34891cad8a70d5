"""Processes that use a ledger die at any moment: no task starts twice, none is lost, and the limit holds.

By default, few processes are killed, and some points are tried; with `--every-point` hundreds, and all.
"""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest

from anchor_webtask import Anchor, Ledger, TaskRequest
from anchor_webtask._ledger.postgres.backend import PostgresBackend
from tests.support.ledger_accounts import settled_accounts
from tests.support.ledger_server import PROGRAMS, output, serving
from tests.support.ledger_work import OFTEN, keys_of
from tests.support.processes import spawn
from tests.support.runners import KEY

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.support.ledger_server import Server
    from tests.support.postgres_server import Place

COMMIT_STEP: Final = 7
"""By default, every 7th moment is tried. The steps are prime numbers, so that no loop repeats in step with them."""
LINE_STEP: Final = 331
COMMITS, LINES = 16, 700
"""The work of two tasks has at least so many moments before and after a commit, and lines that take part in a start."""
CASES: Final = (("sync-map-1", "asyncio-map-2", "trio-map-1"), ("sync-run-1", "asyncio-run-1", "trio-run-1"))

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


@pytest.fixture(name="every")
def every_point(request: pytest.FixtureRequest) -> bool:
    """Whether all points are tried."""
    return bool(request.config.getoption("--every-point"))


def finish(server: Server, ledger: Place, keys: Sequence[str], limit: int) -> Counter[str]:
    """Run `map` until all tasks have ended, and return the number of outcomes in each state."""
    with Anchor(KEY, base_url=server.base_url, wait=OFTEN) as anchor:
        requests = [TaskRequest(key, key=key) for key in keys]
        outcomes = [*anchor.tasks.map(requests, ledger=ledger, max_running=limit, timeout=60)]
    assert sorted(outcome.key for outcome in outcomes) == sorted(keys)
    return Counter(outcome.state for outcome in outcomes)


class Loop(NamedTuple):
    """How many processes are killed over how many tasks, and how long these take; the rest is for `kill_workers.py`."""

    limit: int
    items: int
    kills: int
    longest: float
    hold: float
    tasks: tuple[float, float]


# The hold is the timeout, too; a task that takes longer than two timeouts loses its place, so tasks are shorter.
SHORT: Final = {
    "one at once": Loop(limit=1, items=20, kills=10, longest=0.2, hold=0.3, tasks=(0.02, 0.2)),
    "some at once": Loop(limit=4, items=60, kills=20, longest=0.2, hold=0.5, tasks=(0.05, 0.3)),
}
LONG: Final = {
    "one at once": Loop(limit=1, items=300, kills=200, longest=0.5, hold=0.5, tasks=(0.01, 0.1)),
    "some at once": Loop(limit=5, items=2000, kills=600, longest=0.5, hold=1, tasks=(0.02, 0.2)),
}


@pytest.mark.parametrize(
    ("place", "name"),
    [("file", "one at once"), ("file", "some at once"), ("postgres", "some at once")],
    indirect=["place"],
)
def test_kills_start_nothing_twice_and_lose_nothing(
    tmp_path: Path, place: Place, name: str, monkeypatch: pytest.MonkeyPatch, *, every: bool
) -> None:
    monkeypatch.setattr(PostgresBackend, "settle_after", 0.0)  # no process lives whose connection is lost
    loop = (LONG if every else SHORT)[name]
    work = (tmp_path, place, loop.items, loop.limit, loop.hold, loop.kills, loop.longest, 0)
    with serving(faults=2 * loop.items, shortest=loop.tasks[0], longest=loop.tasks[1]) as server:
        with spawn(PROGRAMS / "kill_workers.py", *map(str, work), base_url=server.base_url) as process:
            assert int(output(process, loop.kills)) >= loop.kills
        server.calm()
        keys = [*keys_of("a", loop.items // 2), *keys_of("b", loop.items // 2)]
        states = finish(server, place, keys, loop.limit)
        starts = server.starts()
        before = settled_accounts(place, starts)
        assert set(Counter(start.prompt for start in starts).values()) == {1}
        assert before.most <= loop.limit
        assert before.states == states
        assert states["completed"] > 0 < states["unknown"]

        with Ledger(place) as opened:
            opened.retry(*(row.key for row in opened.rows("unknown")))
        assert finish(server, place, keys, loop.limit)["unknown"] == 0
        after = settled_accounts(place, server.starts())
        assert after.starts - before.starts == states["unknown"]
        assert after.paid == before.paid


@pytest.mark.parametrize("kind", ["commits", "lines"])
@pytest.mark.parametrize("cases", CASES, ids=["map", "run"])
def test_death_at_any_point_of_the_work(tmp_path: Path, kind: str, cases: Sequence[str], *, every: bool) -> None:
    step = 1 if every else COMMIT_STEP if kind == "commits" else LINE_STEP
    with serving(longest=0.02) as server:
        with spawn(
            PROGRAMS / "die_at_points.py", str(tmp_path), kind, str(step), *cases, base_url=server.base_url
        ) as process:
            died = dict(line.split() for line in output(process, 3600 if every else 0).splitlines())
        starts = server.starts()
    points = COMMITS if kind == "commits" else LINES
    assert len(died) >= len(cases) * (points // step)
    assert set(died.values()) == {"0"}
    for ledger in died:
        accounts = settled_accounts(
            tmp_path / ledger, [each for each in starts if each.prompt.startswith(f"{ledger} ")]
        )
        assert accounts.most <= int(ledger.split("-")[3])
        assert accounts.starts == accounts.states["completed"] + sum(accounts.paid.values())
