"""What a terminal shows in the end, for commands that end in each way, and in terminals of three widths.

The samples are in samples/. After a change that is meant, ACCEPT_SCREENS=1 in the environment writes them anew.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from anchor_webtask.emulator import EmulatorServer
    from tests.support.command_line import CommandLine, Terminal

SAMPLES: Final = Path(__file__).with_name("samples")
CHECKED_OFTEN: Final = ("--check-every", "0.05")
LEDGER: Final = ("--ledger", "a.ledger")
# What differs from run to run; the ids keep their length, since it decides where a terminal breaks a line.
REPLACED: Final = (
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"), "2026-12-01 14:05:00"),
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:8765"),
    (re.compile(r"\b\d+ s\b"), "0 s"),
)
ONE_TASK: Final = {
    "completed": ("run", "x", *CHECKED_OFTEN),
    "failed": ("run", "fail", *CHECKED_OFTEN),
    "invalid": ("run", "x", "--output", "builtins:str", *CHECKED_OFTEN),
    "running": ("run", "slow", "--timeout", "0"),
    "unknown": ("run", "lost"),
    "unknown-in-ledger": ("run", "lost", "--key", "a price", *LEDGER),
    "refused": ("run", "no credit"),
    "no-key": ("run", "x"),
    "no-connection": ("start", "x", "--base-url", "http://127.0.0.1:1"),
    "started": ("start", "x"),
    "status": ("status", "no-such-task"),
    "usage": ("run", "x", "--timeout", "1d"),
}


def screen(terminal: Terminal, server: EmulatorServer) -> str:
    """Return what a terminal shows in the end, with what differs from run to run replaced."""
    text = terminal.screen()
    for task in server.emulator.tasks:
        text = text.replace(task.id, f"perform-web-task-execution-{'0' * (len(task.id) - 27)}")
    for pattern, replacement in REPLACED:
        text = pattern.sub(replacement, text)
    return text.strip("\n") + "\n"


def check(name: str, shown: str) -> None:
    """Compare what was shown with its sample."""
    sample = SAMPLES / f"{name}.txt"
    if os.environ.get("ACCEPT_SCREENS") == "1":
        SAMPLES.mkdir(exist_ok=True)
        sample.write_text(shown, encoding="utf-8")
    assert shown == sample.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ONE_TASK)
def test_end_of_one_task(name: str, cli: CommandLine, server: EmulatorServer) -> None:
    variables = {"NO_COLOR": "1", **({"ANCHORBROWSER_API_KEY": ""} if name == "no-key" else {})}
    with cli.terminal(*ONE_TASK[name], variables=variables, columns=80) as terminal:
        status = terminal.finish()
    check(name, f"$ anchor-webtask {' '.join(ONE_TASK[name])}\n{screen(terminal, server)}# exit status {status}\n")


def test_end_of_a_batch_and_its_ledger_in_three_widths(cli: CommandLine, server: EmulatorServer) -> None:
    prompts = ["x", "fail", "lost", "slow", "no credit"]
    records = [json.dumps({"prompt": prompt, "key": prompt, "data": 7}) for prompt in prompts]
    (cli.folder / "tasks.jsonl").write_text("\n".join(records), encoding="utf-8")
    command = ("map", "tasks.jsonl", *LEDGER, "--timeout", "0", "--max-running", "9", *CHECKED_OFTEN)
    assert cli(*command).status == 4
    for columns in (40, 80, 200):
        with cli.terminal(*command, columns=columns, variables={"NO_COLOR": "1"}) as terminal:
            assert terminal.finish() == 4
        shown = screen(terminal, server)
        check(f"batch-{columns}", shown[shown.index("5 tasks: ") :])
        with cli.terminal("ledger", "list", "a.ledger", columns=columns, variables={"NO_COLOR": "1"}) as terminal:
            assert terminal.finish() == 0
        check(f"ledger-list-{columns}", screen(terminal, server))
