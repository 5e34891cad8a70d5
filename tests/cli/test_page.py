"""docs/command-line.md: each of its commands runs, in one folder, from the top to the end."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from anchor_webtask._cli import app, exit_status
from tests.documents.test_documents import ROOT, code_blocks
from tests.support.command_line import SCRIPT
from tests.support.patience import PATIENCE

if TYPE_CHECKING:
    from anchor_webtask.emulator import EmulatorServer
    from tests.support.command_line import CommandLine

PAGE = "docs/command-line.md"
TEXT = (ROOT / PAGE).read_text(encoding="utf-8")
BLOCKS = code_blocks(PAGE, "sh")
# Commands of the page that do not end or that change the environment, and how each is tested instead.
TESTED_OTHERWISE = {
    "pip install '.[cli]'  # in the checkout\n": "the nox session `tests` installs the extra",
    "anchor-webtask emulator --port 8765\n": "test_program.py runs it, on another port",
}


def test_every_command_of_the_page_runs(cli: CommandLine, server: EmulatorServer) -> None:
    if shutil.which("jq") is None or shutil.which("bash") is None:
        pytest.skip("the commands of the page need bash and jq")
    server.emulator.on(answer={"amount": 3})
    blocks = [block for block in BLOCKS if block not in TESTED_OTHERWISE]
    assert len(blocks) == len(BLOCKS) - len(TESTED_OTHERWISE)
    script = (
        "".join(blocks)
        .replace("http://127.0.0.1:8765", server.base_url)
        .replace("_KEY=any", f"_KEY={server.emulator.api_key}")
    )
    path = f"{SCRIPT.parent}{os.pathsep}{cli.environment['PATH']}"
    command = ["bash", "-e", "-u", "-o", "pipefail", "-c", script]
    variables = {**cli.environment, "PATH": path}
    ran = subprocess.run(command, cwd=cli.folder, env=variables, capture_output=True, text=True, timeout=2 * PATIENCE)
    assert ran.returncode == 0, ran.stderr
    assert '["https://shop.example/p/2","second","completed"]\n' in ran.stdout
    assert ran.stdout.count('"value": {"amount": 3}') >= 4
    assert (cli.folder / "prices.jsonl").read_text(encoding="utf-8").count('"state": "completed"') == 2


def test_page_names_every_command_and_exit_status() -> None:
    assert [name for name, _, _ in app.COMMANDS if f"| `{name}" not in TEXT] == []
    assert [name for name, _, _ in app.LEDGER_COMMANDS if f"| `{name} L" not in TEXT] == []
    assert [name for name, _, _ in app.SESSION_COMMANDS if f"| `session {name}" not in TEXT] == []
    statuses = [value for name, value in vars(exit_status).items() if name.isupper() and type(value) is int]
    assert sorted(statuses) == [0, 1, 2, 3, 4, 5, 130, 141]
    assert [status for status in statuses if not re.search(rf"^\| {status} \|", TEXT, re.MULTILINE)] == []
