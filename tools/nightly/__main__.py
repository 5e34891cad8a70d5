"""The command line `python -m tools.nightly`, which the workflow `upstream.yml` runs."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tools.nightly.pull_request import body
from tools.nightly.recorded_sources import vendor_sources
from tools.repository import ROOT
from tools.terminal import printable
from tools.vendor.vendored_spec import VendorError

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
        prog="python -m tools.nightly",
        description="Vendor the spec from its recorded sources, or generate code and write the pull request's text.",
    )
    parser.add_argument("command", choices=["vendor", "body"])
    parser.add_argument("--root", type=Path, default=ROOT, metavar="FOLDER", help="default: this repository")
    options = parser.parse_args(arguments)
    root = options.root.resolve()
    if options.command == "body":
        print(body(root), end="")
        return 0
    try:
        done = vendor_sources(root)
    except VendorError as error:
        print(printable(f"the spec cannot be vendored: {error}"), file=sys.stderr)
        return 1
    print(printable("\n".join(done)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
