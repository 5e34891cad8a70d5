"""The command line `python -m tools.surface`, which `make accept` runs."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from tools.repository import ROOT, SURFACE
from tools.surface.surface_text import surface_text

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: The arguments, without the program's name; by default `sys.argv[1:]`.

    Returns:
        The exit status.
    """
    parser = argparse.ArgumentParser(
        prog="python -m tools.surface", description="Write the surface file, which describes the API for reviewers."
    )
    parser.add_argument("command", choices=["accept"])
    parser.parse_args(arguments)
    (ROOT / SURFACE).write_text(surface_text(), encoding="utf-8")
    print(SURFACE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
