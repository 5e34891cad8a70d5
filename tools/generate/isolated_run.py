"""Runs a pinned program with the same environment variables on every machine, so that its output is the same bytes."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from tools.generate import pins
from tools.repository import ROOT

if TYPE_CHECKING:
    from pathlib import Path


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a program that is in the folder of this interpreter, without the caller's PATH, locale and Python settings.

    Args:
        command: The path of the program, and its arguments.
        folder: The working folder.

    Returns:
        The finished process, whose `stdout` includes the output to stderr.
    """
    environment = {
        # here the post hooks find ruff; the generator runs the hooks in a shell, which it calls by the shell's path
        "PATH": str(pins.BIN),
        "LC_ALL": "C.UTF-8",
        "PYTHONUTF8": "1",
        "PYTHONHASHSEED": "0",
        "PYTHONNOUSERSITE": "1",
        "PYTHONSAFEPATH": "1",
        "PYTHONPATH": str(ROOT),  # here our own programs find `tools`
    }
    if "LD_LIBRARY_PATH" in os.environ:  # some interpreters do not start without this variable
        environment["LD_LIBRARY_PATH"] = os.environ["LD_LIBRARY_PATH"]
    if "PYTHONPYCACHEPREFIX" in os.environ:  # a folder for byte code, so that each program need not be compiled again
        environment["PYTHONPYCACHEPREFIX"] = os.environ["PYTHONPYCACHEPREFIX"]
    else:
        environment["PYTHONDONTWRITEBYTECODE"] = "1"
    return subprocess.run(  # noqa: S603  the programs are those beside this interpreter
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
