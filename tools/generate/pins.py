"""Finds the programs that write `generated/`, and checks that their versions are those that pyproject.toml pins.

Another version of the generator or of ruff writes other bytes, and a program on the caller's PATH could have any
version. So only programs in the folder of the running interpreter are used.
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
    """A pin or a program is missing, or its version is not the pinned one; the message says how to fix this."""


def verify(pyproject: Path) -> dict[str, str]:
    """Check that the pinned programs are installed in their pinned versions.

    Args:
        pyproject: The file whose dependency group `tools` pins the programs.

    Returns:
        The pinned version of each distribution, by name.

    Raises:
        PinError: A pin or a program is missing, or the version of a program is not the pinned one.
    """
    group = tomllib.loads(pyproject.read_text(encoding="utf-8"))["dependency-groups"]["tools"]
    exact = (re.fullmatch(r"([\w.-]+) *== *([\w.]+)", line) for line in group if isinstance(line, str))
    pins = {match[1]: match[2] for match in exact if match}
    for name in (GENERATOR, FORMATTER):
        if name not in pins:
            raise PinError(f"{pyproject} must pin `{name} == <version>` in the dependency group `tools`")
        fix = f"run: {_uv()} pip install --python {sys.executable} --reinstall-package {name} {name}=={pins[name]}"
        if shutil.which(name, path=BIN) is None:
            raise PinError(f"{name} is not installed in {BIN}, the folder of the running Python; {fix}")
        try:
            installed = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            installed = "an unknown version"
        if installed != pins[name]:
            raise PinError(f"the installed {name} is {installed}, but {pyproject.name} pins {pins[name]}; {fix}")
    return pins


def program(name: str) -> str:
    """Return the path of a program that `verify` has checked."""
    return str(BIN / name)


def _uv() -> str:
    return shutil.which("uv", path=BIN) or "uv"
