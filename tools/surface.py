"""Writes `tests/contract/surface.txt`: what a change of spec or code means to users, short enough to read in a review.

A test compares it with the code; only `make accept` writes it, so that nobody changes the surface without seeing it.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from typing import TYPE_CHECKING, Final

from tools import _config, _surface_models, _surface_python, _surface_spec
from tools.compose import ROOT, SURFACE
from tools.generate import CONFIG, GENERATED

if TYPE_CHECKING:
    from collections.abc import Sequence

MODULES: Final = ("anchor_webtask", "anchor_webtask.emulator")


def text() -> str:
    """Describe the surface of the repository and of the package that is installed from it.

    Returns:
        A section for the operations, one for the generated models and one for each public module; the same on every
        supported Python.
    """
    package = ROOT / GENERATED / _config.read(ROOT / CONFIG).package
    spec = json.loads((package / "openapi.json").read_text(encoding="utf-8"))
    sections = {
        "operations": _surface_spec.operations(spec),
        f"models of {package.name}": _surface_models.models(package / "models"),
        **{name: _surface_python.exports(importlib.import_module(name)) for name in MODULES},
    }
    head = "What reviewers read. Written by `make accept`, compared by tests/contract/test_surface.py.\n"
    return head + "".join(f"\n== {title} ==\n\n{section}" for title, section in sections.items())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: Without the program's name; by default those of the process.

    Returns:
        The exit status.
    """
    parser = argparse.ArgumentParser(
        prog="python -m tools.surface", description="Write the surface file from the code."
    )
    parser.add_argument("command", choices=["accept"])
    parser.parse_args(arguments)
    (ROOT / SURFACE).write_text(text(), encoding="utf-8")
    print(SURFACE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
