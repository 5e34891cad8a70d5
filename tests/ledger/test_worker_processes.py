"""Workers are killed, stopped and cut off: no task starts twice, none is lost, and the limit holds.

By default, few workers are killed; with `--every-point`, 30 over 500 tasks.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import threading
from collections import Counter
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

import pytest

from anchor_webtask import Batch, Ledger, TaskRequest
from anchor_webtask._workers.engine import CLOSE_SECONDS
from anchor_webtask._workers.worker import DRAIN_SECONDS
from tests.support.ledger_accounts import settled_accounts
from tests.support.ledger_server import PROGRAMS, serving
from tests.support.patience import PATIENCE, until
from tests.support.postgres_server import PostgresServer, rows_of
from tests.support.processes import spawn, state_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from anchor_webtask import TaskOutcome
    from tests.support.ledger_server import Server

HOLD: Final = 3
NAME: Final = "work"
DRAINED_WITHIN: Final = 20
"""Seconds that the documentation gives a worker to end."""

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="this system has no such signals")


class Loop(NamedTuple):
    """How many workers are killed over how many tasks, which take so many seconds, and less than two holds."""

    items: int
    limit: int
    kills: int
    shortest: float
    longest: float
    hold: float


SHORT: Final = Loop(items=60, limit=8, kills=4, shortest=0.1, longest=1.0, hold=2)
LONG: Final = Loop(items=500, limit=25, kills=30, shortest=0.5, longest=10, hold=8)


class Workers:
    """Workers in processes of their own.

    Attributes:
        living: The processes.
        url: The ledger of their batches.
    """

    def __init__(self, url: str, server: Server, limit: int, hold: float = HOLD) -> None:
        self.living: list[int] = []
        self.url = url
        self._arguments = url, str(limit), str(hold)
        self._server = server
        self._stack = ExitStack()

    def begin(self, *words: str) -> int:
        """Start a worker, wait until it runs, and return its process."""
        self.living.append(int(self._ask("begin", *words)))
        return self.living[-1]

    def end(self, process: int, number: signal.Signals = signal.SIGTERM) -> None:
        """Drain a worker, or kill it, and check that it ends as expected."""
        self.living.remove(process)
        os.kill(process, number)
        assert self.status_of(process) == (0 if number == signal.SIGTERM else -number)

    def status_of(self, process: int) -> int:
        """Wait until a worker has ended, and return its status."""
        return int(self._ask("wait", str(process)))

    def end_all(self) -> None:
        """Drain all workers, and check that they end well."""
        for process in [*self.living]:
            self.end(process)
        _, errors = self._program.communicate(timeout=PATIENCE)
        assert errors == ""

    def health(self, process: int) -> dict[str, Any]:
        """Return what a worker says of itself."""
        os.kill(process, signal.SIGUSR1)
        said: dict[str, Any] = json.loads(self._line())
        return said

    def _line(self) -> str:
        assert self._program.stdout is not None
        return self._program.stdout.readline()

    def errors(self) -> str:
        """End all, and return what was written to standard error."""
        return self._program.communicate(timeout=PATIENCE)[1]

    def _ask(self, *words: str) -> str:
        assert self._program.stdin is not None
        self._program.stdin.write(f"{' '.join(words)}\n")
        self._program.stdin.flush()
        return self._line()

    def __enter__(self) -> Self:
        self._program = self._stack.enter_context(
            spawn(PROGRAMS / "work_for_batches.py", *self._arguments, base_url=self._server.base_url)
        )
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.living:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self._stack.close()


def submitted(url: str, server: Server, items: int, word: str = "") -> Batch:
    batch = Batch(url, NAME, base_url=server.base_url)
    requests = [TaskRequest(f"{NAME}/{number}{word}", key=f"{number}{word}") for number in range(items)]
    assert batch.submit(requests) == items
    return batch


def owners_of(url: str, state: str = "running") -> set[str]:
    return {owner for owner, its_state in rows_of(url, "owner, state") if its_state == state}


def receivers_of(url: str) -> set[int]:
    """Return the engine's numbers of the workers to which jobs are delivered."""
    found = rows_of(url, "worker_id, status::text", "procrastinate_jobs")
    return {worker for worker, status in found if status == "doing"}


def count_running(url: str) -> int:
    return rows_of(url, "state").count(("running",))


def serving_for_ever() -> AbstractContextManager[Server]:
    """Serve an emulator whose tasks run until the test ends them: none ends before the test has looked."""
    return serving(shortest=600, longest=600)


def stop_between_starts(process: int, url: str, tasks: int) -> None:
    """Stop a worker while so many tasks run, and no start is under way: such a one would become unknown."""
    sessions = "pg_stat_activity WHERE pid <> pg_backend_pid()"
    while True:
        until(lambda: count_running(url) == tasks)
        os.kill(process, signal.SIGSTOP)
        until(lambda: state_of(process) == "T")
        until(lambda: ("active",) not in rows_of(url, "state", sessions))  # a claim may be about to be stored
        if not owners_of(url, "starting") and ("idle in transaction",) not in rows_of(url, "state", sessions):
            return
        os.kill(process, signal.SIGCONT)


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look for outcomes often."""
    monkeypatch.setattr("anchor_webtask._workers.waiting.POLL_SECONDS", 0.1)


@pytest.fixture(name="url")
def new_url(postgres: PostgresServer) -> str:
    return postgres.new_url()


@pytest.fixture(name="server")
def served() -> Iterator[Server]:
    with serving(shortest=0.05, longest=0.3) as server:
        yield server


def test_killed_workers_start_nothing_twice_and_lose_nothing(url: str, request: pytest.FixtureRequest) -> None:
    loop = LONG if request.config.getoption("--every-point") else SHORT
    moments, kills = random.Random(7), 0
    outcomes: list[TaskOutcome[object]] = []
    with (
        serving(shortest=loop.shortest, longest=loop.longest) as server,
        Workers(url, server, loop.limit, loop.hold) as workers,
    ):
        batch = submitted(url, server, loop.items)
        for _ in range(3):
            workers.begin()
        for outcome in batch.outcomes():
            outcomes.append(outcome)
            if kills < loop.kills and len(outcomes) > kills * loop.items // (loop.kills + 1):
                workers.end(moments.choice(workers.living), signal.SIGKILL)
                workers.begin()
                kills += 1
        assert kills == loop.kills
        workers.end_all()
        states, starts = Counter(outcome.state for outcome in outcomes), server.starts()
    assert sorted(outcome.index for outcome in outcomes) == [*range(loop.items)]
    accounts = settled_accounts(url, starts)
    assert accounts.states == states
    assert set(Counter(start.prompt for start in starts).values()) == {1}
    assert accounts.starts == states["completed"] + sum(accounts.paid.values())
    assert accounts.most <= loop.limit


def test_a_killed_worker_s_tasks_are_watched_by_another(url: str) -> None:
    with serving_for_ever() as server, Workers(url, server, 4, hold=600) as workers:
        batch = submitted(url, server, 4)
        first = workers.begin()
        until(lambda: count_running(url) == 4)
        (owner,) = owners_of(url)
        workers.begin()
        until(lambda: len(rows_of(url, "id", "procrastinate_workers")) == 2)
        workers.end(first, signal.SIGKILL)
        until(lambda: owner not in owners_of(url))
        server.finish()
        assert [outcome.state for outcome in batch.outcomes()] == ["completed"] * 4
        workers.end_all()
        settled_accounts(url, server.starts())


def test_a_drained_worker_hands_its_tasks_to_another(url: str) -> None:
    with serving_for_ever() as server, Workers(url, server, 4, hold=600) as workers:
        batch = submitted(url, server, 8)
        first = workers.begin()
        until(lambda: count_running(url) == 4)  # a start whose response is late would become unknown
        workers.begin()
        workers.end(first)
        server.finish()
        outcomes = [*batch.outcomes()]
        workers.end_all()
        assert Counter(outcome.state for outcome in outcomes) == {"completed": 8}
        assert settled_accounts(url, server.starts()).starts == 8


@pytest.mark.skipif(sys.platform != "linux", reason="/proc says whether a process is stopped")
def test_a_paused_worker_comes_back(url: str, server: Server) -> None:
    with Workers(url, server, 4) as workers:
        batch = submitted(url, server, 20, " long")
        paused = workers.begin()
        stop_between_starts(paused, url, 4)
        (receiver,) = receivers_of(url)
        workers.begin()
        until(lambda: receiver not in receivers_of(url))  # its jobs are delivered to the other worker
        os.kill(paused, signal.SIGCONT)
        outcomes = [*batch.outcomes()]
        workers.end_all()
        assert Counter(outcome.state for outcome in outcomes) == {"completed": 20}
        accounts = settled_accounts(url, server.starts())
        assert accounts.starts == 20
        assert accounts.most <= 4


def test_a_worker_whose_heartbeat_has_stopped_ends_its_tasks_and_another_is_killed(url: str) -> None:
    with serving_for_ever() as server, Workers(url, server, 4, hold=600) as workers:
        batch = submitted(url, server, 4)
        workers.begin("deaf")
        server.wait(4, NAME)
        (receiver,) = receivers_of(url)
        other = workers.begin()
        until(lambda: receiver not in receivers_of(url))
        workers.end(other, signal.SIGKILL)
        workers.begin()
        server.finish()
        outcomes = [*batch.outcomes()]
        workers.end_all()
        assert Counter(outcome.state for outcome in outcomes) == {"completed": 4}
        assert settled_accounts(url, server.starts()).starts == 4


def test_the_database_is_killed_and_comes_back(server: Server) -> None:
    database = PostgresServer()
    try:
        url = database.new_url()
        with Workers(url, server, 4) as workers:
            batch = submitted(url, server, 30)
            for _ in range(2):
                workers.begin()
            server.wait(6, NAME)
            database.stop()
            until(lambda: all(workers.health(each)["database"] == "away" for each in workers.living))
            database.start()
            outcomes = [*batch.outcomes()]
            workers.end_all()
        states = Counter(outcome.state for outcome in outcomes)
        accounts = settled_accounts(url, server.starts())
        assert states["completed"] + states["unknown"] == 30
        # A start whose response came while the database was away is unknown until its worker has stored the id.
        known_later = states["unknown"] - accounts.states["unknown"]
        assert known_later >= 0
        assert accounts.states["completed"] == states["completed"] + known_later
        assert set(Counter(start.prompt for start in server.starts()).values()) == {1}
        assert accounts.most <= 4
    finally:
        database.remove()


@pytest.mark.skipif(sys.platform != "linux", reason="the server's processes are found in /proc")
def test_a_worker_whose_database_hangs_ends_all_the_same(server: Server) -> None:
    database = PostgresServer()
    try:
        with Workers(database.new_url(), server, 4) as workers:
            submitted(workers.url, server, 2, " long")
            process = workers.begin()
            server.wait(2, NAME)
            too_late = threading.Timer(PATIENCE, os.kill, (process, signal.SIGKILL))
            with database.paused():
                too_late.start()
                workers.end(process)
                too_late.cancel()
    finally:
        database.remove()
    # Each wait for what hangs is limited; how long a busy machine takes beside that says nothing.
    assert DRAIN_SECONDS + 2 * CLOSE_SECONDS < DRAINED_WITHIN


def test_a_worker_of_an_earlier_version_is_refused(url: str, server: Server, postgres: PostgresServer) -> None:
    submitted(url, server, 1)
    schema = url.rpartition("schema=")[2]
    postgres.execute(f"UPDATE {schema}.ledger SET version = version + 1")
    with Workers(url, server, 4) as workers:
        process = workers.begin()
        workers.living.remove(process)
        assert workers.status_of(process) == 1
        assert "upgrade the package" in workers.errors()
    assert server.starts() == []


def test_a_worker_says_how_it_is(url: str) -> None:
    with serving_for_ever() as server, Workers(url, server, 4, hold=600) as workers:
        submitted(url, server, 1)
        process = workers.begin()
        until(lambda: count_running(url) == 1)
        health = workers.health(process)
        assert (health["starting"] + health["running"], health["database"], health["stopped"]) == (1, "ok", None)
        workers.end_all()
    with Ledger(url) as ledger:
        assert ledger.counts()["running"] == 1
