"""What whole processes take, measured from outside."""

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
class Ran:
    """What a command took.

    Attributes:
        wall: Seconds from its start to its end.
        cpu: Seconds of CPU, of it and of all that it has started.
        peak: Bytes of memory that the largest of these processes had at most.
    """

    wall: float
    cpu: float
    peak: float


@dataclass(frozen=True)
class Resting:
    """A process that has done something and waits.

    Attributes:
        modules: How many modules it has imported.
        memory: Bytes of memory that are resident.
    """

    modules: int
    memory: float


def run(command: Sequence[str | Path], *, folder: Path | None = None) -> Ran:
    """Run a command to its end.

    Args:
        command: The path of a program, and its arguments.
        folder: Where it runs, if not here.

    Raises:
        RuntimeError: It has failed.
    """
    words = [str(word) for word in command]
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(_LAUNCH), *words], cwd=folder, capture_output=True, text=True, check=True
    )
    took = json.loads(done.stdout)
    if took.pop("exit"):
        raise RuntimeError(f"{' '.join(words)} has failed:\n{done.stderr}")
    return Ran(**took)


def rest(python: Path, code: str) -> Resting:
    """Run code in a new process, and look at it from outside before it ends: a look from inside needs modules."""
    program = f"{code}\nimport sys\nprint(len(sys.modules), flush=True)\nsys.stdin.read()"
    with subprocess.Popen(
        [python, "-I", "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("a process without pipes")
        modules = process.stdout.readline()
        if not modules:
            raise RuntimeError(f"a process has failed that ran: {code}")
        memory = psutil.Process(process.pid).memory_info().rss
        process.stdin.close()
    return Resting(int(modules), memory)
