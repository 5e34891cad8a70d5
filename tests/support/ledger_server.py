"""An emulator in a process of its own, which tells what it has started, and programs that use it."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from tests.support.ledger_accounts import Start
from tests.support.patience import PATIENCE
from tests.support.processes import ROOT, spawn

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

PROGRAMS: Final = ROOT / "tests" / "ledger" / "programs"


class Server:
    """An emulator in a process of its own.

    Attributes:
        base_url: Where it is.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.base_url = self._answer()

    def calm(self) -> None:
        """End all faults."""
        self._ask("calm")

    def finish(self) -> None:
        """End all tasks, and those that start later at once."""
        self._ask("finish")

    def wait(self, starts: int, prefix: str) -> None:
        """Wait until so many tasks were started, whose prompts begin with this word."""
        self._ask(f"wait {starts} {prefix}")

    def starts(self, prefix: str = "") -> list[Start]:
        """Return the tasks that were started, whose prompts begin with a text."""
        starts = (Start(**each) for each in json.loads(self._ask("report")))
        return [start for start in starts if start.prompt.startswith(prefix) and not start.prompt.startswith("first")]

    def _ask(self, question: str) -> str:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{question}\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


@contextmanager
def serving(*, seed: int = 0, faults: int = 0, shortest: float = 0.01, longest: float = 0.05) -> Iterator[Server]:
    """Serve an emulator, whose next starts may get faults; its tasks take so many seconds."""
    arguments = map(str, (seed, faults, shortest, longest))
    with spawn(PROGRAMS / "serve_faults.py", *arguments, base_url="") as process:
        yield Server(process)


def output(process: subprocess.Popen[str], seconds: float = 0) -> str:
    """Wait until a program has ended well, and return its output."""
    printed, errors = process.communicate(timeout=PATIENCE + seconds)
    assert (process.returncode, errors) == (0, ""), errors
    return printed
