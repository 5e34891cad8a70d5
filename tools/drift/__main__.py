"""The command line `python -m tools.drift`, which `make drift` runs."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from anchor_webtask._version import __version__
from tools.drift import changelog_report, json_report, markdown_report, sides, text_report
from tools.drift.make_report import make_report
from tools.drift.rows import Severity
from tools.drift.used_by import builds
from tools.drift.used_by.builds import BuildError
from tools.drift.used_by.check import with_broken_lines
from tools.drift.used_by.findings import CheckError
from tools.repository import ROOT
from tools.terminal import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tools.drift.sides import Side
    from tools.drift.used_by.builds import Build

_FORMATS: Final = ("text", "md", "json", "changelog")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: The arguments, without the program's name; by default `sys.argv[1:]`.

    Returns:
        The exit status: 1 if a change is at least as severe as the option `--fail-on` says, 2 if the states
        cannot be compared.
    """
    options = _parser().parse_args(arguments)
    try:
        found = make_report(options.root, *_compared(options), __version__)
        if options.used_by:
            found = with_broken_lines(found, Path(options.used_by), *_builds(options))
    except (sides.DriftError, BuildError, CheckError) as error:
        print(printable(f"make drift: {error}"), file=sys.stderr)
        return 2
    except RecursionError:
        print("make drift: a spec is nested too deeply to be compared", file=sys.stderr)
        return 2
    match options.format:
        case "json":
            print(json_report.to_json(found), end="")
        case "md":
            print(markdown_report.markdown(found), end="")
        case "changelog":
            print(changelog_report.changelog(found), end="")
        case _:
            text_report.write(found, sys.stdout, is_complete=options.all)
    failed = options.fail_on is not None and bool(found) and found.worst >= options.fail_on
    return 1 if failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tools.drift",
        description="Compare the spec and Python API of a commit with those of the working tree, or compare two specs.",
    )
    parser.add_argument("--base", default="", metavar="COMMIT", help="default: where this branch left the main branch")
    parser.add_argument("--old", default="", metavar="FILE", help="the old spec; requires --new")
    parser.add_argument("--new", default="", metavar="FILE", help="the new spec; requires --old")
    parser.add_argument("--format", default="text", type=lambda text: text or "text", choices=_FORMATS)
    parser.add_argument("--all", action="store_true", help=f"write all, and not only {text_report.LIMIT} lines of text")
    parser.add_argument(
        "--fail-on",
        default=None,
        type=_severity,
        metavar="SEVERITY",
        help="exit with 1 if a change is at least this severe",
    )
    parser.add_argument(
        "--used-by", default="", metavar="FOLDER", help="show the lines of the code in this folder that break"
    )
    parser.add_argument("--root", type=Path, default=ROOT, metavar="FOLDER", help="default: this repository")
    return parser


def _severity(text: str) -> Severity | None:
    known = {str(severity): severity for severity in reversed(Severity)}
    if text and text not in known:
        raise argparse.ArgumentTypeError(f"must be one of {', '.join(known)}, not {text!r}")
    return known.get(text)


def _compared(options: argparse.Namespace) -> tuple[Side, Side]:
    root = options.root.resolve()
    if options.old or options.new:
        if options.base or not (options.old and options.new):
            raise sides.DriftError("OLD and NEW must be given together, and without BASE")
        return sides.of_file(root, Path(options.old)), sides.of_file(root, Path(options.new))
    return sides.of_commit(root, options.base or sides.base(root)), sides.of_tree(root)


def _builds(options: argparse.Namespace) -> Iterator[Callable[[Path], Build]]:
    root = options.root.resolve()
    if options.old:
        yield from (partial(builds.of_file, root, Path(spec)) for spec in (options.old, options.new))
    else:
        yield partial(builds.of_commit, root, options.base or sides.base(root))
        yield lambda _: builds.of_tree(root)


if __name__ == "__main__":
    sys.exit(main())
