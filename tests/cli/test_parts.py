"""The parts of the command line that decide without a task: escaping, exit statuses, templates of commands, times."""

from __future__ import annotations

import ast
import asyncio
import io
import json
import logging
import math
import queue
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import anchor_webtask
from anchor_webtask import (
    AnchorError,
    BadRequestError,
    ConfigurationError,
    InvalidOutputError,
    LedgerBusyError,
    NotFoundError,
    PaymentRequiredError,
    StartOutcomeUnknownError,
    TaskFailedError,
    TaskTimeoutError,
    TransportError,
)
from anchor_webtask._cli import exit_status, wording
from anchor_webtask._cli.client import go_on
from anchor_webtask._cli.escaping import harmless, harmless_line, json_text
from anchor_webtask._cli.live import duration
from anchor_webtask._cli.mistakes import Signalled, UsageMistake
from anchor_webtask._cli.options import ConnectionArguments
from anchor_webtask._cli.output_types import output_type, plain
from anchor_webtask._cli.reports import error_fields, error_text
from anchor_webtask._cli.screen import MessageHandler, Screen, shortened
from anchor_webtask._cli.secret_values import secret_values
from anchor_webtask._cli.signals import call_soon, stopping
from anchor_webtask._cli.task_fields import seconds
from anchor_webtask._cli.wording import about_options, for_people, in_commands
from anchor_webtask._tasks.stored import UNKNOWN
from tests.support.patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Iterator

CONTROLS = [chr(code) for code in [*range(32), *range(0x7F, 0xA0), 0x202E, 0x2066, 0x200B, 0xFEFF, 0xE0041, 0xD800]]


@pytest.mark.parametrize("control", CONTROLS, ids=lambda control: f"{ord(control):x}")
def test_control_characters_are_shown_by_their_codes(control: str) -> None:
    text = f"a{control}b"
    assert control not in harmless_line(text)
    assert (control in harmless(text)) == (control in "\t\n")
    encoded = json_text({text: [text]})
    assert control not in encoded
    assert json.loads(encoded) == {text: [text]}


def test_messages_and_warnings_are_harmless(capsys: pytest.CaptureFixture[str]) -> None:
    screen = Screen()
    screen.say("\x1b[2J one\ntwo")
    logger = logging.Logger("anchor_webtask")
    logger.addHandler(MessageHandler(screen))
    for _ in range(2):
        logger.warning("a task: %s", "\x9b31m")
    logger.info("not shown")
    assert capsys.readouterr() == ("", "\\x1b[2J one\ntwo\nwarning: a task: \\x9b31m\n")


def test_other_characters_stay() -> None:
    text = "€ 3 größer, 価格, é, 👍"
    assert harmless(text) == harmless_line(text) == text
    assert json_text(text) == f'"{text}"'
    assert json_text(text, ascii_only=True).isascii()


@pytest.mark.parametrize(
    ("error", "started", "found"),
    [
        (TaskFailedError(""), 1, 1),
        (InvalidOutputError(""), 1, 1),
        (TaskTimeoutError("", last_status="RUNNING", task_id="a"), 3, 3),
        (TaskTimeoutError("", last_error=TransportError(""), task_id="a"), 3, 5),
        (StartOutcomeUnknownError(""), 4, 4),
        (StartOutcomeUnknownError("", task_id="a"), 3, 3),
        (PaymentRequiredError("", status=402), 5, 5),
        (NotFoundError("", status=404, task_id="a"), 3, 5),
        (TransportError(""), 5, 5),
        (LedgerBusyError(""), 5, 5),
        (AnchorError(""), 5, 5),
        (ConfigurationError(""), 2, 2),
    ],
)
def test_each_error_has_an_exit_status(error: AnchorError, started: int, found: int) -> None:
    """`started`: of a command that starts the task; `found`: of one that finds it."""
    assert exit_status.of_error(error, is_start=True) == started
    assert exit_status.of_error(error, is_start=False) == found


@pytest.mark.parametrize(
    ("statuses", "first"), [([], 0), ([0, 0], 0), ([0, 1], 1), ([1, 5], 5), ([1, 5, 3], 3), ([3, 5, 4, 1, 0], 4)]
)
def test_exit_status_of_many_is_the_first_that_applies(statuses: list[int], first: int) -> None:
    assert exit_status.of_many(statuses) == exit_status.of_many(reversed(statuses)) == first


@pytest.mark.parametrize(
    ("given", "expected"),
    [("0", 0), ("90", 90), ("1.5s", 1.5), ("10m", 600), ("2h", 7200), ("none", None)],
)
def test_timeouts_have_units(given: str, expected: float | None) -> None:
    assert seconds(given) == expected


@pytest.mark.parametrize("given", ["", "-1", "1d", "m", "1e3", "inf", "None", "1m30s"])
def test_other_timeouts_are_refused(given: str) -> None:
    with pytest.raises(UsageMistake, match="is no duration"):
        seconds(given)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["PIN=12-34"], "--secret takes no value"),
        (["*.bank.example:PIN=12-34"], "--secret takes no value"),
        (["12-34"], "--secret takes a name"),
        ([""], "--secret takes a name"),
        (["A=@no-such-file"], "--secret A=@no-such-file: No such file"),
        (["A=@empty"], "--secret A: the file 'empty' is empty"),
        (["A=@latin-1"], "--secret A=@latin-1, line 1: this is not UTF-8"),
        (["EMPTY"], "the environment variable EMPTY is empty"),
        (["NOT_SET"], "the environment variable NOT_SET is not set, and no terminal to ask on"),
        (["SET", "SET"], "--secret 'SET' is given twice"),
        (["a:SET", "a:SET"], "--secret 'a:SET' is given twice"),
        (["SET", "SET:SET"], "'SET' is the name of a secret, and a domain"),
    ],
)
def test_secret_that_cannot_be_read_is_refused_without_showing_it(
    given: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    monkeypatch.setenv("SET", "12-34")
    monkeypatch.setenv("EMPTY", "")
    Path("empty").write_text("\n", encoding="utf-8")
    Path("latin-1").write_bytes("12-34 ä".encode("latin-1"))
    with pytest.raises(UsageMistake) as raised:
        secret_values(given)
    assert said in str(raised.value)
    assert "12-34" not in str(raised.value)


def test_secrets_may_be_limited_to_domains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIN", "12-34")
    (tmp_path / "a").write_text("two\nlines\r\n", encoding="utf-8")
    found = secret_values(["PIN", "*.bank.example:PIN", f"*.bank.example:KEY=@{tmp_path / 'a'}", "localhost:8080:PIN"])
    assert found.open() == {
        "PIN": "12-34",
        "*.bank.example": {"PIN": "12-34", "KEY": "two\nlines"},
        "localhost:8080": {"PIN": "12-34"},
    }
    assert "12-34" not in repr(found)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("bad.json", "--output 'bad.json': this is not JSON"),
        ("type.json", "--output 'type.json': output is not a valid JSON Schema"),
        ("list.json", "--output 'list.json': JsonSchema takes a schema as a dict"),
        ("raising_module:T", "importing the module has raised RuntimeError: no"),
        ("wrong_name_module:T", "the module has no 'T'"),
        ("wrong_name_module:value", "--output wrong_name_module:value: "),
    ],
)
def test_output_that_cannot_be_one_is_refused(
    given: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [*sys.path])
    for name, content in {
        "bad.json": "{",
        "type.json": '{"type": "no"}',
        "list.json": "[]",
        "raising_module.py": "raise RuntimeError('no')",
        "wrong_name_module.py": "value = 7",
    }.items():
        Path(name).write_text(content, encoding="utf-8")
    with pytest.raises(UsageMistake) as raised:
        output_type(given)
    assert said in str(raised.value)


def test_commands_are_quoted_for_the_shell() -> None:
    connection = ConnectionArguments("http://127.0.0.1:1/a b")
    command = go_on("ledger retry", Path("a $x.ledger"), "it's", "-k", connection=connection, output="a;b.json")
    assert shlex.split(command) == [
        *("anchor-webtask", "ledger", "retry", "--base-url", "http://127.0.0.1:1/a b", "--output", "a;b.json"),
        *("--", "a $x.ledger", "it's", "-k"),
    ]
    assert go_on("wait", "task-1") == "anchor-webtask wait task-1"


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_commands_can_be_pasted_whatever_is_in_a_key() -> None:
    keys = ["a\nb", "\x1b[2J", "so\xadft", "it's \\ \u202e7", "\udcff", "価格\t€"]
    command = go_on("ledger retry", *keys)
    assert command == harmless_line(command)
    assert "価格\\011€" in command
    ran = subprocess.run(["bash", "-c", f"printf '%s\\0' {command}"], capture_output=True)
    assert ran.stdout.decode(errors="surrogateescape").split("\0")[3:-1] == keys


def test_infinities_are_written_as_text() -> None:
    value = {"a": [math.inf, -math.inf, (math.nan, 1.5)], "b": 7}
    assert json.loads(json_text(value)) == {"a": ["Infinity", "-Infinity", ["NaN", 1.5]], "b": 7}


def test_answer_whose_class_cannot_be_written_is_written_as_received(capsys: pytest.CaptureFixture[str]) -> None:
    class Broken:
        def __str__(self) -> str:
            raise RuntimeError

    assert plain([Broken()], ["raw"]) == ["raw"]
    assert "warning: list cannot be written as JSON (RuntimeError)" in capsys.readouterr().err
    assert plain({7}, "raw") == [7]


def test_advice_for_python_is_left_out_or_becomes_a_command() -> None:
    lost = "the response was lost. Check the dashboard before you start it again: a second task costs again"
    assert for_people(lost) == "the response was lost"
    told = for_people(UNKNOWN.format("the response was lost", "'a'"))
    assert (
        "by `anchor-webtask ledger attach`; if it has not started, `anchor-webtask ledger retry` with the key 'a'"
        in told
    )
    found = in_commands("the task goes on; tasks.get('it\\'s').result() continues to wait")
    assert found == "the task goes on; `anchor-webtask wait 'it'\"'\"'s'` continues to wait"


@pytest.mark.parametrize(
    "text",
    [
        "GET https://shop.example/?output=json has failed; pass it as b=…",
        "the file is larger than max_bytes=100. Check the dashboard before you start it again",
        r"tasks.get('\x') finds it again",
        "as",
    ],
)
def test_texts_of_the_service_and_reprs_are_not_rewritten(text: str) -> None:
    failed = TaskFailedError(f"the task failed: {text}", reason=text, task_id="t")
    assert error_text(failed) == text
    assert error_fields(failed)["message"] == f"the task failed: {text}"
    refused = BadRequestError(f"HTTP 400: {text}; check base_url", status=400, api_message=text)
    assert error_text(refused) == f"HTTP 400: {text}; check --base-url or ANCHORBROWSER_BASE_URL"
    assert for_people(f"the key {text!r} is new: check base_url").startswith(f"the key {text!r} is new: check --base")


@pytest.mark.parametrize(
    "text", ["c--url is", "the url is", "the user agent must", "the key 'my url is here'", "urls is", "profiled is"]
)
def test_only_an_argument_at_the_beginning_is_an_option(text: str) -> None:
    assert about_options(text) == text


FRAGMENTS = [
    *re.findall(r"\w+|\W", Path(wording.__file__).read_text(encoding="utf-8")),
    *("tasks.get('", 'tasks.get("', "') finds it again", "').result() continues to wait", '") finds it again'),
    *("the ledger's retry('", "') allows", "belongs to base_url '", "', but this client uses '", "the task failed: "),
    *("\\x", "\\U0011", "\\u12", "\\N{DASH}", "\\", "'", '"', "\n", "\0", "\ud800", "output=", "pass it as x=…", "é"),
]


@given(st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=2), max_size=12).map("".join))
@example(r"tasks.get('\x') finds it again")
@example(r"tasks.get('\U00110000') finds it again")
@example("tasks.get('\0') finds it again")
@example("tasks.get('\n') finds it again")
@example("tasks.get('\ud800') finds it again")
@example(r"tasks.get('\d') finds it again")
def test_every_text_can_be_rewritten(text: str) -> None:
    for rewritten in (for_people(text), in_commands(text), about_options(text), in_commands(text, text[1:3])):
        assert isinstance(rewritten, str)


# Modules whose texts are about calls and arguments that no command makes.
NOT_FOR_COMMANDS = {
    "_api/generated.py",
    "_client.py",
    "_config.py",
    "_errors.py",  # what follows the message in brackets, which the command line says itself
    "_misuse.py",
    "_batch/limits.py",
    "_batch/models.py",
    "_ledger/ledger.py",
    "_models.py",
    "_output/json_schema.py",
    "_polling/policy.py",
    "_sessions/async_.py",
    "_sessions/facts.py",
    "_sessions/session_base.py",
    "_sessions/sync.py",
    "_tasks/async_handle.py",
    "_tasks/base.py",
    "_tasks/handle.py",
    "_tasks/keyed.py",
    "_tasks/questions.py",
    "_tasks/resume_token.py",
    "_workers/submission.py",
}
FOR_AN_OBJECT = ": pass its .id"
OF_PYTHON = re.compile(
    r"\b(tasks|sessions|Ledger|task|session)\.[a-z]\w*|\bledger's [a-z]+\(|(?<![?-])\b[a-z_]+=(…|\d|\{)|\bTaskRequest|"
    r"\brecording=|\bcall (recording|save)\b|"
    r"api_key| ssl_context|[ '](s \.|\.)(id|raw|task_id|token)\b|\bcheck base_url|\bits (task_id|free)\b"
)


def _part(value: ast.expr) -> str:
    """Return a part of an f-string, with an example of a value."""
    if isinstance(value, ast.Constant):
        return str(value.value)
    return "'a'" if isinstance(value, ast.FormattedValue) and value.conversion == ord("r") else "7"


def texts(node: ast.AST) -> Iterator[str]:
    """Yield the texts of code, but not those that only describe it."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.JoinedStr):
            yield "".join(_part(each) for each in child.values)
        elif isinstance(child, ast.Constant) and isinstance(child.value, str):
            yield re.sub(r"\{\d?\}|%d", "7", child.value.replace("{!r}", "'a'"))
        elif not (isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)):
            yield from texts(child)


def test_every_text_of_the_package_that_a_command_may_show_names_no_call_of_python() -> None:
    folder = Path(anchor_webtask.__file__).parent
    others = ("_cli/", "_display/", "emulator/", "notebook/", "testing/")
    paths = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*.py")}
    named = {
        (name, text)
        for name, path in paths.items()
        if not name.startswith(others) and name not in NOT_FOR_COMMANDS
        for text in texts(ast.parse(path.read_text(encoding="utf-8")))
        if " " in text and text != FOR_AN_OBJECT and OF_PYTHON.search(for_people(text))
    }
    assert named == set()
    assert [name for name in NOT_FOR_COMMANDS if name not in paths] == []


@pytest.mark.parametrize("width", [1, 5, 11, 12, 40])
def test_lines_are_shortened_by_the_columns_that_they_take(width: int) -> None:
    from rich.cells import cell_len

    text = "価格 is 3 €"
    assert cell_len(shortened(text, width)) <= width
    assert (shortened(text, width) == text) == (width >= cell_len(text))


def test_live_line_is_harmless() -> None:
    assert shortened("a\x1b[2J\n", 40) == "a\\x1b[2J "


def test_durations_are_short() -> None:
    assert [duration(each) for each in (0.4, 59.4, 59.6, 3599, 3600, 86400)] == [
        "0 s",
        "59 s",
        "1 min 00 s",
        "59 min 59 s",
        "1 h 00 min",
        "24 h 00 min",
    ]


def test_signal_may_interrupt_what_is_waited_for_before_a_stop() -> None:
    lock, stopped = threading.Lock(), queue.SimpleQueue[int]()

    def stop(number: int) -> None:
        with lock:
            stopped.put(number)

    with stopping(stop):
        with lock:
            signal.raise_signal(signal.SIGINT)
            assert stopped.empty()
        assert stopped.get(timeout=PATIENCE) == signal.SIGINT
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        with pytest.raises(Signalled):
            signal.raise_signal(signal.SIGTERM)


def test_signal_after_the_end_of_the_loop_does_nothing() -> None:
    loop = asyncio.new_event_loop()
    loop.close()
    call_soon(loop, pytest.fail)
