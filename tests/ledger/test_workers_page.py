"""docs/workers.md suffices for a new user: three workers, one of which is killed, and a fourth process that reads."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

import pytest

from anchor_webtask import Batch, Ledger, TaskRequest
from anchor_webtask._cli.working import worker
from anchor_webtask._workers import tables
from anchor_webtask._workers.for_commands import stop_of
from anchor_webtask.emulator import Emulator
from anchor_webtask.testing import SystemClock
from tests.documents.test_documents import ROOT, shell_commands
from tests.documents.test_pages import files
from tests.support.command_line import SCRIPT
from tests.support.patience import PATIENCE
from tests.support.runners import KEY

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.postgres_server import PostgresServer

PAGE: Final = "docs/workers.md"
TEXT: Final = (ROOT / PAGE).read_text(encoding="utf-8")
TASKS: Final = 30


@pytest.fixture
def emulator() -> Emulator:
    made = Emulator(KEY, takes=0.5, clock=SystemClock())
    made.on(answer={"amount": 3}, takes=0.5)
    return made


def test_new_user_runs_a_batch_on_three_workers(postgres: PostgresServer, emulator: Emulator, tmp_path: Path) -> None:
    for name, content in files(PAGE).items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    with emulator.serve() as server, ExitStack() as stack:
        url = postgres.new_url()
        variables = {
            **os.environ,
            "ANCHORBROWSER_API_KEY": KEY,
            "ANCHORBROWSER_BASE_URL": server.base_url,
            "LEDGER": url,
            "PATH": os.pathsep.join([str(SCRIPT.parent), os.environ["PATH"]]),
        }

        def run(program: str) -> str:
            command = [sys.executable, "-W", "error", program]
            ran = subprocess.run(command, env=variables, cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE)
            assert (ran.returncode, ran.stderr) == (0, "")
            return ran.stdout

        assert [run("submit.py"), run("submit.py")] == [f"{TASKS} new tasks\n", "0 new tasks\n"]
        (command,) = {line.removesuffix(" &") for line in shell_commands(PAGE) if " worker " in line}
        workers = [
            stack.enter_context(
                subprocess.Popen(
                    ["bash", "-c", f"exec {command.replace('25', '5')}"],
                    env=variables,
                    cwd=tmp_path,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                )
            )
            for _ in range(3)
        ]
        try:
            for each in workers:
                assert each.stderr is not None
                assert "at most 5 over all workers" in each.stderr.readline()
            killed = workers.pop()
            killed.kill()
            printed = run("read.py").splitlines()
            workers[0].send_signal(signal.SIGTERM)
            workers[1].send_signal(signal.SIGINT)
            statuses = [each.wait(PATIENCE) for each in workers]
        finally:
            for each in workers:
                each.kill()
    assert statuses == [0, 130]
    *outcomes, counts = printed
    assert len(outcomes) == TASKS
    unknown = sum("before it knew" in line or "may or may not" in line for line in outcomes)
    assert outcomes.count(f"{outcomes[0].partition(' ')[0]} 3.0") <= 1
    assert sum(line.endswith(" 3.0") for line in outcomes) + unknown == TASKS
    assert f"'completed': {TASKS - unknown}" in counts
    assert emulator.starts in range(TASKS - unknown, TASKS + 1)


UNKNOWN: Final = (
    "INSERT INTO attempts (key, attempt, state, fingerprint, claim, place, hold, number, alone, halvings, claimed, "
    "stamped, wrapped) VALUES ('prices/a', 1, 'unknown', '', '', 1, 1, 0, 0, 0, 1, 1, 0)"
)


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["prices.ledger"], 2, "a batch needs a database"),
        (["postgresql://me:s3cr3t@host/db"], 2, "leave it out"),
        (["mysql://host/db"], 2, "there are no ledgers at mysql"),
        (["postgresql://host/db", "--queue", "a/b"], 2, "the name of a batch must be"),
        (["postgresql://host/db", "--secrets", "no_such_module:look_up"], 2, "there is no module"),
        (["postgresql://host/db", "--secrets", "os"], 2, "write MODULE:FUNCTION"),
        (["postgresql://host/db", "--secrets", "os:sep"], 2, "it is not a function"),
    ],
    ids=["file", "password", "other database", "no name", "no module", "no function", "not a function"],
)
def test_worker_refuses_wrong_arguments(tmp_path: Path, arguments: list[str], status: int, says: str) -> None:
    variables = {**os.environ, "ANCHORBROWSER_API_KEY": KEY}
    command = [str(SCRIPT), "worker", "--max-running", "5", *arguments]
    ran = subprocess.run(command, env=variables, cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE)
    assert ran.returncode == status
    assert says in ran.stderr
    assert "s3cr3t" not in ran.stderr


def test_worker_says_that_it_runs_once_it_has_reached_the_database(tmp_path: Path) -> None:
    command = [str(SCRIPT), "worker", "--max-running", "5", f"postgresql:///db?host={tmp_path}"]
    variables = {**os.environ, "ANCHORBROWSER_API_KEY": KEY}
    with subprocess.Popen(command, env=variables, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        first = process.stderr.readline()
        process.terminate()
        assert process.wait(PATIENCE) == 0
        assert "the worker runs" not in first + process.stderr.read()
    assert "PostgreSQL does not answer" in first


def run_worker(preparation: str) -> subprocess.CompletedProcess[str]:
    """Run the command `worker` in a program that first runs other code, which imports `entry`."""
    code = (
        f"import sys; sys.argv[1:] = ['worker', 'postgresql://127.0.0.1:1/x', '--max-running', '2']\n{preparation}"
        "entry.main()"
    )
    variables = {**os.environ, "ANCHORBROWSER_API_KEY": KEY}
    return subprocess.run([sys.executable, "-c", code], env=variables, capture_output=True, text=True, timeout=PATIENCE)


@pytest.mark.parametrize("module", ["anchor_webtask._cli.app", "anchor_webtask._workers.worker", "procrastinate"])
def test_sigterm_while_a_worker_is_imported_ends_it_well(module: str) -> None:
    code = (
        "import os, signal; from importlib.abc import MetaPathFinder\n"
        "class Stopped(MetaPathFinder):\n"
        "    def find_spec(self, name, *_):\n"
        f"        if name == {module!r}: os.kill(os.getpid(), signal.SIGTERM)\n"
        "sys.meta_path.insert(0, Stopped())\n"
        "from anchor_webtask._cli import entry\n"
    )
    ran = run_worker(code)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


def test_sigterm_directly_before_a_worker_handles_it_ends_it_well() -> None:
    code = (
        "import os, signal, threading\n"
        "from anchor_webtask._cli import entry\n"
        "start = threading.Thread.start\n"
        "def interrupted(thread):\n"
        "    if thread.name == 'anchor-webtask signals': os.kill(os.getpid(), signal.SIGTERM)\n"
        "    start(thread)\n"
        "threading.Thread.start = interrupted\n"
    )
    ran = run_worker(code)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_sigterm_while_a_worker_ends_does_not_make_its_failure_a_success() -> None:
    code = (
        "import os, signal\n"
        "from anchor_webtask import LedgerUnusableError\n"
        "from anchor_webtask._cli import entry, working\n"
        "from anchor_webtask._workers.worker import Worker\n"
        "async def run(self, on_ready): raise LedgerUnusableError('the tables are gone')\n"
        "Worker.run = run\n"
        "working.refused = lambda error: os.kill(os.getpid(), signal.SIGTERM)\n"
    )
    ran = run_worker(code)
    assert (ran.returncode, ran.stderr) == (-signal.SIGTERM, "")


def test_command_line_says_of_tasks_that_no_worker_has_started_why_they_need_no_retry(
    postgres: PostgresServer, emulator: Emulator
) -> None:
    with emulator.serve() as server, Batch(url := postgres.new_url(), "prices", base_url=server.base_url) as batch:

        def retry(key: str) -> str:
            words = [str(SCRIPT), "ledger", "retry", url, key]
            ran = subprocess.run(words, env=os.environ, capture_output=True, text=True, timeout=PATIENCE)
            assert ran.returncode == 2
            return ran.stderr

        batch.submit([TaskRequest("Read the price", key="a")])
        assert "the task with the key 'prices/a' was not started yet, so a worker starts it in any case" in retry(
            "prices/a"
        )
        batch.cancel()
        said = retry("prices/a")
        assert "the task with the key 'prices/a' was cancelled before it was started, and no worker starts it" in said
        assert "submit its request again under another key" in said
        assert "the ledger has no task with the key 'prices/b'" in retry("prices/b")


def test_page_names_every_option_and_every_method() -> None:
    described = worker.__doc__ or ""
    assert "SIGUSR1" in described
    options = {"--max-running", "--queue", "--attempts", "--timeout", "--secrets"}
    assert options <= set(re.findall(r"^\| `(--[a-z-]+)", TEXT, flags=re.MULTILINE))
    methods = {name for name in vars(Batch) if not name.startswith("_")} - {"close"}
    assert methods == set(re.findall(r"^\| `([a-z]+)\(", TEXT, flags=re.MULTILINE))


def test_command_line_shows_and_ends_a_stop_of_all_workers(postgres: PostgresServer, emulator: Emulator) -> None:
    with emulator.serve() as server, Ledger(url := postgres.new_url()) as ledger:
        with Batch(url, "prices", base_url=server.base_url) as batch:
            batch.submit(["Read the price"])
        ledger._store.change(lambda db: tables.stop(db, "402: no credit\x1b[2J", 1.0))
        variables = {**os.environ, "ANCHORBROWSER_API_KEY": KEY, "ANCHORBROWSER_BASE_URL": server.base_url}

        def run(command: str, *keys: str) -> str:
            words = [str(SCRIPT), "ledger", command, url, *keys]
            ran = subprocess.run(words, env=variables, capture_output=True, text=True, timeout=PATIENCE)
            assert ran.returncode == 0
            assert "\x1b" not in ran.stderr
            return ran.stderr

        assert "no worker starts anything since 1970-01-01T00:00:01+00:00: 402: no credit" in run("show")
        assert "the workers start tasks again, which had stopped at 1970-01-01T00:00:01+00:00" in run("resume")
        assert run("show") == ""
        assert "start tasks again" not in run("resume")
        assert stop_of(ledger) is None
        ledger._store.change(lambda db: db.execute(UNKNOWN))
        assert "1 task will be started again, which costs: by workers at once, else by" in run("retry", "prices/a")
