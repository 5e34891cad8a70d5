"""Compares what was measured with the budgets."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks._rows import BARE, OURS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from benchmarks._rows import Row

FILE: Final = Path(__file__).with_name("budgets.toml")


def problems(rows: Sequence[Row], groups: Collection[str], *, has_full: bool) -> list[str]:
    """Say what is over its budget, and which budget has no row.

    Args:
        rows: What was measured.
        groups: The groups that were asked for; the others' budgets don't count.
        has_full: Whether there was a whole spec; without one, budgets of rows on it don't count.
    """
    budgets = tomllib.loads(FILE.read_text(encoding="utf-8"))
    by_key = {row.key: row for row in rows}

    def asked(budgets: dict[str, float]) -> Iterator[tuple[str, float]]:
        for key, budget in budgets.items():
            parts = key.split(".")
            if parts[0] in groups and (has_full or "full" not in parts):
                yield key, budget

    found = [_problem(by_key.get(key), key, "ratios", BARE, most) for key, most in asked(budgets["ratios"])]
    found += [_problem(by_key.get(key), key, "figures", OURS, most) for key, most in asked(budgets["figures"])]
    return [problem for problem in found if problem]


def _problem(row: Row | None, key: str, kind: str, subject: str, most: float) -> str | None:
    if row is None:
        return f"{key}: there is a budget and no row"
    measured = {"ratios": row.ratios, "figures": row.figures}[kind].get(subject)
    if measured is None:
        return f"{key}: there is a budget, and the row has nothing for {subject} in its {kind}"
    if measured.median <= most:
        return None
    unit = f"times {subject}" if kind == "ratios" else row.unit
    over = measured.median / most - 1
    return f"{key}: {measured.median:.2f} {unit}, and the budget is {most:g}: {over:.0%} over"
