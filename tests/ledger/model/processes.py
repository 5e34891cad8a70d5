"""A simulated process: its ledger on the shared connection, its owners, and its threads as generators."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from anchor_webtask import AnchorError, Ledger, LedgerBusyError
from anchor_webtask._ledger.future import Future
from anchor_webtask._ledger.sqlite.backend import SqliteBackend
from tests.ledger.model.service import Request

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from anchor_webtask._clock import Clock
    from anchor_webtask._ledger.database import Connection
    from anchor_webtask._ledger.store import Store
    from anchor_webtask._ledger.writer import Kind, Operation
    from tests.ledger.model.world import World

R = TypeVar("R")

MOVE = "UPDATE attempts SET owner = ? WHERE owner = ? AND state IN ('starting', 'running')"


@dataclass
class Job:
    """An operation that a process has submitted, and that is not on disk."""

    operation: Operation[Any]
    kind: Kind
    future: Future[Any] = field(default_factory=Future)

    @property
    def is_record(self) -> bool:
        return self.kind in {"record", "last record"}


class ModelOwner:
    """Does what an `Owner` of the ledger does, without a lock."""

    def __init__(self, process: Process, number: int) -> None:
        self.id = f"owner-{number}"
        self.has_ended = False
        self.process = process
        self.has_lost_lock = self.has_no_lock = False
        self._users = 1

    def hold(self) -> None:
        self._users += 1

    def let_go(self) -> None:
        self._users -= 1

    def lose_lock(self) -> None:
        self.has_lost_lock = self.has_no_lock = True

    def renew(self) -> None:
        """Take a new id and the rows that nobody else has, as an owner in PostgreSQL does after a lost connection."""
        world, old = self.process.world, self.id
        dead = ModelOwner(self.process, 0)
        dead.lose_lock()
        dead.let_go()
        self.id = f"owner-{len(world.owners)}"
        self.has_lost_lock, self.has_no_lock = True, False
        world.owners |= {old: dead, self.id: self}
        world.transact(lambda db: db.execute(MOVE, (self.id, old)))

    @property
    def is_used(self) -> bool:
        return self._users > 0

    @property
    def is_alive(self) -> bool:
        return self.is_used and not self.process.is_dead and not self.has_no_lock


class ModelStore:
    """Does what `_ledger.store.Store` does: the process's queue is committed by a step of the model."""

    def __init__(self, process: Process, path: Path) -> None:
        self.backend = SqliteBackend(path)
        self.name, self.settle_after = self.backend.name, process.world.scenario.settle_after
        self._process = process

    def open(self, base_url: str) -> None: ...

    def read(self, operation: Operation[R]) -> R:
        return self._process.world.transact(operation)

    change = read

    def submit(self, operation: Operation[R], kind: Kind) -> Future[R]:
        job = Job(operation, kind)
        self._process.queue.append(job)
        return job.future

    def new_owner(self) -> ModelOwner:
        owner = ModelOwner(self._process, len(self._process.world.owners))
        self._process.world.owners[owner.id] = owner
        return owner

    def is_alive(self, owner: str) -> bool:
        return self._process.world.owners[owner].is_alive

    def wall(self, clock: Clock) -> float:
        return clock.wall()

    def close(self, *, wait: bool = True) -> None: ...


class Process:
    """A process on the machine.

    Attributes:
        ledger: The real `Ledger`, on a store of the model.
        queue: What its writer has not committed yet.
        threads: What goes on in it.
    """

    def __init__(self, world: World, number: int) -> None:
        self.world, self.number = world, number
        self.is_dead = self.is_paused = False
        self.queue: list[Job] = []
        self.threads: list[Thread] = []
        self.ledger = Ledger("model.db")
        self.ledger._store = cast("Store", ModelStore(self, Path("model.db")))

    @property
    def is_up(self) -> bool:
        return not (self.is_dead or self.is_paused)

    def begin(self, name: str, steps: Generator[Any, Any, Any], *, is_watch: bool = False) -> Thread:
        thread = Thread(name, steps, is_watch=is_watch)
        self.threads.append(thread)
        return thread

    def commit(self, *, loses_result: bool = False) -> None:
        """Run what was submitted, in order; the result of the first operation that is no record may be lost."""
        for _ in range(len(self.queue)):
            job = self.queue[0]
            try:
                result = self.world.transact(job.operation)
            except AnchorError as error:
                self.queue.pop(0)
                job.future.set_exception(error)
                continue
            self.queue.pop(0)
            if loses_result and not job.is_record:
                loses_result = False
                job.future.set_exception(LedgerBusyError("the result is lost", is_temporary=True))
            elif not job.future.done():
                job.future.set_result(result)

    def commit_twice(self) -> None:
        """Run what was submitted, and each record again: the first result was lost, so that the writer repeats it."""
        jobs = self.queue
        for job in jobs:
            if job.is_record:
                self.world.transact(job.operation)
        self.commit()

    def find_locked(self) -> None:
        """Fail what was submitted, since another process has locked the file; records are tried again."""
        jobs, self.queue = self.queue, [job for job in self.queue if job.is_record]
        for job in jobs:
            if job.kind != "last record" and not job.future.done():
                job.future.set_exception(LedgerBusyError("locked", is_temporary=True))

    @property
    def has_late_records(self) -> bool:
        return any(job.future.done() for job in self.queue)

    def kill(self) -> None:
        self.is_dead = True
        self.queue.clear()
        self.threads.clear()


class Thread:
    """A thread: it yields what it waits for, a future, a request, a moment or nothing.

    Attributes:
        name: Says what it does.
        is_watch: Whether it waits for a task, and so ends when its call is left.
    """

    def __init__(self, name: str, steps: Generator[Any, Any, Any], *, is_watch: bool) -> None:
        self.name, self.is_watch = name, is_watch
        self.has_ended = False
        self._steps = steps
        self._waits_for: Any = None

    @property
    def due(self) -> float | None:
        """When it goes on, if it waits for a moment."""
        return self._waits_for if isinstance(self._waits_for, float) else None

    def is_ready(self, now: float) -> bool:
        match self._waits_for:
            case Future() as future:
                return future.done()
            case Request() as request:
                return request.has_arrived
            case float() as moment:
                return now >= moment
        return True

    def advance(self) -> None:
        send: Callable[[Any], Any] = self._steps.send
        value: Any = None
        match self._waits_for:
            case Future() as future:
                try:
                    value = future.result()
                except AnchorError as error:
                    send, value = self._steps.throw, error
            case Request() as request:
                value = request.response
        self._go(send, value)

    def interrupt(self) -> None:
        """Raise Ctrl-C in it."""
        self._go(self._steps.throw, KeyboardInterrupt())

    def _go(self, send: Callable[[Any], Any], value: Any) -> None:
        try:
            self._waits_for = send(value)
        except (StopIteration, KeyboardInterrupt):
            self.has_ended = True


def transact(db: Connection, operation: Operation[R]) -> R:
    """Run an operation in a transaction of its own."""
    db.execute("BEGIN")
    try:
        result = operation(db)
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")
    return result
