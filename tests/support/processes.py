"""Runs the tests' programs in separate processes."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.support.runners import KEY

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parents[2]
PASSWORD: Final = "correct-horse-battery"


def state_of(process: int) -> str:
    """Return the letter of a process's state: R if it runs, S if it sleeps, T if it is stopped (Linux only)."""
    return Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2][0]


@contextmanager
def spawn(program: Path, *arguments: str, base_url: str) -> Iterator[subprocess.Popen[str]]:
    """Run a Python program with the key, the base URL and a password in its environment; kill it when the context ends.

    The program's streams are pipes of text.
    """
    environment = {
        **os.environ,
        "ANCHORBROWSER_API_KEY": KEY,
        "ANCHORBROWSER_BASE_URL": base_url,
        "PASSWORD": PASSWORD,
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
    }
    with subprocess.Popen(
        [sys.executable, str(program), *arguments],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()
