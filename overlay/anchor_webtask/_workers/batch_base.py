"""What the sync and the async batch share: its arguments, its place in the database, and its operations."""

from __future__ import annotations

import secrets
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, TypeVar

from anchor_webtask import _importing
from anchor_webtask._client import MAX_RESPONSE_BYTES
from anchor_webtask._config import settings
from anchor_webtask._errors import ConfigurationError
from anchor_webtask._ledger.place import backend_of
from anchor_webtask._ledger.store import Store
from anchor_webtask._output.schema import output_of
from anchor_webtask._polling.policy import WaitPolicy
from anchor_webtask._redaction.secrets import Sealed
from anchor_webtask._tasks.handle import Setup
from anchor_webtask._workers import cancellation, submission, tables
from anchor_webtask._workers.names import check_name
from anchor_webtask._workers.outcomes import Page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from anchor_webtask._ledger.database import Connection
    from anchor_webtask._workers.tables import StoredBatch, StoredRequest

BatchState: TypeAlias = Literal[
    "pending", "starting", "running", "completed", "failed", "unknown", "refused", "cancelled"
]
NO_ENGINE: Final = "a batch needs procrastinate ({}): pip install 'anchor-webtask[postgres]'"

R = TypeVar("R")
STATES: Final[tuple[BatchState, ...]] = BatchState.__args__  # type: ignore[attr-defined]  # typing.get_args loses the type


class BatchBase:
    """A batch, without the ways to wait."""

    def __init__(self, place: Sealed[object], name: str, base_url: str | None) -> None:
        check_name(name)
        backend = backend_of(place)
        if backend.path is not None:
            raise ConfigurationError(tables.NO_FILE)
        self._name = name
        self._backend = backend
        self._store = Store(backend)
        # Nothing is sent, but prompts and options are checked as a client checks them, which needs some key.
        self._settings = settings(
            Sealed(secrets.token_hex(16)),
            base_url=base_url,
            http_timeout=30,
            wait=WaitPolicy(),
            max_response_bytes=MAX_RESPONSE_BYTES,
        )

    @property
    def name(self) -> str:
        """The name."""
        return self._name

    def __repr__(self) -> str:
        store: Store | None = vars(self).get("_store")  # tracebacks show it before its arguments were checked
        name = type(self).__name__
        return f"<{name}>" if store is None else f"<{name} {self._name!r} in {store.name!r}>"

    # Each of these waits for the database.

    def _submit(self, requests: Iterable[object], output: Any, names: Iterable[str]) -> int:
        try:
            with _importing.lock:
                import procrastinate.schema  # noqa: F401  the engine

                from anchor_webtask._workers import engine_tables
        except ImportError as error:
            raise ConfigurationError(NO_ENGINE.format(error)) from None
        batch = submission.stored_batch(self._name, output, names)
        checked = submission.stored_requests(batch, requests, output_of(output), self._settings)
        chunk = [*islice(checked, submission.CHUNK)]  # first: nothing is made for an invalid request
        self._store.open(self._settings.base_url)
        engine_tables.prepare(self._backend)
        number, analyze_at = self._store_chunk(batch, chunk), submission.CHUNK
        while True:
            if number >= analyze_at:  # each time that there are ten times as many
                self._store.change(tables.analyze)
                analyze_at = 10 * number
            if not (chunk := [*islice(checked, submission.CHUNK)]):
                return number
            number += self._store_chunk(batch, chunk)

    def _store_chunk(self, batch: StoredBatch, chunk: list[StoredRequest]) -> int:
        now = self._wall()
        return self._store.change(lambda db: tables.submit(db, batch, chunk, now))

    def _counts(self) -> dict[BatchState, int]:
        found = self._store.read(self._existing(tables.counts))
        return {state: found.get(state, 0) for state in STATES}

    def _cancel(self) -> int:
        now = self._wall()
        self._store.change(self._existing(lambda db, name: cancellation.mark(db, name, now)))
        last: int | None = -1
        while last is not None:
            last = self._store.change(partial(cancellation.end_part, batch=self._name, after=last))
        return self._store.read(lambda db: cancellation.number_of(db, self._name, now))

    def _begin_outcomes(self) -> int:
        """Return the number of the latest ending."""
        return self._store.read(self._existing(tables.last_ending))

    def _page(self, after: int) -> Page:
        return self._store.read(lambda db: Page(db, self._name, after))

    def _wall(self) -> float:
        """Return seconds since 1970, by the clock of the ledger."""
        return self._store.wall(self._settings.clock)

    def _setup(self, output: Any) -> Setup[Any]:
        return Setup(self._settings, self._settings.wait, output_of(output), self._settings.redact)

    def _existing(self, operation: Callable[[Connection, str], R]) -> Callable[[Connection], R]:
        """Return an operation on the batch, which refuses to run if there is none."""
        name = self._name

        def existing(db: Connection) -> R:
            if tables.batch_of(db, name) is None:
                raise ConfigurationError(tables.NO_BATCH.format(name))
            return operation(db, name)

        return existing
