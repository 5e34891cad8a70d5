"""The benchmarks run without errors, and their budgets are checked. No test depends on the speed of the machine."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchmarks import _budgets
from benchmarks._rows import BARE, OURS, row

if TYPE_CHECKING:
    from benchmarks._rows import Row

ROOT = Path(__file__).parents[2]
CHECK = "check.sync.mock"
NO_ROW = "the row was not measured"


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the benchmarks as `make bench` does, but with the Python environment of the tests."""
    command = [sys.executable, "-m", "benchmarks", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_requests_and_checks_of_sync_and_async_clients_are_compared_with_bare_httpx() -> None:
    process = bench("--only", "request", "check", "--rounds", "1", "--json", "--check")
    assert NO_ROW not in process.stderr
    rows = {each["key"]: each for each in json.loads(process.stdout)["rows"]}
    assert len(rows) == 42
    for each in rows.values():
        assert {OURS, BARE} <= set(each["figures"])
        assert each["ratios"][BARE]["median"] > 0


def test_unknown_benchmark_group_is_refused() -> None:
    process = bench("--only", "speed")
    assert (process.returncode, process.stdout) == (2, "")
    assert "invalid choice: 'speed'" in process.stderr


CHECKS = (CHECK, "check.async.mock", "check.sync.tcp.cpu", "check.async.tcp.cpu")


def measured(*ours: float) -> list[Row]:
    """Return rows with the keys in CHECKS, these figures for this package, and 1 µs for httpx."""
    return [row(key, key, "µs", {OURS: [figure], BARE: [1.0]}) for key, figure in zip(CHECKS, ours, strict=False)]


@pytest.mark.parametrize(
    ("ours", "problems"),
    [(0.8, []), (0.88, [f"{CHECK}: 0.88 times httpx, 10% over the budget of 0.8"])],
)
def test_row_over_its_budget_is_reported(ours: float, problems: list[str]) -> None:
    assert _budgets.problems(measured(ours, 0.5, 0.5, 0.5), {"check"}, has_full=True) == problems


def test_budget_without_a_measured_row_is_reported() -> None:
    assert _budgets.problems(measured(0.5, 0.5, 0.5), {"check"}, has_full=True) == [
        f"{CHECKS[-1]}: budgets.toml has a budget for this row, but {NO_ROW}"
    ]
