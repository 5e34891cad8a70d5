"""The programs that write `generated/`: their paths, and the check that they have the pinned versions.

Other versions of the generator or of ruff write other bytes, and a program from the caller's PATH could be any. So the
programs are those beside the running interpreter, in the versions that pyproject.toml pins.
"""

from __future__ import annotations

import importlib.metadata
import re
import shutil
import sys
import tomllib
from pathlib import Path
from typing import Final

GENERATOR: Final = "openapi-python-client"
FORMATTER: Final = "ruff"
BIN: Final = Path(sys.executable).parent


class PinError(Exception):
    """A program is missing, or has another version than the pinned one; the message has the command that fixes it."""


def verify(pyproject: Path) -> dict[str, str]:
    """Check the pinned programs.

    Args:
        pyproject: The file whose dependency group `tools` pins them.

    Returns:
        The version of each pinned distribution, by name.

    Raises:
        PinError: A pin or a program is missing, or a program has another version.
    """
    group = tomllib.loads(pyproject.read_text(encoding="utf-8"))["dependency-groups"]["tools"]
    exact = (re.fullmatch(r"([\w.-]+) *== *([\w.]+)", line) for line in group if isinstance(line, str))
    pins = {match[1]: match[2] for match in exact if match}
    for name in (GENERATOR, FORMATTER):
        if name not in pins:
            raise PinError(f"{pyproject} has no exact pin of {name} in the dependency group `tools`")
        fix = f"run: {_uv()} pip install --python {sys.executable} --reinstall-package {name} {name}=={pins[name]}"
        if shutil.which(name, path=BIN) is None:
            raise PinError(f"{name} is not installed beside the interpreter, in {BIN}; {fix}")
        try:
            installed = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            installed = "an unknown version"
        if installed != pins[name]:
            raise PinError(f"the installed {name} is {installed}, but {pyproject.name} pins {pins[name]}; {fix}")
    return pins


def program(name: str) -> str:
    """Return the path of a verified program."""
    return str(BIN / name)


def _uv() -> str:
    return shutil.which("uv", path=BIN) or "uv"
