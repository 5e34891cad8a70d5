"""Builds the text of `tests/contract/surface.txt`, which shows in a diff how a change affects users.

The file is short enough to read in a review. A test compares the file with the code, and only `make accept` writes the
file, so that nobody changes the public API without noticing.
"""

from __future__ import annotations

import importlib
import json
from typing import Final

from tools.generate import config
from tools.repository import CONFIG, GENERATED, ROOT
from tools.surface.models import describe_models
from tools.surface.operations import describe_operations
from tools.surface.python_api import describe_exports

MODULES: Final = ("anchor_webtask", "anchor_webtask.emulator", "anchor_webtask.notebook", "anchor_webtask.testing")


def surface_text() -> str:
    """Describe the API: the generated code of the repository, and the public modules of the installed package.

    Returns:
        A section for the operations, one for the generated models and one for each public module. The text is the same
        on every supported Python.
    """
    package = ROOT / GENERATED / config.read(ROOT / CONFIG).package
    spec = json.loads((package / "openapi.json").read_text(encoding="utf-8"))
    sections = {
        "operations": describe_operations(spec),
        f"models of {package.name}": describe_models(package / "models"),
        **{name: describe_exports(importlib.import_module(name)) for name in MODULES},
    }
    head = "What reviewers read. Written by `make accept`, compared by tests/contract/test_surface.py.\n"
    return head + "".join(f"\n== {title} ==\n\n{section}" for title, section in sections.items())
