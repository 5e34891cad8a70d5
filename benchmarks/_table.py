"""Writes the measured rows as text tables."""

from __future__ import annotations

import sys
import textwrap
from typing import TYPE_CHECKING, Final, TextIO

from rich.console import Console
from rich.padding import Padding
from rich.table import Table

from benchmarks import _machine
from benchmarks._rows import BARE, OFFICIAL, OURS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from benchmarks._rows import Row, Summary

WIDTH: Final = 120
"""The width of the table in characters, where the output is not a terminal."""

_MISSING: Final = "-"


def write(groups: Mapping[str, Sequence[Row]], file: TextIO = sys.stdout) -> None:
    """Write a line about the machine and its noise, and then a table for each group."""
    console = Console(file=file, highlight=False, width=None if file.isatty() else WIDTH)
    facts = _machine.facts()
    versions = ", ".join(f"{name} {facts[name]}" for name in ("httpx", "anchorbrowser") if facts[name])
    noise = _machine.noise([row for rows in groups.values() for row in rows])
    precision = "each row measured once" if noise is None else f"noise ±{noise:.1%} (the median of all spreads)"
    console.print(f"{facts['cpus']} CPUs, {facts['system']}, Python {facts['python']}; {versions}; {precision}")
    for title, rows in groups.items():
        notes = list(dict.fromkeys(row.note for row in rows if row.note))
        console.print()
        console.print(_table(title, rows, notes))
        for number, note in enumerate(notes, 1):
            console.print(Padding(f"{number}  {note}", (0, 0, 0, 2), expand=False))


def _table(title: str, rows: Sequence[Row], notes: Sequence[str]) -> Table:
    columns = _in_order(name for row in rows for name in row.figures)
    compared = [name for name in columns if name != OFFICIAL and any(name in row.ratios for row in rows)]
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, expand=False)
    table.add_column("measured")  # only this column wraps if the table is too wide
    table.add_column("unit", no_wrap=True)
    for name in columns:
        table.add_column(_header(name), justify="right", no_wrap=True)
    for name in compared:
        table.add_column(f"ours/\n{_header(name)}", justify="right", no_wrap=True, style="bold")
    has_official = OFFICIAL in columns
    if has_official:
        table.add_column(f"official/\n{BARE}", justify="right", no_wrap=True)
    table.add_column("spread", justify="right", no_wrap=True)
    table.add_column("note", justify="right", no_wrap=True)
    for row in rows:
        figures = [_number(row.figures.get(name)) for name in columns]
        ratios = [_ratio(row.ratios.get(name)) for name in compared]
        official = [_official(row)] if has_official else []
        note = str(notes.index(row.note) + 1) if row.note else ""
        table.add_row(row.label, row.unit, *figures, *ratios, *official, _spread(row, compared), note)
    return table


def _header(name: str) -> str:
    """Return the name of a column in short lines, since the column of the labels must share the width with many."""
    return textwrap.fill(name, 9, break_long_words=False)


def _in_order(names: Iterable[str]) -> list[str]:
    unique = dict.fromkeys(names)
    return (
        [name for name in (OURS, BARE) if name in unique]
        + [name for name in unique if name not in {OURS, BARE, OFFICIAL}]
        + ([OFFICIAL] if OFFICIAL in unique else [])
    )


def _number(summary: Summary | None) -> str:
    if summary is None:
        return _MISSING
    digits = next((digits for digits, minimum in enumerate((100, 10, 1)) if abs(summary.median) >= minimum), 3)
    return f"{summary.median:,.{digits}f}"


def _ratio(summary: Summary | None) -> str:
    return _MISSING if summary is None else f"{summary.median:.2f}"


def _official(row: Row) -> str:
    official, bare = row.figures.get(OFFICIAL), row.figures.get(BARE)
    return f"{official.median / bare.median:.2f}" if official and bare and bare.median else _MISSING


def _spread(row: Row, compared: Sequence[str]) -> str:
    """Return the spread of the row's first ratio, or of its first figure if the row has no ratio."""
    summaries = [row.ratios.get(name) for name in compared] + list(row.figures.values())
    measured = next((summary for summary in summaries if summary), None)
    return f"±{measured.spread:.1%}" if measured and measured.samples > 1 else _MISSING
