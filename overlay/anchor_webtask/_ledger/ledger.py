"""`Ledger`: what users ask of a ledger, and what they decide about its rows."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, Protocol, Self, TypeAlias

from anchor_webtask import _importing, _world
from anchor_webtask._errors import ConfigurationError, LedgerUnusableError
from anchor_webtask._ledger import decisions, export
from anchor_webtask._ledger.models import STATES, LedgerState, Row, as_ledger_row
from anchor_webtask._ledger.place import backend_of
from anchor_webtask._ledger.rows import rows_of
from anchor_webtask._ledger.store import Store
from anchor_webtask._redaction.secrets import Sealed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from os import PathLike
    from types import TracebackType

    from anchor_webtask._ledger.database import Connection
    from anchor_webtask._ledger.models import LedgerRow
    from anchor_webtask._models import TaskStatus

Answers: TypeAlias = Literal["keep", "drop"]

PAGE: Final = 500
NO_ROW: Final = "the ledger has no task with the key {!r}"
NOT_NOW: Final = "the task with the key {!r} is {}, so {}"

NOT_KEYS: Final = "pass keys, each as an argument of its own, such as {}(*keys), and not {!r}"


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
    """Remembers each start of many tasks, in a file or a database, so that none is started twice and none is lost.

    `tasks.map` and `tasks.run` make the file, or the tables, if there are none. A ledger is opened on first use, and
    each process opens it for itself. The methods wait for the disk or the network, so that async code should call them
    in a thread.

    Args:
        path: The file, on a local disk; files beside it have the same name and an ending. Or the URL of a PostgreSQL
            database, `postgresql://user:password@host:5432/database`, which several machines can use; that needs
            `pip install 'anchor-webtask[postgres]'`. With `?schema=prices` the tables are in a schema of that name,
            so that a database can have several ledgers.
        answers: `"keep"` stores the answers of tasks. `"drop"` removes each answer once the loop has asked for the next
            outcome, or when `run` returns it; a later run gets it from the API again, as long as the API has it.

    Raises:
        ConfigurationError: An argument is invalid.
    """

    def __init__(self, path: str | PathLike[str], *, answers: Answers = "keep") -> None:
        place = Sealed[object](path)
        del path  # it may be a URL with a password, and tracebacks show variables
        if answers not in ("keep", "drop"):
            raise ConfigurationError(f"answers must be 'keep' or 'drop', not {answers!r}")
        self._store = Store(backend_of(place))
        self._drops_answers = answers == "drop"

    @property
    def path(self) -> Path | None:
        """The file; None if the ledger is in a database."""
        return self._store.backend.path

    def counts(self) -> dict[LedgerState, int]:
        """Return how many attempts are in each state.

        Raises:
            LedgerError: The file cannot be used.
        """
        found = self._store.read(decisions.counts)
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

        Args:
            key: The key of the task's request.

        Raises:
            LedgerError: The file cannot be used.
        """
        row = self._store.read(partial(decisions.latest, key=key))
        return None if row is None else as_ledger_row(row)

    def retry(self, *keys: str) -> None:
        """Allow one more start of tasks that are unknown, failed or completed: the next run starts them, which costs.

        If the start of an unknown task has happened after all, it has been paid for, too, and the task may run, so that
        it keeps its place until `free` ends it. A task that runs can be started again if it has no place any more: when
        the API does not know it, or you have freed it. A task of a batch that the API has refused, or whose request was
        invalid, is started by a worker.

        Args:
            *keys: The keys. Either all are changed, or none.

        Raises:
            ConfigurationError: A key is not text or has no task, or its task has not ended.
            LedgerError: The file cannot be used.
        """
        _check_keys("retry", keys)

        def operation(db: Connection) -> None:
            unique = [*dict.fromkeys(keys)]
            unstarted = (
                [] if self.path is not None else [key for key in unique if decisions.has_ended_unstarted(db, key)]
            )
            rows = [_deciding(db, key) for key in unique if key not in unstarted]
            for row in rows:
                is_given_up = row.state == "running" and not row.place and row.owner is None
                if row.state not in {"unknown", "failed", "completed"} and not is_given_up:
                    raise ConfigurationError(NOT_NOW.format(row.key, row.state, _NO_RETRY[row.state]))
            for row in rows:
                decisions.retry(db, row)
            if unstarted:
                decisions.reopen(db, unstarted)

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
        task_id, now = str(task.id), _world.current.clock.wall()

        def operation(db: Connection) -> None:
            latest = _latest(db, key)
            # A retry that the API has refused comes after the attempt whose id is wanted.
            row = decisions.without_id(db, key) if latest.state == "refused" else latest
            if row is None or row.state not in {"unknown", "retried"} or row.task_id is not None:
                raise ConfigurationError(NOT_NOW.format(key, latest.state, "it needs no other id"))
            others = rows_of(db, "task_id = ?", task_id)
            if others:
                raise ConfigurationError(f"the task with the key {others[0].key!r} has this id already")
            decisions.attach(db, row, task_id, now)

        self._store.change(operation)

    def free(self, *keys: str) -> None:
        """End the places that tasks hold of which it is not known whether they run, so that others can start.

        Args:
            *keys: The keys. Either all are changed, or none.

        Raises:
            ConfigurationError: A key is not text or has no task, or its task is starting now.
            LedgerError: The file cannot be used.
        """
        _check_keys("free", keys)

        def operation(db: Connection) -> None:
            for key in keys:
                if _latest(db, key).state == "starting":
                    raise ConfigurationError(NOT_NOW.format(key, "starting", "its place cannot be freed yet"))
            for key in keys:
                decisions.free(db, rows_of(db, "key = ? AND state != 'starting'", key))

        self._store.change(operation)

    def export(self, path: str | PathLike[str]) -> int:
        """Write all attempts to a file as JSON Lines, readable for its owner alone, and return their number.

        A file of that name is replaced once all is written.

        Args:
            path: The file to write.

        Raises:
            ConfigurationError: The file belongs to a ledger.
            LedgerError: The ledger cannot be used.
            OSError: The file cannot be written.
        """
        return export.write(self._all_rows(None), Path(path), self.path)

    def check(self) -> None:
        """Check that the file is complete and consistent.

        Raises:
            LedgerUnusableError: It is damaged; the message has SQLite's findings.
            LedgerError: The file cannot be used.
        """
        findings = self._store.read(self._store.backend.findings)
        if findings:
            raise LedgerUnusableError(
                f"the ledger {self._store.name!r} is damaged: {'; '.join(findings)}. Restore a copy, or export what "
                "can be read and start with a new file"
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
        store: Store | None = vars(self).get("_store")  # tracebacks show it before its arguments were checked
        return "<Ledger>" if store is None else f"<Ledger {store.name!r}>"

    def _repr_html_(self) -> str:
        """Return what a notebook shows."""
        with _importing.lock:
            from anchor_webtask._display import objects

        return objects.ledger(self._store.name, self.path)

    def _all_rows(self, state: LedgerState | None) -> Iterator[Row]:
        last: tuple[str, int] = ("", 0)
        while page := self._store.read(partial(_page, state=state, after=last)):
            yield from page
            last = page[-1].key, page[-1].attempt


_NO_RETRY: Final = {
    "starting": "wait until its start has ended",
    "running": "wait until it has ended; if the API does not know it any more, free its place first",
    "refused": "the next run or worker starts it in any case",
    "retried": "the next run starts it already",
}


def _check_keys(call: str, keys: Iterable[object]) -> None:
    for key in keys:
        if not isinstance(key, str):
            raise ConfigurationError(NOT_KEYS.format(call, key))


def _latest(db: Connection, key: str) -> Row:
    row = decisions.latest(db, key)
    if row is None:
        raise ConfigurationError(NO_ROW.format(key))
    return row


def _deciding(db: Connection, key: str) -> Row:
    row = decisions.deciding(db, key)
    if row is None:
        raise ConfigurationError(NO_ROW.format(key))
    return row


def _page(db: Connection, *, state: LedgerState | None, after: tuple[str, int]) -> list[Row]:
    return rows_of(
        db, "(key, attempt) > (?, ?) AND state = coalesce(?, state) ORDER BY key, attempt LIMIT ?", *after, state, PAGE
    )
