"""The one thread that uses a ledger's file: it runs what has gathered in one transaction.

A commit waits for the disk, which takes longer than all else. So operations that arrive meanwhile share the next one.
What must not be lost, a record, is tried again until it is stored; anything else fails if the file is locked, or if the
disk is full.
"""

from __future__ import annotations

import logging
import queue
import sqlite3
import threading
import weakref
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, TypeVar

from anchor_webtask._errors import AnchorError, LedgerError
from anchor_webtask._ledger import forks
from anchor_webtask._ledger.file import ledger_error
from anchor_webtask._ledger.future import Future

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anchor_webtask._ledger.file import LedgerFile

R = TypeVar("R")

Operation: TypeAlias = Callable[[sqlite3.Connection], R]
"""A function of a connection, in a transaction. It raises an error of this package only before it has written."""

Kind: TypeAlias = Literal["intent", "read", "record", "last record"]
"""What becomes of an operation if the file is locked or the disk is full.

An intent and a read fail. A record is tried again until it is stored. Its future has the outcome of the first try; the
future of a last record ends when it is stored, and so is all that was submitted before it.
"""

AGAIN: Final = 1.0
"""Seconds after which records that could not be stored are tried again."""
NOT_STORED: Final = "the ledger cannot store now what is known of its tasks (%s); it is tried again every second"

logger = logging.getLogger("anchor_webtask")


@dataclass(slots=True)
class _Job:
    operation: Operation[Any]
    kind: Kind
    future: Future[Any] = field(default_factory=Future)

    @property
    def is_record(self) -> bool:
        return self.kind in {"record", "last record"}

    def succeed(self, value: Any) -> None:
        if not self.future.done():
            self.future.set_result(value)

    def fail(self, error: AnchorError) -> None:
        if not self.future.done():
            self.future.set_exception(error)


class Writer:
    """The thread of one ledger.

    Args:
        open_file: Opens the file in the thread.

    Raises:
        LedgerError: The file cannot be opened.
    """

    def __init__(self, open_file: Callable[[], LedgerFile]) -> None:
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        opened: Future[None] = Future()
        transaction = threading.Lock()
        self._thread = threading.Thread(
            target=_Thread(self._jobs, open_file, opened, transaction).run, name="anchor_webtask ledger", daemon=True
        )
        self._thread.start()
        forks.add(self, transaction)
        opened.result()
        self._close = weakref.finalize(self, self._jobs.put, None)

    def submit(self, operation: Operation[R], kind: Kind) -> Future[R]:
        """Run an operation soon, and return its future result."""
        job = _Job(operation, kind)
        self._jobs.put(job)
        return job.future

    def close(self, *, wait: bool) -> None:
        """Run what was submitted, and end the thread; wait for that if asked to."""
        self._close()
        if wait:
            self._thread.join()


class _Thread:
    """What the thread does. It must not refer to the writer, which closes it when nobody uses it any more."""

    def __init__(
        self,
        jobs: SimpleQueue[_Job | None],
        open_file: Callable[[], LedgerFile],
        opened: Future[None],
        transaction: threading.Lock,
    ) -> None:
        self._jobs = jobs
        self._transaction = transaction
        self._open_file = open_file
        self._opened = opened
        self._late: list[_Job] = []  # records that could not be stored
        self._is_closing = False

    def run(self) -> None:
        try:
            with self._transaction:
                file = self._open_file()
        except BaseException as error:  # noqa: BLE001  the caller raises it
            self._opened.set_exception(error)
            return
        self._opened.set_result(None)
        while not self._is_closing:
            if jobs := self._gathered():
                with self._transaction:
                    self._run_all(file, jobs)
            del jobs  # it would keep their owners alive while the thread waits
        for job in self._late:
            job.fail(LedgerError("the ledger was closed before it could store this"))
        file.close()

    def _gathered(self) -> list[_Job]:
        """Return the records that are late, and all new jobs; wait if there are none."""
        jobs, self._late = self._late, []
        with suppress(queue.Empty):
            job = self._jobs.get(timeout=AGAIN if jobs else None)
            while job is not None:
                jobs.append(job)
                job = self._jobs.get_nowait()
            self._is_closing = True
        return jobs

    def _run_all(self, file: LedgerFile, jobs: Sequence[_Job]) -> None:
        error = self._try(file, jobs)
        if error is None:
            return
        if len(jobs) > 1 and not error.is_temporary:  # one of them may be the reason
            for job in jobs:
                self._run_all(file, [job])
            return
        for job in jobs:
            is_late = job.is_record and error.is_temporary
            if is_late:
                self._late.append(job)
            if not (is_late and job.kind == "last record"):
                job.fail(error)
        if self._late:
            logger.warning(NOT_STORED, error, extra={"task_id": None})

    def _try(self, file: LedgerFile, jobs: Sequence[_Job]) -> LedgerError | None:
        """Run jobs in one transaction; return the error if nothing was stored."""
        db = file.db
        try:
            file.check_identity()
            db.execute("BEGIN" if all(job.kind == "read" for job in jobs) else "BEGIN IMMEDIATE")
            results = [_result(job, db) for job in jobs]
            db.execute("COMMIT")
        except BaseException as error:  # noqa: BLE001  it ends the transaction, and is the result of each job
            with suppress(sqlite3.Error):
                db.execute("ROLLBACK")
            if isinstance(error, sqlite3.Error):
                return ledger_error(file.path, error)
            return error if isinstance(error, LedgerError) else LedgerError(f"the ledger cannot store this: {error!r}")
        for job, (value, refusal) in zip(jobs, results, strict=True):
            if refusal is None:
                job.succeed(value)
            else:
                job.fail(refusal)
        return None


def _result(job: _Job, db: sqlite3.Connection) -> tuple[Any, AnchorError | None]:
    try:
        return job.operation(db), None
    except AnchorError as refusal:
        return None, refusal
