"""The command line `python -m tools.nightly`, which the workflow `upstream.yml` runs."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tools.nightly.pull_request import body
from tools.nightly.recorded_sources import vendor_sources
from tools.repository import ROOT
from tools.terminal import printable

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
        description="Vendor the spec from its recorded sources, or generate code and write the pull request's text, or "
        "fail if a source has failed.",
    )
    parser.add_argument("command", choices=["vendor", "body", "verdict"])
    parser.add_argument("failures", type=Path, help="the file that `vendor` writes and the other commands read")
    parser.add_argument("--root", type=Path, default=ROOT, metavar="FOLDER", help="default: this repository")
    options = parser.parse_args(arguments)
    root = options.root.resolve()
    if options.command == "vendor":
        checked = vendor_sources(root)
        options.failures.write_text(json.dumps(checked.failed), encoding="utf-8")
        print(printable("\n".join([*checked.done, *checked.failed])))
        return 0
    failed = json.loads(options.failures.read_text(encoding="utf-8"))
    if options.command == "body":
        print(body(root, failed), end="")
        return 0
    print(printable("\n".join(failed)), file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
