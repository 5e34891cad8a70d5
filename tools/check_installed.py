"""Checks an installed distribution: its two packages can be imported, and no file is missing or unexpected.

The nox session `package` runs this file by its path, in an environment that has the installed distribution but cannot
import anything from the checkout.
"""

from __future__ import annotations

import importlib.metadata
import pathlib
import sys

import anchor_webtask
import anchor_webtask_api

NEEDED = ("anchor_webtask/py.typed", "anchor_webtask_api/py.typed", "anchor_webtask_api/openapi.json")


def problems(files: list[str]) -> list[str]:
    """Return a line for each file that is missing, unexpected or imported from outside the installed distribution."""
    owners = ("anchor_webtask/", "anchor_webtask_api/", f"anchor_webtask-{anchor_webtask.__version__}.dist-info/")
    imported = [pathlib.Path(str(module.__file__)) for module in (anchor_webtask, anchor_webtask_api)]
    return [
        *(f"{path} is outside the installed distribution" for path in imported if "site-packages" not in path.parts),
        *(f"{file} does not belong in the distribution" for file in files if not file.startswith(owners)),
        *(f"{file} is missing from the distribution" for file in NEEDED if file not in files),
    ]


if __name__ == "__main__":
    installed = sorted(str(file) for file in importlib.metadata.files("anchor-webtask") or ())
    print(*installed, sep="\n")
    sys.exit("\n".join(problems(installed)) or None)
