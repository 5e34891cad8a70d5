"""Batches in a database: what is stored, and what is refused; no worker runs here."""

from __future__ import annotations

import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from anchor_webtask import AsyncBatch, Batch, ConfigurationError, Ledger, LedgerUnusableError, TaskRequest
from anchor_webtask._ledger.place import backend_of
from anchor_webtask._redaction.secrets import Redactor, Sealed
from anchor_webtask._workers import engine_tables, tables
from tests.support.patience import PATIENCE, until
from tests.support.runners import KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from tests.support.postgres_server import PostgresServer
    from tests.support.runners import Runner

BASE_URL = "https://api.shop.example"


@dataclass
class Price:
    amount: int


class AnyBatch:
    """A batch of the runner's client."""

    def __init__(self, runner: Runner, url: str, name: str) -> None:
        self._runner = runner
        self._batch: Any = (Batch if runner.name == "sync" else AsyncBatch)(url, name, base_url=BASE_URL)

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments, **named: self._runner.call(getattr(self._batch, name), *arguments, **named)


@pytest.fixture(name="url", scope="module")
def one_url(postgres: PostgresServer) -> str:
    return postgres.new_url()


@pytest.fixture(name="name")
def new_name(request: pytest.FixtureRequest) -> str:
    return f"batch-{zlib.crc32(request.node.name.encode())}"


@pytest.fixture(name="batch")
def new_batch(runner: Runner, url: str, name: str) -> Iterable[AnyBatch]:
    batch = AnyBatch(runner, url, name)
    yield batch
    batch.close() if runner.name == "sync" else batch.aclose()


@pytest.fixture(name="sync")
def new_sync_batch(url: str, name: str) -> Iterable[Batch]:
    with Batch(url, name, base_url=BASE_URL) as batch:
        yield batch


def requests(*keys: str) -> Sequence[TaskRequest]:
    return [TaskRequest(f"Read {key}", key=key, url="https://shop.example") for key in keys]


def test_submit_counts_what_is_new(batch: AnyBatch) -> None:
    assert batch.submit(requests("a", "b"), output=Price) == 2
    assert batch.submit(requests("b", "c"), output=Price) == 1
    assert batch.submit(requests("a", "b", "c"), output=Price) == 0
    assert {state: count for state, count in batch.counts().items() if count} == {"pending": 3}


def test_what_was_cancelled_is_an_outcome_and_is_not_started_again(batch: AnyBatch) -> None:
    batch.submit(requests("a", "b"))
    assert batch.cancel() == 2
    assert batch.cancel() == 0
    assert batch.submit(requests("a")) == 0
    for _ in range(2):  # the loop may be left, and begun again
        outcomes = sorted(batch.outcomes(output=Price), key=lambda outcome: outcome.index)
        assert [(each.key, each.index, each.state, each.stored) for each in outcomes] == [
            ("a", 0, "not_started", True),
            ("b", 1, "not_started", True),
        ]
        assert "cancelled" in str(outcomes[0].error)
        assert outcomes[0].request.prompt == "Read a"
    assert batch.counts()["cancelled"] == 2


def test_requests_without_a_key_are_recognized(sync: Batch) -> None:
    assert sync.submit(["Read it", "Read it", "Read that"]) == 3
    assert sync.submit(["Read it", "Read it", "Read that"]) == 0
    assert sync.submit(["Read it"] * 3) == 1


def test_many_requests_are_stored_in_parts(sync: Batch) -> None:
    assert sync.submit(f"Read {number}" for number in range(2500)) == 2500
    assert sync.counts()["pending"] == 2500
    sync.cancel()
    indices = [outcome.index for outcome in sync.outcomes()]
    assert sorted(indices) == [*range(2500)]


def test_statements_are_planned_for_many_rows_while_they_are_submitted(postgres: PostgresServer) -> None:
    url, known = postgres.new_url(), []
    schema = url.rpartition("=")[2]

    def many() -> Iterable[str]:
        for number in range(1001):
            if number == 1000:
                known.extend(
                    postgres.execute(f"SELECT reltuples FROM pg_class WHERE oid = '{schema}.requests'::regclass")
                )
            yield f"Read {number}"

    with Batch(url, "prices", base_url=BASE_URL) as batch:
        assert batch.submit(many()) == 1001
    assert known == [(250.0,)]


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        (TaskRequest("Log in", secret_values={"PIN": "c0rrect-horse"}), "--secrets package.module:function"),
        (TaskRequest("Read", data={"row": 1}), "does not store the data"),
        (TaskRequest("Read", key=" "), "the key of a TaskRequest must be text"),
        (TaskRequest("Read", url="shop"), "url must"),
        (TaskRequest(" "), "the prompt"),
    ],
    ids=["secret", "data", "key", "url", "prompt"],
)
def test_an_invalid_request_is_refused_before_anything_is_stored(
    postgres: PostgresServer, request_: TaskRequest, says: str
) -> None:
    url = postgres.new_url()
    with (
        Batch(url, "prices", base_url=BASE_URL) as batch,
        pytest.raises(ConfigurationError, match="the request number 1 is invalid") as raised,
    ):
        batch.submit(["Read", request_])
    assert says in str(raised.value)
    assert "c0rrect-horse" not in str(raised.value)
    schema = url.rpartition("=")[2]
    assert postgres.execute(f"SELECT FROM pg_namespace WHERE nspname = '{schema}'") == []


def test_a_key_belongs_to_one_request(sync: Batch) -> None:
    sync.submit(requests("a"))
    with pytest.raises(ConfigurationError, match="has the key 'a' with another prompt"):
        sync.submit([TaskRequest("Read something else", key="a")])
    with pytest.raises(ConfigurationError, match="has the key 'b' with another prompt"):
        sync.submit([*requests("b"), TaskRequest("Read something else", key="b")])
    assert sync.counts()["pending"] == 1


def test_the_same_key_in_two_batches_is_two_tasks(sync: Batch, url: str) -> None:
    sync.submit(requests("a"))
    with Batch(url, "another", base_url=BASE_URL) as other:
        assert other.submit(requests("a")) == 1


def test_a_page_of_outcomes_is_not_larger_than_the_memory_for_it(
    sync: Batch, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("anchor_webtask._workers.outcomes.PAGE_BYTES", 1000)
    sync.submit(requests(*"abcde"))
    with Ledger(url) as ledger:
        ledger._store.change(
            lambda db: db.execute(
                "INSERT INTO attempts (key, attempt, state, fingerprint, claim, place, hold, number, alone, halvings, "
                "claimed, stamped, wrapped, task_id, valid, answer) SELECT key, 1, 'completed', fingerprint, key, 0, "
                "1, 0, 0, 0, 1, 1, 0, key, 1, to_json(repeat('x', CASE number WHEN 2 THEN 3000 ELSE 400 END)) FROM "
                "requests WHERE batch = ?",
                (sync.name,),
            )
        )
        for key in "abcde":
            ledger._store.change(partial(tables.end, key=f"{sync.name}/{key}", error=None))
        after, sizes = 0, []
        while sync._page(after).requests:
            page = sync._page(after)
            sizes.append(len(page.requests))
            after = page.requests[-1].ended or 0
    assert sizes == [2, 1, 2]
    assert [len(outcome.result().value) for outcome in sync.outcomes(output=str)] == [400, 400, 3000, 400, 400]


@pytest.mark.parametrize("state", ["not_started", "refused", "unknown"])
def test_a_stored_reason_is_shown_without_the_key_of_the_reader(
    sync: Batch, url: str, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    """Whoever has stored it may not have known this key."""
    # A batch has a random key, with which it checks options; here it has one that can be in the text.
    monkeypatch.setattr(sync, "_settings", sync._settings.knowing(Redactor(Sealed((KEY,)))))
    sync.submit(requests("a"))
    key, text = f"{sync.name}/a", f"the key {KEY} is wrong"
    with Ledger(url) as ledger:
        if state != "not_started":
            ledger._store.change(
                lambda db: db.execute(
                    "INSERT INTO attempts (key, attempt, state, fingerprint, claim, place, hold, number, alone, "
                    "halvings, claimed, stamped, wrapped, error) SELECT key, 1, ?, fingerprint, key, 0, 1, 0, 0, 0, 1, "
                    "1, 0, ? FROM requests WHERE key = ?",
                    (state, text, key),
                )
            )
        ledger._store.change(partial(tables.end, key=key, error=text if state == "not_started" else None))
    (outcome,) = sync.outcomes()
    assert outcome.state == state
    assert "the key [redacted] is wrong" in str(outcome.error)
    assert KEY not in str(outcome.error)


def test_a_batch_asks_for_one_output(sync: Batch) -> None:
    sync.submit(requests("a"), output=Price)
    others: list[dict[str, Any]] = [{"output": str}, {"output": Price, "secrets": ["SHOP"]}, {}]
    for other in others:
        assert sync.submit(requests("a"), **other) == 0  # what is there keeps its own
        with pytest.raises(ConfigurationError, match="but the key 'b' is new"):
            sync.submit(requests("a", "b"), **other)
    with pytest.raises(ConfigurationError, match="secrets must be a list"):
        sync.submit(requests("b"), secrets="SHOP")
    assert sync.counts()["pending"] == 1


def test_another_docstring_is_the_same_output(sync: Batch) -> None:
    schema = {
        "type": "object",
        "properties": {"title": {"type": "string", "description": "The title"}, "unit": {"enum": ["title"]}},
    }
    sync.submit(requests("a"), output=schema)
    shape: dict[str, Any] = {"title": {"type": "string", "title": "T"}, "unit": {"enum": ["title"]}}
    assert sync.submit(requests("b"), output={"description": "New", "type": "object", "properties": shape}) == 1
    for name in shape:
        rest = {key: value for key, value in shape.items() if key != name}
        with pytest.raises(ConfigurationError, match="is new"):
            sync.submit(requests("c"), output={"type": "object", "properties": rest})


def earlier_version(postgres: PostgresServer) -> tuple[str, str]:
    """Return the URL and the schema of a ledger with a batch, whose tables are those of an earlier version."""
    url = postgres.new_url()
    schema = url.rpartition("=")[2]
    with Batch(url, "prices", base_url=BASE_URL) as batch:
        batch.submit(requests("a"))
    postgres.execute(f"ALTER TABLE {schema}.batches DROP COLUMN cancelled, DROP COLUMN cancelled_below")
    postgres.execute(f"ALTER TABLE {schema}.attempts DROP COLUMN has_secrets")
    postgres.execute(f"UPDATE {schema}.ledger SET version = 2")
    return url, schema


def test_tables_of_an_earlier_version_are_brought_up_to_date(postgres: PostgresServer) -> None:
    url, schema = earlier_version(postgres)
    postgres.execute(f"DROP INDEX {schema}.jobs_of_queue")
    with Batch(url, "prices", base_url=BASE_URL) as batch:
        assert batch.submit(requests("a", "b")) == 1
        assert batch.cancel() == 2
    assert postgres.execute(f"SELECT '{schema}.jobs_of_queue'::regclass::text") != []


def run_while(postgres: PostgresServer, schema: str, statements: Sequence[str], function: Callable[[], object]) -> None:
    """Run a transaction of another program, and a function from before its last statement, which waits for its end."""
    with ThreadPoolExecutor(1) as thread:
        with postgres.connect() as connection, connection.transaction():
            connection.execute(f"SET LOCAL search_path TO {schema}".encode())
            for statement in statements[:-1]:
                connection.execute(statement.encode())
            running = thread.submit(function)
            until(lambda: running.done() or postgres.execute("SELECT pid FROM pg_locks WHERE NOT granted"))
            connection.execute(statements[-1].encode())
            assert not running.done()
        running.result(PATIENCE)


@pytest.mark.parametrize(
    "statements",
    [
        ("SELECT FROM ledger FOR UPDATE", "UPDATE attempts SET place = 0", "SELECT FROM batches"),
        ("SELECT FROM ledger", "SELECT FROM attempts", "SELECT FROM batches"),
    ],
    ids=["changes", "reads"],
)
def test_tables_are_brought_up_to_date_after_the_transactions_that_use_them(
    postgres: PostgresServer, statements: Sequence[str]
) -> None:
    """A program of the earlier version runs: each of its transactions uses the table `ledger` first."""
    url, schema = earlier_version(postgres)
    with Batch(url, "prices", base_url=BASE_URL) as batch:
        run_while(postgres, schema, statements, lambda: batch.submit(requests("b")))
        assert batch.cancel() == 2


def test_tables_of_the_engine_are_brought_up_to_date_after_the_transactions_that_use_them(
    postgres: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, schema = earlier_version(postgres)
    later = tmp_path / "99.00.00_01_later.sql"
    later.write_text("ALTER TABLE procrastinate_jobs ADD COLUMN later integer")
    monkeypatch.setattr(engine_tables, "_files", lambda: [later])
    statements = ("SELECT FROM ledger FOR UPDATE", "SELECT FROM procrastinate_jobs")
    run_while(postgres, schema, statements, lambda: engine_tables.prepare(backend_of(Sealed(url))))
    assert postgres.execute(f"SELECT engine FROM {schema}.ledger") == [(later.name,)]


def test_a_batch_may_be_empty(batch: AnyBatch) -> None:
    assert batch.submit([]) == 0
    assert set(batch.counts().values()) == {0}
    assert batch.outcomes() == []


def test_a_long_name_is_no_problem_for_the_engine(url: str) -> None:
    with Batch(url, "a" * 40, base_url=BASE_URL) as batch:
        assert batch.submit(requests("a")) == 1


@pytest.mark.parametrize("call", ["counts", "cancel", "outcomes"])
def test_a_misspelled_name_is_refused(runner: Runner, url: str, sync: Batch, call: str) -> None:
    sync.submit(requests("a"))
    batch = AnyBatch(runner, url, "misspelled")
    with pytest.raises(ConfigurationError, match="has no batch 'misspelled'"):
        getattr(batch, call)()


def test_a_ledger_that_does_not_exist_is_not_made_by_questions(postgres: PostgresServer) -> None:
    with (
        Batch(postgres.new_url(), "prices", base_url=BASE_URL) as batch,
        pytest.raises(LedgerUnusableError, match="does not exist"),
    ):
        batch.counts()


def test_invalid_arguments_are_refused(tmp_path: Path, url: str) -> None:
    for name in ("", "a/b", "-a", "a b", "a" * 41, 3):
        with pytest.raises(ConfigurationError, match="the name of a batch"):
            Batch(url, name)  # type: ignore[arg-type]  # that is the test
    with pytest.raises(ConfigurationError, match="a batch needs a database"):
        Batch(str(tmp_path / "prices.ledger"), "prices")
    with pytest.raises(ConfigurationError, match="is not valid") as raised:
        Batch("postgresql://user:s3cr3t pass@host/db", "prices")
    assert "s3cr3t" not in str(raised.value)


def test_prompts_and_options_are_stored_and_secrets_are_not(postgres: PostgresServer, sync: Batch, url: str) -> None:
    sync.submit(requests("a"), output=Price, secrets=["SHOP_LOGIN"])
    schema = url.rpartition("=")[2]
    ((prompt, options),) = postgres.execute(
        f"SELECT prompt, options FROM {schema}.requests WHERE key = '{sync.name}/a'"
    )
    assert (prompt, options) == ("Read a", '{"url": "https://shop.example"}')
    ((schema_sent, names),) = postgres.execute(
        f"SELECT schema, secrets FROM {schema}.batches WHERE name = '{sync.name}'"
    )
    assert '"amount"' in schema_sent
    assert names == '["SHOP_LOGIN"]'


def test_a_repr_hides_the_password(postgres: PostgresServer) -> None:
    batch = Batch("postgresql://user:s3cr3t@host/db", "prices")
    assert repr(batch) == "<Batch 'prices' in 'postgresql://user@host/db'>"
    assert postgres.folder.exists()
