"""Prism, which serves a spec's examples and says what it doesn't like in a request."""

from __future__ import annotations

import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

VIOLATIONS: Final = "sl-violations"
"""The header in which it says what was wrong with a request."""

_LISTENING: Final = re.compile(r"listening on (http://127\.0\.0\.1:\d+)")


def entry_point() -> str:
    """Return the program's file, or skip the module where there is none."""
    found = os.environ.get("PRISM")
    if found is None:
        pytest.skip("PRISM isn't set; `nox --session witnesses` sets it where node is", allow_module_level=True)
    return found


@contextmanager
def serving(program: str, spec: Path) -> Iterator[str]:
    """Serve a spec, and return where."""
    command = ["node", program, "mock", "--host", "127.0.0.1", "--port", "0", str(spec)]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process,
        ThreadPoolExecutor(1) as reader,
    ):
        try:
            assert process.stdout is not None
            said = ""
            for line in process.stdout:
                said += line
                if listening := _LISTENING.search(line):
                    break
            else:
                pytest.fail(f"Prism has not begun:\n{said}")
            reader.submit(process.stdout.read)  # a full pipe would stop it
            yield listening[1]
        finally:
            process.terminate()
