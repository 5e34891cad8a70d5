"""`Ledger`: what users ask of a ledger, and what they decide about its rows."""

from __future__ import annotations

import json
import os
import tempfile
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, Protocol, Self, TypeAlias

from anchor_webtask._errors import ConfigurationError, LedgerUnusableError
from anchor_webtask._ledger import transitions
from anchor_webtask._ledger.models import STATES, LedgerState, Row, as_ledger_row
from anchor_webtask._ledger.store import Store, checked_path

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator
    from os import PathLike
    from types import TracebackType

    from anchor_webtask._ledger.models import LedgerRow
    from anchor_webtask._models import TaskStatus

Answers: TypeAlias = Literal["keep", "drop"]

PAGE: Final = 500
NO_ROW: Final = "the ledger has no task with the key {!r}"
NOT_NOW: Final = "the task with the key {!r} is {}, so {}"


class CheckedTask(Protocol):
    """A handle, sync or async."""

    @property
    def id(self) -> str:
        """The task's id."""
        ...

    @property
    def status(self) -> TaskStatus | None:
        """The status after the last check; None before the first."""
        ...


class Ledger:
    """A file that remembers each start of many tasks, so that no task is started twice and none is lost.

    `tasks.map` and `tasks.run` make the file if it does not exist. It is opened on first use, and each process opens it
    for itself. The methods wait for the disk, so that async code should call them in a thread.

    Args:
        path: The file, on a local disk. Files beside it have the same name and an ending.
        answers: `"keep"` stores the answers of tasks. `"drop"` removes each answer once the loop has asked for the next
            outcome; a later run gets it from the API again, as long as the API has it.

    Raises:
        ConfigurationError: An argument is invalid.
    """

    def __init__(self, path: str | PathLike[str], *, answers: Answers = "keep") -> None:
        if answers not in ("keep", "drop"):
            raise ConfigurationError(f"answers must be 'keep' or 'drop', not {answers!r}")
        self._store = Store(checked_path(path))
        self._drops_answers = answers == "drop"

    @property
    def path(self) -> Path:
        """The file."""
        return self._store.path

    def counts(self) -> dict[LedgerState, int]:
        """Return how many attempts are in each state.

        Raises:
            LedgerError: The file cannot be used.
        """
        found = self._store.read(transitions.counts)
        return {state: found.get(state, 0) for state in STATES}

    def rows(self, state: LedgerState | None = None) -> Iterator[LedgerRow]:
        """Yield the attempts, in the order of their keys.

        Args:
            state: Only those in this state; None for all.

        Raises:
            ConfigurationError: There is no such state.
            LedgerError: The file cannot be used.
        """
        if state is not None and state not in STATES:
            raise ConfigurationError(f"there is no state {state!r}: the states are {', '.join(STATES)}")
        return (as_ledger_row(row) for row in self._all_rows(state))

    def get(self, key: str) -> LedgerRow | None:
        """Return the latest attempt of a key; None if there is none.

        Raises:
            LedgerError: The file cannot be used.
        """
        row = self._store.read(partial(transitions.latest, key=key))
        return None if row is None else as_ledger_row(row)

    def retry(self, *keys: str) -> None:
        """Allow one more start of tasks that are unknown, failed or completed: the next run starts them, which costs.

        If the start of an unknown task has happened after all, it has been paid for, too, and the task may run, so that
        it keeps its place until `free` ends it. A task that runs can be started again if it has no place any more: when
        the API does not know it, or you have freed it.

        Args:
            *keys: The keys. Either all are changed, or none.

        Raises:
            ConfigurationError: A key has no task, or its task has not ended.
            LedgerError: The file cannot be used.
        """

        def operation(db: sqlite3.Connection) -> None:
            rows = [_deciding(db, key) for key in dict.fromkeys(keys)]
            for row in rows:
                is_given_up = row.state == "running" and not row.place and row.owner is None
                if row.state not in {"unknown", "failed", "completed"} and not is_given_up:
                    raise ConfigurationError(NOT_NOW.format(row.key, row.state, _NO_RETRY[row.state]))
            for row in rows:
                transitions.retry(db, row)

        self._store.change(operation)

    def attach(self, key: str, task: CheckedTask) -> None:
        """Give an unknown task the id that you have found for it; the next run waits for that task.

        Args:
            key: The key of the unknown task.
            task: A handle of the task, which was checked once: `anchor.tasks.get(id).refresh()`.

        Raises:
            ConfigurationError: The handle was not checked, the key has no unknown task, or another task has the id.
            LedgerError: The file cannot be used.
        """
        if getattr(task, "status", None) is None:
            raise ConfigurationError(
                "attach needs a task that was checked: pass anchor.tasks.get(id).refresh(), or await it"
            )
        task_id, now = str(task.id), time.time()

        def operation(db: sqlite3.Connection) -> None:
            row = _latest(db, key)
            if row.state not in {"unknown", "retried"} or row.task_id is not None:
                raise ConfigurationError(NOT_NOW.format(key, row.state, "it needs no other id"))
            others = transitions.rows_of(db, "task_id = ?", task_id)
            if others:
                raise ConfigurationError(f"the task with the key {others[0].key!r} has this id already")
            transitions.attach(db, row, task_id, now)

        self._store.change(operation)

    def free(self, *keys: str) -> None:
        """End the places that tasks hold of which it is not known whether they run, so that others can start.

        Args:
            *keys: The keys. Either all are changed, or none.

        Raises:
            ConfigurationError: A key has no task, or its task is starting now.
            LedgerError: The file cannot be used.
        """

        def operation(db: sqlite3.Connection) -> None:
            for key in keys:
                if _latest(db, key).state == "starting":
                    raise ConfigurationError(NOT_NOW.format(key, "starting", "its place cannot be freed yet"))
            for key in keys:
                transitions.free(db, transitions.rows_of(db, "key = ? AND state != 'starting'", key))

        self._store.change(operation)

    def export(self, path: str | PathLike[str]) -> int:
        """Write all attempts to a file as JSON Lines, readable for its owner alone, and return their number.

        A file of that name is replaced once all is written.

        Args:
            path: The file to write.

        Raises:
            LedgerError: The ledger cannot be used.
            OSError: The file cannot be written.
        """
        target, number = Path(path), 0
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                for row in self._all_rows(None):
                    file.write(_exported(row) + "\n")
                    number += 1
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(target)
        except BaseException:
            with suppress(OSError):
                Path(name).unlink()
            raise
        return number

    def check(self) -> None:
        """Check that the file is complete and consistent.

        Raises:
            LedgerUnusableError: It is damaged; the message has SQLite's findings.
            LedgerError: The file cannot be used.
        """
        findings = self._store.read(_integrity)
        if findings:
            raise LedgerUnusableError(
                f"the ledger {str(self.path)!r} is damaged: {'; '.join(findings)}. Restore a copy, or export what can "
                "be read and start with a new file"
            )

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Ledger {str(self.path)!r}>"

    def _all_rows(self, state: LedgerState | None) -> Iterator[Row]:
        last: tuple[str, int] = ("", 0)
        while page := self._store.read(partial(_page, state=state, after=last)):
            yield from page
            last = page[-1].key, page[-1].attempt


_INTERNAL: Final = frozenset({"answer", "owner", "claim", "number", "alone", "halvings"})
"""The columns of a row that an export leaves out, or has in another form."""
_NO_RETRY: Final = {
    "starting": "wait until its start has ended",
    "running": "wait until it has ended; if the API does not know it any more, free its place first",
    "refused": "the next run starts it in any case",
    "retried": "the next run starts it already",
}


def _latest(db: sqlite3.Connection, key: str) -> Row:
    row = transitions.latest(db, key)
    if row is None:
        raise ConfigurationError(NO_ROW.format(key))
    return row


def _deciding(db: sqlite3.Connection, key: str) -> Row:
    row = transitions.deciding(db, key)
    if row is None:
        raise ConfigurationError(NO_ROW.format(key))
    return row


def _page(db: sqlite3.Connection, *, state: LedgerState | None, after: tuple[str, int]) -> list[Row]:
    return transitions.rows_of(
        db, "(key, attempt) > (?, ?) AND state = ifnull(?, state) ORDER BY key, attempt LIMIT ?", *after, state, PAGE
    )


def _integrity(db: sqlite3.Connection) -> list[str]:
    return [text for (text,) in db.execute("PRAGMA integrity_check(10)") if text != "ok"]


def _exported(row: Row) -> str:
    """Return a row as a line of JSON; the answer is the stored text, since Python's numbers have fewer digits."""
    fields = {name: value for name, value in row._asdict().items() if name not in _INTERNAL}
    return f'{json.dumps(fields, ensure_ascii=False)[:-1]}, "answer": {row.answer or "null"}}}'
