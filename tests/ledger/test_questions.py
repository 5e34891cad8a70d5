"""What users ask of a ledger, and what they decide about its rows."""

from __future__ import annotations

import json
import shutil
import sqlite3
import stat
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from anchor_webtask import Anchor, ConfigurationError, Ledger, LedgerRow, LedgerUnusableError, TaskRequest
from anchor_webtask.emulator import Fault
from tests.support.file_locks import is_locked
from tests.support.many import FEW_CHECKS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from anchor_webtask.emulator import Emulator
    from anchor_webtask.testing import VirtualClock
    from tests.support.postgres_server import Place, PostgresServer


FORGET: dict[str, Any] = {"answers": "forget"}


def use(emulator: Emulator, place: Place) -> None:
    """Make a ledger with a task in each state but `starting` and `retried`; each task's key is its state."""
    emulator.on(answer={"amount": 3})
    emulator.on(prompt="running", takes=1000)
    emulator.on(prompt="failed", fails="no price")
    emulator.on(prompt="unknown", start_faults=[Fault(502, accepted=True)])
    emulator.on(prompt="refused", start_faults=[400])
    states = ("running", "completed", "failed", "unknown", "refused")
    with Anchor(wait=FEW_CHECKS) as anchor:
        list(anchor.tasks.map([TaskRequest(state, key=state) for state in states], timeout=100, ledger=place))


@pytest.fixture
def used(anchor_emulator: Emulator, path: Path, ledger: Ledger) -> Ledger:
    """A file that was used."""
    use(anchor_emulator, path)
    return ledger


@pytest.fixture
def used_anywhere(anchor_emulator: Emulator, place: Place, ledger: Ledger) -> Ledger:
    """A file or a database that was used."""
    use(anchor_emulator, place)
    return ledger


def test_rows_say_what_is_known(used_anywhere: Ledger, anchor_emulator: Emulator) -> None:
    assert used_anywhere.counts() == {
        "starting": 0,
        "running": 1,
        "completed": 1,
        "failed": 1,
        "unknown": 1,
        "refused": 1,
        "retried": 0,
    }
    rows = {row.key: row for row in used_anywhere.rows()}
    assert list(rows) == sorted(rows)
    assert {row.state for row in rows.values()} == rows.keys()
    assert {row.attempt for row in rows.values()} == {1}
    ids = {task.body["prompt"]: task.id for task in anchor_emulator.tasks}
    assert {key: rows[key].task_id for key in rows} == {**ids, "unknown": None, "refused": None}
    assert (rows["completed"].answer, rows["completed"].valid) == ({"amount": 3}, True)
    assert rows["failed"].error == "no price"
    assert "may or may not have started" in str(rows["unknown"].error)
    assert {row.key for row in rows.values() if row.has_place} == {"running", "unknown"}
    moment = datetime.fromtimestamp(1_800_000_000, UTC)
    assert all(
        moment <= row.claimed <= (row.started or row.claimed) <= (row.ended or row.claimed) for row in rows.values()
    )
    assert [used_anywhere.get(key) for key in rows] == list(rows.values())
    assert [row.key for row in used_anywhere.rows("failed")] == ["failed"]
    assert used_anywhere.get("missing") is None


def test_many_rows_are_read_in_pages(place: Place, anchor_emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    from anchor_webtask._ledger import ledger as module

    monkeypatch.setattr(module, "PAGE", 2)
    anchor_emulator.on(answer=1)
    with Anchor() as anchor:
        list(anchor.tasks.map([TaskRequest("Read", key=str(number)) for number in range(5)], ledger=place))
    with Ledger(place) as ledger:
        assert [row.key for row in ledger.rows()] == list("01234")
        assert [row.key for row in ledger.rows("completed")] == list("01234")


def test_export_has_all_rows_and_is_readable_for_its_owner_alone(used: Ledger, tmp_path: Path) -> None:
    target = tmp_path / "rows.jsonl"
    target.write_text("old")
    assert used.export(target) == 5
    rows = [json.loads(line) for line in target.read_text(encoding="utf-8").splitlines()]
    assert [(row["key"], row["state"], row["answer"]) for row in rows] == [
        (row.key, row.state, row.answer) for row in used.rows()
    ]
    assert stat.filemode(target.stat().st_mode) == "-rw-------"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["prices.ledger", "prices.ledger-journal", "rows.jsonl"]


def test_export_that_fails_leaves_the_old_file(used: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def dumps(*_: object, **__: object) -> str:
        raise OSError("the disk is full")

    target = tmp_path / "rows.jsonl"
    target.write_text("old")
    monkeypatch.setattr("anchor_webtask._ledger.export.json.dumps", dumps)
    with pytest.raises(OSError, match="the disk is full"):
        used.export(target)
    assert target.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize(
    "name", ["prices.ledger", "prices.ledger-journal", "other.ledger", "link", "./x/../prices.ledger"]
)
def test_export_does_not_replace_a_ledger(used: Ledger, path: Path, name: str) -> None:
    (path.parent / "x").mkdir()
    shutil.copy(path, path.with_name("other.ledger"))
    path.with_name("link").symlink_to(path)
    before = path.read_bytes()
    with pytest.raises(ConfigurationError, match="belongs to a ledger"):
        used.export(path.parent / name)
    assert path.read_bytes() == before
    used.check()


@pytest.mark.parametrize("name", [":memory:", "file:other.db", "50%25.db", "a?mode=memory#b"])
def test_export_does_not_replace_a_database_whose_name_looks_special(
    used: Ledger, path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(path.parent)
    shutil.copy(path, path.parent / name)
    with pytest.raises(ConfigurationError, match="another database"):
        used.export(name)


def test_export_to_a_database_leaves_it_locked_for_whoever_has_locked_it(used: Ledger, path: Path) -> None:
    other = path.with_name("other.db")
    with closing(sqlite3.connect(other, isolation_level=None)) as db:
        db.execute("CREATE TABLE prices (url TEXT)")
        db.execute("BEGIN IMMEDIATE")
        with pytest.raises(ConfigurationError, match="is another database"):
            used.export(other)
        assert is_locked(other)
        db.execute("COMMIT")
        db.execute("BEGIN EXCLUSIVE")  # not even SQLite can read it
        with pytest.raises(ConfigurationError, match="is another database"):
            used.export(other)


@pytest.mark.parametrize("old", [b"", b"SQL", b'{"key": "a"}\n' * 1000])
def test_export_replaces_what_is_no_database(used: Ledger, path: Path, old: bytes) -> None:
    target = path.with_name("rows.jsonl")
    target.write_bytes(old)
    assert used.export(target) == 5


def test_export_into_a_missing_folder_names_the_file(used: Ledger, tmp_path: Path) -> None:
    target = tmp_path / "none" / "rows.jsonl"
    with pytest.raises(FileNotFoundError) as raised:
        used.export(target)
    assert raised.value.filename == str(target)


@pytest.mark.parametrize("call", ["retry", "free"])
def test_list_in_place_of_keys_is_refused(used: Ledger, call: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"such as {call}\(\*keys\), and not \['0'\]"):
        getattr(used, call)(["0"])


def test_check_finds_damage(used: Ledger, path: Path) -> None:
    used.check()
    used.close()
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)  # all pages but the first
    path.write_bytes(content)
    with pytest.raises(LedgerUnusableError, match="is damaged"):
        used.check()


@pytest.mark.parametrize(
    ("decide", "says"),
    [
        (lambda ledger: ledger.retry("missing"), "has no task with the key 'missing'"),
        (lambda ledger: ledger.retry("unknown", "missing"), "has no task with the key 'missing'"),
        (lambda ledger: ledger.retry("unknown", "running"), "is running, so wait"),
        (lambda ledger: ledger.free("unknown", "missing"), "has no task with the key 'missing'"),
        (lambda ledger: ledger.retry("running"), "is running, so wait until it has ended"),
        (lambda ledger: ledger.retry("refused"), "is refused, so the next run or worker starts it in any case"),
        (lambda ledger: ledger.free("missing"), "has no task with the key 'missing'"),
        (lambda ledger: ledger.attach("failed", Checked("task-1")), "is failed, so it needs no other id"),
        (lambda ledger: ledger.attach("missing", Checked("task-1")), "has no task with the key 'missing'"),
        (lambda ledger: ledger.attach("unknown", Checked("task-1", status=None)), "a task that was checked"),
        (lambda ledger: ledger.attach("unknown", Checked(ledger.get("failed").task_id)), "'failed' has this id"),
        (lambda ledger: list(ledger.rows("finished")), "no state 'finished': the states are starting, running"),
        (lambda _: Ledger("x.ledger", **FORGET), "must be 'keep' or 'drop', not 'forget'"),
    ],
)
def test_decision_that_is_not_possible_changes_nothing(
    used_anywhere: Ledger, decide: Callable[[Ledger], object], says: str
) -> None:
    before = list(used_anywhere.rows())
    with pytest.raises(ConfigurationError, match=says):
        decide(used_anywhere)
    assert list(used_anywhere.rows()) == before


class Checked:
    """A handle of a task."""

    def __init__(self, task_id: str, *, status: Any = "completed") -> None:
        self.id, self.status = task_id, status


def test_decisions_change_what_they_name(used_anywhere: Ledger, anchor_clock: VirtualClock) -> None:
    used_anywhere.free("unknown", "completed")
    used_anywhere.retry("unknown", "failed", "completed", "failed")
    states = {row.key: (row.state, row.has_place) for row in used_anywhere.rows()}
    assert states == {
        "completed": ("retried", False),
        "failed": ("retried", False),
        "refused": ("refused", False),
        "running": ("running", True),
        "unknown": ("retried", False),
    }
    with pytest.raises(ConfigurationError, match="is retried, so the next run starts it already"):
        used_anywhere.retry("failed")
    used_anywhere.attach("unknown", Checked("task-1"))
    row = used_anywhere.get("unknown")
    assert isinstance(row, LedgerRow)
    assert (row.state, row.task_id, row.has_place) == ("running", "task-1", True)
    assert row.started == datetime.fromtimestamp(anchor_clock.wall(), UTC)


def test_ledger_is_closed_and_opened_again(used: Ledger) -> None:
    with used as entered:
        assert entered is used
        counts = used.counts()
    assert used.counts() == counts
    used.close()
    used.close()
    assert repr(used).startswith("<Ledger '/")


def test_export_and_check_of_a_database(anchor_emulator: Emulator, postgres: PostgresServer, tmp_path: Path) -> None:
    url, target = postgres.new_url(), tmp_path / "rows.jsonl"
    use(anchor_emulator, url)
    with Ledger(url) as ledger:
        assert ledger.export(target) == 5
        ledger.check()
    assert [json.loads(line)["key"] for line in target.read_text().splitlines()] == [
        "completed",
        "failed",
        "refused",
        "running",
        "unknown",
    ]
