"""The thread of a ledger: what it must not lose, and that nobody waits forever for it."""

from __future__ import annotations

import gc
import signal
import sqlite3
import subprocess
import sys
import threading
import weakref
from contextlib import closing, nullcontext, suppress
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

import pytest

from anchor_webtask import AnchorError, Ledger, LedgerError, LedgerUnusableError, TaskRequest
from anchor_webtask._ledger import writer
from anchor_webtask._ledger.sqlite import file
from anchor_webtask._ledger.sqlite.backend import SqliteBackend
from anchor_webtask._ledger.store import Store
from anchor_webtask.emulator import Emulator
from anchor_webtask.testing import VirtualClock, install
from tests.support.broken_disk import BrokenDisk
from tests.support.ledger_operations import count, hold
from tests.support.ledger_server import PROGRAMS
from tests.support.many import states
from tests.support.patience import PATIENCE

if TYPE_CHECKING:
    import logging
    from collections.abc import Iterator
    from pathlib import Path

    from anchor_webtask._ledger.database import Connection
    from anchor_webtask._ledger.future import Future
    from tests.support.runners import Runner

BASE_URL: Final = "https://api.example"


@pytest.fixture
def opened(path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setattr(writer, "AGAIN", 0.02)
    made = Store(SqliteBackend(path))
    made.open(BASE_URL)
    yield made
    made.close()


def stored(path: Path) -> int:
    with closing(sqlite3.connect(path)) as db:
        (number,) = db.execute("SELECT halvings FROM ledger").fetchone()
    return int(number)


def wait_for_rest(opened: Store) -> None:
    opened.submit(lambda _: None, "last record").result(PATIENCE)


def test_end_of_the_program_stores_ids_of_starts_under_way(path: Path) -> None:
    command = [sys.executable, str(PROGRAMS / "end_during_starts.py"), str(path)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    assert ran.returncode == 0, ran.stderr
    with Ledger(path) as ledger:
        rows = [*ledger.rows()]
    assert {row.state for row in rows} == {"running"}
    assert sorted(str(row.task_id) for row in rows) == sorted(ran.stdout.split())
    assert len(rows) == 3


def test_call_goes_on_whose_file_was_away_for_a_moment(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "AGAIN", 0.02)
    away, warned = path.with_name("away"), threading.Event()

    def warn(*_: object, **__: object) -> None:
        with suppress(FileNotFoundError):  # the ledger's thread and the call both warn
            away.rename(path)
        warned.set()

    def takes(_: dict[str, Any]) -> float:
        if not warned.is_set():
            path.rename(away)
        return 10.0

    monkeypatch.setattr(writer.logger, "warning", warn)
    anchor_emulator.on(takes=takes, answer=1)
    requests = [TaskRequest(f"Read {key}", key=key) for key in "abc"]
    assert states(runner.call(tasks.map, requests, max_running=1, ledger=path)) == {"completed": 3}
    assert warned.is_set()
    with Ledger(path) as ledger:
        assert ledger.counts()["completed"] == 3
    assert anchor_emulator.starts == 3


@pytest.mark.parametrize("kind", ["record", "last record"])
@pytest.mark.parametrize("code", [sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CORRUPT])
def test_record_is_stored_whatever_was_wrong_with_the_file(opened: Store, path: Path, kind: Any, code: int) -> None:
    tries = 0

    def operation(db: Connection) -> int:
        nonlocal tries
        tries += 1
        if tries < 3:
            error = sqlite3.OperationalError("the file is broken")
            error.sqlite_errorcode = code
            raise error
        return count(db)

    first = opened.submit(operation, kind)
    if kind == "record":
        with pytest.raises(LedgerUnusableError) as raised:
            first.result(PATIENCE)
        assert raised.value.is_temporary  # so the call keeps its owner until the record is stored
        wait_for_rest(opened)
    else:
        assert first.result(PATIENCE) == 1
    assert (tries, stored(path)) == (3, 1)


@pytest.mark.parametrize("kind", ["intent", "read"])
def test_intents_and_reads_fail_at_once(opened: Store, path: Path, kind: Any) -> None:
    path.rename(path.with_name("away"))
    with pytest.raises(LedgerUnusableError, match="was deleted or replaced") as raised:
        opened.submit(count, kind).result(PATIENCE)
    assert not raised.value.is_temporary
    path.with_name("away").rename(path)
    wait_for_rest(opened)
    assert stored(path) == 0


def test_record_is_stored_once_its_file_can_be_opened(opened: Store, path: Path) -> None:
    opened.close()
    away = path.with_name("away")
    path.rename(away)
    with pytest.raises(LedgerUnusableError, match="does not exist"):
        opened.submit(count, "record").result(PATIENCE)
    assert not path.exists()
    away.rename(path)
    wait_for_rest(opened)
    assert stored(path) == 1


@pytest.mark.parametrize(
    "error", [sqlite3.IntegrityError("UNIQUE"), UnicodeEncodeError("utf-8", "\ud800", 0, 1, "no"), AnchorError("no")]
)
def test_error_of_one_record_ends_it_alone(
    opened: Store, path: Path, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    def fail(_: Connection) -> None:
        raise error

    _, begin = hold(opened.submit)
    futures = [opened.submit(operation, "record") for operation in (count, fail, count)]
    begin.set()
    wait_for_rest(opened)
    assert [type(future.exception()) for future in futures[::2]] == [type(None)] * 2
    assert isinstance(futures[1].exception(), AnchorError)
    assert stored(path) == 2
    assert "cannot store something that is known of its tasks" in caplog.text


def test_log_filter_that_raises_ends_nothing(opened: Store, path: Path) -> None:
    def refuse(_: logging.LogRecord) -> bool:
        raise ZeroDivisionError

    away = path.with_name("away")
    path.rename(away)
    writer.logger.addFilter(refuse)
    try:
        with pytest.raises(LedgerUnusableError):
            opened.submit(count, "record").result(PATIENCE)
        away.rename(path)
        wait_for_rest(opened)
    finally:
        writer.logger.removeFilter(refuse)
    assert stored(path) == 1


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_jobs_fail_if_the_thread_ends_by_an_error(opened: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    _, begin = hold(opened.submit)
    late: list[Future[int]] = []

    def fail(*_: object) -> None:
        late.append(opened.submit(count, "record"))
        raise ZeroDivisionError

    assert opened._writer is not None
    monkeypatch.setattr(opened._writer._work, "_run_all", fail)  # not those of other ledgers in this process
    begin.set()
    for future in (opened.submit(count, "record"), late):
        with pytest.raises(LedgerError, match="was closed before"):
            (future[0] if isinstance(future, list) else future).result(PATIENCE)
    monkeypatch.undo()
    assert opened.submit(count, "record").result(PATIENCE) == 1


@pytest.mark.usefixtures("opened")
def test_what_is_submitted_during_and_after_a_close_is_stored_or_fails(path: Path) -> None:
    thread = writer.Writer(SqliteBackend(path))
    first, begin = hold(thread.submit)
    thread.close(wait=False)
    during = thread.submit(count, "record")
    begin.set()
    thread.close(wait=True)
    assert first.done()
    assert during.result(PATIENCE) == 1
    with pytest.raises(LedgerError, match="was closed before"):
        thread.submit(count, "record").result(PATIENCE)


def test_close_in_the_middle_of_a_submit_loses_nothing(
    opened: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit = writer.Writer.submit
    closing_thread = threading.Thread(target=opened.close)

    def submit_late(*arguments: Any) -> Any:
        closing_thread.start()
        closing_thread.join(0.2)  # it must wait for this submit
        return submit(*arguments)

    monkeypatch.setattr(writer.Writer, "submit", submit_late)
    future = opened.submit(count, "record")
    monkeypatch.undo()
    assert future.result(PATIENCE) == 1
    closing_thread.join(PATIENCE)
    assert stored(path) == 1


def test_use_of_a_closed_ledger_comes_after_what_is_left_to_store(opened: Store) -> None:
    _, may_end = hold(opened.submit)
    first = opened.submit(count, "record")
    opened.close(wait=False)
    second = opened.submit(count, "record")
    opened.close(wait=False)
    third = opened.submit(count, "record")
    for future in (second, third):
        with pytest.raises(TimeoutError):
            future.result(0.1)
    may_end.set()
    assert [future.result(PATIENCE) for future in (first, second, third)] == [1, 2, 3]


def test_ledger_is_usable_after_an_interrupted_close(opened: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(finalizer: Any) -> None:
        finalizer.detach()
        raise KeyboardInterrupt

    monkeypatch.setattr(weakref.finalize, "__call__", interrupt)
    with pytest.raises(KeyboardInterrupt):
        opened.close()
    monkeypatch.undo()
    opened.close()
    assert opened.submit(count, "record").result(PATIENCE) == 1


def test_submit_neither_raises_nor_waits_for_the_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    may_open = threading.Event()

    def open_file(*_: object) -> Any:
        may_open.wait(PATIENCE)
        raise LedgerUnusableError("no file")

    monkeypatch.setattr(SqliteBackend, "open", open_file)
    made = Store(SqliteBackend(path))
    future = made.submit(count, "intent")
    assert not future.done()
    may_open.set()
    with pytest.raises(LedgerUnusableError, match="no file"):
        future.result(PATIENCE)
    made.close()

    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr(threading.Thread, "start", start)
    with pytest.raises(LedgerError, match="cannot be used now: can't create new thread"):
        made.submit(count, "record").result(PATIENCE)


@pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="this system has no such signals")
def test_interrupted_opening_leaves_no_thread_and_no_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    main, may_open = threading.get_ident(), threading.Event()
    interruptions: list[object] = []
    files: list[weakref.ref[object]] = []

    def open_file(_: object, base_url: str | None) -> file.LedgerFile:
        while not interruptions:  # a signal that comes directly before a wait does not interrupt it
            signal.pthread_kill(main, signal.SIGALRM)
            may_open.wait(0.01)
        may_open.wait(PATIENCE)
        made = file.LedgerFile(path, base_url)
        files.append(weakref.ref(made))
        return made

    def interrupt(*_: object) -> None:
        if not interruptions:
            interruptions.append(KeyboardInterrupt)
            raise KeyboardInterrupt

    monkeypatch.setattr(SqliteBackend, "open", open_file)
    before = {*threading.enumerate()}
    old = signal.signal(signal.SIGALRM, interrupt)
    try:
        try:
            Store(SqliteBackend(path)).open(BASE_URL)
        except KeyboardInterrupt:
            pass
        else:
            pytest.fail("the opening was not interrupted")
        (thread,) = {*threading.enumerate()} - before
        gc.collect()
        may_open.set()
        thread.join(PATIENCE)
    finally:
        signal.signal(signal.SIGALRM, old)  # not before: the thread may be about to send one more signal
    assert not thread.is_alive()
    del thread
    gc.collect()
    assert [made() for made in files] == [None]


@pytest.mark.parametrize("is_virtual", [False, True])
def test_operations_soon_after_a_commit_share_the_next_one(
    path: Path, monkeypatch: pytest.MonkeyPatch, *, is_virtual: bool
) -> None:
    disk, pauses = BrokenDisk(monkeypatch), list[float]()
    others: list[Future[int]] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        others.extend(made.submit(count, "record") for _ in range(3))

    monkeypatch.setattr(writer, "time", SimpleNamespace(monotonic=lambda: 5.0, sleep=pause))
    with (
        install(Emulator(), clock=VirtualClock()) if is_virtual else nullcontext(),
        closing(Store(SqliteBackend(path))) as made,
    ):
        made.open(BASE_URL)
        made.submit(count, "record").result(PATIENCE)
        before = disk.commits
        made.submit(count, "record").result(PATIENCE)
        for other in others:
            other.result(PATIENCE)
    assert disk.commits == before + 1
    if is_virtual:
        assert not pauses  # to the clock, a pause of the thread would be idle time
    else:
        assert pauses == [pytest.approx(writer.INTERVAL)]
        assert stored(path) == 5


def test_questions_wait_for_no_other_operation(opened: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """`map` looks up one request after the other: of many that have ended, it would wait a while for each."""
    pauses = list[float]()
    monkeypatch.setattr(writer, "time", SimpleNamespace(monotonic=lambda: 5.0, sleep=pauses.append))
    opened.change(count)
    for _ in range(3):
        opened.read(lambda _: None)
    assert not pauses
    opened.change(count)
    assert pauses == [pytest.approx(writer.INTERVAL)]
