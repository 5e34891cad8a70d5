"""`map`, as a program: its outcomes, its exit status, and how it goes on after Ctrl-C and `kill -9`."""

from __future__ import annotations

import json
import re
import signal
from typing import TYPE_CHECKING, Any

import pytest

from anchor_webtask import Ledger
from anchor_webtask.emulator import Fault
from tests.support.command_line import Ran, interrupt, unread_pipe, until_in

if TYPE_CHECKING:
    from anchor_webtask.emulator import EmulatorServer
    from tests.support.command_line import CommandLine

CHECKED_OFTEN = ("--check-every", "0.05")
PRICES = ("--prompt", "Read the price at {url}", "--key", "{url}", *CHECKED_OFTEN)
REFUSING = "https://0.0.0.0:1"
"""An address that is not a loopback address, and where nothing listens."""


def lines(ran: Ran) -> list[dict[str, Any]]:
    return [json.loads(line) for line in ran.out.splitlines()]


def write_urls(cli: CommandLine, number: int) -> list[str]:
    urls = [f"https://shop.example/p/{each}" for each in range(number)]
    (cli.folder / "urls.csv").write_text("\n".join(["url", *urls]) + "\n", encoding="utf-8")
    return urls


def write_prompts(cli: CommandLine, *prompts: str) -> None:
    records = [json.dumps({"prompt": prompt, "key": prompt, "data": 7}) for prompt in prompts]
    (cli.folder / "tasks.jsonl").write_text("\n".join(records), encoding="utf-8")


def count_watched(server: EmulatorServer, starts: int) -> int:
    """Return how many of the tasks after so many starts were checked: a program knows their ids."""
    checks = [request.path for request in server.emulator.requests if request.method == "GET"]
    return sum(any(task.id in path for path in checks) for task in server.emulator.tasks[starts:])


def test_each_line_becomes_a_line_of_json(cli: CommandLine) -> None:
    urls = write_urls(cli, 3)
    ran = cli("map", "urls.csv", *PRICES)
    assert (ran.status, len(lines(ran))) == (0, 3), ran.err
    assert sorted((line["key"], line["line"]) for line in lines(ran)) == [(url, n) for n, url in enumerate(urls, 2)]
    assert {(line["state"], line["attempt"], line["stored"], str(line["value"])) for line in lines(ran)} == {
        ("completed", 1, False, "{'amount': 3}")
    }
    assert "a kill loses the ids" in ran.err
    assert ran.err.endswith("3 tasks: 3 completed\n")


def test_standard_input_and_all_limits(cli: CommandLine, server: EmulatorServer) -> None:
    starts = server.emulator.starts
    content = "".join(json.dumps({"prompt": f"fail {number}"}) + "\n" for number in range(4))
    options = ["--format", "jsonl", "--max-running", "2", "--attempts", "2", "--max-starts", "3"]
    ran = cli("map", "-", *options, *CHECKED_OFTEN, text=content)
    assert ran.status == 5
    assert server.emulator.starts == starts + 3
    assert {line["state"] for line in lines(ran)} == {"failed", "not_started"}


@pytest.mark.parametrize(
    ("prompts", "status", "said"),
    [
        (["x", "fail"], 1, "to start again what failed"),
        (["x", "fail", "no credit"], 5, "to start what was not started"),
        (["fail", "slow", "no credit"], 3, "ledger resume a.ledger"),
        (["fail", "lost", "slow"], 4, "ledger attach a.ledger lost ID"),
    ],
)
def test_exit_status_is_the_first_that_applies(prompts: list[str], status: int, said: str, cli: CommandLine) -> None:
    write_prompts(cli, *prompts)
    ran = cli("map", "tasks.jsonl", "--ledger", "a.ledger", "--timeout", "1", *CHECKED_OFTEN)
    assert ran.status == status, ran.err
    assert said in ran.err
    assert {line["key"] for line in lines(ran)} == {*prompts}
    assert {line["data"] for line in lines(ran)} == {7}


def test_invalid_answers_and_the_ids_of_running_tasks_are_told_without_a_ledger(cli: CommandLine) -> None:
    write_prompts(cli, "x", "slow")
    ran = cli("map", "tasks.jsonl", "--output", "builtins:int", "--timeout", "0.5", *CHECKED_OFTEN)
    found = {line["key"]: line for line in lines(ran)}
    assert ran.status == 3
    assert found["x"]["error"]["type"] == "InvalidOutputError"
    assert found["x"]["raw"] == {"amount": 3}
    assert f"  anchor-webtask wait --output builtins:int {found['slow']['task_id']}\n" in ran.err


def test_nothing_is_started_if_a_line_is_wrong(cli: CommandLine, server: EmulatorServer) -> None:
    before = len(server.emulator.requests)
    write_prompts(cli, "x", " ", "y")
    ran = cli("map", "tasks.jsonl")
    assert (ran.status, ran.out, len(server.emulator.requests)) == (2, "", before)
    assert ran.err == (
        "anchor-webtask: tasks.jsonl, line 2: the key must be text that is not blank, not ' '\nnothing was started\n"
    )


def test_equal_lines_without_keys_are_told(cli: CommandLine) -> None:
    ran = cli("map", "-", "--format", "jsonl", *CHECKED_OFTEN, text='{"prompt": "x"}\n{"prompt": "x"}\n')
    assert (ran.status, len(lines(ran))) == (0, 2)
    assert "standard input, lines 1, 2: equal lines without a key are different tasks, and each costs" in ran.err


def test_kill_and_the_same_command_again_pay_for_nothing_twice(cli: CommandLine, server: EmulatorServer) -> None:
    urls = write_urls(cli, 30)
    command = ("map", "urls.csv", *PRICES, "--ledger", "prices.ledger", "--max-running", "4")
    starts = server.emulator.starts
    with cli.spawned(*command) as process:
        assert process.stdout
        for _ in range(7):
            process.stdout.readline()
        process.kill()
        process.wait()
    again = cli(*command)
    unknown = [line["key"] for line in lines(again) if line["state"] == "unknown"]
    assert again.status == (4 if unknown else 0), again.err
    assert sorted(line["key"] for line in lines(again)) == sorted(urls)
    assert sum(line["stored"] for line in lines(again)) > 0
    assert server.emulator.starts - starts <= 30
    assert server.emulator.starts - starts >= 30 - len(unknown)


def test_ctrl_c_starts_nothing_more_and_tells_what_runs(cli: CommandLine, server: EmulatorServer) -> None:
    write_prompts(cli, *(f"slow {number}" for number in range(9)))
    starts = server.emulator.starts
    with cli.spawned("map", "tasks.jsonl", "--max-running", "2", *CHECKED_OFTEN) as process:
        until_in(process, lambda: count_watched(server, starts) == 2)
        interrupt(process)
        out, err = process.communicate()
    found = [json.loads(line) for line in out.splitlines()]
    running = [line["task_id"] for line in found if line["state"] == "running"]
    assert process.returncode == 130, err
    assert server.emulator.starts == starts + 2
    assert [f"  anchor-webtask wait {task_id}\n" in err for task_id in running] == [True, True]


@pytest.mark.parametrize("options", [(), ("--ledger", "a.ledger")], ids=["alone", "ledger"])
def test_second_ctrl_c_does_not_wait_and_tells_what_is_unknown(
    options: tuple[str, ...], cli: CommandLine, server: EmulatorServer
) -> None:
    server.emulator.on(prompt="held", start_faults=[Fault(delay=60)])
    write_prompts(cli, "held", "slow")
    requests = server.emulator.start_requests
    with cli.spawned("map", "tasks.jsonl", *options) as process:
        until_in(process, lambda: server.emulator.start_requests == requests + 2)
        interrupt(process)
        assert process.stderr
        while "nothing more is started" not in (line := process.stderr.readline()):
            assert line
        interrupt(process)
        out, err = process.communicate()
    states = {line["key"]: line["state"] for line in map(json.loads, out.splitlines())}
    assert (process.returncode, states["held"]) == (130, "unknown"), err
    assert "look in the dashboard for what is unknown" in err


def test_sigterm_does_so_too(cli: CommandLine, server: EmulatorServer) -> None:
    write_prompts(cli, "slow 1", "slow 2")
    starts = server.emulator.starts
    with cli.spawned("map", "tasks.jsonl", "--ledger", "a.ledger", *CHECKED_OFTEN) as process:
        until_in(process, lambda: count_watched(server, starts) == 2)
        process.terminate()
        out, err = process.communicate()
    assert process.returncode == 128 + signal.SIGTERM
    assert [json.loads(line)["state"] for line in out.splitlines()] == ["running", "running"]
    assert "  anchor-webtask ledger resume a.ledger\n" in err


def test_closed_output_stops_the_batch(cli: CommandLine, server: EmulatorServer) -> None:
    write_prompts(cli, "x", "slow 1", "slow 2", *(f"x {number}" for number in range(37)))
    starts = server.emulator.starts
    with cli.spawned("map", "tasks.jsonl", "--ledger", "a.ledger", "--max-running", "2", *CHECKED_OFTEN) as process:
        assert process.stdout
        process.stdout.readline()
        until_in(process, lambda: server.emulator.starts >= starts + 3)
        process.stdout.close()
        server.emulator.tasks[-1].finish(7)
        assert process.stderr
        err = process.stderr.read()
    assert process.wait() == 141, err
    assert "Traceback" not in err
    (counts,) = re.findall(r"^40 tasks: (.*not started)$", err, re.MULTILINE)
    assert sum(map(int, re.findall(r"\d+", counts))) == 40
    with Ledger(cli.folder / "a.ledger") as ledger:
        assert f"{40 - sum(ledger.counts().values())} not started" in counts
    assert "to go on, run the same command again: it starts nothing that the ledger has already" in err


@pytest.mark.parametrize("keys", [["--key", "{number}"], []], ids=["keys", "no keys"])
def test_tasks_of_an_earlier_run_are_not_called_not_started(keys: list[str], cli: CommandLine) -> None:
    (cli.folder / "numbers.csv").write_text("number\n" + "".join(f"{number}\n" for number in range(30)))
    command = ["map", "numbers.csv", "--prompt", "x {number}", "--ledger", "a.ledger", "--max-running", "2", *keys]
    assert cli(*command, *CHECKED_OFTEN, "--max-starts", "12").status == 5
    with unread_pipe() as pipe, cli.spawned(*command, *CHECKED_OFTEN, output=pipe) as process:
        assert process.stderr
        err = process.stderr.read()
    with Ledger(cli.folder / "a.ledger") as ledger:
        stored = sum(ledger.counts().values())
    (told,) = re.findall(r"^30 tasks: .*", err, re.MULTILINE)
    found = {word: int(number) for number, word in re.findall(r"(\d+) ([a-z ]+)", told.partition(": ")[2])}
    assert (process.wait(), found["not started"], sum(found.values())) == (141, 30 - stored, 30), err
    assert found["not read from the ledger"] > 0


def test_other_requests_under_the_keys_of_a_ledger_are_told_apart_from_what_was_not_started(cli: CommandLine) -> None:
    write_prompts(cli, "x", "y")
    command = ("map", "tasks.jsonl", "--ledger", "a.ledger", *CHECKED_OFTEN)
    assert cli(*command).status == 0
    ran = cli(*command, "--max-steps", "3")
    assert ran.status == 5
    assert "for other requests under keys that the ledger has, use other keys, or another ledger" in ran.err
    assert "run the same command again" not in ran.err


def test_limit_of_no_starts_is_a_usage_mistake(cli: CommandLine) -> None:
    write_prompts(cli, "x")
    assert cli("map", "tasks.jsonl", "--max-starts", "0").status == 2


def test_answers_that_could_not_be_written_are_not_lost(cli: CommandLine) -> None:
    write_prompts(cli, "x", "slow")
    ran = cli.pasted("anchor-webtask map tasks.jsonl --check-every 0.05 --output builtins:dict >&-")
    assert "anchor-webtask: standard output cannot be written" in ran.err
    found = re.search(r"the answer to x was not written; to get it:\n  (.+)\n", ran.err)
    assert (ran.status, found is not None) == (141, True), ran.err
    assert found
    assert json.loads(cli.pasted(found[1]).out)["value"] == {"amount": 3}
    ran = cli.pasted("anchor-webtask map tasks.jsonl --check-every 0.05 --ledger a.ledger >&-")
    assert "1 answer was not written; the ledger has it: run the same command again" in ran.err


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            '{"prompt": "a", "session_id": "3fa85f64-5717-4562-b3fc-2c963f66afa6"}',
            "line 1: a request with a session_id",
        ),
        ('{"prompt": "a", "data": 1}\n{"prompt": "a", "data": 2}', "line 2: equal requests with different data"),
    ],
)
def test_lines_that_a_ledger_could_not_recognize_need_keys(
    content: str, said: str, cli: CommandLine, server: EmulatorServer
) -> None:
    before = len(server.emulator.requests)
    ran = cli("map", "-", "--format", "jsonl", "--ledger", "a.ledger", text=content)
    assert (ran.status, len(server.emulator.requests)) == (2, before)
    assert said in ran.err


def test_command_for_many_keys_can_be_pasted(cli: CommandLine) -> None:
    write_prompts(cli, *(f"fail {number}" for number in range(12)))
    ran = cli("map", "tasks.jsonl", "--ledger", "a.ledger", "--max-running", "12", *CHECKED_OFTEN)
    found = re.search(r"after:\n  (.+)\n  and so for 2 more keys\n", ran.err)
    assert found, ran.err
    assert cli.pasted(found[1]).err.startswith("10 tasks will be started again")


def test_ids_are_told_if_the_ledger_is_lost(cli: CommandLine, server: EmulatorServer) -> None:
    write_prompts(cli, "slow", "x", "slow, too", *(f"x {number}" for number in range(9)))
    starts = server.emulator.starts
    with cli.spawned("map", "tasks.jsonl", "--ledger", "a.ledger", "--max-running", "2", *CHECKED_OFTEN) as process:
        assert process.stdout
        out = [process.stdout.readline()]
        until_in(process, lambda: server.emulator.starts >= starts + 3)
        (cli.folder / "a.ledger").unlink()
        server.emulator.tasks[-1].finish(7)
        while "LedgerUnusableError" not in out[-1]:
            out.append(process.stdout.readline())
            assert out[-1]
        process.terminate()
        _, err = process.communicate()
    (task_id,) = [task.id for task in server.emulator.tasks if task.body["prompt"] == "slow"][-1:]
    assert f"slow still runs; to go on:\n  anchor-webtask wait {task_id}\n" in err
    assert "run the same command again" not in err


def test_ledger_that_cannot_be_used_is_told(cli: CommandLine) -> None:
    write_prompts(cli, "x")
    (cli.folder / "a.ledger").write_text("no ledger", encoding="utf-8")
    ran = cli("map", "tasks.jsonl", "--ledger", "a.ledger")
    assert (ran.status, ran.out) == (5, "")
    assert "a.ledger" in ran.err


def test_terminal_shows_one_line_of_progress_and_a_table_in_the_end(cli: CommandLine, server: EmulatorServer) -> None:
    write_prompts(cli, "x", "fail", "slow")
    starts = server.emulator.starts
    with cli.terminal("map", "tasks.jsonl", "--ledger", "a.ledger", *CHECKED_OFTEN) as terminal:
        terminal.wait_for(r"2/3 done, 1 running, 1 failed, [\d.]+/min")
        assert server.emulator.starts == starts + 3
        terminal.type("\x03")
        assert terminal.finish() == 130
    shown = terminal.screen()
    assert re.search(r"^what +key +why$", shown, re.MULTILINE)
    assert re.search(r"^failed +fail +there is no price$", shown, re.MULTILINE)
    assert re.search(r"^running +slow +", shown, re.MULTILINE)


@pytest.mark.parametrize("answer", ["n\n", "\n", "\x03"], ids=["no", "nothing", "Ctrl-C"])
def test_many_paid_tasks_are_confirmed_on_a_terminal(answer: str, cli: CommandLine) -> None:
    write_urls(cli, 21)
    with cli.terminal("map", "urls.csv", *PRICES, "--base-url", REFUSING) as terminal:
        terminal.wait_for(r"Start 21 tasks\? Each costs money\. \[y/N\] ")
        terminal.wait_until_asleep()
        terminal.type(answer)
        assert terminal.finish() == (130 if answer == "\x03" else 5)


def test_more_attempts_are_more_paid_tasks(cli: CommandLine) -> None:
    write_urls(cli, 7)
    with cli.terminal("map", "urls.csv", *PRICES, "--base-url", REFUSING, "--attempts", "3") as terminal:
        terminal.wait_for(r"Start up to 21 tasks\? Each costs money\. \[y/N\] ")
        terminal.type("n\n")
        assert terminal.finish() == 5


def test_confirmed_tasks_are_started(cli: CommandLine) -> None:
    write_urls(cli, 21)
    with cli.terminal("map", "urls.csv", *PRICES, "--base-url", REFUSING, "--timeout", "0") as terminal:
        terminal.wait_for(r"\[y/N\] ")
        terminal.type("Yes\n")
        assert terminal.finish() == 5
    assert "21 tasks: 21 not started" in terminal.screen()


@pytest.mark.parametrize("keys", [["--key", "{url}"], []], ids=["keys", "no keys"])
def test_tasks_that_the_ledger_has_are_not_asked_for(keys: list[str], cli: CommandLine, server: EmulatorServer) -> None:
    write_urls(cli, 21)
    command = ("map", "urls.csv", "--prompt", "Read {url}", *keys, "--ledger", "a.ledger", *CHECKED_OFTEN)
    assert cli(*command).status == 0
    starts = server.emulator.starts
    with cli.terminal(*command, "--base-url", REFUSING) as terminal:
        assert terminal.finish() == 5
    assert "[y/N]" not in terminal.text
    assert "belongs to" in terminal.text
    assert server.emulator.starts == starts


def test_tasks_of_an_emulator_on_this_machine_cost_nothing(cli: CommandLine) -> None:
    write_urls(cli, 21)
    with cli.terminal("map", "urls.csv", *PRICES, "--max-running", "21") as terminal:
        assert terminal.finish() == 0
    assert "[y/N]" not in terminal.text


def test_empty_file_is_no_mistake(cli: CommandLine) -> None:
    ran = cli("map", "-", "--format", "jsonl")
    assert (ran.status, ran.out, ran.err) == (0, "", "there are no tasks in standard input\n")


@pytest.mark.parametrize("options", [["--yes"], ["--max-starts", "20"]])
def test_nothing_is_asked_where_it_is_not_needed(options: list[str], cli: CommandLine) -> None:
    write_urls(cli, 21)
    with cli.terminal("map", "urls.csv", *PRICES, "--base-url", REFUSING, "--timeout", "0", *options) as terminal:
        assert terminal.finish() == 5
    assert "[y/N]" not in terminal.text
    ran = cli("map", "urls.csv", *PRICES, "--base-url", REFUSING, "--timeout", "0")
    assert ran.status == 5
    assert "[y/N]" not in ran.err


def test_hostile_texts_reach_no_terminal(cli: CommandLine, server: EmulatorServer) -> None:
    hostile = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e[bold]x[/bold]\r\n\x7f"
    server.emulator.on(prompt="*hostile*", fails=hostile)
    write_prompts(cli, f"hostile {hostile}")
    with cli.terminal("map", "tasks.jsonl", *CHECKED_OFTEN, columns=400, variables={"NO_COLOR": "1"}) as terminal:
        assert terminal.finish() == 1
    rest = re.sub(r"\r\x1b\[2K|\x1b\[\d*m", "", terminal.text)
    assert re.findall("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202e]", rest) == []
    table = rest[rest.index("1 task: 1 failed") :]  # before it, there is the line of JSON
    assert table.count("[bold]x[/bold]") == 2
