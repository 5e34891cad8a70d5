"""No file of a ledger, no export and no error of one shows a secret, a prompt or an option."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

from anchor_webtask import Ledger, TaskRequest
from anchor_webtask.emulator import Fault
from tests.support.runners import KEY
from tests.support.secret_search import PART_LENGTH, PASSWORD, SPELLINGS

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from anchor_webtask.emulator import Emulator
    from tests.support.runners import Runner

PROMPT = "Log in and read the balance of the account"
URL = "https://bank.example/accounts"
BODY = {"note": "an undocumented option"}


class WatchedFiles:
    """Keeps what the files of a ledger held at each commit, the journal with what it would undo among them."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.contents: set[bytes] = set()
        self._folder = folder
        files = self

        class Connection(sqlite3.Connection):
            def execute(self, sql: str, *arguments: Any) -> sqlite3.Cursor:
                cursor = super().execute(sql, *arguments)
                files.keep()
                return cursor

        connect = sqlite3.connect
        monkeypatch.setattr(sqlite3, "connect", lambda *args, **named: connect(*args, factory=Connection, **named))

    def keep(self) -> None:
        for file in self._folder.rglob("*"):
            if file.is_file() and not file.name.endswith(".ledger"):  # closing that file would release SQLite's locks
                self.contents.add(file.read_bytes())


def test_files_exports_and_errors_show_no_secret(
    anchor_emulator: Emulator,
    runner: Runner,
    tasks: Any,
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG")
    files = WatchedFiles(path.parent, monkeypatch)
    echo = {"error": {"message": f"the password {PASSWORD} and the key {KEY} are wrong"}}
    options: dict[str, Any] = {"url": URL, "secret_values": {"PASSWORD": PASSWORD}, "extra_body": BODY}
    anchor_emulator.on(prompt="*lost", start_faults=[Fault(502, accepted=True, body=str(echo))])
    anchor_emulator.on(prompt="*refused", start_faults=[Fault(400, body=str(echo).replace("'", '"'))])
    anchor_emulator.on(prompt="*failed", fails=f"{PASSWORD} is wrong")
    anchor_emulator.on(prompt="*answered", answer="done")
    names = ("lost", "refused", "failed", "answered")
    requests = [TaskRequest(f"{PROMPT} {name}", key=name, **options) for name in names]
    requests.append(TaskRequest(f"{PROMPT} answered", **options))
    with Ledger(path) as ledger:
        first = runner.call(tasks.map, requests, ledger=ledger)
        outcomes = runner.call(tasks.map, requests, ledger=ledger)
        assert {each.key: each.state for each in outcomes}.items() >= {
            ("lost", "unknown"),
            ("refused", "completed"),
            ("failed", "failed"),
            ("answered", "completed"),
        }
        ledger.export(path.with_name("export.jsonl"))
        shown = [
            *map(str, [*first, *outcomes]),
            *(str(each.error) for each in [*first, *outcomes]),
            *map(str, ledger.rows()),
            caplog.text,
        ]
    files.keep()
    assert any(b"perform-web-task" in content for content in files.contents)  # the journal had ids of tasks
    contents = [path.read_bytes(), *files.contents, *(text.encode() for text in shown)]
    for secret in (PASSWORD, KEY):
        for spell in SPELLINGS.values():
            spelled = spell(secret).encode()
            for part in {spelled, spelled[:PART_LENGTH], spelled[-PART_LENGTH:]}:
                assert not any(part in content for content in contents), part
    stored = [path.read_bytes(), *files.contents]
    for text in (PROMPT, URL, *BODY, *BODY.values(), "PASSWORD"):
        assert not any(text.encode() in content for content in stored), text
