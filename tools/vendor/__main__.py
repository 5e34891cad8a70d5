"""The command line `python -m tools.vendor`, which `make vendor` runs."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tools.repository import OVERLAY, ROOT, SOURCE, SPEC, SURFACE
from tools.terminal import printable
from tools.vendor.vendored_spec import VendorError, vendor

if TYPE_CHECKING:
    from collections.abc import Sequence

NEXT: Final = f"""\
Next:
  make drift       shows the changes for users, and their severity
  make generate    if it reports an action of the overlay, fix that action and repeat
  make accept      then read git diff --patience {SURFACE}
  make check
  make test
To undo: git restore {SPEC} {SOURCE} {OVERLAY}
   then: make generate accept
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: The arguments, without the program's name; by default `sys.argv[1:]`.

    Returns:
        The exit status.
    """
    parser = argparse.ArgumentParser(
        prog="python -m tools.vendor",
        description="Store a complete spec, or merge the part of the spec that a documentation page contains.",
    )
    parser.add_argument("origin", metavar="FROM", help="a file, an https URL, or - for standard input")
    parser.add_argument("--replace", action="store_true", help="overwrite the vendored spec where it differs")
    parser.add_argument("--root", type=Path, default=ROOT, metavar="FOLDER", help="default: this repository")
    options = parser.parse_args(arguments)
    try:
        done = vendor(options.root.resolve(), options.origin, replace=options.replace)
    except VendorError as error:
        print(printable(f"make vendor: {error}\n{SPEC} is unchanged."), file=sys.stderr)
        return 1
    print(printable("\n".join(done)) or f"{SPEC}: already up to date")
    if done:
        print(NEXT, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
