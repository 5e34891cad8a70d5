"""The command line `python -m tools.generate`, which `make generate` and `make check` run."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tools.compose.read_overlay import CompositionError
from tools.generate.build import GenerationError
from tools.generate.generated_folder import check, generate
from tools.repository import GENERATED, ROOT
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
    parser = argparse.ArgumentParser(prog="python -m tools.generate", description="Write or check generated/.")
    parser.add_argument("command", choices=["generate", "check"])
    parser.add_argument("--root", type=Path, default=ROOT, metavar="FOLDER", help="default: this repository")
    options = parser.parse_args(arguments)
    root = options.root.resolve()
    try:
        if options.command == "generate":
            print(printable(generate(root).report()), end="", file=sys.stderr)
            return 0
        differences = check(root)
    except (GenerationError, CompositionError) as error:
        print(printable(f"make {options.command}: {error}"), file=sys.stderr)
        return 1
    if differences:
        print(printable("\n".join(differences)), file=sys.stderr)
        print(f"{GENERATED}/ does not match the spec, the overlay and the config; run: make generate", file=sys.stderr)
        return 1
    print(f"{GENERATED}/ is up to date")
    return 0


if __name__ == "__main__":
    sys.exit(main())
