"""What is stored of batches and their requests, on the connection of an open transaction.

A transaction that changes something holds the lock of the ledger, so that the numbers of endings are in the order of
their commits: whoever has read one has seen all before it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from anchor_webtask._errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from anchor_webtask._ledger.database import Connection

NO_FILE: Final = (
    "a batch needs a database, which several machines can use: pass a URL such as "
    "postgresql://user@host:5432/database; for one machine, use tasks.map with a ledger in a file"
)
NO_BATCH: Final = "the ledger has no batch {!r}: submit makes it, and its name may be misspelled here"
OTHER_OUTPUT: Final = (
    "the batch {!r} was first submitted with another output or other secrets, which its tasks keep, also if they are "
    "submitted again; but the key {!r} is new, and its answer would be another one than this output: submit new keys "
    "with the same output and secrets as before, or under another name. Leave the old keys out there: under another "
    "name, they would be started and paid for again"
)
OTHER_REQUEST: Final = (
    "the batch {!r} has the key {!r} with another prompt, url or other options: give this task another key, or use "
    "another batch"
)
BUSY: Final = frozenset({"starting", "running"})


class StoredBatch(NamedTuple):
    """What is asked of the answers of a batch.

    Attributes:
        name: Its name.
        schema: The JSON Schema that is sent; None if there is none.
        wrapped: Whether the schema wraps the user's in an object.
        validates: Whether answers are validated by it.
        secrets: The names of the secrets that a worker looks up.
    """

    name: str
    schema: dict[str, Any] | None
    wrapped: bool
    validates: bool
    secrets: tuple[str, ...]

    def asks_for_the_same(self, other: StoredBatch) -> bool:
        """Whether another batch asks for the same answers; what a schema says in words makes no difference."""
        return self._replace(schema=_without_words(self.schema)) == other._replace(schema=_without_words(other.schema))


class StoredRequest(NamedTuple):
    """A request as it is stored.

    Attributes:
        key: The key in the ledger: the name of the batch, a slash, and the user's key.
        batch: The name of the batch.
        number: Its place in the batch, from 0.
        fingerprint: The hash of the request.
        prompt: The prompt.
        options: The API's optional fields.
        cancelled: Whether it was cancelled before it was started.
        ended: The number of its ending; None while it is open.
        error: Why it has ended, if no attempt says so.
    """

    key: str
    batch: str
    number: int
    fingerprint: str
    prompt: str
    options: Mapping[str, Any]
    cancelled: bool
    ended: int | None
    error: str | None

    @property
    def user_key(self) -> str:
        """The key as the user has given it."""
        return self.key[len(self.batch) + 1 :]


_WORDS: Final = frozenset({"title", "description", "examples", "$comment"})
_BY_NAME: Final = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
_VALUES: Final = frozenset({"enum", "const", "default"})


def _without_words(schema: Any, *, is_by_name: bool = False) -> Any:
    """Return a JSON Schema without what it says to a reader, such as a docstring; names and values stay."""
    if isinstance(schema, list):
        return [_without_words(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: value if name in _VALUES and not is_by_name else _without_words(value, is_by_name=name in _BY_NAME)
        for name, value in schema.items()
        if is_by_name or name not in _WORDS
    }


_COLUMNS: Final = "key, batch, number, fingerprint, prompt, options, cancelled IS NOT NULL, ended, error"


def batch_of(db: Connection, name: str) -> StoredBatch | None:
    """Return a batch; None if there is none."""
    row = db.execute("SELECT schema, wrapped, validates, secrets FROM batches WHERE name = ?", (name,)).fetchone()
    if row is None:
        return None
    schema, wrapped, validates, secrets = row
    parsed = None if schema is None else json.loads(schema)
    return StoredBatch(name, parsed, bool(wrapped), bool(validates), tuple(json.loads(secrets)))


def make_batch(db: Connection, batch: StoredBatch, now: float) -> StoredBatch:
    """Return the stored batch; store it first if it is new."""
    known = batch_of(db, batch.name)
    if known is None:
        schema = None if batch.schema is None else json.dumps(batch.schema)
        values = (batch.name, schema, int(batch.wrapped), int(batch.validates), json.dumps(batch.secrets), now)
        db.execute(
            "INSERT INTO batches (name, schema, wrapped, validates, secrets, created) VALUES (?, ?, ?, ?, ?, ?)", values
        )
    return known or batch


def submit(db: Connection, batch: StoredBatch, requests: Sequence[StoredRequest], now: float) -> int:
    """Store the requests that are new, enqueue them, and return their number; a request's number is not used.

    Raises:
        ConfigurationError: A key has another request, or a new one would get another output; nothing of these was
            stored.
    """
    stored_batch = make_batch(db, batch, now)
    keys = [request.key for request in requests]
    known = dict(db.execute("SELECT key, fingerprint FROM requests WHERE key = ANY(?)", (keys,)).fetchall())
    new = []
    for request in requests:
        if known.setdefault(request.key, request.fingerprint) != request.fingerprint:
            raise ConfigurationError(OTHER_REQUEST.format(request.batch, request.user_key))
    stored = {key for (key,) in db.execute("SELECT key FROM requests WHERE key = ANY(?)", (keys,)).fetchall()}
    new = list({request.key: request for request in requests if request.key not in stored}.values())
    if not new:
        return 0
    if not batch.asks_for_the_same(stored_batch):
        raise ConfigurationError(OTHER_OUTPUT.format(batch.name, new[0].user_key))
    (first,) = db.execute("SELECT coalesce(max(number) + 1, 0) FROM requests WHERE batch = ?", (batch.name,)).fetchone()
    columns = (
        [request.key for request in new],
        [batch.name] * len(new),
        [*range(first, first + len(new))],
        [request.fingerprint for request in new],
        [request.prompt for request in new],
        [json.dumps(request.options) for request in new],
    )
    db.execute(
        "INSERT INTO requests (key, batch, number, fingerprint, prompt, options) "
        "SELECT * FROM unnest(CAST(? AS text[]), CAST(? AS text[]), CAST(? AS integer[]), CAST(? AS text[]), "
        "CAST(? AS text[]), CAST(? AS text[]))",
        columns,
    )
    db.execute("SELECT enqueue(?)", ([request.key for request in new],))
    return len(new)


def request_of(db: Connection, key: str) -> StoredRequest | None:
    """Return the request with a key of the ledger; None if there is none."""
    return next(iter(_requests(db, "key = ?", key)), None)


def ended_after(db: Connection, batch: str, number: int, most: int) -> list[StoredRequest]:
    """Return requests that have ended after a number, in the order of their endings."""
    return _requests(db, "batch = ? AND ended > ? ORDER BY ended LIMIT ?", batch, number, most)


def answer_bytes(db: Connection, keys: Sequence[str]) -> dict[str, int]:
    """Return how large the answers of requests are, without reading them."""
    rows = db.execute(
        "SELECT key, sum(octet_length(answer)) FROM attempts WHERE key = ANY(?) AND answer IS NOT NULL GROUP BY key",
        ([*keys],),
    )
    return {key: int(size) for key, size in rows}


def last_ending(db: Connection, batch: str) -> int:
    """Return the number of the latest ending in a batch; 0 if there is none."""
    (last,) = db.execute("SELECT coalesce(max(ended), 0) FROM requests WHERE batch = ?", (batch,)).fetchone()
    return int(last)


def is_open(db: Connection, batch: str) -> bool:
    """Whether a request of a batch has not ended."""
    (found,) = db.execute("SELECT EXISTS (SELECT FROM requests WHERE batch = ? AND ended IS NULL)", (batch,)).fetchone()
    return bool(found)


def end(db: Connection, key: str, error: str | None) -> bool:
    """Record that nothing more is done for a request, unless its attempts say that another outcome comes.

    Args:
        db: The connection.
        key: The key in the ledger.
        error: Why it has ended, if no attempt says so.

    Returns:
        Whether the request has ended.
    """
    states = _states(db, key)
    # An earlier attempt runs if its id has arrived late.
    if states and (states[-1] == "retried" or not BUSY.isdisjoint(states)):
        return False
    db.execute(
        "UPDATE requests SET ended = nextval('endings'), error = ? WHERE key = ? AND ended IS NULL", (error, key)
    )
    return True


def is_busy(db: Connection, key: str) -> bool:
    """Whether an attempt at a task starts or runs, and no other one is to be started beside it."""
    states = _states(db, key)
    return not BUSY.isdisjoint(states) and states[-1] != "retried"


def was_started(db: Connection, key: str) -> bool:
    """Whether an attempt at a task may have been started; what the API has refused was not."""
    return any(state != "refused" for state in _states(db, key))


def _states(db: Connection, key: str) -> list[str]:
    return [state for (state,) in db.execute("SELECT state FROM attempts WHERE key = ? ORDER BY attempt", (key,))]


def end_by_attempt(db: Connection, claim: str, attempts: int) -> None:
    """Record that a request has ended whose task has, unless the task is to be started again.

    Args:
        db: The connection.
        claim: The claim of the attempt that has ended.
        attempts: How often the task may be started.
    """
    row = db.execute("SELECT key, attempt, state, valid FROM attempts WHERE claim = ?", (claim,)).fetchone()
    if row is None:
        return
    key, attempt, state, is_valid = row
    if state in {"completed", "failed"} and (is_valid or attempt >= attempts):
        end(db, key, None)


def end_unknown(db: Connection) -> None:
    """Record that the requests have ended whose last start has become unknown."""
    db.execute(
        "UPDATE requests SET ended = nextval('endings') FROM attempts latest "
        "WHERE latest.state = 'unknown' AND latest.key = requests.key AND requests.ended IS NULL "
        "AND NOT EXISTS (SELECT FROM attempts other WHERE other.key = latest.key "
        "AND (other.attempt > latest.attempt OR other.state IN ('starting', 'running')))"
    )


def counts(db: Connection, batch: str) -> dict[str, int]:
    """Return how many requests of a batch are in each state."""
    rows = db.execute(
        "SELECT CASE WHEN cancelled IS NOT NULL THEN 'cancelled' "
        "WHEN ended IS NULL AND coalesce(state, 'retried') IN ('completed', 'failed', 'unknown', 'refused', 'retried') "
        "THEN 'pending' "
        "ELSE coalesce(state, 'refused') END, count(*) FROM requests LEFT JOIN LATERAL "
        "(SELECT state FROM attempts WHERE attempts.key = requests.key ORDER BY attempt DESC LIMIT 1) latest ON true "
        "WHERE batch = ? GROUP BY 1",
        (batch,),
    )
    return dict(rows.fetchall())


def analyze(db: Connection) -> None:
    """Tell PostgreSQL that there are many new rows: what it has planned for few is too slow for many."""
    db.execute("ANALYZE procrastinate_jobs, requests")


def stop(db: Connection, reason: str, now: float) -> None:
    """Let all workers start nothing more, unless another reason does so already."""
    db.execute("UPDATE ledger SET stopped = ?, stop_reason = ? WHERE stopped IS NULL", (now, reason))


def stopped(db: Connection) -> tuple[float, str] | None:
    """Return since when, and why, no worker starts anything; None if they may."""
    row = db.execute("SELECT stopped, stop_reason FROM ledger WHERE stopped IS NOT NULL").fetchone()
    return None if row is None else (row[0], row[1])


def clear_stop(db: Connection) -> tuple[float, str] | None:
    """Let all workers start tasks again; return since when, and why, they had stopped."""
    found = stopped(db)
    if found is not None:
        db.execute("UPDATE ledger SET stopped = NULL, stop_reason = NULL")
    return found


def _requests(db: Connection, where: str, *values: object) -> list[StoredRequest]:
    rows: Iterable[Any] = db.execute(f"SELECT {_COLUMNS} FROM requests WHERE {where}", values)  # noqa: S608  no user's text
    return [
        StoredRequest(key, batch, number, fingerprint, prompt, json.loads(options), cancelled, ended, error)
        for key, batch, number, fingerprint, prompt, options, cancelled, ended, error in rows
    ]
