"""A program that ends in the middle of `tasks.map` logs the ids of its tasks; a child that it forks is refused."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.support.patience import PATIENCE

PROGRAM: Final = Path(__file__).parent / "programs" / "end_in_map.py"


def run(client: str, how: str) -> tuple[list[str], str]:
    """Return the lines of the program's output, and its log."""
    command = [sys.executable, "-W", "ignore::DeprecationWarning", str(PROGRAM), client, how]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=2 * PATIENCE)
    return ran.stdout.splitlines(), ran.stderr


@pytest.mark.parametrize(
    ("client", "how"),
    [
        *((client, how) for client in ("sync", "asyncio", "trio") for how in ("break", "global", "gen", "ended")),
        ("sync", "late"),
        ("trio", "late"),  # asyncio cancels all tasks at once
        ("sync", "raise"),
        ("asyncio", "raise"),
        ("unclosed", "break"),
        ("unclosed", "global"),
    ],
)
def test_end_of_the_program_logs_each_id_once(client: str, how: str) -> None:
    (line,), log = run(client, how)
    ids = line.split()
    assert len(ids) == 2
    assert [log.count(task_id) for task_id in ids] == [1, 1], log
    assert ("these tasks have ended" if how == "ended" else "this does not stop the tasks that run") in log


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_forked_child_cannot_use_the_call() -> None:
    lines, _ = run("sync", "fork")
    assert len(lines) == 5
    assert {line.partition(":")[0] for line in lines[:3]} == {
        "another process has begun this call of map, and this one was forked from it"
    }
    assert lines[3] == "0"
