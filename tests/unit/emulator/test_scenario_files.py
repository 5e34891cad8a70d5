"""Scenario files: each argument of `on` and `limit` in TOML, and the line and the key of each mistake."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from anchor_webtask.emulator import Emulator, ScenarioFileError
from tests.unit.emulator.support import Api, client_of, data

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.clocks import InstantClock

ALL_KEYS = """
[[scenario]]
prompt = "*price*"
url = "https://shop.example/*"
takes = 90
answer = { amount = 3 }
faults = [502, { status = 503, headers = { Retry-After = "3" } }, { delay = 2, task_status = "SLEEPING" }]
start_faults = [{ status = 429, body_base64 = "/w==", content_type = "text/plain" }]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "shop.toml"


def mistake_in(file: Path, content: str | bytes) -> str:
    """Return the error of a file, without the file's name; assert that no scenario was added."""
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    emulator = Emulator()
    with pytest.raises(ScenarioFileError) as caught:
        emulator.load(file)
    assert "0 scenarios" in repr(emulator)
    message = str(caught.value)
    assert message.startswith(str(file))
    assert message.isprintable()
    return message.removeprefix(str(file)).lstrip(", ")


def test_scenario_of_a_file_has_all_arguments_of_a_scenario(
    api: Api, emulator: Emulator, clock: InstantClock, file: Path
) -> None:
    file.write_text(ALL_KEYS, encoding="utf-8")
    emulator.load(str(file))
    refused = api.start("the price?", url="https://shop.example/1")
    assert (refused.status_code, refused.content, refused.headers["content-type"]) == (429, b"\xff", "text/plain")
    task_id = api.start_async("the price?", url="https://shop.example/1")
    assert api.check(task_id).status_code == 502
    assert api.check(task_id).headers["retry-after"] == "3"
    before = clock.now()
    assert api.state(task_id) == {"status": "SLEEPING"}
    assert clock.now() - before == 2
    clock.time += 88
    assert api.state(task_id) == {"status": "COMPLETED", "result": {"amount": 3}}
    assert data(api.start("the weather?")) == {"result": "The emulator's answer."}


def test_last_scenario_of_a_file_that_matches_applies(api: Api, emulator: Emulator, file: Path) -> None:
    file.write_text('[[scenario]]\nanswer = 1\n[[scenario]]\nprompt = "b"\nanswer = 2\n', encoding="utf-8")
    emulator.load(file)
    assert [data(api.start(prompt))["result"] for prompt in ("a", "b")] == [1, 2]


def test_json_in_text_can_be_null_and_a_reason_can_be_any_json(api: Api, emulator: Emulator, file: Path) -> None:
    file.write_text(
        "[[scenario]]\ntakes = 0\nanswer_json = 'null'\n"
        "[[scenario]]\ntakes = 0\nprompt = 'a'\nfails = 'why'\n"
        "[[scenario]]\ntakes = 0\nprompt = 'b'\nfails_json = '[null]'\n",
        encoding="utf-8",
    )
    emulator.load(file)
    states = [api.state(api.start_async(prompt)) for prompt in ("a", "b", "c")]
    assert states == [
        {"status": "FAILED", "error": "why"},
        {"status": "FAILED", "error": [None]},
        {"status": "COMPLETED", "result": None},
    ]


def test_task_of_a_file_may_never_end_and_the_default_duration_is_the_emulators(
    clock: InstantClock, file: Path
) -> None:
    file.write_text("[[scenario]]\n[[scenario]]\nprompt = 'endless'\ntakes = inf\n", encoding="utf-8")
    emulator = Emulator(takes=7, clock=clock)
    emulator.load(file)
    with client_of(emulator) as api:
        api.start_async("short")
        api.start_async("endless")
        clock.time += 7
    assert [task.status for task in emulator.tasks] == ["COMPLETED", "RUNNING"]


def test_limits_of_a_file_have_all_arguments_of_a_limit(
    api: Api, emulator: Emulator, clock: InstantClock, file: Path
) -> None:
    file.write_text(
        "[[limit]]\nrunning = 1\nstatus = 503\nretry_after = 5\n[[scenario]]\ntakes = 10\n[[limit]]\nstarts = 2\n",
        encoding="utf-8",
    )
    emulator.load(file)
    api.start_async()
    refused = api.start()
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
    clock.time += 10
    api.start_async()
    assert api.start().status_code == 402


def test_limit_of_a_file_replaces_an_earlier_one_and_may_remove_it(api: Api, emulator: Emulator, file: Path) -> None:
    emulator.limit(running=0)
    emulator.limit(starts=0)
    file.write_text("[[limit]]\nrunning = inf\n[[limit]]\nstarts = 0\n[[limit]]\nstarts = 2\n", encoding="utf-8")
    emulator.load(file)
    assert [api.start().status_code for _ in range(3)] == [200, 200, 402]


def test_file_with_a_mistake_sets_no_limit(api: Api, emulator: Emulator, file: Path) -> None:
    file.write_text("[[limit]]\nrunning = 0\n[[limit]]\nstarts = -1\n", encoding="utf-8")
    with pytest.raises(ScenarioFileError):
        emulator.load(file)
    assert api.start().status_code == 200


@pytest.mark.parametrize(
    ("scenario", "key", "why"),
    [
        ("takes_ = 1", "takes_", "no such key"),
        ("prompt = 5", "prompt", "shell-style pattern"),
        ("url = ['a']", "url", "shell-style pattern"),
        ("takes = -1", "takes", "number of seconds"),
        ("takes = nan", "takes", "number of seconds"),
        ("takes = true", "takes", "number of seconds"),
        ("takes = 1" + 400 * "0", "takes", "number of seconds"),
        ("answer = 1979-05-27", "answer", "must be JSON"),
        ("answer = nan", "answer", "must be JSON"),
        ("answer_json = 1", "answer_json", "JSON as text"),
        ("answer_json = '{'", "answer_json", "not JSON"),
        ("answer_json = '" + 100_000 * "[" + "'", "answer_json", "not JSON"),
        ("faults = 502", "faults", "write a list"),
        ("faults = [{ accepted = true, cut = true }]", "faults", "for starts only"),
        ("faults = [502, '502']", "faults[1]", "status must be an integer"),
        ("faults = [{ delay = 1, dely = 2 }]", "faults[0].dely", "no such key"),
        ("faults = [{ task_status = 5 }]", "faults[0].task_status", "must be a str"),
        ("faults = [{ headers = { a = 1 } }]", "faults[0].headers", "must have a text as its value: write '1'"),
        ("faults = [{ body_base64 = 1 }]", "faults[0].body_base64", "as text in base64"),
        ("faults = [{ body_base64 = 'a' }]", "faults[0].body_base64", "not base64"),
        ("faults = [{ body = 'a', body_base64 = 'YQ==' }]", "faults[0].body_base64", "another key sets body"),
        ("start_faults = [{ status = 502, task_status = 'a' }]", "start_faults[0]", "cannot be combined"),
        ('"ü\\n\\u2028" = 1', r"'ü\n\u2028'", "no such key"),
    ],
)
def test_error_of_a_file_names_the_line_and_the_key(file: Path, scenario: str, key: str, why: str) -> None:
    message = mistake_in(file, f"# comment\n[[scenario]]\nprompt = 'a'\n\n[[scenario]]\n\n{scenario}\n[[scenario]]\n")
    assert message.startswith(f"line 7, scenario[1].{key}: ")
    assert why in message


@pytest.mark.parametrize(
    ("content", "where"),
    [
        ("[[scenario]]\n[[scenario]]\nanswer = 1\nfails = 'a'\n", "line 2, scenario[1]: "),
        ("[[scenario]]\nanswer = 1\nanswer_json = '1'\n", "line 3, scenario[0].answer_json: "),
        ("a = 1\nscenarios = []\n", "line 1, a: "),
        ("[scenario]\nprompt = 'a'\n", "line 1, scenario: "),
        ("\nscenario = [1]\n", "line 2, scenario: "),
        ("[limit]\nrunning = 1\n", "line 1, limit: write each limit as a table [[limit]]"),
        ("[[limit]]\nrunning = 1\n[[limit]]\nstatus = 429\n", "line 3, limit[1]: a limit needs"),
        ("[[limit]]\nrunning = 1\nstarts = 1\n", "line 1, limit[0]: a limit is one of running, starts or sessions"),
        ("[[limit]]\nrunning = -1\n", "line 2, limit[0].running: running must be"),
        ("[[limit]]\nstarts = 1.5\n", "line 2, limit[0].starts: starts must be"),
        ("[[limit]]\nstarts = 1\nstatus = 200\n", "line 3, limit[0].status: a limit's status must be"),
        ("[[limit]]\nretry_after = '5'\n", "line 2, limit[0].retry_after: retry_after must be"),
        ("[[limit]]\nrunning = 1\nmost = 2\n", "line 3, limit[0].most: a limit has no such key"),
    ],
)
def test_error_names_the_line_of_what_is_contradictory_or_misplaced(file: Path, content: str, where: str) -> None:
    assert mistake_in(file, content).startswith(where)


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize(
    "before",
    [
        'answer = """\n[[scenario]]\ntakes = -1\n\\""" """""\n',
        "answer = '''\n[[scenario]]\n''''\n",
        "answer = ''''''\n",
        'answer = """a"""" # "[\n',
        'answer = """"""\nprompt = \'\'\n',
        'prompt = "a \\" # ["\nurl = \'#"[\'\n',
        "answer = [ # [ {\n  1,\n  { a = ']' },\n]\n",
        "# an apostrophe's comment [\n",
        "[scenario.answer]\na = [\n]\n",
        "answer = ' \x85 \u2028 '\n",
        "",
    ],
)
def test_line_is_right_after_values_of_several_lines(file: Path, before: str, newline: str) -> None:
    content = f"[[scenario]]\n{before}\n[[scenario]]\n[[scenario]]\nfaults = [\n  502, # ]\n  {{ status = 99 }},\n]\n"
    line = content.split("\n").index("faults = [") + 1
    message = mistake_in(file, content.replace("\n", newline))
    assert message.startswith(f"line {line}, scenario[2].faults[1].status: ")


def test_line_of_a_subtable_is_that_of_its_key(file: Path) -> None:
    content = "[[scenario]]\n[[scenario.faults]]\ndelay = 1\n[[scenario.faults]]\ndelay = 1\ndelta = 2\n"
    assert mistake_in(file, content).startswith("line 6, scenario[0].faults[1].delta: ")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        pytest.param("[[scenario]]\nprompt = \n", "is not TOML: Invalid value (at line 2", id="no value"),
        pytest.param(
            b"[[scenario]]\nprompt = '\xff'\n", "line 2: the file is not TOML, which must be UTF-8", id="binary"
        ),
        pytest.param("\0", "is not TOML", id="null byte"),
        pytest.param("[[scenario]]\ntakes = 1" + 5000 * "0", "is not TOML: Exceeds the limit", id="5,000 digits"),
        pytest.param("[[scenario]]\nanswer = " + 9000 * "[" + 9000 * "]", "nested too deeply", id="deep"),
        pytest.param(200_001 * "#", "more than 200,000 bytes", id="large"),
    ],
)
def test_file_that_is_no_scenario_file_is_refused(file: Path, content: str | bytes, why: str) -> None:
    assert why in mistake_in(file, content)


def test_largest_file_with_a_mistake_at_its_end_is_refused_with_the_line(file: Path) -> None:
    lines = "[[scenario]]\n" * 15_000
    assert mistake_in(file, lines + "takes = -1\n").startswith("line 15001, scenario[14999].takes: ")


def test_error_of_a_file_that_cannot_be_read_is_that_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Emulator().load(tmp_path / "missing.toml")
    with pytest.raises(OSError, match="directory"):
        Emulator().load(tmp_path)
