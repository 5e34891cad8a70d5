"""Processes that use a ledger are killed at any moment: no task starts twice, none is lost, and the limit holds."""

from __future__ import annotations

import json
import os
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest

from anchor_webtask import Anchor, Ledger, TaskRequest
from tests.support.ledger_accounts import Start, settled_accounts
from tests.support.ledger_work import OFTEN, keys_of
from tests.support.processes import spawn
from tests.support.runners import KEY

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator, Sequence

PROGRAMS: Final = Path(__file__).parent / "programs"
PATIENCE: Final = 120
"""Seconds after which a program counts as hanging, beside the time that its work takes."""

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


class Server:
    """An emulator in a process of its own.

    Attributes:
        base_url: Where it is.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.base_url = self._answer()

    def calm(self) -> None:
        """End all faults."""
        self._ask("calm")

    def starts(self, prefix: str = "") -> list[Start]:
        """Return the tasks that were started, whose prompts begin with a text."""
        starts = (Start(**each) for each in json.loads(self._ask("report")))
        return [start for start in starts if start.prompt.startswith(prefix)]

    def _ask(self, question: str) -> str:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{question}\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


@contextmanager
def serving(*, seed: int = 0, faults: int = 0, shortest: float = 0.01, longest: float = 0.05) -> Iterator[Server]:
    """Serve an emulator, whose next starts may get faults; its tasks take so many seconds."""
    arguments = map(str, (seed, faults, shortest, longest))
    with spawn(PROGRAMS / "serve_faults.py", *arguments, base_url="") as process:
        yield Server(process)


def output(process: subprocess.Popen[str], seconds: float = 0) -> str:
    """Wait until a program has ended well, and return its output."""
    printed, errors = process.communicate(timeout=PATIENCE + seconds)
    assert (process.returncode, errors) == (0, "")
    return printed


def finish(server: Server, ledger: Path, keys: Sequence[str], limit: int) -> Counter[str]:
    """Run `map` until all tasks have ended, and return the number of outcomes in each state."""
    with Anchor(KEY, base_url=server.base_url, wait=OFTEN) as anchor:
        requests = [TaskRequest(key, key=key) for key in keys]
        outcomes = [*anchor.tasks.map(requests, ledger=ledger, max_running=limit, timeout=60)]
    assert sorted(outcome.key for outcome in outcomes) == sorted(keys)
    return Counter(outcome.state for outcome in outcomes)


class Loop(NamedTuple):
    """How many processes are killed over how many tasks; the rest is as for `kill_workers.py`."""

    limit: int
    items: int
    kills: int
    longest: float
    hold: float
    tasks: tuple[float, float]


SHORT: Final = (
    Loop(limit=1, items=30, kills=15, longest=0.2, hold=0.3, tasks=(0.01, 0.05)),
    Loop(limit=4, items=100, kills=30, longest=0.2, hold=0.5, tasks=(0.01, 0.1)),
)
LONG: Final = (
    Loop(limit=1, items=300, kills=200, longest=0.5, hold=0.5, tasks=(0.01, 0.1)),
    Loop(limit=5, items=2000, kills=600, longest=0.5, hold=1, tasks=(0.02, 0.2)),
)


@pytest.fixture(name="loops")
def chosen_loops(request: pytest.FixtureRequest) -> Sequence[Loop]:
    return LONG if request.config.getoption("--every-point") else SHORT


@pytest.mark.parametrize("which", [0, 1], ids=["one at once", "some at once"])
def test_kills_start_nothing_twice_and_lose_nothing(tmp_path: Path, loops: Sequence[Loop], which: int) -> None:
    loop, ledger = loops[which], tmp_path / "work.ledger"
    arguments = (loop.items, loop.limit, loop.hold, loop.kills, loop.longest, which)
    with serving(seed=which, faults=2 * loop.items, shortest=loop.tasks[0], longest=loop.tasks[1]) as server:
        with spawn(
            PROGRAMS / "kill_workers.py", str(ledger), *map(str, arguments), base_url=server.base_url
        ) as process:
            killed = json.loads(output(process, loop.kills))["killed"]
        assert killed >= loop.kills
        server.calm()
        keys = sorted({*keys_of("a", loop.items // 2), *keys_of("b", loop.items // 2)})
        states = finish(server, ledger, keys, loop.limit)
        starts = [start for start in server.starts() if not start.prompt.startswith("first")]
        before = settled_accounts(ledger, starts)
        assert max(Counter(start.prompt for start in starts).values()) == 1
        assert before.most <= loop.limit
        assert before.states == states
        assert min(states[state] for state in ("completed", "unknown")) > 0
        assert before.paid

        with Ledger(ledger) as opened:
            opened.retry(*(row.key for row in opened.rows("unknown")))
        assert finish(server, ledger, keys, loop.limit)["unknown"] == 0
        after = settled_accounts(ledger, [start for start in server.starts() if not start.prompt.startswith("first")])
        assert after.starts - before.starts == states["unknown"]
        assert after.paid == before.paid
    print(f"{killed} kills, {before}")
