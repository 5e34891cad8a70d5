"""No file of a ledger, no export and no error of one shows a secret, a prompt or an option; nor does a shown key."""

from __future__ import annotations

import re
import sqlite3
from pprint import pformat
from typing import TYPE_CHECKING, Any

import pytest
import rich.pretty

from anchor_webtask import AnchorError, ConfigurationError, Ledger, TaskFailedError, TaskRequest, TaskTimeoutError
from anchor_webtask._ledger.call import WITHHELD
from anchor_webtask.emulator import Fault
from tests.support import other_calls
from tests.support.many import loop, states
from tests.support.runners import KEY
from tests.support.secret_search import PART_LENGTH, PASSWORD, SPELLINGS

if TYPE_CHECKING:
    from pathlib import Path

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


SECRET_KEY = f"log in with {PASSWORD}"
OPTIONS: dict[str, Any] = {"secret_values": {"PASSWORD": PASSWORD}}


def check_hidden(*texts: str) -> None:
    """Check that each text names the key, and none shows the secret in it."""
    for text in texts:
        assert "log in with [redacted]" in text
        assert not any(spell(PASSWORD) in text for spell in SPELLINGS.values())


def secret_request(prompt: str, key: Any = SECRET_KEY) -> TaskRequest:
    return TaskRequest(prompt, key=key, **OPTIONS)


@pytest.mark.parametrize("has_ledger", [False, True])
def test_outcome_hides_the_secret_in_its_key(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, path: Path, *, has_ledger: bool
) -> None:
    ledger = path if has_ledger else None
    anchor_emulator.on(answer=1)
    (outcome,) = runner.call(tasks.map, [secret_request("Read")], ledger=ledger)
    assert outcome.key == SECRET_KEY
    check_hidden(repr(outcome), pformat(outcome), rich.pretty.pretty_repr(outcome))
    requests = [secret_request("Read"), secret_request("Write"), secret_request("Read", [SECRET_KEY])]
    _, repeated, no_text = sorted(runner.call(tasks.map, requests), key=lambda each: each.index)
    check_hidden(str(repeated.error), repr(repeated), str(no_text.error))


def test_what_is_left_hides_the_secret_in_a_key(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, caplog: pytest.LogCaptureFixture
) -> None:
    anchor_emulator.on(takes=100)
    anchor_emulator.on(prompt="Quick", answer=1)
    requests = [TaskRequest("Quick"), secret_request("Read")]
    loop(runner, tasks.map(requests), lambda _: True, with_block=True)
    check_hidden(*(record.getMessage() for record in caplog.records if "was left early" in record.getMessage()))
    with pytest.raises(ZeroDivisionError) as raised:
        loop(runner, tasks.map(requests), lambda _: 1 / 0, with_block=True)
    check_hidden(*raised.value.__notes__)


def test_errors_of_a_ledger_hide_the_secret_in_a_key(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, path: Path
) -> None:
    def run(prompt: str = "Read", key: Any = SECRET_KEY) -> str:
        with pytest.raises((AnchorError, ConfigurationError)) as raised:
            runner.call(tasks.run, prompt, key=key, ledger=path, timeout=10, **OPTIONS)
        return str(raised.value)

    def many(prompt: str = "Read") -> str:
        (outcome,) = runner.call(tasks.map, [secret_request(prompt)], ledger=path, timeout=10)
        check_hidden(repr(outcome))
        return str(outcome.error)

    with other_calls.starting(path, secret_request("Read")):
        check_hidden(run(), many())  # another call is starting it
    anchor_emulator.on(start_faults=[Fault(502, accepted=True)])
    check_hidden(many(), many(), run(), many("Write"), run("Write"), run(key=[SECRET_KEY]))
    assert anchor_emulator.starts == 1


def test_reason_of_a_task_that_run_has_left_is_withheld(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, path: Path, ledger: Ledger
) -> None:
    anchor_emulator.on(prompt="Read", takes=100, fails=f"could not log in with {PASSWORD}")
    with pytest.raises(TaskTimeoutError):
        runner.call(tasks.run, "Read", key="a", ledger=path, timeout=5, **OPTIONS)
    anchor_emulator.on(prompt="Wait", takes=1000)
    runner.call(tasks.map, [TaskRequest("Wait")], ledger=path)
    row = ledger.get("a")
    assert row is not None
    assert row.error == WITHHELD


@pytest.mark.parametrize("is_known", [False, True])
def test_reason_of_an_adopted_task_hides_the_secrets_of_its_request(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, path: Path, ledger: Ledger, *, is_known: bool
) -> None:
    """The task is waited for before its request is known, and ends before that or afterwards."""
    anchor_emulator.on(takes=100, fails=f"could not log in with {PASSWORD}")
    requests = [TaskRequest("Read", key="a", **OPTIONS)]
    assert states(runner.call(tasks.map, requests, ledger=path, timeout=5)) == {"running": 1}
    if not is_known:
        anchor_emulator.on(prompt="Wait", takes=1000)
        runner.call(tasks.map, [TaskRequest("Wait")], ledger=path)
        assert ledger.counts()["failed"] == 1
    reason = "could not log in with [redacted]" if is_known else WITHHELD
    for _ in range(2):
        (outcome,) = runner.call(tasks.map, requests, ledger=path)
        assert outcome.error.reason == reason
        assert PASSWORD not in repr(outcome)
    with pytest.raises(TaskFailedError, match=re.escape(reason)):
        runner.call(tasks.run, "Read", key="a", ledger=path, **OPTIONS)
    row = ledger.get("a")
    assert row is not None
    assert row.error == reason


def test_reason_of_an_adopted_task_without_secrets_is_stored(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, path: Path, ledger: Ledger
) -> None:
    anchor_emulator.on(prompt="Read", takes=100, fails="the page is empty")
    assert states(runner.call(tasks.map, [TaskRequest("Read", key="a")], ledger=path, timeout=5)) == {"running": 1}
    anchor_emulator.on(prompt="Wait", takes=1000)
    runner.call(tasks.map, [TaskRequest("Wait")], ledger=path)
    row = ledger.get("a")
    assert row is not None
    assert row.error == "the page is empty"
