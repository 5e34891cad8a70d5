"""The commands for a ledger, with one that has a task in each state."""

from __future__ import annotations

import itertools
import json
import os
import re
import shutil
import stat
from typing import TYPE_CHECKING, Any

import pytest

from anchor_webtask import Anchor, Ledger, TaskRequest, WaitPolicy
from anchor_webtask._cli import app
from tests.support.runners import KEY

if TYPE_CHECKING:
    from pathlib import Path

    from anchor_webtask.emulator import EmulatorServer
    from tests.support.command_line import CommandLine, Ran

CHECKED_OFTEN = ("--check-every", "0.05")
STATES = {"answered": "completed", "fail": "failed", "lost": "unknown", "no credit": "refused", "slow": "running"}


@pytest.fixture(scope="module")
def template(server: EmulatorServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger with a task in each state, whose keys are its prompts."""
    path = tmp_path_factory.mktemp("ledger") / "a.ledger"
    with Anchor(KEY, base_url=server.base_url, wait=WaitPolicy(minimum=0.05)) as anchor:
        requests = [TaskRequest(prompt, key=prompt) for prompt in ("answered", "fail", "lost", "slow", "no credit")]
        for _ in anchor.tasks.map(requests, ledger=path, timeout=1, max_running=20):
            pass
    with Ledger(path) as ledger:
        assert {row.key: row.state for row in ledger.rows()} == STATES
    return path


@pytest.fixture(autouse=True)
def ledger(cli: CommandLine, template: Path) -> Path:
    path = cli.folder / "a.ledger"
    shutil.copy(template, path)
    return path


def lines(ran: Ran) -> list[dict[str, Any]]:
    return [json.loads(line) for line in ran.out.splitlines()]


def test_show_counts_the_states(cli: CommandLine, ledger: Path) -> None:
    ran = cli("ledger", "show", ledger)
    assert (ran.status, lines(ran)) == (0, [{**dict.fromkeys(STATES.values(), 1), "starting": 0, "retried": 0}])
    with cli.terminal("ledger", "show", ledger) as terminal:
        assert terminal.finish() == 0
    assert "     1 unknown    perhaps started, perhaps paid" in terminal.screen()


def test_list_has_all_attempts_or_those_in_a_state(cli: CommandLine, ledger: Path) -> None:
    assert {line["key"]: line["state"] for line in lines(cli("ledger", "list", ledger))} == STATES
    (line,) = lines(cli("ledger", "list", ledger, "--state", "completed"))
    assert line | {"task_id": "", "claimed": "", "started": "", "ended": ""} == {
        "key": "answered",
        "attempt": 1,
        "state": "completed",
        "task_id": "",
        "valid": True,
        "has_place": False,
        "claimed": "",
        "started": "",
        "ended": "",
        "error": None,
        "answer": {"amount": 3},
    }
    assert cli("ledger", "list", ledger, "--state", "lost").status == 2
    with cli.terminal("ledger", "list", ledger, columns=200) as terminal:
        assert terminal.finish() == 0
    assert re.search(
        r"^failed +fail +1 +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +.*there is no price$", terminal.screen(), re.MULTILINE
    )


@pytest.mark.parametrize(("key", "status"), [("answered", 0), ("fail", 1), ("slow", 3), ("lost", 4), ("no credit", 5)])
def test_get_has_the_exit_status_of_the_task(key: str, status: int, cli: CommandLine, ledger: Path) -> None:
    ran = cli("ledger", "get", ledger, key)
    assert (ran.status, lines(ran)[0]["state"]) == (status, STATES[key])


def test_what_the_service_has_said_is_not_rewritten(cli: CommandLine, server: EmulatorServer) -> None:
    reason = r"GET https://shop.example/?output=json: 404; tasks.get('\x') finds it again; pass it as b=…"
    server.emulator.on(prompt="Read this", fails=reason)
    ran = cli("run", "Read this", "--ledger", "b.ledger", "--key", "a", "--json", *CHECKED_OFTEN)
    assert (ran.status, lines(ran)[0]["error"]["reason"]) == (1, reason)
    assert lines(ran)[0]["error"]["message"] == f"the task failed: {reason}"
    assert f"failed: {reason}\n" in ran.err
    (line,) = lines(cli("ledger", "list", "b.ledger"))
    (exported,) = lines(cli("ledger", "export", "b.ledger"))
    assert line["error"] == exported["error"] == reason
    for words, status in ((("list", "b.ledger"), 0), (("get", "b.ledger", "a"), 1)):
        with cli.terminal("ledger", *words, columns=250) as terminal:
            assert terminal.finish() == status
        assert reason in terminal.screen()


def test_get_shows_an_answer_for_a_person(cli: CommandLine, ledger: Path) -> None:
    with cli.terminal("ledger", "get", ledger, "answered") as terminal:
        assert terminal.finish() == 0
    assert terminal.screen().startswith("key        answered\nattempt    1\nstate      completed\n")
    assert terminal.screen().endswith('{\n  "amount": 3\n}\n')
    ran = cli("ledger", "get", ledger, "nobody")
    assert (ran.status, ran.err) == (2, "anchor-webtask: the ledger has no task with the key 'nobody'\n")


def test_retry_free_and_attach_change_what_the_next_run_does(cli: CommandLine, ledger: Path) -> None:
    assert cli("ledger", "retry", ledger, "lost", "answered").status == 0
    assert cli("ledger", "retry", ledger, "-", text="fail\r\n\nfail\n").err.startswith("1 task will be started again")
    assert cli("ledger", "free", ledger, "slow", "lost").status == 0
    states = {line["key"]: line for line in lines(cli("ledger", "list", ledger))}
    assert [states[key]["state"] for key in ("lost", "answered", "fail")] == ["retried"] * 3
    assert [states[key]["has_place"] for key in ("slow", "lost")] == [False, False]
    task_id = cli("start", "x").out.strip()
    attached = cli("ledger", "attach", ledger, "lost", task_id)
    assert (attached.status, attached.out) == (0, "")
    assert f"  anchor-webtask ledger resume {ledger}\n" in attached.err
    assert lines(cli("ledger", "get", ledger, "lost"))[0]["task_id"] == task_id


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["retry", "a.ledger", "nobody"], 2, "the ledger has no task with the key 'nobody'"),
        (["retry", "a.ledger", "no credit"], 2, "is refused, so the next run or worker starts it in any case"),
        (["retry", "a.ledger"], 2, "Missing argument"),
        (["attach", "a.ledger", "answered", "x"], 5, "HTTP 404"),
        (["show", "nothing.ledger"], 5, "the file does not exist"),
        (["list", "broken.ledger"], 5, "broken.ledger"),
        (["check", "broken.ledger"], 5, "broken.ledger"),
        (["resume", "nothing.ledger"], 5, "the file does not exist"),
        (["export", "a.ledger", "no/folder"], 2, "No such file or directory"),
    ],
)
def test_what_cannot_be_done_is_said(
    arguments: list[str], status: int, said: str, cli: CommandLine, ledger: Path
) -> None:
    (cli.folder / "broken.ledger").write_bytes(os.urandom(4096))
    ran = cli("ledger", *arguments)
    assert (ran.status, ran.out) == (status, "")
    assert said in ran.err
    assert not (cli.folder / "nothing.ledger").exists()
    assert ledger.exists()


def test_check_says_that_all_is_well(cli: CommandLine) -> None:
    ran = cli("ledger", "check", "a.ledger")
    assert (ran.status, ran.err) == (0, "a.ledger is complete and consistent\n")


def test_export_writes_the_same_to_a_file_and_to_standard_output(cli: CommandLine, ledger: Path) -> None:
    ran = cli("ledger", "export", ledger, "--jsonl")
    assert {line["key"]: line["state"] for line in lines(ran)} == STATES
    assert cli("ledger", "export", "--jsonl", ledger, "out.jsonl").err == "5 attempts are in out.jsonl\n"
    assert (cli.folder / "out.jsonl").read_text(encoding="utf-8") == ran.out
    assert stat.S_IMODE((cli.folder / "out.jsonl").stat().st_mode) == 0o600
    assert [part for part in (KEY, "Authorization") if part in ran.out] == []


def test_resume_waits_for_what_runs_and_starts_nothing(cli: CommandLine, server: EmulatorServer) -> None:
    prompts = ["slow 1", "slow 2", "slow 3"]
    content = "".join(json.dumps({"prompt": prompt, "key": prompt}) + "\n" for prompt in prompts)
    options = ["--format", "jsonl", "--ledger", "b.ledger", "--timeout", "0.3", *CHECKED_OFTEN]
    assert cli("map", "-", *options, text=content).status == 3
    tasks = server.emulator.tasks[-3:]
    by_prompt = {task.body["prompt"]: task for task in tasks}
    starts = server.emulator.starts
    by_prompt["slow 1"].finish({"result": 7})
    by_prompt["slow 2"].fail("there is no price")
    ran = cli("ledger", "resume", "b.ledger", "--output", "builtins:int", "--timeout", "0.5", *CHECKED_OFTEN)
    found = {line["key"]: line for line in lines(ran)}
    assert ran.status == 3, ran.err
    assert found.keys() == {"slow 1", "slow 2"}
    assert found["slow 1"] == {
        "key": "slow 1",
        "state": "completed",
        "task_id": by_prompt["slow 1"].id,
        "attempt": 1,
        "value": 7,
    }
    assert found["slow 2"]["error"]["type"] == "TaskFailedError"
    assert "1 task still running; to go on:\n  anchor-webtask ledger resume --output builtins:int b.ledger\n" in ran.err
    by_prompt["slow 3"].finish("text")
    ran = cli("ledger", "resume", "b.ledger", "--output", "builtins:int", *CHECKED_OFTEN)
    assert (ran.status, lines(ran)[0]["error"]["type"]) == (1, "InvalidOutputError")
    again = cli("ledger", "resume", "b.ledger")
    assert (again.status, again.out, server.emulator.starts) == (0, "", starts)
    assert again.err == (
        "no task of the ledger runs; to see those that have ended:\n  anchor-webtask ledger list b.ledger\n"
    )


def test_resume_checks_again_and_again(cli: CommandLine, server: EmulatorServer) -> None:
    assert cli("run", "slow", "--key", "a", "--ledger", "b.ledger", "--timeout", "0").status == 3
    with cli.terminal("ledger", "resume", "b.ledger", *CHECKED_OFTEN) as terminal:
        terminal.wait_for(r"0/1 ended, 1 running, (?:(?:[2-9]|\d\d+) s|\d+ min)")
        server.emulator.tasks[-1].finish(7)
        assert terminal.finish() == 0
    assert '"value": 7}' in terminal.text


def test_resume_does_not_wait_for_what_cannot_be_checked(cli: CommandLine, ledger: Path) -> None:
    ran = cli("ledger", "resume", ledger, ANCHORBROWSER_API_KEY="another-key-1234")
    assert (ran.status, lines(ran)[0]["error"]["type"]) == (5, "AuthenticationError")
    assert "slow cannot be checked: " in ran.err
    found = re.search(r"1 unknown; to see them:\n  (.+)\n", ran.err)
    assert found
    assert [line["state"] for line in lines(cli.pasted(found[1]))] == ["unknown"]


def test_resume_tells_what_cannot_be_checked_any_more(
    server: EmulatorServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ANCHORBROWSER_API_KEY", KEY)
    monkeypatch.setattr("anchor_webtask._cli.resuming.CHECK_AGAIN", 0.1)
    server.emulator.on(prompt="forbidden", takes=3600, faults=[500, 500, *[403] * 50])
    arguments = [str(tmp_path / "b.ledger"), "--base-url", server.base_url, *CHECKED_OFTEN]
    assert app.run(["run", "forbidden", "--key", "a", "--timeout", "0", "--ledger", *arguments]) == 3
    capsys.readouterr()
    assert app.run(["ledger", "resume", *arguments]) == 5
    out, err = capsys.readouterr()
    assert json.loads(out)["error"]["type"] == "PermissionDeniedError"
    assert "a cannot be checked: HTTP 403" in err


def test_ctrl_c_ends_resume_and_names_the_command_that_goes_on(cli: CommandLine) -> None:
    with cli.terminal("ledger", "resume", "a.ledger", *CHECKED_OFTEN) as terminal:
        terminal.wait_for("0/1 ended, 1 running")
        terminal.type("\x03")
        assert terminal.finish() == 130
    assert "1 task still running; to go on:\n  anchor-webtask ledger resume a.ledger\n" in terminal.screen()


@pytest.mark.parametrize("columns", [40, 80, 100, 200])
def test_lists_are_readable_and_ids_can_be_copied_whatever_the_width(
    columns: int, cli: CommandLine, ledger: Path
) -> None:
    with cli.terminal("ledger", "list", ledger, columns=columns) as terminal:
        assert terminal.finish() == 0
    shown = terminal.screen().rstrip("\n").split("\n")
    assert max(len(line) for line in shown if not line.startswith("  ")) <= columns
    with Ledger(ledger) as opened:
        ids = {row.key: row.task_id for row in opened.rows() if row.task_id is not None}
    below = [
        (above.split()[1], line.strip()) for above, line in itertools.pairwise(shown) if line.strip() in ids.values()
    ]
    assert dict(below) == ids


@pytest.mark.parametrize(
    "url", ["postgresql://me:hunter2@127.0.0.1:1/prices", "postgres://127.0.0.1:1/?password=hunter2"]
)
def test_url_with_a_password_is_refused_and_not_shown(cli: CommandLine, url: str) -> None:
    (cli.folder / "one.jsonl").write_text('{"prompt": "Read"}\n')
    for command in (
        ("ledger", "show", url),
        ("map", "one.jsonl", "--ledger", url),
        ("run", "Read", "--key", "a", "--ledger", url),
    ):
        ran = cli(*command)
        assert (ran.status, ran.out) == (2, "")
        assert "set PGPASSWORD" in ran.err
        assert "hunter2" not in ran.err


def test_database_that_cannot_be_reached_is_named(cli: CommandLine) -> None:
    (cli.folder / "one.jsonl").write_text('{"prompt": "Read"}\n')
    url = "postgresql://me@127.0.0.1:1/prices"
    for command in (("ledger", "show", url), ("map", "one.jsonl", "--ledger", url)):
        ran = cli(*command)
        assert ran.status == 5
        assert f"the ledger '{url}' cannot be used now, since PostgreSQL does not answer" in ran.err
