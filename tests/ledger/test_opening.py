"""A ledger's file, and the lock files beside it, that several calls make at the same moment."""

from __future__ import annotations

import os
import sqlite3
import stat
import sys
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing, suppress
from itertools import count
from typing import TYPE_CHECKING, Final

import pytest

from anchor_webtask import Anchor, Ledger, LedgerError, LedgerUnusableError
from anchor_webtask._ledger.sqlite import file, library, owners
from anchor_webtask._ledger.sqlite.file import LedgerFile
from anchor_webtask._ledger.sqlite.owners import is_alive, new_owner
from anchor_webtask._ledger.sqlite.schema import CREATE
from anchor_webtask._ledger.store import check_base_url
from tests.support.file_locks import is_locked

if TYPE_CHECKING:
    from pathlib import Path
    from types import FrameType

    from anchor_webtask.emulator import Emulator

TOGETHER: Final = 8
FILES: Final = 100
"""Enough for several to be found half made, if each part of a file was looked at for itself."""
FEW: Final = 3
"""Few enough for the folder to be empty often."""
OWNERS: Final = 500
"""Enough for several to lose the folder that they are about to use."""
LONG_ENOUGH: Final = 0.2
"""Seconds within which reading a file ends that does not wait for anything, on a machine that is not too busy."""
MAKING: Final = {file.__file__, library.__file__}
BASE_URL: Final = "https://api.example"


def test_file_that_others_make_at_the_same_moment_is_a_ledger(tmp_path: Path) -> None:
    begin = threading.Barrier(TOGETHER)

    def open_all() -> None:
        for number in range(FILES):
            path = tmp_path / f"{number}.ledger"
            begin.wait()
            try:
                opened = LedgerFile(path, BASE_URL)
                check_base_url(str(path), BASE_URL, opened.db)
                opened.close()
            except LedgerError as error:
                errors.append(error)

    errors: list[LedgerError] = []
    with ThreadPoolExecutor(TOGETHER) as threads:
        for each in [threads.submit(open_all) for _ in range(TOGETHER)]:
            each.result()
    assert errors == []


def test_file_that_is_being_made_stays_locked_for_whoever_has_locked_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another connection of this process begins a transaction before each call of a function that makes the file."""
    monkeypatch.setattr(file, "BUSY_SECONDS", 0.0)
    locked: list[LedgerFile] = []
    point = 0

    def lock(frame: FrameType, event: str, _: object) -> None:
        if event == "c_call" and frame.f_code.co_filename in MAKING and next(calls) == point:
            with suppress(LedgerError, sqlite3.OperationalError):  # the one that makes the file has locked it
                other = LedgerFile(path, BASE_URL)
                other.begin(changes=True)
                locked.append(other)

    for point in count():
        path, calls = tmp_path / f"{point}.ledger", count()
        sys.setprofile(lock)
        try:
            with suppress(LedgerError):
                LedgerFile(path, BASE_URL).close()
        finally:
            sys.setprofile(None)
        if next(calls) <= point:
            break
        for other in locked:
            assert is_locked(path), f"not before call {point}"
            other.close()
        locked.clear()
    assert point > 10
    assert {each.name for each in tmp_path.iterdir()} <= {
        f"{number}.ledger{part}" for number in range(point + 1) for part in ("", "-journal")
    }


def test_file_is_readable_for_its_owner_alone_before_it_is_a_ledger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modes: list[str] = []

    def prepare(opened: LedgerFile, _: object) -> None:
        modes.append(stat.filemode(opened.path.stat().st_mode))

    monkeypatch.setattr(LedgerFile, "_prepare", prepare)
    old = os.umask(0)
    try:
        LedgerFile(tmp_path / "50%.ledger?mode=ro#é", BASE_URL).close()
    finally:
        os.umask(old)
    assert modes == ["-rw-------"]
    assert [each.name for each in tmp_path.iterdir()] == ["50%.ledger?mode=ro#é"]


def test_reading_waits_for_the_process_that_makes_the_tables(tmp_path: Path) -> None:
    path = tmp_path / "prices.ledger"
    with closing(sqlite3.connect(path, isolation_level=None)) as maker, ThreadPoolExecutor(1) as thread:
        maker.execute("BEGIN IMMEDIATE")
        for statement in CREATE:
            maker.execute(statement)
        maker.execute("INSERT INTO ledger VALUES (?, 0, NULL, 0, 0, 0)", (BASE_URL,))
        counts = thread.submit(Ledger(path).counts)
        wait([counts], LONG_ENOUGH)
        maker.execute("COMMIT")
        assert {*counts.result().values()} == {0}


def test_reading_an_empty_file_says_that_it_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "prices.ledger"
    path.touch()
    with pytest.raises(LedgerUnusableError, match="the file is empty, and no ledger yet"):
        Ledger(path).counts()
    assert (path.read_bytes(), [*tmp_path.iterdir()]) == (b"", [path])


def test_owner_begins_while_others_look_and_end(tmp_path: Path) -> None:
    """The last one that ends removes the folder, and each that begins removes files that are not locked (yet)."""
    folder = tmp_path / "prices.ledger-owners"
    begin = threading.Barrier(FEW)

    def begin_and_end() -> list[bool]:
        lived = []
        begin.wait()
        for _ in range(OWNERS):
            owner = new_owner(folder)
            lived.append(is_alive(folder, owner.id))
            owner.let_go()
        return lived

    with ThreadPoolExecutor(FEW) as threads:
        for each in [threads.submit(begin_and_end) for _ in range(FEW)]:
            assert all(each.result())
    assert not folder.exists()


def test_owner_leaves_a_file_that_another_one_has_locked_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other one, which looks for dead owners, may be slow to remove it, or be killed before."""
    folder = tmp_path / "prices.ledger-owners"
    lock, refused = owners._lock, iter([BlockingIOError])

    def lock_second(opened: int) -> None:
        for refusal in refused:
            raise refusal
        lock(opened)

    monkeypatch.setattr(owners, "_lock", lock_second)
    owner = new_owner(folder)
    assert is_alive(folder, owner.id)
    owner.let_go()
    assert not folder.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="it has no shared locks")
def test_owner_is_dead_for_all_who_ask_at_the_same_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "0123456789abcdef"
    path.touch()
    second: list[bool] = []

    def remove(removed: Path) -> None:
        monkeypatch.undo()
        second.append(is_alive(tmp_path, removed.name))

    monkeypatch.setattr(owners, "_remove", remove)  # the first one still has the file open then
    assert not is_alive(tmp_path, path.name)
    assert second == [False]


def test_files_of_owners_that_were_killed_are_removed(anchor_emulator: Emulator, path: Path) -> None:
    folder = path.with_name(f"{path.name}-owners")
    folder.mkdir()
    (folder / "0123456789abcdef").touch()
    anchor_emulator.on(answer=1)
    with Anchor() as anchor:
        list(anchor.tasks.map(["Read"], ledger=path))
    assert not folder.exists()


def test_kind_of_file_system_is_read_from_what_is_mounted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounts = tmp_path / "mounts"
    monkeypatch.setattr(file, "MOUNTS", mounts)
    name = "Müller's disk"
    (tmp_path / name).mkdir()
    (tmp_path / "auto").mkdir()
    shown = str(tmp_path / name).replace(" ", "\\040")
    lines = [
        b"/dev/a / ext4 rw 0 0",
        b"/dev/b /mnt/\xff\\011 vfat rw 0 0",  # not UTF-8
        f"server:/c {shown} nfs4 rw 0 0".encode(),
        f"map {tmp_path}/auto autofs rw 0 0".encode(),
        f"server:/d {tmp_path}/auto nfs rw 0 0".encode(),
    ]
    mounts.write_bytes(b"\n".join(lines))
    folders = [tmp_path, tmp_path / name, tmp_path / "auto"]
    assert [file._file_system(folder / "x.ledger") for folder in folders] == ["ext4", "nfs4", "nfs"]
