"""The one thread that uses a ledger's database: it runs what has gathered in one transaction.

A commit waits for the disk, which takes longer than all else. So operations that arrive meanwhile share the next one.
What must not be lost, a record, is tried again until it is stored, whatever is wrong with the database; anything else
fails at once then. The database is opened for the first operation that needs it.
"""

from __future__ import annotations

import copy
import logging
import queue
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, TypeVar

from anchor_webtask import _world
from anchor_webtask._clock import SystemClock
from anchor_webtask._errors import AnchorError, LedgerError
from anchor_webtask._ledger import forks
from anchor_webtask._ledger.database import Connection, Failure
from anchor_webtask._ledger.future import Future

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anchor_webtask._ledger.database import Backend, Database

R = TypeVar("R")

Operation: TypeAlias = Callable[[Connection], R]
"""A function of a connection, in a transaction. It raises an error of this package only before it has written."""

Kind: TypeAlias = Literal["intent", "read", "record", "last record"]
"""What becomes of an operation if the database cannot be used: it is locked, its disk is full, or it is away.

An intent and a read fail. A record is tried again until it is stored, or the ledger is closed. Its future has the
outcome of the first try, whose error is temporary; the future of a last record ends when it is stored, and so is all
that was submitted before it. A record ends only by an error of its own: a refusal, or an error in this package.
"""

AGAIN: Final = 1.0
"""Seconds after which records that could not be stored are tried again."""
INTERVAL: Final = 0.007
"""Seconds from one transaction to the next that changes something.

Those whose results have just been stored can bring what is next, and share its commit, which costs more than all else.
"""
LOG_AGAIN: Final = 60.0
"""Seconds after which the same reason is logged again."""
NOT_STORED: Final = "the ledger cannot store now what is known of its tasks (%s); it is tried again every second"
DROPPED: Final = "the ledger cannot store something that is known of its tasks: %s"
CLOSED: Final = "the ledger was closed before it could store or read this"

logger = logging.getLogger("anchor_webtask")


@dataclass(slots=True)
class _Job:
    operation: Operation[Any]
    kind: Kind
    base_url: str | None
    future: Future[Any] = field(default_factory=Future)

    @property
    def is_record(self) -> bool:
        return self.kind in {"record", "last record"}

    def succeed(self, value: Any) -> None:
        if not self.future.done():
            with suppress(Exception):  # of a callback, such as one for an event loop that has ended
                self.future.set_result(value)

    def fail(self, error: AnchorError) -> None:
        if not self.future.done():
            with suppress(Exception):
                self.future.set_exception(error)


class Writer:
    """The thread of one ledger.

    Args:
        backend: Opens the database in the thread, again and again until that succeeds.
        former: The closed writer of this backend. Its thread may still store what is left, by the same connection, so
            the new thread does nothing until that one has ended.

    Raises:
        RuntimeError: No thread can be started, such as when the program ends.
    """

    _thread: threading.Thread  # declared, since a new writer reads that of the former one

    def __init__(self, backend: Backend, former: Writer | None = None) -> None:
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        if former is not None:
            former.close(wait=False)  # once more, since a signal's exception may have interrupted that
        # A virtual clock would take the pause for idle time.
        interval = INTERVAL if isinstance(_world.current.clock, SystemClock) else 0.0
        self._work = _Thread(self._jobs, backend, interval, None if former is None else former._thread)
        # First, so that a thread whose start is interrupted ends, too. Not at the end of the program: calls are left
        # only then, and what they still learn must be stored.
        self._close = weakref.finalize(self, self._jobs.put, None)
        self._close.atexit = False
        self._thread = threading.Thread(target=self._work.run, name="anchor_webtask ledger", daemon=True)
        self._thread.start()

    @property
    def is_closed(self) -> bool:
        """Whether the thread takes nothing new."""
        return self._work.has_ended or not self._close.alive

    def submit(self, operation: Operation[R], kind: Kind, base_url: str | None = None) -> Future[R]:
        """Run an operation soon, and return its future result.

        Args:
            operation: The operation.
            kind: What becomes of it if the database cannot be used.
            base_url: The base URL for which a ledger may be made, if it is not open yet.
        """
        job = _Job(operation, kind, base_url)
        self._jobs.put(job)
        if self._work.has_ended:  # no lock is needed: either this sees it, or the thread sees the job
            self._work.fail_rest()
        return job.future

    def close(self, *, wait: bool) -> None:
        """Run what was submitted, and end the thread; wait for that if asked to."""
        self._close()
        self._jobs.put(None)  # also if the first closing was interrupted, which is not repeated
        if wait:
            self._thread.join()


class _Thread:
    """What the thread does. It must not refer to the writer, which closes it when nobody uses it any more."""

    def __init__(
        self, jobs: SimpleQueue[_Job | None], backend: Backend, interval: float, former: threading.Thread | None
    ) -> None:
        self.has_ended = False
        self._jobs = jobs
        self._transaction = threading.RLock()
        self._backend = backend
        self._database: Database | None = None
        self._under_way: list[_Job] = []
        self._late: list[_Job] = []  # records that could not be stored
        self._is_closing = False
        self._interval = interval
        self._former = former
        self._next = 0.0
        self._logged: tuple[str, float] = ("", 0.0)

    def run(self) -> None:
        try:
            if self._former is not None:
                self._former.join()
                self._former = None
            forks.add(self._transaction)
            while not self._is_closing:
                self._gather()
                if self._under_way:
                    with self._transaction, self._backend.at_work():
                        self._run_all(self._under_way)
                    if not _only_read(self._under_way):
                        self._next = time.monotonic() + self._interval
                self._under_way = []  # it would keep their owners alive while the thread waits
        finally:
            with self._transaction:
                if self._database is not None:
                    self._database.close()
            forks.remove(self._transaction)
            self.has_ended = True
            self.fail_rest()
            lost = any(job.is_record for job in self._late)
            for job in (*self._under_way, *self._late):
                job.fail(LedgerError(CLOSED))
            if lost:
                _warn(DROPPED, CLOSED)
            self._under_way, self._late = [], []

    def fail_rest(self) -> None:
        """Fail what was submitted too late; any thread may call this once the thread has ended."""
        with suppress(queue.Empty):
            while True:
                if (job := self._jobs.get_nowait()) is not None:
                    job.fail(LedgerError(CLOSED))

    def _gather(self) -> None:
        """Take the records that are late, and all new jobs; wait if there are none."""
        jobs = self._under_way
        jobs += self._late
        self._late = []
        with suppress(queue.Empty):
            self._take(self._jobs.get(timeout=AGAIN if jobs else None))
            self._take_all()
        if _only_read(jobs):
            return  # it commits nothing, and `map` looks up one request after the other
        if not self._is_closing and (rest := self._next - time.monotonic()) > 0:
            time.sleep(rest)
            self._take_all()

    def _take_all(self) -> None:
        with suppress(queue.Empty):
            while True:
                self._take(self._jobs.get_nowait())

    def _take(self, job: _Job | None) -> None:
        if job is None:
            self._is_closing = True
        else:
            self._under_way.append(job)

    def _run_all(self, jobs: Sequence[_Job]) -> None:
        failure = self._try(jobs)
        if failure is None:
            return
        if len(jobs) == 1 or not failure.may_be_of_one:
            self._failed(jobs, failure)
            return
        for number, job in enumerate(jobs):
            if job.kind == "last record" and self._late:  # all that was submitted before it must be stored first
                self._late.append(job)
            elif (failure := self._try([job])) is not None:
                if not failure.may_be_of_one:
                    self._failed(jobs[number:], failure)  # in order: a task's end comes after its id
                    break
                self._failed([job], failure)

    def _failed(self, jobs: Sequence[_Job], failure: Failure) -> None:
        error = failure.error
        if failure.is_own:
            for job in jobs:
                if job.is_record:
                    _warn(DROPPED, error)
                job.fail(error)
            return
        later = copy.copy(error)
        later.is_temporary = True
        records = [job for job in jobs if job.is_record]
        self._late += records
        for job in jobs:
            if job.kind != "last record":
                job.fail(later if job.is_record else error)
        now, (text, logged) = time.monotonic(), self._logged
        if records and (str(error) != text or now - logged >= LOG_AGAIN):
            self._logged = str(error), now
            _warn(NOT_STORED, error)

    def _try(self, jobs: Sequence[_Job]) -> Failure | None:
        """Run jobs in one transaction; return why nothing was stored."""
        base_url = next((job.base_url for job in jobs if job.base_url is not None), None)
        try:
            if self._database is None:
                self._database = self._backend.open(base_url)
            database = self._database
        except LedgerError as error:
            return Failure(error, is_own=False, may_be_of_one=base_url is not None and len(jobs) > 1)
        except BaseException as error:  # noqa: BLE001  it is the result of each job
            return Failure(_as_ledger_error(error), is_own=False, may_be_of_one=False)
        is_in_operation = False
        try:
            db = database.begin(changes=not _only_read(jobs))
            is_in_operation = True
            results = [_result(job, db) for job in jobs]
            is_in_operation = False
            database.commit()
        except BaseException as error:  # noqa: BLE001  it ends the transaction, and is the result of each job
            database.roll_back()
            if not is_in_operation and isinstance(error, LedgerError):
                return Failure(error, is_own=False, may_be_of_one=False)
            failure = database.failure(error)
            if failure is None:
                is_own = is_in_operation and not isinstance(error, OSError | MemoryError)
                return Failure(_as_ledger_error(error), is_own, is_own)
            is_own = is_in_operation and failure.is_own
            return failure._replace(is_own=is_own, may_be_of_one=is_own or failure.may_be_of_one)
        self._logged = ("", 0.0)
        for job, (value, refusal) in zip(jobs, results, strict=True):
            if refusal is None:
                job.succeed(value)
                continue
            if job.is_record:
                _warn(DROPPED, refusal)
            job.fail(refusal)
        return None


def _only_read(jobs: Sequence[_Job]) -> bool:
    return all(job.kind == "read" for job in jobs)


def _result(job: _Job, db: Connection) -> tuple[Any, AnchorError | None]:
    try:
        return job.operation(db), None
    except AnchorError as refusal:
        return None, refusal


def _as_ledger_error(error: BaseException) -> LedgerError:
    return LedgerError(f"the ledger cannot store this: {error!r}")


def _warn(text: str, why: object) -> None:
    """Log a warning; a filter or a handler of the user that raises must not end the ledger's thread."""
    with suppress(Exception):
        logger.warning(text, why, extra={"task_id": None})
