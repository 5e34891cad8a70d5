"""The command line: `python -m benchmarks`, or `make bench`."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks import _budgets, _machine, _table
from benchmarks._environments import ROOT, Environments

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks._rows import Row

GROUPS: Final = {
    "import": "import, first call and client",
    "request": "one start and one request",
    "check": "one status check",
    "wait": "many tasks waited for at once",
    "schedule": "the wait's schedule",
    "answer": "typed answers",
    "command": "the maintainers' commands, and what is installed",
}
FULL: Final = Path("..") / "shared" / "upstream" / "2026-02-15.yaml"
PLOT: Final = ROOT / ".cache" / "schedule.svg"
ROUNDS: Final = 15


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: Without the program's name; by default those of the process.

    Returns:
        The exit status: 1 if a budget isn't kept.
    """
    options = _parser().parse_args(arguments)
    full = _full(options.full)
    variables = _machine.remove_settings()
    groups: dict[str, list[Row]] = {}
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        environments = Environments(Path(folder), full, variables)
        for group in dict.fromkeys(options.only or GROUPS):
            groups[group] = []
            for row in _measured(group, options, environments):
                print(f"{group}: {row.label}", file=sys.stderr, flush=True)
                groups[group].append(row)
    rows = [row for each in groups.values() for row in each]
    if options.json:
        found = {
            "machine": _machine.facts(),
            "noise": _machine.noise(rows),
            "rows": list(map(dataclasses.asdict, rows)),
        }
        json.dump(found, sys.stdout, indent=2, ensure_ascii=False)
        print()
    else:
        _table.write({GROUPS[group]: each for group, each in groups.items()})
    problems = _budgets.problems(rows, groups, has_full=full is not None) if options.check else []
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Measure this package beside bare httpx and the official client."
    )
    parser.add_argument("--json", action="store_true", help="write the rows as JSON in place of the table")
    parser.add_argument("--check", action="store_true", help="compare with budgets.toml; 1 if one isn't kept")
    parser.add_argument("--only", nargs="+", choices=GROUPS, metavar="GROUP", help=f"some of {', '.join(GROUPS)}")
    where = f"one of upstream's whole specs; default: {FULL}, where that is"
    parser.add_argument("--full", type=Path, metavar="FILE", help=where)
    parser.add_argument("--plot", type=Path, default=PLOT, metavar="FILE", help="where the schedule's curve goes")
    parser.add_argument(
        "--rounds", type=_count, default=ROUNDS, metavar="N", help="samples of each; default: %(default)s"
    )
    return parser


def _count(text: str) -> int:
    if not (text.isdecimal() and int(text)):
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 on")
    return int(text)


def _full(given: Path | None) -> Path | None:
    """Return the whole spec to measure with, None if there is none."""
    if given is not None and not given.is_file():
        sys.exit(f"{given} is no file")
    found = given or ROOT / FULL
    if not found.is_file():
        print("Rows on a whole spec are left out: pass one of upstream's with FULL=<file> or --full", file=sys.stderr)
        return None
    return found.resolve()


def _measured(group: str, options: argparse.Namespace, environments: Environments) -> Iterator[Row]:
    """Measure a group; what only one of them needs is imported by it."""
    rounds: int = options.rounds
    match group:
        case "import":
            from benchmarks import imports

            yield from imports.rows(rounds, environments)
        case "request":
            from benchmarks import requests

            yield from requests.rows(rounds)
        case "check":
            from benchmarks import checks

            yield from checks.rows(rounds)
        case "wait":
            from benchmarks import waits

            yield from waits.rows()
        case "schedule":
            from benchmarks import schedule

            yield from schedule.rows()
            options.plot.parent.mkdir(parents=True, exist_ok=True)
            schedule.plot(options.plot)
            print(f"schedule: the curve is in {options.plot}", file=sys.stderr)
        case "answer":
            from benchmarks import answers

            yield from answers.rows(rounds)
        case _:
            from benchmarks import commands

            yield from commands.rows(rounds, environments)


if __name__ == "__main__":
    sys.exit(main())
