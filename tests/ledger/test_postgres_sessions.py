"""A ledger in PostgreSQL whose connection is lost, or whose server hangs or goes away."""

from __future__ import annotations

import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

import pytest

from anchor_webtask import (
    Anchor,
    Ledger,
    LedgerBusyError,
    LedgerUnusableError,
    Progress,
    StartOutcomeUnknownError,
    TaskRequest,
)
from anchor_webtask._ledger import transitions, writer
from anchor_webtask._ledger.call import CallLimits, LedgerCall
from anchor_webtask._ledger.models import Intent
from anchor_webtask._ledger.patience import Patience
from anchor_webtask._ledger.place import backend_of
from anchor_webtask._ledger.postgres import database, session
from anchor_webtask._ledger.rows import row_of
from anchor_webtask._ledger.store import Store
from anchor_webtask._ledger.waiting import run
from anchor_webtask._redaction.secrets import Sealed
from tests.support.ledger_operations import count, hold
from tests.support.ledger_server import serving
from tests.support.ledger_work import OFTEN
from tests.support.many import states
from tests.support.other_calls import starting
from tests.support.patience import PATIENCE, until
from tests.support.postgres_server import PostgresServer
from tests.support.runners import KEY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anchor_webtask._ledger.database import Connection, Owner
    from anchor_webtask.emulator import Emulator
    from tests.support.runners import Runner

BASE_URL: Final = "https://api.example"
SESSIONS: Final = "pg_stat_activity WHERE application_name = 'anchor-webtask'"


@pytest.fixture
def url(postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> str:
    end_sessions(postgres)  # those of earlier tests, which end only a moment after their connections: tests count them
    monkeypatch.setattr(writer, "AGAIN", 0.02)
    monkeypatch.setattr(database, "PAUSE", 0.01)
    return postgres.new_url()


def new_store(url: str) -> Store:
    made = Store(backend_of(Sealed(url)))
    made.open(BASE_URL)
    return made


@pytest.fixture
def opened(url: str) -> Iterator[Store]:
    made = new_store(url)
    yield made
    made.close()


@pytest.fixture
def other(url: str, opened: Store) -> Iterator[Store]:
    """What another process uses of the same ledger."""
    assert opened.name
    made = new_store(url)
    yield made
    made.close()


def end_sessions(server: PostgresServer) -> int:
    """End the sessions of all ledgers, as an administrator does, and return their number."""
    return len(server.execute(f"SELECT pg_terminate_backend(pid, {1000 * PATIENCE}) FROM {SESSIONS}"))


def claim(store: Store, owner: Owner, key: str = "a") -> None:
    intent = Intent(key, "f", key, owner.id, 1, 60, False, False, 9)
    patience = Patience(time.monotonic, lambda: store.backend.wall(_system_clock()))
    store.change(lambda db: transitions.claim(db, intent, patience))


def _system_clock() -> Any:
    from anchor_webtask._clock import SystemClock

    return SystemClock()


def row(store: Store, claim: str = "a") -> Any:
    return store.read(lambda db: row_of(db, claim))


def settled(store: Store, *, before: float = 1e18) -> list[str]:
    return store.change(lambda db: transitions.settle(db, store.is_alive, before=before))


# Sessions


def test_lost_connection_is_opened_again_before_the_next_transaction(opened: Store, postgres: PostgresServer) -> None:
    assert opened.change(count) == 1
    assert end_sessions(postgres) >= 1
    assert opened.change(count) == 2
    assert end_sessions(postgres) >= 1
    assert opened.read(lambda db: db.execute("SELECT halvings FROM ledger").fetchone()) == (2,)


@pytest.mark.parametrize("kind", ["intent", "record"])
def test_connection_lost_in_the_middle_of_a_transaction(opened: Store, postgres: PostgresServer, kind: Any) -> None:
    tries = 0

    def operation(db: Connection) -> int:
        nonlocal tries
        tries += 1
        if tries == 1:
            end_sessions(postgres)
        return count(db)

    with pytest.raises(LedgerUnusableError, match="does not answer") as raised:
        opened.submit(operation, kind).result(PATIENCE)
    assert raised.value.is_temporary
    opened.submit(lambda _: None, "last record").result(PATIENCE)
    assert opened.change(count) == (1 if kind == "intent" else 2)


def test_session_has_one_transaction_at_a_time_though_its_ledger_is_closed_and_used_again(opened: Store) -> None:
    backend: Any = opened.backend
    owner, session = opened.new_owner(), backend._database._session  # which it keeps open
    first, may_end = hold(opened.submit, count, "record")
    opened.close(wait=False)
    second = opened.submit(count, "record")
    with pytest.raises(TimeoutError):
        second.result(0.2)
    may_end.set()
    assert (first.result(PATIENCE), second.result(PATIENCE)) == (1, 2)
    assert backend._database._session is session
    owner.let_go()


def test_transaction_that_stops_in_the_middle_does_not_hold_up_the_others(opened: Store, other: Store) -> None:
    setting = "SELECT setting FROM pg_settings WHERE name = 'idle_in_transaction_session_timeout'"
    assert opened.read(lambda db: db.execute(setting).fetchone()) == (str(session.IDLE_SECONDS * 1000),)
    is_stopped, may_go_on = threading.Event(), threading.Event()

    def operation(db: Connection) -> int:
        db.execute("SET LOCAL idle_in_transaction_session_timeout = 200")
        is_stopped.set()
        may_go_on.wait(PATIENCE)
        return count(db)

    stopped = opened.submit(operation, "intent")
    assert is_stopped.wait(PATIENCE)
    assert other.change(count) == 1
    may_go_on.set()
    with pytest.raises(LedgerUnusableError, match="does not answer"):
        stopped.result(PATIENCE)
    assert opened.change(count) == 2


def test_ledger_that_another_program_locks_is_busy(
    opened: Store, monkeypatch: pytest.MonkeyPatch, postgres: PostgresServer, url: str
) -> None:
    monkeypatch.setattr(session, "LOCK_SECONDS", 0.1)
    end_sessions(postgres)
    with postgres.connect() as connection, connection.transaction():
        connection.execute(f"SELECT FROM {url.rpartition('=')[2]}.ledger FOR UPDATE".encode())
        with pytest.raises(LedgerBusyError, match="locked by another program for 5 s") as raised:
            opened.change(count)
        assert raised.value.is_temporary
        assert opened.read(lambda db: db.execute("SELECT halvings FROM ledger").fetchone()) == (0,)
    assert opened.change(count) == 1


def test_statement_that_takes_too_long_is_ended_in_words(opened: Store) -> None:
    def operation(db: Connection) -> None:
        db.execute("SET LOCAL statement_timeout = 20")
        db.execute("SELECT pg_sleep(5)")

    with pytest.raises(LedgerBusyError, match="was too slow, so PostgreSQL has ended this: canceling") as raised:
        opened.change(operation)
    assert raised.value.is_temporary
    assert opened.change(count) == 1


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="this system cannot stop a process")
def test_server_that_hangs_is_given_up(
    opened: Store, monkeypatch: pytest.MonkeyPatch, postgres: PostgresServer, url: str
) -> None:
    ((pid,),) = postgres.execute(f"SELECT pid FROM {SESSIONS}")
    os.kill(pid, signal.SIGSTOP)
    try:
        with monkeypatch.context() as patch:
            patch.setattr(session, "RESPONSE_SECONDS", 0.3)
            with pytest.raises(LedgerUnusableError, match=r"does not answer: there was no response for 0.3 s"):
                opened.submit(count, "intent").result(PATIENCE)
        assert opened.backend._database._session.is_lost  # type: ignore[attr-defined]  # of this backend
        with closing(new_store(url)) as second:
            assert second.change(count) == 1
    finally:
        os.kill(pid, signal.SIGCONT)
    assert opened.change(count) == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_forked_child_does_not_keep_the_locks_of_its_parent(opened: Store, other: Store) -> None:
    owner = opened.new_owner()
    claim(opened, owner)
    readable, writable = os.pipe()
    child = os.fork()
    if not child:
        os.close(writable)
        os.read(readable, 1)  # until its parent ends
        os._exit(0)
    os.close(readable)
    try:
        assert settled(other) == []
        backend: Any = opened.backend
        os.close(os.dup(backend._database.connection.fileno()))
        backend._database._session.connection.close()
        while not (found := settled(other)):  # the server notices the end of a connection a moment later
            pass
        assert found == [owner.id]
        assert row(other).state == "unknown"
    finally:
        os.close(writable)
        os.waitpid(child, 0)


# Owners


def test_owner_lives_until_all_have_let_go(opened: Store, other: Store) -> None:
    owner = opened.new_owner()
    assert other.change(lambda _: other.is_alive(owner.id))
    owner.hold()
    owner.let_go()
    assert other.change(lambda _: other.is_alive(owner.id))
    owner.let_go()
    opened.read(lambda _: None)
    assert not other.change(lambda _: other.is_alive(owner.id))


def test_owner_that_nobody_uses_any_more_has_ended(opened: Store, other: Store) -> None:
    owner = opened.new_owner()
    name = owner.id
    del owner
    opened.read(lambda _: None)
    assert not other.change(lambda _: other.is_alive(name))


@pytest.mark.parametrize("name", ["dead", "0123456789abcdef", "fedcba9876543210"])
def test_unknown_owner_is_dead(opened: Store, name: str) -> None:
    assert not opened.change(lambda _: opened.is_alive(name))


def test_lost_connection_ends_the_owner_for_others_and_the_next_one_takes_its_rows_back(
    opened: Store, other: Store, postgres: PostgresServer
) -> None:
    owner = opened.new_owner()
    first = owner.id
    claim(opened, owner)
    claim(opened, owner, "b")
    intent = Intent("b", "f", "b", first, 1, 60, False, False, 9)
    opened.change(lambda db: transitions.start(db, intent, 1, "t", owner=first, now=time.time()))
    end_sessions(postgres)
    assert settled(other, before=row(other).stamped - 1) == [first]  # its start may still be sent
    assert (row(other).state, row(other).owner) == ("starting", first)
    opened.read(lambda _: None)
    assert owner.id != first
    assert (row(other).state, row(other).owner, row(other, "b").owner) == ("starting", owner.id, owner.id)
    assert settled(other) == []


def test_start_that_is_claimed_after_a_lost_connection_has_the_new_owner(
    anchor_emulator: Emulator, postgres: PostgresServer, url: str
) -> None:
    assert anchor_emulator.starts == 0
    with Anchor(KEY) as anchor, Ledger(url) as ledger:
        settings = anchor._settings
        call = LedgerCall(ledger, settings.clock, settings.base_url, CallLimits(5, 1, 60.0), closes=False)
        call.open()
        first = call.owner.id
        start = call.new_start("a", "f", wrapped=False, has_secrets=False)
        end_sessions(postgres)
        run(start.before_sending())
        assert row(ledger._store, start.claim).owner == call.owner.id != first
        start.withdrawn().result()
        start.let_go()
        call.end().result()


def test_rows_that_others_have_taken_stay_theirs(opened: Store, other: Store, postgres: PostgresServer) -> None:
    owner, taker = opened.new_owner(), other.new_owner()
    for key in "ab":
        claim(opened, owner, key)
    intent = Intent("b", "f", "b", owner.id, 1, 60, False, False, 9)
    opened.change(lambda db: transitions.start(db, intent, 1, "t", owner=owner.id, now=time.time()))
    end_sessions(postgres)
    adopted = other.change(lambda db: transitions.adopt(db, taker.id, other.is_alive))
    assert [each.claim for each in adopted] == ["b"]
    assert not opened.change(lambda db: transitions.stamp(db, "a", time.time()))  # so it is not sent
    assert (row(opened).state, row(opened, "b").owner) == ("unknown", taker.id)
    late = Intent("a", "f", "a", "", 1, 60, False, False, 9)
    opened.change(lambda db: transitions.start(db, late, 1, "t2", owner=owner.id, now=time.time()))
    assert (row(other).state, row(other).owner) == ("running", owner.id)  # it was sent before, and its id has arrived


def test_closed_ledger_keeps_its_connection_for_living_owners(
    opened: Store, other: Store, postgres: PostgresServer
) -> None:
    owner, last = opened.new_owner(), opened.new_owner()
    first = owner.id
    opened.close()
    assert other.change(lambda _: other.is_alive(first))
    opened.read(lambda _: None)
    assert owner.id == first
    opened.close()
    for each in (owner, last):
        assert len(postgres.execute(f"SELECT pid FROM {SESSIONS}")) == 2
        each.let_go()
    until(lambda: len(postgres.execute(f"SELECT pid FROM {SESSIONS}")) == 1)  # the server is told, and needs a moment


def test_session_is_found_dead_by_the_server(opened: Store) -> None:
    backend: Any = opened.backend
    opened.read(lambda _: None)
    (idle,) = backend._database.connection.execute("SHOW tcp_user_timeout").fetchone()
    assert idle in {"0", "10s"}  # it means nothing for a socket of this machine


def test_client_of_a_later_version_stops_this_one(opened: Store, postgres: PostgresServer, url: str) -> None:
    postgres.execute(f"UPDATE {url.rpartition('=')[2]}.ledger SET version = version + 1")
    for kind in ("intent", "read"):
        with pytest.raises(LedgerUnusableError, match="written by a later version of this package"):
            opened.submit(lambda _: None, kind).result(PATIENCE)


def test_ledger_that_many_make_at_the_same_moment(url: str) -> None:
    begin = threading.Barrier(6)

    def use(_: int) -> None:
        store = Store(backend_of(Sealed(url)))
        begin.wait(PATIENCE)
        store.open(BASE_URL)
        store.change(count)
        store.close()

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(use, range(6)))
    with closing(new_store(url)) as store:
        assert store.change(count) == 7


REPLACED: Final = {
    "UPDATE {}.ledger SET id = 'another'": "was replaced while it was in use",
    "DROP SCHEMA {} CASCADE": "are gone: bring them back",
}


@pytest.mark.parametrize("statement", REPLACED)
def test_ledger_that_was_replaced_is_not_used(
    opened: Store, postgres: PostgresServer, url: str, statement: str
) -> None:
    postgres.execute(statement.format(url.rpartition("=")[2]))
    end_sessions(postgres)
    with pytest.raises(LedgerUnusableError, match=REPLACED[statement]) as raised:
        opened.change(count)
    assert not raised.value.is_temporary


def test_tables_that_are_gone_are_not_made_again(opened: Store, postgres: PostgresServer, url: str) -> None:
    postgres.execute(f"DROP SCHEMA {url.rpartition('=')[2]} CASCADE")
    with pytest.raises(LedgerUnusableError, match="are gone: bring them back"):
        opened.change(count)
    with pytest.raises(LedgerUnusableError, match="are gone: bring them back"):
        opened.open(BASE_URL)


# Calls


def test_sessions_that_end_in_the_middle_start_nothing_twice(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, postgres: PostgresServer, url: str
) -> None:
    anchor_emulator.on(takes=50, answer=1)
    requests = [TaskRequest(f"Read {number}", key=str(number)) for number in range(8)]

    def progressed(progress: Progress) -> None:
        if progress.running:  # the call has begun: before, it would raise the error
            ended.append(end_sessions(postgres))

    ended: list[int] = []
    kept = runner.call(tasks.map, requests, max_running=3, ledger=url, timeout=None, on_progress=progressed)
    assert sum(ended) > 0
    assert states(kept) == {"completed": 8}
    assert anchor_emulator.starts == 8
    assert anchor_emulator.max_running_seen <= 3  # fewer, if sessions end so often that no third one starts in time


def test_start_of_a_killed_process_is_unknown_once_it_cannot_be_sent_any_more(
    anchor_emulator: Emulator, tasks: Any, runner: Runner, postgres: PostgresServer, url: str
) -> None:
    request = TaskRequest("Read", key="a")
    with starting(url, request):
        end_sessions(postgres)
        with pytest.raises(StartOutcomeUnknownError, match="the process that started the task ended before"):
            runner.call(tasks.run, "Read", key="a", ledger=url)
        assert 10 <= anchor_emulator.elapsed < 60
        (outcome,) = runner.call(tasks.map, [request], ledger=url)
        assert outcome.state == "unknown"
    assert anchor_emulator.starts == 0


@pytest.fixture(name="other_server")
def server_that_no_other_test_uses() -> Iterator[PostgresServer]:
    server = PostgresServer()
    yield server
    server.remove()


def test_server_that_restarts_in_the_middle(other_server: PostgresServer) -> None:
    url = other_server.new_url()
    requests = [TaskRequest(f"work{number}", key=str(number)) for number in range(30)]
    before, while_away = -1, 0
    with serving(shortest=0.01, longest=0.2) as server, Anchor(KEY, base_url=server.base_url, wait=OFTEN) as anchor:
        outcomes = anchor.tasks.map(requests, max_running=4, ledger=url, timeout=60)
        kept = [next(outcomes)]
        other_server.stop()
        try:
            while before != while_away:  # what has been claimed is sent, however slow the machine is
                before = while_away
                time.sleep(0.5)
                while_away = len(server.starts())
        finally:
            other_server.start()
        kept += outcomes
        starts = server.starts()
    assert states(kept) == {"completed": 30}
    assert len({start.prompt for start in starts}) == len(starts) == 30
    assert while_away < 30
    with Ledger(url) as ledger:
        assert ledger.counts()["completed"] == 30
