"""The programs of docs/with-your-engine.md; Celery delivers a job twice, and the task is started once.

The other engines take hundreds of MiB: their programs are only read here.
"""

from __future__ import annotations

import ast
import importlib.util
import math
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from anchor_webtask import Ledger
from anchor_webtask.emulator import Emulator
from anchor_webtask.testing import SystemClock
from tests.documents.test_pages import files
from tests.support.patience import PATIENCE, until
from tests.support.postgres_server import PostgresServer
from tests.support.runners import KEY

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAMS: Final = files("docs/with-your-engine.md")
URL: Final = "https://shop.example/p/1"
SETTINGS: Final = """
folder = {folder!r}
app.conf.update(
    broker_transport_options={{"data_folder_in": folder, "data_folder_out": folder, "control_folder": folder + "-c"}},
    result_backend="file://" + folder + "-r",
    broker_connection_retry_on_startup=True,
)
"""
"""The rest of the settings of Celery: without a server, by folders."""


@pytest.mark.parametrize("name", PROGRAMS)
def test_each_program_runs_a_task_by_its_key(name: str) -> None:
    calls = [node for node in ast.walk(ast.parse(PROGRAMS[name])) if isinstance(node, ast.Call)]
    (run,) = (call for call in calls if ast.unparse(call.func) == "anchor.tasks.run")
    named = {keyword.arg: ast.unparse(keyword.value) for keyword in run.keywords}
    assert named["ledger"] == "os.environ['LEDGER']"
    assert "url" in named["key"] or "partition_key" in PROGRAMS[name] or named["key"] == "today"


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[tuple[dict[str, str], Emulator]]:
    emulator, database = Emulator(KEY, takes=math.inf, clock=SystemClock()), PostgresServer()
    for folder in ("jobs", "jobs-c", "jobs-r"):
        (tmp_path / folder).mkdir()
    try:
        with emulator.serve() as server:
            yield (
                {
                    **os.environ,
                    "ANCHORBROWSER_API_KEY": KEY,
                    "ANCHORBROWSER_BASE_URL": server.base_url,
                    "LEDGER": database.new_url(),
                    "BROKER": "filesystem://",
                    "PYTHONPATH": str(tmp_path),
                },
                emulator,
            )
    finally:
        database.remove()


@contextmanager
def celery_worker(environment: dict[str, str], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "celery", "-A", "shop", "worker", "-c", "1", "-P", "prefork", "-l", "ERROR"]
    with subprocess.Popen(command, env=environment, cwd=folder, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.skipif(importlib.util.find_spec("celery") is None, reason="nox --session witnesses installs celery")
@pytest.mark.skipif(sys.platform != "linux", reason="the processes of a pool are found in /proc")
def test_celery_delivers_a_job_again_and_its_task_is_started_once(
    environment: tuple[dict[str, str], Emulator], tmp_path: Path
) -> None:
    variables, emulator = environment
    program = PROGRAMS["shop_celery.py"] + SETTINGS.format(folder=str(tmp_path / "jobs"))
    (tmp_path / "shop.py").write_text(program, encoding="utf-8")
    submit = f"import shop; print(shop.read_price.delay({URL!r}, 'today').get(timeout={PATIENCE}))"
    with (
        celery_worker(variables, tmp_path) as worker,
        subprocess.Popen(
            [sys.executable, "-c", submit], env=variables, cwd=tmp_path, stdout=subprocess.PIPE, text=True
        ) as job,
        Ledger(variables["LEDGER"]) as ledger,
    ):
        until(lambda: emulator.starts == 1 and ledger.counts()["running"] == 1)
        os.kill(pool_process(worker.pid), 9)
        emulator.tasks[0].finish({"result": 3.5})
        printed, _ = job.communicate(timeout=PATIENCE)
        assert printed == "3.5\n"
        assert emulator.starts == 1
        assert [(row.key, row.state, row.attempt) for row in ledger.rows()] == [(f"{URL} today", "completed", 1)]


def pool_process(parent: int) -> int:
    """Return the process that Celery has forked for its jobs."""
    return int((Path("/proc") / str(parent) / "task" / str(parent) / "children").read_text().split()[0])
