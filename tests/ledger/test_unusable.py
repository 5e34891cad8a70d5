"""A ledger that cannot be used: the error says why and what to do, nothing is sent, and nothing is lost."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
from contextlib import closing
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from anchor_webtask import ConfigurationError, Ledger, LedgerBusyError, LedgerUnusableError, TaskRequest
from anchor_webtask._batch import left
from anchor_webtask._ledger import writer
from tests.support.broken_disk import BrokenDisk
from tests.support.many import loop, states
from tests.support.patience import until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from anchor_webtask.emulator import Emulator
    from tests.support.runners import Runner


def keyed(*keys: str) -> list[TaskRequest]:
    return [TaskRequest(f"Read {key}", key=key) for key in keys]


def make_missing_folder(path: Path) -> Path:
    return path / "missing" / "prices.ledger"


def make_folder(path: Path) -> Path:
    path.mkdir()
    return path


def make_symbolic_link(path: Path) -> Path:
    target = path.with_name("target")
    target.touch()
    path.symlink_to(target)
    return path


def make_text(path: Path) -> Path:
    path.write_text("url\nhttps://shop.example/1\n" * 100)
    return path


def make_other_database(path: Path) -> Path:
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE prices (url TEXT)")
    db.close()
    return path


def made_ledger(path: Path) -> Path:
    """Make a ledger with the schema of this version."""
    from anchor_webtask._ledger.sqlite.file import LedgerFile

    LedgerFile(path, "https://api.anchorbrowser.io").close()
    return path


def make_later_version(path: Path) -> Path:
    with sqlite3.connect(made_ledger(path)) as db:
        db.execute("PRAGMA user_version = 2")
    db.close()
    return path


def make_damaged(path: Path) -> Path:
    content = made_ledger(path).read_bytes()
    path.write_bytes(content[:100] + b"\xff" * (len(content) - 100))
    return path


def make_read_only(path: Path) -> Path:
    if os.geteuid() == 0:
        pytest.skip("root may write every file")
    made_ledger(path).chmod(0o400)
    return path


def make_read_only_folder(path: Path) -> Path:
    if os.geteuid() == 0:
        pytest.skip("root may write in every folder")
    folder = path.with_name("folder")
    folder.mkdir(mode=0o500)
    return folder / path.name


UNUSABLE: dict[str, tuple[Callable[[Path], Path], str]] = {
    "a missing folder": (make_missing_folder, "its folder does not exist: create the folder"),
    "a folder": (make_folder, "not a regular file: choose another name"),
    "a symbolic link": (make_symbolic_link, "symbolic link"),
    "a text file": (make_text, "it is not a ledger: choose another file"),
    "another database": (make_other_database, "a file of another program"),
    "a later version": (make_later_version, "later version of this package.*upgrade the package"),
    "a damaged file": (make_damaged, "it is damaged: restore a copy"),
    "a read-only file": (make_read_only, "allow this user to write"),
    "a read-only folder": (make_read_only_folder, "Permission denied"),
}


@pytest.mark.parametrize("kind", UNUSABLE)
def test_file_that_cannot_be_a_ledger_is_refused_and_not_changed(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, path: Path, kind: str
) -> None:
    make, says = UNUSABLE[kind]
    given = make(path)
    before = given.read_bytes() if given.is_file() else None
    with pytest.raises(LedgerUnusableError, match=says) as raised:
        runner.call(tasks.map, keyed("a"), ledger=given)
    assert not raised.value.is_temporary
    with pytest.raises(LedgerUnusableError, match=says):
        runner.call(tasks.run, "Read", key="a", ledger=given)
    assert (given.read_bytes() if given.is_file() else None) == before
    assert len(anchor_emulator.requests) == 0


@pytest.mark.parametrize("kind", [kind for kind in UNUSABLE if "read-only" not in kind])
def test_questions_to_such_a_file_are_refused(path: Path, kind: str) -> None:
    make, says = UNUSABLE[kind]
    if kind == "a missing folder":
        says = "the file does not exist"
    with pytest.raises(LedgerUnusableError, match=says):
        Ledger(make(path)).counts()


def test_file_in_the_place_of_the_lock_files_is_refused(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, path: Path
) -> None:
    path.with_name(f"{path.name}-owners").touch()
    with pytest.raises(LedgerUnusableError, match=r"Not a directory.*on a local disk"):
        runner.call(tasks.map, keyed("a"), ledger=path)
    assert len(anchor_emulator.requests) == 0


@pytest.mark.parametrize("given", [3, "", b"prices.ledger", "mysql://host/db", "with\0null", object()])
def test_what_is_no_path_is_refused(tasks: Any, given: Any) -> None:
    with pytest.raises(ConfigurationError, match="ledger"):
        tasks.map(["Read"], ledger=given)


def test_files_of_a_ledger_are_readable_for_their_owner_alone(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, path: Path
) -> None:
    modes: set[str] = set()

    def look(_: object) -> None:
        if not modes:  # the call may have ended before the second outcome is read
            files = (path, *path.parent.glob("prices.ledger-*"), *path.parent.glob("prices.ledger-owners/*"))
            modes.update(stat.filemode(file.stat().st_mode) for file in files)

    anchor_emulator.on(answer=1)
    old = os.umask(0)
    try:
        loop(runner, tasks.map(keyed(*"ab"), max_running=1, ledger=path), look)
    finally:
        os.umask(old)
    assert modes == {"-rw-------", "drwx------"}
    assert sorted(file.name for file in path.parent.iterdir()) == ["prices.ledger", "prices.ledger-journal"]


def test_full_disk_at_any_one_write_loses_nothing_and_starts_nothing_twice(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    anchor_emulator.on(takes=10, answer=1)
    disk = BrokenDisk(monkeypatch)
    runs = 0

    def fails(number: int) -> bool:
        return number == runs

    disk.fails = fails
    while disk.commits >= runs:
        runs, disk.commits = runs + 1, 0
        arguments: dict[str, Any] = {"max_running": 1, "ledger": path.with_name(f"{runs}.ledger")}
        if runs == 1:  # the file cannot be made
            with pytest.raises(LedgerUnusableError, match="the disk is full: free some space") as raised:
                runner.call(tasks.map, keyed(*"ab"), **arguments)
            assert raised.value.is_temporary
            assert anchor_emulator.starts == 0
        outcomes = runner.call(tasks.map, keyed(*"ab"), **arguments)
        assert states(outcomes) == {"completed": 2}
        assert anchor_emulator.starts == 2 * runs
        with Ledger(arguments["ledger"]) as ledger:
            assert ledger.counts()["completed"] == 2
    assert runs > 5


@pytest.mark.parametrize("code", [sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_BUSY])
def test_disk_that_stays_broken_stops_starts_and_ids_are_logged(
    anchor_emulator: Emulator,
    runner: Runner,
    tasks: Any,
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    code: int,
) -> None:
    monkeypatch.setattr(left, "FLUSH_SECONDS", 0.1)
    anchor_emulator.on(takes=10, answer=1)
    disk = BrokenDisk(monkeypatch)
    disk.code = code

    def fails(_: int) -> bool:
        return anchor_emulator.starts > 0

    disk.fails = fails
    outcomes = {
        each.key: each for each in runner.call(tasks.map, keyed(*"abc"), max_running=1, timeout=30, ledger=path)
    }
    assert states(outcomes.values()) == {"completed": 1, "not_started": 2}
    assert anchor_emulator.starts == 1
    expected = LedgerBusyError if code == sqlite3.SQLITE_BUSY else LedgerUnusableError
    assert {type(outcomes[key].error) for key in "bc"} == {expected}
    assert f"the ledger has not stored the id of task {outcomes['a'].task_id}" in caplog.text
    assert "the ledger has not stored all that is known of its tasks" in caplog.text
    disk.fails = lambda _: False


@pytest.mark.parametrize("way", ["deleted", "replaced"])
def test_file_that_is_taken_away_stops_starts_until_it_is_back(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    monkeypatch.setattr(left, "FLUSH_SECONDS", 0.1)
    monkeypatch.setattr(writer, "AGAIN", 0.02)
    away = path.with_name("away")

    def take_away(_: dict[str, Any]) -> float:
        if anchor_emulator.starts == 0:
            path.rename(away)
            if way == "replaced":
                shutil.copy(away, path)
        return 10.0

    anchor_emulator.on(takes=take_away, answer=1)
    outcomes = {each.key: each for each in runner.call(tasks.map, keyed(*"abc"), max_running=1, ledger=path)}
    assert states(outcomes.values()) == {"completed": 1, "not_started": 2}
    assert all("was deleted or replaced while it was in use" in str(outcomes[key].error) for key in "bc")
    assert anchor_emulator.starts == 1
    away.replace(path)
    with Ledger(path) as ledger:  # its thread would go on for ever, and log that in other tests
        until(lambda: ledger.counts()["completed"] == 1)


def test_file_that_another_process_has_locked_is_busy(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from anchor_webtask._ledger.sqlite import file

    monkeypatch.setattr(file, "BUSY_SECONDS", 0.05)
    other = sqlite3.connect(made_ledger(path), isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        with pytest.raises(LedgerBusyError, match=r"locked by another process for 0\.05 s: wait for that process"):
            runner.call(tasks.map, keyed("a"), ledger=path)
        with pytest.raises(LedgerBusyError, match="locked"):
            Ledger(path).counts()
    finally:
        other.close()
    assert len(anchor_emulator.requests) == 0


def test_file_is_locked_in_the_short_moment_between_two_transactions_of_another_process(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from anchor_webtask._ledger.sqlite import file

    opened = file.LedgerFile(made_ledger(path), "https://api.anchorbrowser.io")
    slept: list[float] = []
    with closing(sqlite3.connect(path, isolation_level=None)) as other:

        def sleep(seconds: float) -> None:
            slept.append(seconds)
            if len(slept) == 300:
                other.execute("COMMIT")

        monkeypatch.setattr(file, "BUSY_SECONDS", 1.0)
        monkeypatch.setattr(file, "time", SimpleNamespace(monotonic=lambda: sum(slept), sleep=sleep))
        other.execute("BEGIN IMMEDIATE")
        opened.begin(changes=True)
        opened.commit()
        assert max(slept) < writer.INTERVAL
    opened.close()


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "ext4"])
def test_network_file_systems_are_warned_of(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    from anchor_webtask._ledger.sqlite import file

    monkeypatch.setattr(file, "_file_system", lambda _: kind)
    Ledger(made_ledger(path)).counts()
    assert ("is on a network file system" in caplog.text) == (kind != "ext4")
