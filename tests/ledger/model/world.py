"""The model: which steps are possible, and what each of them does.

A step is an advance of one thread, a commit of one process, an answer of the service, time that passes, or a mishap:
a kill, a pause, a lost response, a lost lock, a user who leaves or decides something. Each mishap has a budget.
"""

from __future__ import annotations

import math
import sqlite3
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import TYPE_CHECKING, TypeVar

import psycopg

from anchor_webtask._ledger.rows import rows_of
from anchor_webtask._ledger.sqlite.schema import CREATE
from tests.ledger.model.calls import Call, MapCall, RunCall, Spec
from tests.ledger.model.checks import Checks
from tests.ledger.model.clock import ModelClock
from tests.ledger.model.mishaps import MISHAPS
from tests.ledger.model.processes import ModelOwner, Process, transact
from tests.ledger.model.service import SLOWEST_REQUEST, Request, Service, Task

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from anchor_webtask._ledger.database import Connection
    from anchor_webtask._ledger.models import Row
    from anchor_webtask._ledger.postgres.statements import Statements
    from anchor_webtask._ledger.writer import Operation
    from tests.ledger.model.calls import Exchange

R = TypeVar("R")
Move = tuple[str, "Callable[[], object]"]

MOMENT = 4.0
"""Seconds that pass at most in a step while something else may happen."""
MOST_STEPS = 3_000
"""Steps after which a model that does not come to rest is believed never to do so."""


@dataclass(frozen=True)
class Scenario:
    """What a model starts with.

    Attributes:
        calls: The calls that may begin.
        mishaps: How often each mishap may happen.
        plan: How many tasks the service runs at once; None for any number.
        credit: How many starts it accepts; None for any number.
        full: The status by which it refuses a task too many.
        steps: How many steps may bring mishaps.
        settle_after: Seconds since its last stamp after which the start of a dead owner becomes unknown.
    """

    calls: tuple[Spec, ...]
    mishaps: Mapping[str, int] = field(default_factory=dict)
    plan: int | None = None
    credit: int | None = None
    full: int = 402
    steps: int = 80
    settle_after: float = 0.0


def new_tables() -> sqlite3.Connection:
    """Return a connection to the tables of a ledger in memory."""
    db = sqlite3.connect(":memory:", isolation_level=None)
    for statement in CREATE:
        db.execute(statement)
    db.execute("INSERT INTO ledger VALUES ('', 0, NULL, 0, 0, 0)")
    return db


class World:
    """The state of one model.

    Args:
        scenario: What it starts with.
        tables: A connection to the empty tables of a ledger; None for tables in memory.
    """

    def __init__(self, scenario: Scenario, tables: Statements | None = None) -> None:
        self.scenario = scenario
        self.clock = ModelClock()
        self.db: Connection = tables or new_tables()
        self._rows: list[Row] = []
        self._changes: int | None = -1
        self.service = Service(scenario.plan, scenario.credit, scenario.full)
        self.owners: dict[str, ModelOwner] = {}
        self.exchanges: list[Exchange] = []
        self.exchange_of: dict[str, Exchange] = {}  # by each of its claims
        self.calls: list[Call] = []
        self.trace: list[str] = []
        self.checks = Checks(self)
        self.most_attempts = max(spec.attempts for spec in scenario.calls)
        self._to_begin = [*scenario.calls]
        self._budget = dict(scenario.mishaps)
        self._has_no_connection = False
        numbers = sorted({spec.process for spec in scenario.calls})
        self.processes = {number: Process(self, number) for number in numbers}

    def rows(self) -> list[Row]:
        changes = getattr(self.db, "total_changes", None)  # no other connection changes the table
        if changes is None or changes != self._changes:
            self._changes, self._rows = changes, rows_of(self.db, "true")
        return self._rows

    def transact(self, operation: Operation[R]) -> R:
        try:
            result = transact(self.db, operation)
        except (sqlite3.Error, psycopg.Error) as error:
            self.checks.fail("5: the ledger cannot store what is known", error)
        self.checks.check()
        return result

    def refuse_connection(self) -> None:
        self._has_no_connection = True

    def no_connection(self) -> bool:
        self._has_no_connection, has_none = False, self._has_no_connection
        return has_none

    def close(self) -> None:
        if isinstance(self.db, sqlite3.Connection):
            self.db.close()

    # Walks

    def walk(self, choose: Callable[[int], int]) -> None:
        """Make steps, with mishaps, and then go on without mishaps until nothing more happens.

        Args:
            choose: Returns a number below the one that it is given.
        """
        for _ in range(self.scenario.steps):
            moves = [*self._beginnings(), *self._moves()]
            kind = choose(12)
            if kind == 10 or not moves:
                moves = [*self._slow_moves(), *self._passing(MOMENT if moves else math.inf)] or moves
            if kind == 11 or not moves:
                moves = self._mishaps() or moves
            if not moves:
                break
            self._make(moves[choose(len(moves))])
        self.come_to_rest()
        self.checks.check_end()

    def come_to_rest(self) -> None:
        chance = Random(len(self.trace))
        for _ in range(MOST_STEPS):
            moves = [*self._beginnings(), *self._moves(), *self._slow_moves()] or self._passing(math.inf)
            if not moves:
                if self._last_call():
                    continue
                return
            self._make(chance.choice(moves))
        self.checks.fail("4: the calls never end", [call.name for call in self.calls if not call.is_over])

    def _make(self, move: Move) -> None:
        self.trace.append(move[0])
        move[1]()
        self._act()
        self.checks.check()

    def _act(self) -> None:
        for call in self.calls:
            if call.process.is_up:
                call.act()

    def _last_call(self) -> bool:
        """Begin a last call in a new process that asks for each key; return False if it has been."""
        if -1 in self.processes:
            return False
        if self.scenario.settle_after:
            self.elapse(self.scenario.settle_after)
        self.processes[-1] = Process(self, -1)
        keys = "".join(sorted({key for spec in self.scenario.calls for key in spec.keys}))
        self._begin(Spec(-1, keys, limit=5))
        self._act()
        return True

    # Steps that happen sooner or later

    def _moves(self) -> list[Move]:
        now = self.clock.now()
        found: list[Move] = []
        for process in self.processes.values():
            if not process.is_up:
                continue
            if process.queue:
                found.append((f"process {process.number} commits", process.commit))
            process.threads = [thread for thread in process.threads if not thread.has_ended]
            found += [(thread.name, thread.advance) for thread in process.threads if thread.is_ready(now)]
        for request in self.service.requests:
            if request.response is None:
                found.append((f"the service handles {request.key}", partial(self.handle, request)))
            else:
                found.append((f"the response for {request.key} arrives", partial(self._arrive, request)))
        return found

    def _passing(self, longest: float) -> list[Move]:
        """Return the passing of time until something is due."""
        due = [each.due for process in self.up() for each in process.threads if each.due is not None]
        due += [change for call in self.calls if call.process.is_up and (change := call.next_change()) is not None]
        seconds = min((each - self.clock.now() for each in due if each > self.clock.now()), default=math.inf)
        if seconds == math.inf:
            return []
        return [("time passes", partial(self.elapse, min(seconds, longest)))]

    def elapse(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self._lose_old_requests()

    def suspend(self, seconds: float) -> None:
        self.clock.suspend(seconds)
        self._lose_old_requests()

    def set_clock(self, by: float) -> None:
        self.clock.set_wall(by)
        self.checks.wall_was_set()

    def _lose_old_requests(self) -> None:
        for request in [*self.service.requests]:
            if self.clock.boot() - request.sent > SLOWEST_REQUEST:
                request.response = ("lost",)
                self._arrive(request)

    def _slow_moves(self) -> list[Move]:
        running = self.service.running()
        found: list[Move] = [(f"{task.id} completes", partial(self.end, task, "completed")) for task in running]
        paused = [process for process in self.processes.values() if process.is_paused and not process.is_dead]
        found += [(f"process {each.number} goes on", partial(self.pause, each, is_paused=False)) for each in paused]
        return found

    def _beginnings(self) -> list[Move]:
        return [
            (f"{spec.kind} of {spec.keys} begins in process {spec.process}", partial(self._begin, spec))
            for spec in self._to_begin
            if self.processes[spec.process].is_up
        ]

    def _begin(self, spec: Spec) -> None:
        if spec in self._to_begin:
            self._to_begin.remove(spec)
        made = MapCall if spec.kind == "map" else RunCall
        self.calls.append(made(self, self.processes[spec.process], spec))

    def handle(self, request: Request) -> None:
        task = self.service.handle(request)
        if task is not None:
            self.checks.started(task)

    def _arrive(self, request: Request) -> None:
        self.service.requests.remove(request)
        request.has_arrived = True

    def end(self, task: Task, status: str) -> None:
        task.status = status

    def pause(self, process: Process, *, is_paused: bool) -> None:
        process.is_paused = is_paused

    def up(self) -> list[Process]:
        return [process for process in self.processes.values() if process.is_up]

    def busy(self) -> list[Process]:
        busy = {call.process for call in self.calls if not call.is_over}
        return [process for process in self.up() if process in busy]

    def _mishaps(self) -> list[Move]:
        """Return what may go wrong now, and what users may do."""
        return [
            (label, partial(self._spend, name, effect))
            for name, left in self._budget.items()
            if left
            for label, effect in MISHAPS[name](self)
        ]

    def _spend(self, name: str, effect: Callable[[], object]) -> None:
        self._budget[name] -= 1
        effect()
