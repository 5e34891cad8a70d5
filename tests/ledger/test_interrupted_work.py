"""Work with a ledger that is interrupted: by Ctrl-C, by a time limit, by `break`, or since a process is stopped.

No task starts twice and none is lost, and whoever comes next finishes the work.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

import pytest

from anchor_webtask import Anchor, LedgerBusyError, TaskRequest
from anchor_webtask._ledger.sqlite import file
from tests.support.ledger_accounts import attempts, settled_accounts
from tests.support.ledger_server import PROGRAMS, output, serving
from tests.support.ledger_work import OFTEN
from tests.support.many import loop
from tests.support.patience import PATIENCE
from tests.support.processes import spawn
from tests.support.runners import KEY

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from anchor_webtask import TaskOutcome
    from tests.support.ledger_server import Server
    from tests.support.runners import Runner

HOLD: Final = 0.3
LEFT: Final = "left"

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="this system has no such signals")
each_client = pytest.mark.parametrize("client", ["sync", "asyncio", "trio"])


@pytest.fixture(name="server", scope="module")
def shared_server() -> Iterator[Server]:
    with serving() as server:
        yield server


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    return tmp_path / "work.ledger"


@pytest.fixture(name="name")
def name_of_test(tmp_path: Path) -> str:
    """The beginning of the keys of this test, which no other test has."""
    return tmp_path.name


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait only for a moment while a ledger's file is locked."""
    monkeypatch.setattr(file, "BUSY_SECONDS", 0.1)


@contextmanager
def working(
    server: Server,
    ledger: Path,
    keys: Sequence[str],
    *,
    client: str = "sync",
    timeout: float = 60,
    option: str | None = None,
) -> Iterator[subprocess.Popen[str]]:
    """Run `map` over keys in a process of its own, with a limit of 3, until it ends or is interrupted.

    A process that stops itself, with the option `--stop`, begins only when it is told to.
    """
    work = {"client": client, "ledger": str(ledger), "keys": keys, "limit": 3, "timeout": timeout}
    program = PROGRAMS / "work_until_interrupted.py"
    with spawn(program, json.dumps(work), *([option] if option else []), base_url=server.base_url) as process:
        wait_for(process, "ready")
        if option != "--stop":
            go_on(process)
        yield process


def wait_for(process: subprocess.Popen[str], text: str) -> None:
    """Wait until a process has printed a text."""
    assert process.stdout is not None
    printed = ""
    while text not in (line := process.stdout.readline()):
        assert line, f"the process has ended before it printed {text!r}:\n{printed}"
        printed += line


def outcomes_of(process: subprocess.Popen[str]) -> dict[str, str]:
    """Wait until a process has ended, and return the state of each of its outcomes by its key."""
    states: dict[str, str] = json.loads(output(process).splitlines()[-1])
    return states


def go_on(process: subprocess.Popen[str]) -> None:
    """Let the work in a process begin, or go on."""
    assert process.stdin is not None
    process.stdin.write("begin\n")
    process.stdin.flush()


def finish(server: Server, ledger: Path, keys: Sequence[str], timeout: float = 60) -> dict[str, TaskOutcome[Any]]:
    """Run `map` over keys, and return the outcomes by their keys."""
    with Anchor(KEY, base_url=server.base_url, wait=OFTEN) as anchor:
        requests = [TaskRequest(key, key=key) for key in keys]
        outcomes = {
            each.key: each for each in anchor.tasks.map(requests, ledger=ledger, max_running=3, timeout=timeout)
        }
    assert sorted(outcomes) == sorted(keys)
    return outcomes


def states(outcomes: dict[str, TaskOutcome[Any]]) -> set[str]:
    return {outcome.state for outcome in outcomes.values()}


def stored(ledger: Path) -> dict[str, tuple[str, bool]]:
    """Return the state of each key, and whether its id is known."""
    return {row.key: (row.state, row.task_id is not None) for row in attempts(ledger)}


@each_client
def test_ctrl_c_waits_for_the_ids_of_starts_that_were_sent(
    server: Server, ledger: Path, name: str, client: str
) -> None:
    keys = [f"{name} {each}" for each in ("slow long 1", "slow long 2", "slow long 3", "last")]
    with working(server, ledger, keys[:3], client=client) as process:
        server.wait(3, name)
        process.send_signal(signal.SIGINT)
        printed = output(process)
    assert "\nKeyboardInterrupt" in printed
    assert stored(ledger) == dict.fromkeys(keys[:3], ("running", True))
    assert all(repr(row.task_id) in printed for row in attempts(ledger))
    assert states(finish(server, ledger, keys)) == {"completed"}
    assert settled_accounts(ledger, server.starts(name)).starts == len(keys)


@each_client
def test_second_ctrl_c_skips_the_wait(server: Server, ledger: Path, name: str, client: str) -> None:
    keys = [f"{name} {each}" for each in ("stuck 1", "stuck 2", "last")]
    with working(server, ledger, keys[:2], client=client, timeout=HOLD) as process:
        server.wait(2, name)
        process.send_signal(signal.SIGINT)
        wait_for(process, LEFT)
        # Python does not notice a signal that arrives just before a wait, so there may be another one: not too early,
        # since it may end asyncio's loop before the threads of anyio, for which Python would then wait for ever.
        for seconds in (12, PATIENCE):
            process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(seconds)
        assert process.poll() is not None
        printed, errors = process.communicate(timeout=PATIENCE)
    # A third signal may have come: it ends the process elsewhere, or trio raises an error of its own, and what is left
    # of it complains.
    assert not errors or "trio/_core" in errors, errors
    assert "KeyboardInterrupt" in printed or "TrioInternalError" in printed or process.returncode != 0
    # Whether the start was given up before the process ended, or not: the next run knows.
    assert all(row.state in {"starting", "unknown"} and row.task_id is None for row in attempts(ledger))
    outcomes = finish(server, ledger, keys)
    assert [outcomes[key].state for key in keys] == ["unknown", "unknown", "completed"]
    accounts = settled_accounts(ledger, server.starts(name))
    assert (accounts.starts, accounts.paid) == (3, dict.fromkeys(keys[:2], 1))


def test_break_and_map_again_in_one_process(server: Server, ledger: Path, name: str, runner: Runner) -> None:
    keys = [f"{name} {number}" for number in range(12)]
    requests = [TaskRequest(key, key=key) for key in keys]
    outcomes: list[TaskOutcome[Any]] = []
    with runner.anchor(base_url=server.base_url, wait=OFTEN) as anchor:
        for _ in range(3):  # each begins while the tasks and starts of the calls before are under way
            loop(runner, anchor.tasks.map(requests, ledger=ledger, max_running=3), lambda _: True)
        loop(runner, anchor.tasks.map(requests, ledger=ledger, max_running=3), outcomes.append)
    assert sorted(outcome.key for outcome in outcomes) == sorted(keys)
    assert {outcome.state for outcome in outcomes} == {"completed"}
    accounts = settled_accounts(ledger, server.starts(name))
    assert (accounts.starts, accounts.paid) == (len(keys), {})
    assert accounts.most <= 3


@pytest.mark.skipif("coverage" in sys.modules, reason="a signal can leave the lock of coverage locked forever")
@pytest.mark.parametrize("call", ["map", "run"])
def test_time_limit_raised_by_a_signal(server: Server, ledger: Path, name: str, call: str) -> None:
    """It may come between any two operations of the interpreter: what is used next must not hang, and nothing leaks."""
    keys = [f"{name} {number}" for number in range(15)]
    with spawn(PROGRAMS / "limit_time.py", call, str(ledger), "3", "0", *keys, base_url=server.base_url) as process:
        ended, ended_again, owners = map(int, output(process).split())
    assert ended > 0 < ended_again
    assert owners == 0
    assert states(finish(server, ledger, keys)) <= {"completed", "unknown"}
    accounts = settled_accounts(ledger, server.starts(name))
    assert accounts.most <= 3
    assert accounts.starts == accounts.states["completed"] + sum(accounts.paid.values())


def test_nobody_takes_the_tasks_of_an_owner_that_is_stopped(server: Server, ledger: Path, name: str) -> None:
    its, another, mine = (f"{name} {each}" for each in ("its", "another", "mine"))
    with working(server, ledger, [its, another], option="--hold") as process:
        server.wait(2, name)
        process.send_signal(signal.SIGSTOP)
        outcomes = finish(server, ledger, [its, mine], timeout=HOLD)
        assert isinstance(outcomes[its].error, LedgerBusyError)
        assert outcomes[mine].state == "completed"
        assert stored(ledger)[its] == stored(ledger)[another] == ("starting", False)
        process.send_signal(signal.SIGCONT)
        go_on(process)
        go_on(process)
        assert outcomes_of(process) == {its: "completed", another: "completed"}
    assert states(finish(server, ledger, [its, another, mine])) == {"completed"}
    accounts = settled_accounts(ledger, server.starts(name))
    assert (accounts.starts, accounts.paid) == (3, {})


@pytest.mark.usefixtures("_impatient")
@pytest.mark.parametrize("then", [signal.SIGCONT, signal.SIGKILL])
def test_others_wait_while_an_owner_is_stopped_in_a_commit(
    server: Server, ledger: Path, name: str, then: signal.Signals
) -> None:
    """The id that arrives meanwhile is stored as soon as the file is free."""
    late, stopped, new = (f"{name} {each}" for each in ("late", "stopped", "new"))
    with (
        working(server, ledger, [stopped], option="--stop") as other,
        working(server, ledger, [late], option="--hold") as process,
    ):
        server.wait(1, name)
        go_on(other)
        _, status = os.waitpid(other.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        go_on(process)
        wait_for(process, "the ledger cannot store now what is known of its tasks")
        with pytest.raises(LedgerBusyError):
            finish(server, ledger, [new])
        other.send_signal(then)
        if then == signal.SIGCONT:
            assert outcomes_of(other) == {stopped: "completed"}
        assert outcomes_of(process) == {late: "completed"}
    assert states(finish(server, ledger, [late, stopped, new])) == {"completed"}
    accounts = settled_accounts(ledger, server.starts(name))
    assert (accounts.starts, accounts.paid) == (3, {})
