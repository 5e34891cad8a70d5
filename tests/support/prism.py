"""Starts Prism, a mock server that responds with a spec's examples and reports invalid requests."""

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
"""The response header in which Prism lists how the request violates the spec."""

_LISTENING: Final = re.compile(r"listening on (http://127\.0\.0\.1:\d+)")


def entry_point() -> str:
    """Return the path of the Prism program; skip the test module if Prism is not installed."""
    program = os.environ.get("PRISM")
    if program is None:
        pytest.skip(
            "the environment variable PRISM is not set; `nox --session witnesses` sets it if node is installed",
            allow_module_level=True,
        )
    return program


@contextmanager
def serving(program: str, spec: Path) -> Iterator[str]:
    """Serve a spec with Prism, and yield the server's URL."""
    command = ["node", program, "mock", "--host", "127.0.0.1", "--port", "0", str(spec)]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process,
        ThreadPoolExecutor(1) as reader,
    ):
        try:
            assert process.stdout is not None
            output = ""
            for line in process.stdout:
                output += line
                if listening := _LISTENING.search(line):
                    break
            else:
                pytest.fail(f"Prism did not start; its output:\n{output}")
            reader.submit(process.stdout.read)  # output that nobody reads would block Prism
            yield listening[1]
        finally:
            process.terminate()
