"""The benchmark group `cli`: what a person waits for before the command line says something."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from benchmarks._processes import run_command
from benchmarks._rows import BARE_TYPER, OURS, row
from benchmarks._sampling import figures, take_samples

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks._environments import Environments
    from benchmarks._rows import Row

_PROGRAM: Final = """
import typer

app = typer.Typer()

@app.command()
def run(prompt: str, url: str = "") -> None:
    "Start a task."

@app.command()
def wait(task_id: str) -> None:
    "Wait for a task."

app()
"""
_NOTE: Final = (
    "From the start of its process to its end. Bare typer: a program with two commands. Its help is drawn by rich, "
    "which is most of its time; ours is plain text."
)


def rows(rounds: int, environments: Environments) -> Iterator[Row]:
    """Measure the rows of this group."""
    python = environments.ours_cli
    commands = {
        OURS: (python.with_name("anchor-webtask"), "--help"),
        BARE_TYPER: (python, "-I", "-c", _PROGRAM, "--help"),
    }
    samples = take_samples({name: partial(run_command, command) for name, command in commands.items()}, rounds)
    yield row(
        "cli.help.wall", "help of the command line: wall", "ms", figures(samples, lambda cost: cost.wall * 1e3), _NOTE
    )
    yield row(
        "cli.help.cpu", "help of the command line: CPU", "ms", figures(samples, lambda cost: cost.cpu * 1e3), _NOTE
    )
