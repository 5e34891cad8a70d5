"""`run`, `start`, `wait`, `result` and `status`, as programs in a pipe and on a terminal."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from anchor_webtask import Anchor
from anchor_webtask._cli import app
from anchor_webtask.emulator import Fault
from tests.support.command_line import SCRIPT, interrupt, unread_pipe, until_in
from tests.support.patience import PATIENCE
from tests.support.runners import KEY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anchor_webtask.emulator import EmulatorServer
    from tests.support.command_line import CommandLine

CHECKED_OFTEN = ("--check-every", "0.05")
NOBODY = "http://127.0.0.1:1"


def last_body(server: EmulatorServer) -> dict[str, Any]:
    """Return the body of the last request, which is a start."""
    body = server.emulator.requests[-1].body
    assert body
    return dict(body)


def read_start(process: subprocess.Popen[str]) -> list[str]:
    """Read the two lines that name the task which a process has started."""
    assert process.stderr
    return [process.stderr.readline(), process.stderr.readline()]


def test_run_writes_one_line_of_json_and_names_the_task_on_standard_error(cli: CommandLine) -> None:
    ran = cli("run", "Read the price", "--url", "https://shop.example/", "--data", '{"row": 7}', *CHECKED_OFTEN)
    line = json.loads(ran.out)
    assert (ran.status, ran.out.count("\n")) == (0, 1)
    assert line == {"state": "completed", "task_id": line["task_id"], "data": {"row": 7}, "value": {"amount": 3}}
    assert f"anchor-webtask wait {line['task_id']}\n" in ran.err


def test_all_options_of_a_task_reach_the_api(cli: CommandLine, server: EmulatorServer) -> None:
    (cli.folder / "pin.txt").write_text("12-34\n", encoding="utf-8")
    (cli.folder / "body.json").write_text('{"use_vision": true}', encoding="utf-8")
    options = [
        *("--url", "https://shop.example/", "--agent", "browser-use", "--provider", "openai", "--model", "gpt"),
        *("--detect-elements", "--no-human-intervention", "--highlight-elements", "--max-steps", "9"),
        *("--secret", "*.shop.example:PASSWORD", "--secret", "PIN=@pin.txt", "--extra-body", "@body.json"),
        *("--session-id", cli("session", "open").out.strip()),
    ]
    started = cli("start", "-", *options, text="Read the price\n", PASSWORD="correct horse")
    assert started.status == 0, started.err
    body = last_body(server)
    secrets = body.pop("secret_values")
    assert body == {
        "prompt": "Read the price",
        "url": "https://shop.example/",
        "async": True,
        "agent": "browser-use",
        "provider": "openai",
        "model": "gpt",
        "detect_elements": True,
        "human_intervention": False,
        "highlight_elements": True,
        "max_steps": 9,
        "use_vision": True,
    }
    assert secrets["*.shop.example"]["PASSWORD"].reveal() == "correct horse"
    assert secrets["PIN"].reveal() == "12-34"


def test_start_writes_the_id_alone_and_the_others_find_the_task(cli: CommandLine) -> None:
    started = cli("start", "Read the price")
    task_id = started.out.strip()
    assert (started.status, started.err, started.out) == (0, "", f"{task_id}\n")
    assert json.loads(cli("result", task_id).out)["value"] == {"amount": 3}
    assert json.loads(cli("wait", task_id, "--output", "builtins:dict").out)["value"] == {"amount": 3}
    again = json.loads(cli("start", "Read the price", "--json").out)
    checked = cli("status", task_id, "-", text=f"{again['task_id']}\r\n\n")
    assert [json.loads(line) for line in checked.out.splitlines()] == [
        {"task_id": each, "status": "completed"} for each in (task_id, again["task_id"])
    ]
    assert again["state"] == "running"


@pytest.mark.parametrize(
    ("arguments", "status", "state", "said"),
    [
        (["run", "fail", *CHECKED_OFTEN], 1, "failed", "failed: there is no price"),
        (["run", "x", "--output", "builtins:str", *CHECKED_OFTEN], 1, "completed", "the answer is invalid: "),
        (["run", "slow", "--timeout", "0.1", *CHECKED_OFTEN], 3, "running", "still running: "),
        (["run", "lost"], 4, "unknown", "look in the dashboard"),
        (["start", "lost"], 4, "unknown", "look in the dashboard"),
        (["run", "no credit"], 5, "refused", "not started: HTTP 402"),
        (["run", "x", "--base-url", NOBODY, "--timeout", "0.1"], 5, "refused", "no connection to 127.0.0.1:1"),
        (["result", "no-such-task"], 5, None, "not checked: HTTP 404"),
        (["result", "no-such-task", "--base-url", NOBODY], 5, None, "not checked: no connection to 127.0.0.1:1"),
    ],
    ids=lambda value: "-".join(map(str, value[:2])) if isinstance(value, list) else None,
)
def test_exit_status_says_how_a_task_has_ended(
    arguments: list[str], status: int, state: str | None, said: str, cli: CommandLine
) -> None:
    ran = cli(*arguments)
    line = json.loads(ran.out)
    assert (ran.status, line["state"]) == (status, state), ran.err
    assert line["error"]["message"]
    assert said in ran.err
    if status == 3:
        assert f"\n  anchor-webtask wait {line['task_id']}\n" in ran.err


def test_command_that_goes_on_has_the_options_of_the_first_and_works_in_a_shell(
    cli: CommandLine, server: EmulatorServer
) -> None:
    (cli.folder / "a price's schema.json").write_text('{"type": "object"}', encoding="utf-8")
    ran = cli(
        *("run", "slow", "--timeout", "0", "--base-url", server.base_url, "--output", "a price's schema.json"),
        ANCHORBROWSER_BASE_URL="",
    )
    found = re.search(r"to go on:\n  (.+)\n", ran.err)
    assert ran.status == 3
    assert found
    server.emulator.tasks[-1].finish({"amount": 3})
    path = f"{SCRIPT.parent}{os.pathsep}{cli.environment['PATH']}"
    variables = cli.environment | {"PATH": path, "ANCHORBROWSER_BASE_URL": ""}
    again = subprocess.run(["sh", "-c", found[1]], cwd=cli.folder, env=variables, capture_output=True, text=True)
    assert (again.returncode, json.loads(again.stdout)["value"]) == (0, {"amount": 3})


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Usage: anchor-webtask"),
        (["run"], "Missing argument 'PROMPT'"),
        (["run", "x", "--agnet", "y"], "No such option"),
        (["run", "Read", "the", "price"], "put a prompt with blanks in quotes"),
        (["run", " "], "the prompt is blank"),
        (["run", "x", "--url", "shop.example"], "url must start with https://"),
        (["run", "x", "--max-steps", "0"], "--max-steps must be at least 1"),
        (["run", "x", "--timeout", "1d"], "--timeout '1d' is no duration"),
        (["run", "x", "--base-url", "ftp://shop.example"], "--base-url must use https"),
        (["run", "x", "--key", "a"], "--key and --ledger belong together"),
        (["run", "x", "--data", "{"], "--data: this is not JSON at column 2"),
        (["run", "x", "--extra-body", '{"a": NaN}'], "--extra-body: NaN is not JSON"),
        (["run", "x", "--extra-body", "[]"], "--extra-body must be a mapping"),
        (["run", "x", "--output", "no.json"], "--output 'no.json': No such file"),
        (["run", "x", "--output", "nowhere:Price"], "there is no module 'nowhere'"),
        (["run", "x", "--output", "json:Price"], "the module has no 'Price'"),
        (["run", "x", "--output", "json:loads"], "--output json:loads: "),
        (["wait", "https://shop.example/"], "the task id is a URL"),
        (["wait", "x\x1b[31m"], "the task id contains a control character"),
    ],
    ids=lambda value: "-".join(value[:3])[:30] if isinstance(value, list) else None,
)
def test_wrong_usage_sends_nothing(arguments: list[str], said: str, cli: CommandLine, server: EmulatorServer) -> None:
    before = len(server.emulator.requests)
    ran = cli(*arguments)
    assert (ran.status, len(server.emulator.requests)) == (2, before)
    assert said in ran.err or said in ran.out
    assert "\x1b" not in ran.err


@pytest.mark.parametrize("key", ["", "two words", "'in-quotes'"])
def test_missing_or_invalid_key_is_no_mistake_of_usage(key: str, cli: CommandLine) -> None:
    ran = cli("run", "x", ANCHORBROWSER_API_KEY=key)
    assert (ran.status, ran.out) == (5, "")
    assert "ANCHORBROWSER_API_KEY" in ran.err
    assert "two words" not in ran.err


def test_ctrl_c_names_the_task_and_the_command_that_goes_on(cli: CommandLine) -> None:
    with cli.spawned("run", "slow", "--output", "builtins:dict") as process:
        read_start(process)
        interrupt(process)
        out, err = process.communicate()
    assert (process.returncode, out) == (130, "")
    assert re.fullmatch(
        r"interrupted: this does not stop the task\n"
        r"the task is (\S+); to go on:\n  anchor-webtask wait --output builtins:dict \1\n",
        err,
    )


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_other_signals_do_so_too(name: str, cli: CommandLine) -> None:
    with cli.spawned("run", "slow") as process:
        read_start(process)
        process.send_signal(getattr(signal, name))
        _, err = process.communicate()
    assert process.returncode == 128 + getattr(signal, name)
    assert "to go on:\n  anchor-webtask wait " in err


def test_signal_that_is_ignored_stays_ignored(cli: CommandLine, server: EmulatorServer) -> None:
    """As under `nohup`, which keeps a program running when its terminal ends."""
    command = ["sh", "-c", 'trap "" HUP; exec "$@"', "sh", str(SCRIPT), "run", "slow", "--check-every", "0.1"]
    with subprocess.Popen(
        command, cwd=cli.folder, env=cli.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        read_start(process)
        process.send_signal(signal.SIGHUP)
        server.emulator.tasks[-1].finish(7)
        out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, json.loads(out)["value"]) == (0, 7), err


def test_interrupted_start_says_that_the_outcome_is_unknown(cli: CommandLine, server: EmulatorServer) -> None:
    server.emulator.on(prompt="held", start_faults=[Fault(delay=30)])
    before = server.emulator.start_requests
    with cli.spawned("start", "held") as process:
        until_in(process, lambda: server.emulator.start_requests > before)
        interrupt(process)
        out, err = process.communicate()
    assert (process.returncode, out) == (130, "")
    assert "the task may or may not have started" in err
    assert "look in the dashboard" in err


def test_terminal_shows_a_live_line_and_then_the_answer_for_a_person(cli: CommandLine, server: EmulatorServer) -> None:
    with cli.terminal("run", "slow and live", "--check-every", "0.2") as terminal:
        terminal.wait_for(r"running, \d+ s, next check in \d+ s, \S+")
        server.emulator.tasks[-1].finish({"amount": 3, "currency": "€"})
        assert terminal.finish() == 0
    assert terminal.screen().endswith('\n{\n  "amount": 3,\n  "currency": "€"\n}\n')


def test_age_of_a_task_that_is_found_is_not_made_up(cli: CommandLine) -> None:
    task_id = cli("start", "slow").out.strip()
    with cli.terminal("wait", task_id, "--check-every", "0.2") as terminal:
        terminal.wait_for(r"running, watched for \d+ s, next check in \d+ s")
        terminal.type("\x03")
        assert terminal.finish() == 130


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_live_line_fits_in_the_terminal(columns: int, cli: CommandLine) -> None:
    with cli.terminal("run", "slow", "--check-every", "0.2", columns=columns) as terminal:
        terminal.wait_for(r"running, \d+ s")
        terminal.type("\x03")
        assert terminal.finish() == 130
    lines = re.findall(r"\x1b\[2K([|/\\-] [^\r\n\x1b]+)", terminal.text.replace("^C", ""))
    assert len(lines) > 1
    assert max(map(len, lines)) < columns


def test_colours_follow_no_color_and_the_terminal(cli: CommandLine) -> None:
    shown = []
    for variables in ({}, {"NO_COLOR": "1"}, {"TERM": "dumb"}):
        with cli.terminal("run", "x", *CHECKED_OFTEN, variables=variables) as terminal:
            assert terminal.finish() == 0
        shown.append(re.findall(r"\x1b\[[0-9;]*m", terminal.text))
    assert shown[0]
    assert [code for code in shown[1] if re.search(r"3[0-7]|9[0-7]|38|48", code)] == []
    assert "\x1b" not in terminal.text


def test_ctrl_c_on_a_terminal_leaves_a_clean_line(cli: CommandLine) -> None:
    with cli.terminal("run", "slow", "--check-every", "0.2") as terminal:
        terminal.wait_for(r"running, \d")
        terminal.type("\x03")
        assert terminal.finish() == 130
    assert re.search(r"^interrupted: this does not stop the task$", terminal.screen(), re.MULTILINE)


def test_lost_terminal_ends_the_wait_and_not_the_task(cli: CommandLine, server: EmulatorServer) -> None:
    with cli.terminal("run", "slow", "--key", "a", "--ledger", "a.ledger", "--check-every", "0.2") as terminal:
        terminal.wait_for(r"running, \d")
        assert terminal.hang_up() == 128 + signal.SIGHUP
    server.emulator.tasks[-1].finish(7)
    starts = server.emulator.starts
    again = cli("run", "slow", "--key", "a", "--ledger", "a.ledger", *CHECKED_OFTEN)
    assert (again.status, json.loads(again.out)["value"], server.emulator.starts) == (0, 7, starts)


def test_hostile_texts_reach_no_terminal(cli: CommandLine, server: EmulatorServer) -> None:
    hostile = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e[bold]x[/bold]\r\n\x7f\ud83d"
    server.emulator.on(prompt="hostile answer", answer=hostile)
    server.emulator.on(prompt="hostile object", answer={hostile: [hostile]})
    server.emulator.on(prompt="hostile reason", fails=hostile)
    for prompt in ("hostile answer", "hostile object", "hostile reason"):
        with cli.terminal("run", prompt, *CHECKED_OFTEN, variables={"NO_COLOR": "1"}) as terminal:
            assert terminal.finish() in {0, 1}
        rest = re.sub(r"\r\x1b\[2K|\x1b\[\d*m", "", terminal.text)
        assert re.findall("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202e]", rest) == []
        assert "[bold]x[/bold]" in rest
        ran = cli("run", prompt, *CHECKED_OFTEN)
        assert re.findall("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", ran.out + ran.err) == []
    assert "owned" in ran.err


def test_commands_that_decide_about_an_unknown_task_work_in_a_shell(cli: CommandLine, server: EmulatorServer) -> None:
    options = ("--key", "it's -a", "--ledger", "a b.ledger", "--base-url", server.base_url)
    ran = cli("run", "lost", *options, ANCHORBROWSER_BASE_URL="")
    found = re.search(r"give the ledger its id:\n  (.+) ID\nIf not, .*:\n  (.+)\n", ran.err)
    assert (ran.status, found is not None) == (4, True), ran.err
    assert found
    task_id = cli("start", "x").out.strip()
    retried = cli.pasted(found[2])
    assert retried.err.startswith("1 task will be started again")
    assert cli("run", "lost", *options, ANCHORBROWSER_BASE_URL="").status == 4
    attached = cli.pasted(f"unset ANCHORBROWSER_BASE_URL; {found[1]} {task_id}")
    assert attached.status == 0, attached.err


@pytest.mark.parametrize("options", ["", "--json"])
@pytest.mark.parametrize("to", [">&-", "| true", ">/dev/full"])
def test_id_of_a_task_is_not_lost_with_the_output(
    to: str, options: str, cli: CommandLine, server: EmulatorServer
) -> None:
    if "/dev/full" in to and not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full")
    ran = cli.pasted(f"{{ anchor-webtask start {options} x; echo $? >status; }} {to}")
    assert f"to go on:\n  anchor-webtask wait {server.emulator.tasks[-1].id}\n" in ran.err
    assert (cli.folder / "status").read_text() == "141\n"


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_id_is_not_lost_if_an_interruption_comes_while_it_is_written(
    number: int,
    status: int,
    server: EmulatorServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("ANCHORBROWSER_API_KEY", KEY)
    monkeypatch.setattr("anchor_webtask._cli.screen.Screen.put", lambda *_: os.kill(os.getpid(), number))
    assert app.run(["start", "x", "--base-url", server.base_url]) == status
    assert f"wait --base-url {server.base_url} {server.emulator.tasks[-1].id}\n" in capsys.readouterr().err


def test_closed_streams_are_no_mistake_of_ours(cli: CommandLine) -> None:
    ran = cli.pasted("anchor-webtask run x --check-every 0.05 2>&-")
    assert (ran.status, json.loads(ran.out)["value"]) == (0, {"amount": 3})
    ran = cli.pasted("anchor-webtask status - <&-")
    assert (ran.status, ran.err) == (0, "")


def test_closed_output_is_no_traceback(cli: CommandLine) -> None:
    for arguments in (["--help"], ["run", "x", *CHECKED_OFTEN], ["status", "a", "b"]):
        with unread_pipe() as pipe, cli.spawned(*arguments, output=pipe) as process:
            assert process.stderr
            err = process.stderr.read()
            assert process.wait() == 141, err
        assert "Traceback" not in err


def test_key_and_secrets_are_nowhere(cli: CommandLine, server: EmulatorServer) -> None:
    """Hunts in outputs, errors, exports, all files that were written, and the process list while the task runs."""
    secret = "correct-horse-battery"
    server.emulator.on(prompt="leaky", takes=3600, fails=f"{secret} {KEY}")
    cli.environment["PASSWORD"] = secret
    cli.environment["HOME"] = str(cli.folder)
    options = ("--secret", "PASSWORD", "--key", "a", "--ledger", "a.ledger", "--check-every", "0.1")
    with cli.spawned("run", "leaky", *options) as process:
        lines = read_start(process)
        command = process_list(process.pid)
        server.emulator.tasks[-1].fail(f"{secret} {KEY}")
        out, err = process.communicate()
    assert process.returncode == 1
    exported = cli("ledger", "export", "a.ledger").out
    files = [path.read_bytes().decode("latin-1") for path in cli.folder.rglob("*") if path.is_file()]
    assert '"state": "failed"' in exported
    texts = [command, *lines, out, err, exported, *files]
    assert [text for text in texts if secret in text or KEY in text] == []


def process_list(pid: int) -> str:
    """Return what the process list shows of a process; nothing where there is no /proc."""
    path = Path("/proc") / str(pid) / "cmdline"
    return path.read_bytes().decode() if path.exists() else ""


@pytest.mark.parametrize("given", ["PASSWORD=correct-horse", "*.shop.example:PASSWORD=correct-horse", "correct horse"])
def test_secret_on_the_command_line_is_refused_and_not_shown(given: str, cli: CommandLine) -> None:
    ran = cli("run", "x", "--secret", given)
    assert ran.status == 2
    assert "correct" not in ran.out + ran.err


def test_value_after_the_name_of_a_secret_is_not_shown(cli: CommandLine) -> None:
    ran = cli("run", "x", "--secret", "PASSWORD", "correct-horse", PASSWORD="y")
    assert ran.status == 2
    assert "correct" not in ran.out + ran.err


def test_secret_is_asked_for_on_a_terminal_and_not_shown(cli: CommandLine, server: EmulatorServer) -> None:
    with cli.terminal("start", "x", "--secret", "PIN") as terminal:
        terminal.wait_for("PIN: ")
        terminal.type("12-34\n")
        assert terminal.finish() == 0
    assert "12-34" not in terminal.text
    assert last_body(server)["secret_values"]["PIN"].reveal() == "12-34"


def test_secret_without_a_value_is_a_mistake_of_usage(cli: CommandLine) -> None:
    ran = cli("start", "x", "--secret", "PIN")
    assert (ran.status, ran.out) == (2, "")
    assert "the environment variable PIN is not set" in ran.err


class FixedResponse(BaseHTTPRequestHandler):
    """Responds to each start in the same way."""

    response: tuple[int, bytes] = (200, b"")

    def do_POST(self) -> None:
        status, body = self.response
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  as the base class names it
        """Say nothing."""


@contextmanager
def responding(status: int, body: bytes) -> Iterator[str]:
    """Serve one response, and return the base URL."""
    handler = type("Handler", (FixedResponse,), {"response": (status, body)})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as made:
        thread = threading.Thread(target=made.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{made.server_port}"
        finally:
            made.shutdown()
            thread.join()


def test_answer_at_once_is_not_lost_though_it_has_no_id(cli: CommandLine) -> None:
    with responding(200, b'{"data": {"status": "COMPLETED", "result": {"amount": 3}}}') as url:
        run, start = (cli(verb, "x", "--base-url", url) for verb in ("run", "start"))
    for ran in (run, start):
        line = {"state": "completed", "task_id": None, "value": {"amount": 3}}
        assert (ran.status, json.loads(ran.out)) == (0, line), ran.err
    assert "without an id" in start.err


def test_id_in_an_error_of_a_start_is_named_with_the_command_that_goes_on(cli: CommandLine) -> None:
    with responding(500, b'{"data": {"workflow_id": "task-1"}}') as url:
        ran = cli("start", "x", "--base-url", url)
    assert (ran.status, json.loads(ran.out)["task_id"]) == (3, "task-1")
    assert f"\n  anchor-webtask wait --base-url {url} task-1\n" in ran.err


def test_wait_takes_a_token(cli: CommandLine, server: EmulatorServer) -> None:
    with Anchor(KEY, base_url=server.base_url) as anchor:
        task = anchor.tasks.start("slow list", output=list[int])
        token = task.token()
    server.emulator.tasks[-1].finish({"result": [1, 2]})
    ran = cli("wait", token, "--output", "builtins:list")
    assert (ran.status, json.loads(ran.out)) == (0, {"state": "completed", "task_id": task.id, "value": [1, 2]})


TYPES = """
import dataclasses, datetime, decimal, attrs, pydantic

@dataclasses.dataclass
class Data:
    amount: decimal.Decimal
    day: datetime.date

@attrs.define
class Attrs:
    amount: float
    day: datetime.date

class Model(pydantic.BaseModel):
    amount: float
    day: datetime.date

class Outer:
    Inner = Attrs
"""


@pytest.mark.parametrize("name", ["Data", "Attrs", "Model", "Outer.Inner"])
def test_answers_of_all_kinds_of_types_are_written_as_json(name: str, cli: CommandLine, server: EmulatorServer) -> None:
    (cli.folder / "shop.py").write_text(TYPES, encoding="utf-8")
    server.emulator.on(prompt="typed", answer={"amount": 3.5, "day": "2026-12-01"})
    ran = cli("run", "typed", "--output", f"shop:{name}", *CHECKED_OFTEN)
    amount = "3.5" if name == "Data" else 3.5
    assert json.loads(ran.out)["value"] == {"amount": amount, "day": "2026-12-01"}, ran.err


def test_messages_name_commands_and_options_instead_of_python(cli: CommandLine) -> None:
    (cli.folder / "tasks.jsonl").write_text('{"prompt": "x", "key": "a", "extra_body": {"url": 1}}\n')
    assert cli("run", "x", "--key", "a", "--ledger", "a.ledger", *CHECKED_OFTEN).status == 0
    keyed = ("--key", "a", "--ledger", "a.ledger")
    refused = "127.0.0.1:1: the connection was refused; check --base-url or ANCHORBROWSER_BASE_URL"
    for arguments, status, said in (
        (("ledger", "show", "b.ledger"), 5, "the file does not exist: `map` and `run` make it, with --ledger"),
        (("ledger", "resume", "b.ledger"), 5, "the file does not exist: `map` and `run` make it, with --ledger"),
        (("run", "y", *keyed), 2, "use another ledger. `anchor-webtask ledger get` shows what is stored"),
        (("run", "x", *keyed, "--base-url", "http://127.0.0.1:1"), 5, "use another ledger, or --base-url"),
        (("start", "x", "--base-url", "http://127.0.0.1:1"), 5, refused),
        (("start", "x", "--max-steps", "0"), 2, "anchor-webtask: --max-steps must be at least 1"),
        (("start", "x", "--extra-body", '{"secret_values": {}}'), 2, "a field of the spec: pass it as --secret"),
        (("start", "x", "--base-url", "http://shop.example"), 2, "anchor-webtask: --base-url must use https"),
        (
            ("map", "tasks.jsonl"),
            2,
            "line 1: extra_body must not have 'url', which is a field of the spec: pass it as --url",
        ),
        (("wait", "{token"), 2, "the token is damaged: pass it complete and unchanged, or pass the task's id"),
        (("status", ""), 5, "the task id is empty: pass the id that `anchor-webtask start` has written"),
        (("session", "open", "--idle-timeout", "0"), 2, "anchor-webtask: --idle-timeout must be at least 1 minute"),
    ):
        ran = cli(*arguments)
        assert (ran.status, said in ran.err + ran.out) == (status, True), ran
        assert "no task of the ledger runs" not in ran.err
        for line in ran.out.splitlines():
            assert "base_url" not in json.loads(line)["error"]["message"]
