"""The program for cron in docs/with-your-engine.md, and what the other engines demand of their programs.

tests/witnesses/test_celery.py runs the program for Celery.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Final

from anchor_webtask.emulator import Emulator
from anchor_webtask.testing import SystemClock
from tests.documents.test_pages import files
from tests.support.patience import PATIENCE
from tests.support.runners import KEY

if TYPE_CHECKING:
    from tests.support.postgres_server import PostgresServer

PROGRAMS: Final = files("docs/with-your-engine.md")
AIRFLOW_CONTEXT: Final = {"ds", "ts", "run_id", "logical_date", "data_interval_start", "data_interval_end"}


def test_each_run_of_cron_prints_the_answer_of_one_task(postgres: PostgresServer) -> None:
    emulator = Emulator(KEY, takes=0.5, clock=SystemClock())
    emulator.on(answer={"result": 3.5}, takes=0.5)
    with emulator.serve() as server:
        variables = {
            **os.environ,
            "ANCHORBROWSER_API_KEY": KEY,
            "ANCHORBROWSER_BASE_URL": server.base_url,
            "LEDGER": postgres.new_url(),
        }
        command = [
            sys.executable,
            "-W",
            "error",
            "-c",
            PROGRAMS["shop_cron.py"].replace("date.today()", "date(2026, 1, 2)"),
        ]
        runs = [
            subprocess.run(command, env=variables, capture_output=True, text=True, check=False, timeout=PATIENCE)
            for _ in range(2)
        ]
    assert [(run.returncode, run.stdout, run.stderr) for run in runs] == [(0, "2026-01-02 3.5\n", "")] * 2
    assert emulator.starts == 1


def test_values_that_airflow_passes_on_its_own_have_the_only_default_that_it_allows() -> None:
    (program,) = (
        node
        for node in ast.walk(ast.parse(PROGRAMS["shop_airflow.py"]))
        if isinstance(node, ast.FunctionDef) and node.name == "read_price"
    )
    names = [argument.arg for argument in program.args.args]
    defaults = dict(zip(reversed(names), reversed(program.args.defaults), strict=False))
    passed = {name: ast.unparse(default) for name, default in defaults.items() if name in AIRFLOW_CONTEXT}
    assert passed
    assert set(passed.values()) == {"None"}
