"""`Batch`: many tasks in a database, which workers on any machines run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, overload

from anchor_webtask._redaction.secrets import Sealed
from anchor_webtask._workers.batch_base import BatchBase, BatchState
from anchor_webtask._workers.waiting import Reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import TracebackType

    from typing_extensions import TypeForm

    from anchor_webtask._batch.models import TaskOutcome, TaskRequest
    from anchor_webtask._models import T
    from anchor_webtask._output.schema import JsonSchemaLike


class Batch(BatchBase):
    """Many tasks in a PostgreSQL database. Workers on any machines run them; any process reads the outcomes.

    Start workers with `anchor-webtask worker URL --max-running 25`. They share the ledger in the database, so that no
    task is started twice and none is lost, whatever is killed. Needs `anchor-webtask[postgres]`.

    Prompts, options and the schema are stored in the database, readable for everybody who may read its tables.

    Args:
        url: The database: `postgresql://user:password@host:5432/database`; with `?schema=shop`, a schema of that name.
        name: The name of the batch: at most 40 letters, digits, dots, underscores and hyphens. A batch is work that is
            done once: tomorrow's prices need another name, or other keys.
        base_url: The API's URL; by default from `ANCHORBROWSER_BASE_URL`, else the public API. It is the one that the
            workers use.

    Raises:
        ConfigurationError: An argument is invalid, or the extra is not installed.
    """

    def __init__(self, url: str, name: str, *, base_url: str | None = None) -> None:
        place = Sealed[object](url)
        del url  # it may have a password, and tracebacks show variables
        super().__init__(place, name, base_url)

    def submit(self, requests: Iterable[TaskRequest | str], *, output: Any = None, secrets: Iterable[str] = ()) -> int:
        """Store tasks for the workers, and return how many of them are new.

        A task whose key the batch has already is left as it is, so that a program that was killed may submit again.
        The tasks are stored in parts of 250: if one is invalid, those of the parts before it are stored.

        Args:
            requests: The tasks: prompts or `TaskRequest` objects without `secret_values` and `data`.
            output: What the answers should be, as for `tasks.map`. Its schema is stored, by which the workers validate.
                The batch keeps that of the first call; a later call may pass another one if none of its keys is new.
            secrets: The names of secrets that the tasks need; the function that a worker names with `--secrets` looks
                up their values.

        Raises:
            ConfigurationError: A request or another argument is invalid, a key has another request, or a new key has
                another output or other secrets than the batch.
            LedgerError: The database cannot be used.
        """
        return self._submit(requests, output, secrets)

    @overload
    def outcomes(self, *, output: TypeForm[T]) -> Iterator[TaskOutcome[T]]: ...
    @overload
    def outcomes(self, *, output: JsonSchemaLike | None = None) -> Iterator[TaskOutcome[Any]]: ...
    def outcomes(self, *, output: Any = None) -> Iterator[TaskOutcome[Any]]:
        """Iterate over the outcomes of all tasks of the batch, in the order in which they end.

        Those that have ended are yielded at once; then this waits for the others, also while no worker runs. The loop
        may be left at any time: another call begins with the first outcome again. Tasks that are submitted before the
        last one has ended are included. A lost connection is waited for.

        Args:
            output: How to decode the answers, as for `tasks.map`; it need not be what was submitted.

        Raises:
            ConfigurationError: There is no such batch, or the output is invalid.
            LedgerError: The database cannot be used.
        """
        setup = self._setup(output)
        return self._read(Reading(setup, self._begin_outcomes(), self._wall))

    def _read(self, reading: Reading[T]) -> Iterator[TaskOutcome[T]]:
        while not reading.is_over:
            with reading.trying():
                reading.take(self._page(reading.after))
            yield from reading.outcomes()
            if reading.pause:
                self._settings.clock.sleep(reading.pause)

    def counts(self) -> dict[BatchState, int]:
        """Return how many tasks are in each state; `"pending"` is not started, or to be started again.

        Raises:
            ConfigurationError: There is no such batch.
            LedgerError: The database cannot be used.
        """
        return self._counts()

    def cancel(self) -> int:
        """Cancel all tasks that were not started, and return their number.

        Nothing of them starts any more, also if a later step of this fails; call it again then, so that they end. What
        runs goes on. A task that was cancelled is never started, also if it is submitted again.

        Raises:
            ConfigurationError: There is no such batch.
            LedgerError: The database cannot be used.
        """
        return self._cancel()

    def close(self) -> None:
        """Close the connection; the next use opens it again."""
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
