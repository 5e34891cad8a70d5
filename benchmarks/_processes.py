"""Runs commands and code in new processes, and measures the time and memory of these processes."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psutil

if TYPE_CHECKING:
    from collections.abc import Sequence

MIB: Final = 1024 * 1024

_LAUNCH: Final = Path(__file__).with_name("_launch.py")


@dataclass(frozen=True)
class CommandCost:
    """The time and memory that a command took.

    Attributes:
        wall: Seconds from the start of the command to its end.
        cpu: CPU seconds of the command and all processes that it started.
        peak: The peak memory in bytes of the largest of these processes.
    """

    wall: float
    cpu: float
    peak: float


@dataclass(frozen=True)
class IdleProcess:
    """The measurements of a process that has run its code and is idle.

    Attributes:
        modules: The number of modules that the process had imported.
        memory: The resident memory in bytes.
    """

    modules: int
    memory: float


def run_command(command: Sequence[str | Path], *, folder: Path | None = None) -> CommandCost:
    """Run a command to its end, and return its time and memory.

    Args:
        command: The path of a program, and its arguments.
        folder: The working directory of the command; default: the current one.

    Raises:
        RuntimeError: The command failed.
    """
    words = [str(word) for word in command]
    process = subprocess.run(
        [sys.executable, "-I", "-S", str(_LAUNCH), *words], cwd=folder, capture_output=True, text=True, check=True
    )
    cost = json.loads(process.stdout)
    if status := cost.pop("exit"):
        raise RuntimeError(f"{' '.join(words)} failed with exit status {status}:\n{process.stderr}")
    return CommandCost(**cost)


def inspect_after(python: Path, code: str) -> IdleProcess:
    """Run code in a new process, and measure the process when the code has run.

    The memory is measured from outside, because a measurement inside the process would import more modules.

    Raises:
        RuntimeError: The code failed.
    """
    program = f"{code}\nimport sys\nprint(len(sys.modules), flush=True)\nsys.stdin.read()"
    with subprocess.Popen(
        [python, "-I", "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("subprocess.Popen created no pipes")
        modules = process.stdout.readline()
        if not modules:
            raise RuntimeError(f"{python} failed while running this code:\n{code}")
        memory = psutil.Process(process.pid).memory_info().rss
        process.stdin.close()
    return IdleProcess(int(modules), memory)
