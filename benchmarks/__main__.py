"""The command line of the benchmarks: `python -m benchmarks`, or `make bench`."""

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
    "import": "import, first call and creating a client",
    "request": "one start and one run_in_one_request",
    "check": "one status check",
    "wait": "waiting for many tasks at once",
    "logging": "waiting with logging",
    "map": "many tasks, with a ledger and without",
    "worker": "batches and workers, in the database of --database",
    "schedule": "the schedule of a wait's checks",
    "answer": "typed answers",
    "cli": "the help of the command line",
    "command": "the maintainers' commands, and the installed size",
}
FULL: Final = Path("..") / "shared" / "upstream" / "2026-02-15.yaml"
PLOT: Final = ROOT / ".cache" / "schedule.svg"
ROUNDS: Final = 15
NO_DATABASE: Final = (
    "No database was passed, so the rows of workers are left out. Pass the URL of one for tests as DATABASE=<url> or "
    "--database <url>"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmarks, and write the table or the JSON.

    Args:
        arguments: The command-line arguments without the program's name; default: `sys.argv[1:]`.

    Returns:
        The exit status: 1 if `--check` found a problem, otherwise 0.
    """
    options = _parser().parse_args(arguments)
    full = _full_spec(options.full)
    variables = _machine.remove_settings()
    groups: dict[str, list[Row]] = {}
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        environments = Environments(Path(folder), full, variables)
        for group in dict.fromkeys(options.only or GROUPS):
            if group == "worker" and options.database is None:
                print(NO_DATABASE, file=sys.stderr)
                continue
            groups[group] = []
            for row in _measure(group, options, environments):
                print(f"{group}: {row.label}", file=sys.stderr, flush=True)
                groups[group].append(row)
    rows = [row for each in groups.values() for row in each]
    if options.json:
        report = {
            "machine": _machine.facts(),
            "noise": _machine.noise(rows),
            "rows": list(map(dataclasses.asdict, rows)),
        }
        json.dump(report, sys.stdout, indent=2, ensure_ascii=False)
        print()
    else:
        _table.write({GROUPS[group]: each for group, each in groups.items()})
    problems = _budgets.problems(rows, groups, has_full=full is not None) if options.check else []
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure this package, bare httpx and the official client side by side.",
    )
    parser.add_argument("--json", action="store_true", help="write the rows as JSON instead of a table")
    parser.add_argument(
        "--check",
        action="store_true",
        help="compare with budgets.toml, and exit with 1 if a budget is exceeded or has no row",
    )
    parser.add_argument(
        "--only",
        nargs="+",
        choices=GROUPS,
        metavar="GROUP",
        help=f"the groups to measure; default: {', '.join(GROUPS)}",
    )
    spec_help = f"a complete upstream spec; default: {FULL}, if it exists"
    parser.add_argument("--full", type=Path, metavar="FILE", help=spec_help)
    database_help = "a database of PostgreSQL for the group worker, such as postgresql://me@localhost/test"
    parser.add_argument("--database", metavar="URL", help=database_help)
    parser.add_argument(
        "--plot",
        type=Path,
        default=PLOT,
        metavar="FILE",
        help="where to write the plot of the schedule; default: %(default)s",
    )
    parser.add_argument(
        "--rounds",
        type=_positive_integer,
        default=ROUNDS,
        metavar="N",
        help="the number of samples per row; default: %(default)s",
    )
    return parser


def _positive_integer(text: str) -> int:
    if not (text.isdecimal() and int(text)):
        raise argparse.ArgumentTypeError(f"must be a positive integer, not {text!r}")
    return int(text)


def _full_spec(given: Path | None) -> Path | None:
    """Return the path of the complete spec to measure with, or None if there is no such file."""
    if given is not None and not given.is_file():
        sys.exit(f"--full must be an existing file, not {given}")
    path = given or ROOT / FULL
    if not path.is_file():
        message = "No complete spec was found, so its rows are left out. Pass one with FULL=<file> or --full <file>"
        print(message, file=sys.stderr)
        return None
    return path.resolve()


def _measure(group: str, options: argparse.Namespace, environments: Environments) -> Iterator[Row]:
    """Yield the measured rows of a group.

    The module of the group is imported here, so its dependencies are needed only if the group is measured.
    """
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
        case "logging":
            from benchmarks import logs

            yield from logs.rows(rounds)
        case "map":
            from benchmarks import maps

            yield from maps.rows(rounds)
        case "worker":
            from benchmarks import workers

            yield from workers.rows(rounds, options.database)
        case "schedule":
            from benchmarks import schedule

            yield from schedule.rows()
            options.plot.parent.mkdir(parents=True, exist_ok=True)
            schedule.plot(options.plot)
            print(f"schedule: the plot is in {options.plot}", file=sys.stderr)
        case "answer":
            from benchmarks import answers

            yield from answers.rows(rounds)
        case "cli":
            from benchmarks import cli

            yield from cli.rows(rounds, environments)
        case _:
            from benchmarks import commands

            yield from commands.rows(rounds, environments)


if __name__ == "__main__":
    sys.exit(main())
