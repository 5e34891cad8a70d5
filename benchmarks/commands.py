"""The benchmark group `command`: the maintainers' commands, and the installed size of the clients.

The commands run with the vendored spec, and with a complete spec if there is one.
"""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, Final

from benchmarks import _large_spec
from benchmarks._environments import SPEC, site_packages
from benchmarks._processes import MIB, run_command
from benchmarks._rows import BARE, OFFICIAL, OURS, row
from benchmarks._sampling import figures, take_samples

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from benchmarks._environments import Environments
    from benchmarks._processes import CommandCost
    from benchmarks._rows import Row

MAX_ROUNDS: Final = 3
"""The largest number of samples per command. With a complete spec a command takes many seconds."""

_CHANGED: Final = "changed.yaml"
_NOTES: Final = {"drift": "Compares the spec with a copy in which every integer is a number."}


def rows(rounds: int, environments: Environments) -> Iterator[Row]:
    """Measure the rows of this group."""
    pythons = {OURS: environments.ours, BARE: environments.bare, OFFICIAL: environments.official}
    sizes = {name: [_installed_size(python)] for name, python in pythons.items()}
    note = "All files in site-packages, bytecode included; without extras."
    yield row("command.installed", "installed size", "MiB", sizes, note)
    if environments.has_full:
        full = {**sizes, OURS: [_installed_size(environments.ours_full)]}
        yield row("command.installed.full", "installed size, complete spec", "MiB", full, note)
    yield from _commands("vendored", "vendored spec", environments.checkout, rounds)
    if environments.has_full:
        yield from _commands("full", "complete spec", environments.checkout_full, rounds)
    yield from _large(environments.checkout_full if environments.has_full else environments.checkout, rounds)


def _commands(name: str, spec: str, checkout: Path, rounds: int) -> Iterator[Row]:
    text = (checkout / SPEC).read_text(encoding="utf-8")
    (checkout / _CHANGED).write_text(text.replace("type: integer", "type: number"), encoding="utf-8")
    commands = {
        "generate": ("tools.generate", "generate"),
        "check": ("tools.generate", "check"),
        "drift": ("tools.drift", "--old", SPEC, "--new", _CHANGED),
    }
    measures = {
        verb: partial(run_command, (sys.executable, "-m", *command), folder=checkout)
        for verb, command in commands.items()
    }
    samples = take_samples(measures, min(rounds, MAX_ROUNDS))
    seconds, mebibytes = figures(samples, lambda cost: cost.wall), figures(samples, lambda cost: cost.peak / MIB)
    for verb in commands:
        key, label, note = f"command.{verb}.{name}", f"{verb}, {spec}", _NOTES.get(verb, "")
        yield row(f"{key}.wall", f"{label}: wall", "s", {OURS: seconds[verb]}, note)
        yield row(f"{key}.memory", f"{label}: peak memory", "MiB", {OURS: mebibytes[verb]}, note)


def _large(checkout: Path, rounds: int) -> Iterator[Row]:
    """Measure `make drift` on two large specs."""
    measures: dict[str, Callable[[], CommandCost]] = {}
    for form in ("yaml", "json"):
        files = [checkout / f"large-{side}.{form}" for side in ("old", "new")]
        for source, file in zip((SPEC, _CHANGED), files, strict=True):
            _large_spec.write(checkout / source, file)
        command = (sys.executable, "-m", "tools.drift", "--old", files[0].name, "--new", files[1].name)
        measures[form] = partial(run_command, command, folder=checkout)
    samples = take_samples(measures, min(rounds, MAX_ROUNDS))
    seconds, mebibytes = figures(samples, lambda cost: cost.wall), figures(samples, lambda cost: cost.peak / MIB)
    for form in measures:
        key, label = f"command.drift.large.{form}", f"drift, 3 MB of {form.upper()}"
        yield row(f"{key}.wall", f"{label}: wall", "s", {OURS: seconds[form]}, _NOTES["drift"])
        yield row(f"{key}.memory", f"{label}: peak memory", "MiB", {OURS: mebibytes[form]}, _NOTES["drift"])


def _installed_size(python: Path) -> float:
    return sum(file.stat().st_size for file in site_packages(python).rglob("*") if file.is_file()) / MIB
