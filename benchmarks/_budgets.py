"""Compares the measured rows with their budgets (upper bounds) in budgets.toml."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks._rows import BARE, BARE_TYPER, NO_LEDGER, NO_LOGGING, ONE_AT_A_TIME, OURS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from benchmarks._rows import Row

FILE: Final = Path(__file__).with_name("budgets.toml")
SECTIONS: Final = {
    "ratios": ("ratios", BARE),
    "ratios_to_no_logging": ("ratios", NO_LOGGING),
    "ratios_to_no_ledger": ("ratios", NO_LEDGER),
    "ratios_to_one_at_a_time": ("ratios", ONE_AT_A_TIME),
    "ratios_to_bare_typer": ("ratios", BARE_TYPER),
    "figures": ("figures", OURS),
}
"""For each section of budgets.toml: whether it has ratios or figures of a row, and to which column they belong."""


def problems(rows: Sequence[Row], groups: Collection[str], *, has_full: bool) -> list[str]:
    """Return a message for each row that is over its budget, and for each budget without a row.

    Args:
        rows: The measured rows.
        groups: The groups that were measured. Budgets of other groups are ignored.
        has_full: Whether there was a complete spec. If not, budgets of the rows that need it are ignored.
    """
    budgets = tomllib.loads(FILE.read_text(encoding="utf-8"))
    by_key = {row.key: row for row in rows}

    def applicable(budgets: dict[str, float]) -> Iterator[tuple[str, float]]:
        for key, budget in budgets.items():
            parts = key.split(".")
            if parts[0] in groups and (has_full or "full" not in parts):
                yield key, budget

    results = [
        _problem(by_key.get(key), key, section, limit)
        for section in SECTIONS
        for key, limit in applicable(budgets[section])
    ]
    return [problem for problem in results if problem]


def _problem(row: Row | None, key: str, section: str, limit: float) -> str | None:
    kind, column = SECTIONS[section]
    if row is None:
        return f"{key}: {FILE.name} has a budget for this row, but the row was not measured"
    measured = {"ratios": row.ratios, "figures": row.figures}[kind].get(column)
    if measured is None:
        return f"{key}: {FILE.name} has a budget under [{section}], but the {kind} of the row do not include {column}"
    if measured.median <= limit:
        return None
    unit = f"times {column}" if kind == "ratios" else row.unit
    excess = measured.median / limit - 1
    return f"{key}: {measured.median:.2f} {unit}, {excess:.0%} over the budget of {limit:g}"
