"""The command line `python -m tools.compose`, which prints the composed spec."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tools.compose.composition import compose
from tools.compose.read_overlay import CompositionError
from tools.repository import OVERLAY, ROOT, SPEC
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
        prog="python -m tools.compose",
        description="Write the composed spec as YAML, and report to stderr what each action of the overlay changed.",
    )
    parser.add_argument("spec", nargs="?", type=Path, default=ROOT / SPEC, help=f"default: {SPEC}")
    parser.add_argument("--overlay", type=Path, default=ROOT / OVERLAY, metavar="FILE", help=f"default: {OVERLAY}")
    parser.add_argument("--output", type=Path, metavar="FILE", help="default: standard output")
    options = parser.parse_args(arguments)
    try:
        composition = compose(options.spec, options.overlay, comments=True)
    except CompositionError as error:
        print(printable(f"{options.spec} and {options.overlay} cannot be composed:\n{error}"), file=sys.stderr)
        return 1
    content = composition.to_yaml().encode()
    try:
        if options.output is None:
            sys.stdout.buffer.write(content)  # not as text, whose encoding would depend on the caller's locale
        else:
            options.output.write_bytes(content)
    except OSError as error:
        print(f"{options.output or 'standard output'}: {error.strerror}", file=sys.stderr)
        return 1
    print(printable(composition.report()), end="", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
