"""What the maintainers' commands take, on the vendored spec and on a whole one; and the size of what is installed."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, Final

from benchmarks._environments import SPEC, site_packages
from benchmarks._processes import MIB, run
from benchmarks._rows import BARE, OFFICIAL, OURS, row
from benchmarks._sampling import figures, take_samples

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks._environments import Environments
    from benchmarks._rows import Row

MOST_ROUNDS: Final = 3
"""A command on a whole spec takes many seconds, and nothing is compared with it."""

_CHANGED: Final = "changed.yaml"
_NOTES: Final = {"drift": "From the spec to the same with each integer made a number."}


def rows(rounds: int, environments: Environments) -> Iterator[Row]:
    """Measure."""
    pythons = {OURS: environments.ours, BARE: environments.bare, OFFICIAL: environments.official}
    sizes = {name: [_installed(python)] for name, python in pythons.items()}
    note = "All that is in site-packages, bytecode too; without extras."
    yield row("command.installed", "installed", "MiB", sizes, note)
    if environments.has_full:
        whole = {**sizes, OURS: [_installed(environments.ours_full)]}
        yield row("command.installed.full", "installed, whole spec", "MiB", whole, note)
    yield from _commands("vendored", "vendored spec", environments.checkout, rounds)
    if environments.has_full:
        yield from _commands("full", "whole spec", environments.checkout_full, rounds)


def _commands(name: str, spec: str, checkout: Path, rounds: int) -> Iterator[Row]:
    text = (checkout / SPEC).read_text(encoding="utf-8")
    (checkout / _CHANGED).write_text(text.replace("type: integer", "type: number"), encoding="utf-8")
    commands = {
        "generate": ("tools.generate", "generate"),
        "check": ("tools.generate", "check"),
        "drift": ("tools.drift", "--old", SPEC, "--new", _CHANGED),
    }
    measures = {
        verb: partial(run, (sys.executable, "-m", *command), folder=checkout) for verb, command in commands.items()
    }
    samples = take_samples(measures, min(rounds, MOST_ROUNDS))
    seconds, mebibytes = figures(samples, lambda ran: ran.wall), figures(samples, lambda ran: ran.peak / MIB)
    for verb in commands:
        key, label, note = f"command.{verb}.{name}", f"{verb}, {spec}", _NOTES.get(verb, "")
        yield row(f"{key}.wall", f"{label}: wall", "s", {OURS: seconds[verb]}, note)
        yield row(f"{key}.memory", f"{label}: peak memory", "MiB", {OURS: mebibytes[verb]}, note)


def _installed(python: Path) -> float:
    return sum(file.stat().st_size for file in site_packages(python).rglob("*") if file.is_file()) / MIB
