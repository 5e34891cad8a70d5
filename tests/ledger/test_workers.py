"""Workers run the tasks of batches: what they repeat, what stops them, and what becomes of a job."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio.to_thread
import pytest
from psycopg import AsyncConnection

from anchor_webtask import (
    Anchor,
    Batch,
    ConfigurationError,
    InvalidOutputError,
    Ledger,
    LedgerBusyError,
    LedgerUnusableError,
    StartOutcomeUnknownError,
    TaskFailedError,
    TaskRequest,
)
from anchor_webtask._ledger.place import backend_of
from anchor_webtask._ledger.postgres.backend import PostgresBackend
from anchor_webtask._redaction.secrets import Sealed
from anchor_webtask._workers import cancellation, engine_tables, jobs, tables
from anchor_webtask._workers.deliveries import Deliveries
from anchor_webtask._workers.engine import Engine
from anchor_webtask._workers.for_commands import clear_stop, stop_of, unstarted_request
from anchor_webtask._workers.secret_lookup import Pauses
from anchor_webtask._workers.upkeep import Upkeep
from anchor_webtask._workers.worker import Worker, WorkerOptions
from anchor_webtask.emulator import Emulator, Fault
from anchor_webtask.testing import SystemClock
from tests.support.ledger_work import OFTEN
from tests.support.patience import PATIENCE, until
from tests.support.postgres_server import GUEST, PASSWORD
from tests.support.runners import KEY
from tests.support.workers import working

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from anchor_webtask.emulator import EmulatorServer
    from tests.support.postgres_server import PostgresServer

NAME = "prices"
INSERT = (
    "INSERT INTO attempts (key, attempt, fingerprint, claim, place, hold, number, alone, halvings, claimed, stamped, "
    "wrapped, state, owner) SELECT key, 1, fingerprint, key, 1, 1, 0, 0, 0, 1, 1, 0, {} FROM requests WHERE key = ?"
)


@dataclass
class Price:
    amount: int


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look for outcomes often."""
    monkeypatch.setattr("anchor_webtask._workers.waiting.POLL_SECONDS", 0.1)


@pytest.fixture(name="emulator")
def new_emulator() -> Emulator:
    return Emulator(KEY, takes=0.05, clock=SystemClock())


@pytest.fixture(name="server")
def served(emulator: Emulator) -> Iterator[EmulatorServer]:
    with emulator.serve() as server:
        yield server


@pytest.fixture(name="url")
def new_url(postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(PostgresBackend, "settle_after", 0.3)
    return postgres.new_url()


@pytest.fixture(name="batch")
def new_batch(url: str, server: EmulatorServer) -> Iterator[Batch]:
    with Batch(url, NAME, base_url=server.base_url) as batch:
        yield batch


@pytest.fixture(name="ledger")
def new_ledger(url: str) -> Iterator[Ledger]:
    with Ledger(url) as ledger:
        yield ledger


def states(batch: Batch) -> dict[str, str]:
    return {outcome.key: outcome.state for outcome in batch.outcomes()}


def test_answers_are_typed_wherever_they_are_read(emulator: Emulator, batch: Batch, url: str, server: Any) -> None:
    emulator.on(prompt="*", answer={"amount": 3})
    emulator.on(prompt="*wrong*", answer={"amount": "many"})
    emulator.on(prompt="*fails*", fails="there is no price")
    batch.submit([TaskRequest(f"Read {key}", key=key) for key in ("a", "wrong", "fails")], output=Price)
    reading = batch.outcomes(output=Price)  # it has begun, so no answer is stored before
    with working(url, server.base_url):
        outcomes = {outcome.key: outcome for outcome in reading}
    assert outcomes["a"].result().value == Price(3)
    assert not outcomes["a"].stored
    assert isinstance(outcomes["wrong"].error, InvalidOutputError)
    assert isinstance(outcomes["fails"].error, TaskFailedError)
    assert emulator.starts == 3
    with Batch(url, NAME, base_url=server.base_url) as elsewhere:
        again = {outcome.key: outcome for outcome in elsewhere.outcomes(output=Price)}
        assert again["a"].result().value == Price(3)
        assert again["a"].stored
        assert again["a"].task_id == outcomes["a"].task_id
        assert {each.result().raw["amount"] for each in elsewhere.outcomes() if each.error is None} == {3, "many"}


@pytest.mark.parametrize("output", [list[int], int], ids=["list", "int"])
def test_answers_that_are_no_objects(emulator: Emulator, batch: Batch, url: str, server: Any, output: Any) -> None:
    value = [1, 2] if output == list[int] else 7
    emulator.on(prompt="*", answer={"result": value})
    batch.submit([TaskRequest("Read", key="a")], output=output)
    with working(url, server.base_url, attempts=2):
        (outcome,) = batch.outcomes(output=output)
    assert outcome.result().value == value
    assert emulator.starts == 1


def test_failed_tasks_and_invalid_answers_are_repeated(emulator: Emulator, batch: Batch, url: str, server: Any) -> None:
    tries: Counter[str] = Counter()

    def answer(body: dict[str, Any]) -> object:
        tries[body["prompt"]] += 1
        return {"amount": 3 if tries[body["prompt"]] > 1 else "many"}

    emulator.on(prompt="Read a", answer=answer)
    emulator.on(prompt="Read fails", fails="there is no price")
    batch.submit([TaskRequest(f"Read {key}", key=key) for key in ("a", "fails")], output=Price)
    with working(url, server.base_url, attempts=2):
        outcomes = {outcome.key: outcome for outcome in batch.outcomes(output=Price)}
    assert outcomes["a"].result().value == Price(3)
    assert (outcomes["a"].attempt, outcomes["fails"].attempt, emulator.starts) == (2, 2, 4)


@pytest.mark.parametrize("status", [401, 402, 403])
def test_a_refused_key_or_credit_stops_all_workers(
    emulator: Emulator, batch: Batch, ledger: Ledger, url: str, server: Any, status: int
) -> None:
    emulator.on(start_faults=[Fault(status)] * 50)
    with working(url, server.base_url, max_running=1) as first, working(url, server.base_url, max_running=1) as second:
        until(lambda: first._is_prepared and second._is_prepared)  # each ends a stop when it begins
        batch.submit([TaskRequest(f"Read {number}", key=str(number)) for number in range(20)])
        until(lambda: first.health()["stopped"] is not None and second.health()["stopped"] is not None)
        sent = len([each for each in emulator.requests if each.method == "POST"])
        time.sleep(0.5)
        assert len([each for each in emulator.requests if each.method == "POST"]) == sent <= 2
        assert batch.counts()["pending"] == 20
        emulator.on(takes=0.01)
        stop = clear_stop(ledger)
        assert stop is not None
        assert str(status) in stop.reason or stop.reason
        assert set(states(batch).values()) == {"completed"}
    assert emulator.starts == 20


def test_a_worker_that_is_started_anew_ends_the_stop(
    emulator: Emulator, batch: Batch, ledger: Ledger, url: str, server: Any, caplog: pytest.LogCaptureFixture
) -> None:
    emulator.on(start_faults=[Fault(402)])
    batch.submit([TaskRequest("Read", key="a")])
    with working(url, server.base_url):
        until(lambda: stop_of(ledger) is not None)
        until(lambda: f"ledger resume '{ledger._store.name}'" in caplog.text)
        with working(url, server.base_url):
            assert states(batch) == {"a": "completed"}
    assert emulator.starts == 1


def test_a_refused_request_is_an_outcome(emulator: Emulator, batch: Batch, url: str, server: Any) -> None:
    emulator.on(start_faults=[Fault(400)] * 5)
    batch.submit([TaskRequest("Read", key="a")])
    with working(url, server.base_url):
        (outcome,) = batch.outcomes()
    assert (outcome.state, outcome.error is None, emulator.starts) == ("refused", False, 0)


def test_an_unknown_start_is_an_outcome_until_the_user_decides(
    emulator: Emulator, batch: Batch, ledger: Ledger, url: str, server: Any
) -> None:
    emulator.on(start_faults=[Fault(cut=True)], takes=math.inf)
    batch.submit([TaskRequest("Read", key="a")])
    with working(url, server.base_url):
        (outcome,) = batch.outcomes()
        assert isinstance(outcome.error, StartOutcomeUnknownError)
        ledger.retry(f"{NAME}/a")
        reading = batch.outcomes()  # it has begun, so the answer is not stored before
        until(lambda: emulator.tasks)
        emulator.tasks[0].finish({})
        (outcome,) = reading
        assert (outcome.state, outcome.attempt, outcome.stored) == ("completed", 2, False)


def test_a_start_that_has_become_unknown_is_an_outcome_though_nobody_has_its_job(
    batch: Batch, ledger: Ledger, url: str, server: Any
) -> None:
    batch.submit([TaskRequest("Read", key="a")])
    ledger._store.change(lambda db: db.execute(INSERT.format("'starting', '0123456789abcdef'"), (f"{NAME}/a",)))
    with working(url, server.base_url, queue="another"):
        assert states(batch) == {"a": "unknown"}


def test_a_start_that_becomes_unknown_by_a_drain_is_an_outcome_at_once(
    emulator: Emulator, batch: Batch, url: str, server: Any, caplog: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("anchor_webtask._batch.plan.GRACE", 0.1)
    emulator.on(start_faults=[Fault(delay=600)])
    batch.submit([TaskRequest("Read", key="a")])
    with working(url, server.base_url):
        until(lambda: [each for each in emulator.requests if each.method == "POST"])
    until(lambda: batch.counts()["starting"] == 0)
    assert (batch.counts()["unknown"], batch.counts()["pending"]) == (1, 0)
    assert f"the start of the task '{NAME}/a'" in caplog.text
    assert states(batch) == {"a": "unknown"}


@pytest.mark.parametrize("amount", [3, "many"])
def test_an_adopted_answer_is_validated_by_the_schema_of_its_batch(
    emulator: Emulator, batch: Batch, ledger: Ledger, url: str, server: Any, amount: object
) -> None:
    emulator.on(takes=1000)
    batch.submit([TaskRequest("Read", key="a")], output=Price)
    with working(url, server.base_url):
        until(lambda: ledger.counts()["running"])
    emulator.tasks[0].finish({"amount": amount})
    with working(url, server.base_url, queue="another"):  # which gets no job, and waits for the task all the same
        assert states(batch) == {"a": "completed"}
    row = ledger.get(f"{NAME}/a")
    assert row is not None
    assert row.valid is (amount == 3)


def test_a_task_is_adopted_though_its_batch_cannot_be_read_at_first(
    monkeypatch: pytest.MonkeyPatch, emulator: Emulator, batch: Batch, ledger: Ledger, url: str, server: Any
) -> None:
    emulator.on(takes=1000)
    batch.submit([TaskRequest("Read", key="a")], output=Price)
    batch_of = tables.batch_of
    failed: list[str] = []

    def failing(db: Any, name: str) -> Any:
        if not failed:
            failed.append(name)
            raise LedgerBusyError("the database is busy")
        return batch_of(db, name)

    with working(url, server.base_url, queue="another") as other:
        until(lambda: other.health()["database"] == "ok")
        with working(url, server.base_url):
            until(lambda: ledger.counts()["running"])
            monkeypatch.setattr(tables, "batch_of", failing)
        until(lambda: failed)
        emulator.tasks[0].finish({"amount": 3})
        until(lambda: ledger.counts()["completed"])
    row = ledger.get(f"{NAME}/a")
    assert row is not None
    assert row.valid


def test_a_retry_directly_after_the_end_is_not_lost(
    emulator: Emulator, batch: Batch, ledger: Ledger, url: str, server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator.on(fails="there is no price")
    batch.submit([TaskRequest("Read", key="a")])
    change, retried = Deliveries._change, threading.Event()

    async def and_retry(worker: Deliveries, operation: Any, **named: Any) -> Any:
        again = await change(worker, operation, **named)
        if again is None and not retried.is_set():
            emulator.on(takes=0.01)
            await anyio.to_thread.run_sync(ledger.retry, f"{NAME}/a")
            retried.set()
        return again

    monkeypatch.setattr(Deliveries, "_change", and_retry)
    with working(url, server.base_url, lost_jobs=600):
        assert retried.wait(PATIENCE)
        assert states(batch) == {"a": "completed"}


def test_a_job_does_not_circle_while_an_earlier_attempt_runs(
    emulator: Emulator, batch: Batch, ledger: Ledger, postgres: PostgresServer, url: str, server: Any
) -> None:
    emulator.on(takes=1000)
    batch.submit([TaskRequest("Read", key="a")])
    with working(url, server.base_url):
        until(lambda: ledger.counts()["running"])
    failed = INSERT.format("'failed', NULL").replace("1,", "2,", 1)
    ledger._store.change(lambda db: db.execute(failed, (f"{NAME}/a",)))
    later = "SELECT scheduled_at > now() + interval '30 s' FROM {}.procrastinate_jobs".format(url.rpartition("=")[2])
    with working(url, server.base_url):
        until(lambda: postgres.execute(later) == [(True,)])
        emulator.tasks[0].finish("3")
        assert states(batch) == {"a": "completed"}
    assert emulator.starts == 1


def test_a_task_that_ends_twice_while_it_is_read_is_one_outcome(
    emulator: Emulator, batch: Batch, ledger: Ledger, url: str, server: Any
) -> None:
    emulator.on(prompt="Read a", start_faults=[Fault(cut=True)])
    emulator.on(prompt="Read b", takes=1000)
    batch.submit([TaskRequest("Read a", key="a"), TaskRequest("Read b", key="b")])
    with working(url, server.base_url, timeout=10):
        outcomes = batch.outcomes()
        assert next(outcomes).state == "unknown"
        ledger.retry(f"{NAME}/a")
        until(lambda: batch.counts()["completed"] == 1)
        (other,) = [task for task in emulator.tasks if task.body["prompt"] == "Read b"]
        other.finish({})
        assert [outcome.key for outcome in outcomes] == ["b"]
    assert emulator.starts == 2


def test_an_id_that_the_user_has_found_is_waited_for(
    emulator: Emulator, batch: Batch, ledger: Ledger, url: str, server: Any
) -> None:
    emulator.on(start_faults=[Fault(cut=True, accepted=True)])
    batch.submit([TaskRequest("Read", key="a")])
    with working(url, server.base_url), Anchor(KEY, base_url=server.base_url, wait=OFTEN) as anchor:
        assert states(batch) == {"a": "unknown"}
        ledger.attach(f"{NAME}/a", anchor.tasks.get(emulator.tasks[0].id).refresh())
        assert states(batch) == {"a": "completed"}
    assert emulator.starts == 1


def test_what_was_cancelled_meanwhile_is_not_started(emulator: Emulator, batch: Batch, url: str, server: Any) -> None:
    emulator.on(takes=1000)
    batch.submit([TaskRequest(f"Read {number}", key=str(number)) for number in range(6)])
    with working(url, server.base_url, max_running=2):
        until(lambda: emulator.starts == 2)
        with working(url, server.base_url, max_running=2) as worker:
            until(lambda: worker.health()["waiting"])  # it has a job, and the other worker has the places
            assert batch.cancel() == 4
            for task in emulator.tasks:
                task.finish({})
            assert Counter(states(batch).values()) == {"completed": 2, "not_started": 4}
            until(lambda: worker.health()["jobs"] == 0)
    assert emulator.starts == 2


def test_what_has_failed_is_not_started_again_after_a_cancel(
    emulator: Emulator, batch: Batch, url: str, server: Any
) -> None:
    emulator.on(takes=math.inf)
    batch.submit([TaskRequest("Read", key="a")])
    with working(url, server.base_url, attempts=2):
        until(lambda: emulator.starts)
        assert batch.cancel() == 0
        emulator.on(fails="no price")  # at once, if it is started again
        emulator.tasks[0].fail("no price")
        assert states(batch) == {"a": "failed"}
    assert emulator.starts == 1


def test_what_has_failed_is_started_again_after_a_cancel_if_the_user_wants_it(
    emulator: Emulator, batch: Batch, ledger: Ledger, url: str, server: Any
) -> None:
    emulator.on(takes=0.05, fails="no price")
    batch.submit([TaskRequest("Read", key="a")])
    with working(url, server.base_url):
        assert states(batch) == {"a": "failed"}
        batch.cancel()
        emulator.on(takes=0.05)
        ledger.retry(f"{NAME}/a")
        until(lambda: batch.counts()["completed"] == 1)


def test_a_start_under_way_that_has_not_happened_is_cancelled_too(
    emulator: Emulator, batch: Batch, ledger: Ledger, url: str, server: Any
) -> None:
    batch.submit([TaskRequest(f"Read {key}", key=key) for key in "ab"])
    ledger._store.change(lambda db: db.execute(INSERT.format("'starting', NULL"), (f"{NAME}/a",)))
    assert batch.cancel() == 1
    ledger._store.change(lambda db: db.execute("DELETE FROM attempts"))  # as after 429
    batch.submit([TaskRequest("Read c", key="c")])  # which was not cancelled
    with working(url, server.base_url):
        assert states(batch) == {"a": "not_started", "b": "not_started", "c": "completed"}
    assert emulator.starts == 1


def test_nothing_starts_though_the_connection_is_lost_while_a_batch_is_cancelled(
    monkeypatch: pytest.MonkeyPatch, emulator: Emulator, batch: Batch, url: str, server: Any
) -> None:
    batch.submit([TaskRequest(f"Read {number}", key=str(number)) for number in range(5)])
    end_part = cancellation.end_part

    def failing(db: Any, batch: str, after: int) -> int | None:
        if after >= 0:
            raise LedgerBusyError("the database is busy", is_temporary=True)
        return end_part(db, batch, after)

    monkeypatch.setattr(cancellation, "PART", 2)
    monkeypatch.setattr(cancellation, "end_part", failing)
    with pytest.raises(LedgerBusyError):
        batch.cancel()
    assert batch.counts()["cancelled"] == 2
    with working(url, server.base_url):
        assert set(states(batch).values()) == {"not_started"}
    assert emulator.starts == 0


def test_all_jobs_that_the_engine_has_lost_are_enqueued_again_at_once(
    batch: Batch, postgres: PostgresServer, url: str, server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "PAGE", 2)
    batch.submit([TaskRequest(f"Read {number}", key=str(number)) for number in range(5)])
    schema = url.rpartition("=")[2]
    postgres.execute(f"TRUNCATE {schema}.procrastinate_jobs CASCADE")
    with working(url, server.base_url, lost_jobs=600):
        assert [*states(batch).values()] == ["completed"] * 5
    assert postgres.execute(f"SELECT FROM {schema}.procrastinate_jobs") == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("ALTER TABLE {0}.procrastinate_jobs RENAME TO jobs", "do not fit procrastinate 3"),
        ("ALTER FUNCTION {0}.procrastinate_prune_stalled_workers_v1 RENAME TO prune", "do not fit procrastinate 3"),
        ("UPDATE {0}.ledger SET engine = '99.00.00_01_pre_later.sql'", "a later version of procrastinate"),
    ],
    ids=["table", "function", "later version"],
)
def test_a_worker_whose_engine_was_changed_ends_and_says_so(
    batch: Batch, postgres: PostgresServer, url: str, server: Any, change: str, says: str
) -> None:
    batch.submit([])
    schema = url.rpartition("=")[2]
    with pytest.raises(LedgerUnusableError, match=says), working(url, server.base_url) as worker:  # noqa: PT012  it is raised at the end
        until(lambda: worker.health()["database"] == "ok" and worker._engine._worker is not None)
        postgres.execute(change.format(schema))
        until(lambda: worker.health()["draining"])


@pytest.mark.parametrize(
    "revoked",
    ["USAGE ON SCHEMA {0}", "ALL ON ALL TABLES IN SCHEMA {0}", "ALL ON {0}.procrastinate_jobs", "ALL ON {0}.attempts"],
    ids=["schema", "tables", "jobs", "attempts"],
)
def test_a_worker_whose_right_was_revoked_ends_and_says_which(
    batch: Batch, postgres: PostgresServer, url: str, server: Any, revoked: str
) -> None:
    batch.submit([])
    schema = url.rpartition("=")[2]
    postgres.execute(
        f"ALTER ROLE {GUEST} PASSWORD '{PASSWORD}'; GRANT USAGE ON SCHEMA {schema} TO {GUEST}; "
        f"GRANT ALL ON ALL TABLES IN SCHEMA {schema} TO {GUEST}; "
        f"GRANT ALL ON ALL SEQUENCES IN SCHEMA {schema} TO {GUEST}"
    )
    guest = postgres.url(schema, user=GUEST, password=PASSWORD)
    says = f"this user lacks a right .*let an administrator run GRANT USAGE ON SCHEMA {schema} TO {GUEST}"
    with pytest.raises(LedgerUnusableError, match=says), working(guest, server.base_url) as worker:  # noqa: PT012  it is raised at the end
        until(lambda: worker.health()["database"] == "ok" and worker._engine._worker is not None)
        postgres.execute(f"REVOKE {revoked.format(schema)} FROM {GUEST}")
        batch.submit([TaskRequest("Read", key="a")])
        until(lambda: worker.health()["draining"] or worker._error)


def test_a_job_that_is_locked_holds_up_no_other_job_of_a_dead_worker(
    batch: Batch, postgres: PostgresServer, url: str, server: Any
) -> None:
    batch.submit([TaskRequest(f"Read {number}", key=str(number)) for number in range(3)])
    schema = url.rpartition("=")[2]
    with postgres.connect() as connection:
        connection.execute(f"SET search_path TO {schema}".encode())
        connection.execute("UPDATE procrastinate_jobs SET status = 'doing'")
        connection.execute("BEGIN; SELECT FROM procrastinate_jobs WHERE id = 1 FOR UPDATE")
        with working(url, server.base_url, lost_jobs=60):
            until(lambda: batch.counts()["completed"] == 2)
            connection.execute("COMMIT")
            assert set(states(batch).values()) == {"completed"}


def test_a_queue_is_the_name_of_a_batch(batch: Batch, url: str, server: Any) -> None:
    batch.submit([TaskRequest("Read", key="a")])
    with Batch(url, "others", base_url=server.base_url) as others:
        others.submit([TaskRequest("Read", key="a")])
        with working(url, server.base_url, queue=NAME):
            assert states(batch) == {"a": "completed"}
            assert others.counts()["pending"] == 1


def test_a_task_that_takes_longer_than_the_timeout_is_waited_for_again(
    emulator: Emulator, batch: Batch, url: str, server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("anchor_webtask._workers.deliveries.LATER_SECONDS", 0.1)
    emulator.on(takes=1)
    batch.submit([TaskRequest("Read", key="a")])
    with working(url, server.base_url, timeout=0.3):
        assert states(batch) == {"a": "completed"}
    assert emulator.starts == 1


def test_secrets_are_looked_up_by_the_worker(
    emulator: Emulator, batch: Batch, postgres: PostgresServer, url: str, server: Any
) -> None:
    asked: list[tuple[str, str | None]] = []

    def look_up(name: str, page: str | None) -> dict[str, dict[str, str]]:
        asked.append((name, page))
        return {"*.shop.example": {name: "c0rrect-horse-battery"}}

    batch.submit([TaskRequest("Log in", key="a", url="https://shop.example/")], secrets=["SHOP_LOGIN"])
    with working(url, server.base_url, secrets=look_up):
        assert states(batch) == {"a": "completed"}
    assert asked == [("SHOP_LOGIN", "https://shop.example/")]
    assert emulator.tasks[0].body["secret_values"] == {"*.shop.example": {"SHOP_LOGIN": "c0rrect-horse-battery"}}
    schema = url.rpartition("=")[2]
    for table in ("requests", "batches", "attempts", "procrastinate_jobs"):
        assert "c0rrect" not in str(postgres.execute(f"SELECT t::text FROM {schema}.{table} t"))


@pytest.mark.parametrize("how", ["no function", "raises", "exits", "not scoped"])
def test_a_secret_that_is_not_looked_up_starts_nothing(
    emulator: Emulator, batch: Batch, url: str, server: Any, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    def look_up(name: str, _: str | None) -> Any:
        if how == "raises":
            raise KeyError(f"c0rrect-horse {name}")
        if how == "exits":
            raise SystemExit(f"c0rrect-horse {name}")
        return {name: "c0rrect-horse"}

    batch.submit([TaskRequest("Log in", key="a")], secrets=["SHOP_LOGIN"])
    with working(url, server.base_url, secrets=None if how == "no function" else look_up):
        until(lambda: "SHOP_LOGIN" in caplog.text)
    assert emulator.starts == 0
    assert "c0rrect" not in caplog.text
    assert batch.counts()["pending"] == 1


def test_a_batch_whose_secrets_are_not_looked_up_does_not_hold_up_others(
    batch: Batch, postgres: PostgresServer, url: str, server: Any, caplog: pytest.LogCaptureFixture
) -> None:
    asked: list[str] = []

    def look_up(name: str, _: str | None) -> Any:
        asked.append(name)
        raise KeyError(name)

    batch.submit([TaskRequest(f"Log in {number}") for number in range(30)], secrets=["SHOP_LOGIN"])
    with Batch(url, "others", base_url=server.base_url) as others:
        others.submit([TaskRequest("Read", key="a")])
        with working(url, server.base_url, secrets=look_up):
            assert states(others) == {"a": "completed"}
    assert 0 < len(asked) < 10
    assert caplog.text.count("SHOP_LOGIN") == 1
    schema = url.rpartition("=")[2]
    assert postgres.execute(f"SELECT count(*) FROM {schema}.procrastinate_jobs") == [(30,)]


def test_the_pause_of_a_batch_grows_and_ends() -> None:
    pauses, now, lengths = Pauses(), 0.0, []
    for _ in range(12):
        pauses.failed("shop", "no secret", now)
        begun = now
        while pauses.paused(now) == ["shop"]:
            now += 0.5
        lengths.append(now - begun)
    assert lengths == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]
    pauses.failed("shop", "no secret", now)
    pauses.succeeded("shop")
    assert pauses.paused(now) == []


def test_a_function_that_hangs_does_not_keep_a_worker_from_its_end(batch: Batch, url: str, server: Any) -> None:
    is_asked, goes_on = threading.Event(), threading.Event()

    def look_up(*_: object) -> Any:
        is_asked.set()
        goes_on.wait()

    batch.submit([TaskRequest("Log in", key="a")], secrets=["SHOP_LOGIN"])
    try:
        with working(url, server.base_url, secrets=look_up):
            assert is_asked.wait(PATIENCE)
    finally:
        goes_on.set()


def test_a_function_that_hangs_does_not_hold_up_other_batches(
    batch: Batch, url: str, server: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("anchor_webtask._workers.secret_lookup.LOOK_UP_SECONDS", 0.2)
    goes_on = threading.Event()
    batch.submit([TaskRequest("Log in", key="a")], secrets=["SHOP_LOGIN"])
    try:
        with Batch(url, "others", base_url=server.base_url) as others:
            others.submit([TaskRequest("Read", key="a")])
            with working(url, server.base_url, secrets=lambda *_: goes_on.wait()):
                until(lambda: others.counts()["completed"])
    finally:
        goes_on.set()
    assert "'SHOP_LOGIN' of the task 'a' was not looked up: the function has returned nothing" in caplog.text


def test_a_database_that_hangs_does_not_keep_a_worker_from_its_end(
    emulator: Emulator,
    batch: Batch,
    postgres: PostgresServer,
    url: str,
    server: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("anchor_webtask._workers.engine.REQUEST_SECONDS", 1e6)
    monkeypatch.setattr("anchor_webtask._workers.worker.DRAIN_SECONDS", 1.0)
    emulator.on(takes=100)
    batch.submit([TaskRequest("Read", key=key) for key in "ab"])
    with postgres.connect() as connection:
        with working(url, server.base_url):
            until(lambda: batch.counts()["running"] == 2)
            schema = url.rpartition("=")[2]
            names = ", ".join(f"{schema}.{name}" for name in ("ledger", "procrastinate_jobs", "procrastinate_workers"))
            connection.execute(f"BEGIN; LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE".encode())
        connection.execute("COMMIT")
    assert "before it could hand all back" in caplog.text


def test_a_worker_closes_the_connection_that_listens_though_its_wait_ends_slowly(
    url: str, server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    listening: list[AsyncConnection[Any]] = []
    wait, notifies = AsyncConnection.wait, AsyncConnection.notifies

    def listen(self: AsyncConnection[Any]) -> AsyncIterator[Any]:
        listening.append(self)
        return notifies(self)

    async def wait_slowly(self: AsyncConnection[Any], *arguments: Any, **options: Any) -> Any:
        try:
            return await wait(self, *arguments, **options)
        except asyncio.CancelledError:
            for _ in range(9):
                await asyncio.sleep(0)
            raise

    monkeypatch.setattr(AsyncConnection, "notifies", listen)
    monkeypatch.setattr(AsyncConnection, "wait", wait_slowly)
    with working(url, server.base_url):
        until(lambda: bool(listening))
    assert [each for each in listening if not each.closed] == []


def test_an_exception_of_a_task_of_a_worker_is_raised_as_it_is(
    url: str, server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    has_raised = threading.Event()

    async def broken(_: Upkeep) -> None:
        has_raised.set()
        raise ZeroDivisionError("broken")

    monkeypatch.setattr(Upkeep, "do", broken)
    with pytest.raises(ZeroDivisionError, match="broken"), working(url, server.base_url):
        assert has_raised.wait(PATIENCE)


def test_workers_share_one_limit(emulator: Emulator, batch: Batch, url: str, server: Any) -> None:
    emulator.on(takes=math.inf)
    batch.submit([TaskRequest(f"Read {number}", key=str(number)) for number in range(12)])
    with working(url, server.base_url, max_running=3), working(url, server.base_url, max_running=3):
        until(lambda: emulator.max_running_seen == 3)
        emulator.on(takes=0.2)
        for task in emulator.tasks:
            task.finish({})
        assert set(states(batch).values()) == {"completed"}
    assert emulator.max_running_seen == 3
    assert emulator.starts == 12


def test_a_worker_needs_a_database(server: Any, tmp_path: Any) -> None:
    from anchor_webtask import AsyncAnchor

    anchor = AsyncAnchor(KEY, base_url=server.base_url)
    with pytest.raises(ConfigurationError, match="a batch needs a database"):
        Worker(anchor, Ledger(tmp_path / "prices.ledger"), WorkerOptions(max_running=1))


def test_values_that_the_api_would_refuse_do_not_end_a_task(
    emulator: Emulator, batch: Batch, url: str, server: Any, caplog: pytest.LogCaptureFixture
) -> None:
    batch.submit([TaskRequest("Log in", key="a")], secrets=["SHOP_LOGIN"])
    with working(url, server.base_url, secrets=lambda name, _: {"*.shop.example": {name: 1234}}):
        until(lambda: "secret_values must map names to text" in caplog.text)
    assert emulator.starts == 0
    assert batch.counts()["pending"] == 1


def test_a_key_of_another_request_ends_a_task_whatever_its_secrets_are(
    emulator: Emulator, batch: Batch, ledger: Ledger, url: str, server: Any
) -> None:
    with Anchor(KEY, base_url=server.base_url, wait=OFTEN) as anchor:
        anchor.tasks.run("Read", key=f"{NAME}/a", ledger=ledger)
    batch.submit([TaskRequest("Log in", key="a")], secrets=["SHOP_LOGIN"])
    with working(url, server.base_url, secrets=lambda name, _: {"*.shop.example": {name: "c0rrect-horse"}}):
        (outcome,) = batch.outcomes()
    assert "with another prompt" in str(outcome.error)
    assert emulator.starts == 1


def test_an_answer_of_an_earlier_attempt_is_waited_for(batch: Batch, ledger: Ledger) -> None:
    batch.submit([TaskRequest("Read", key="a")])
    ledger._store.change(
        lambda db: db.execute(
            "INSERT INTO attempts (key, attempt, state, fingerprint, claim, place, hold, number, alone, halvings, "
            "claimed, stamped, wrapped, task_id) "
            "SELECT key, attempt, state, fingerprint, state, 0, 1, 0, 0, 0, 1, 1, 0, state "
            "FROM requests, (VALUES (1, 'running'), (2, 'failed')) AS made (attempt, state)"
        )
    )
    assert not ledger._store.change(lambda db: tables.end(db, f"{NAME}/a", None))
    ledger._store.change(lambda db: db.execute("UPDATE attempts SET state = 'completed', valid = 1, answer = '3'"))
    assert ledger._store.change(lambda db: tables.end(db, f"{NAME}/a", None))
    (outcome,) = batch.outcomes(output=int)
    assert outcome.result().value == 3


def test_retry_lets_a_worker_start_what_has_ended_without_a_start(
    emulator: Emulator, batch: Batch, ledger: Ledger, url: str, server: Any
) -> None:
    emulator.on(prompt="refused", start_faults=[400])
    emulator.on(prompt="lost", start_faults=[Fault(cut=True), 400])
    batch.submit([TaskRequest(key, key=key) for key in ("refused", "lost", "invalid")])
    ledger._store.change(lambda db: tables.end(db, f"{NAME}/invalid", "it has no valid url"))
    keys = [f"{NAME}/{key}" for key in ("refused", "lost", "invalid")]
    with working(url, server.base_url):
        assert states(batch) == {"refused": "refused", "lost": "unknown", "invalid": "not_started"}
        ledger.retry(keys[1])
        assert states(batch)["lost"] == "refused"  # after a start that was allowed
        with pytest.raises(ConfigurationError, match="has no task with the key 'nobody'"):
            ledger.retry(*keys, "nobody")
        assert batch.counts().get("pending", 0) == 0
    assert [unstarted_request(ledger, [key]) for key in keys] == [None] * 3
    ledger.retry(*keys)
    assert unstarted_request(ledger, keys[:1]) == (keys[0], False)
    with pytest.raises(ConfigurationError, match="so the next run or worker starts it in any case"):
        ledger.retry(keys[0])
    with working(url, server.base_url):
        assert states(batch) == dict.fromkeys(("refused", "lost", "invalid"), "completed")


def test_retry_does_not_reopen_what_was_cancelled_after_it_was_refused(
    emulator: Emulator, batch: Batch, ledger: Ledger, url: str, server: Any
) -> None:
    emulator.on(start_faults=[400])
    batch.submit([TaskRequest("Read", key="a")])
    with working(url, server.base_url):
        assert states(batch) == {"a": "refused"}
    batch.cancel()
    assert unstarted_request(ledger, [f"{NAME}/a"]) == (f"{NAME}/a", True)
    with pytest.raises(ConfigurationError, match="is refused"):
        ledger.retry(f"{NAME}/a")


def test_a_secret_with_other_names_is_the_same_task(
    emulator: Emulator, batch: Batch, ledger: Ledger, url: str, server: Any
) -> None:
    emulator.on(start_faults=[Fault(cut=True)])
    batch.submit([TaskRequest("Log in", key="a")], secrets=["SHOP_LOGIN"])
    with working(url, server.base_url, timeout=0.5, secrets=lambda *_: {"*.shop.example": {"USER": "me-and-nobody"}}):
        assert states(batch) == {"a": "unknown"}
    ledger.retry(f"{NAME}/a")
    with working(url, server.base_url, secrets=lambda *_: {"*.shop.example": {"PASSWORD": "c0rrect-horse"}}):
        assert states(batch) == {"a": "completed"}


def test_the_password_of_the_url_is_in_no_variable_of_the_engine() -> None:
    backend = backend_of(Sealed("postgresql://me:c0rrect-horse-battery@host/db?schema=shop&password=c0rrect-horse-2"))
    engine = Engine(engine_tables.url_of(backend), None, time.time)
    texts = [repr(vars(each)) for each in (engine, engine._connector, engine._jobs)]
    assert [text for text in texts if "c0rrect" in text] == []
    conninfo = engine._connector._pool_args["conninfo"]
    assert "c0rrect" not in repr(conninfo) + repr(vars(conninfo))
