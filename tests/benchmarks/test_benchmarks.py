"""The benchmarks run, and have the rows that there are budgets for; how fast anything is, no test says."""

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


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the program as `make bench` does, in this environment."""
    command = [sys.executable, "-m", "benchmarks", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_each_request_is_measured_in_both_faces_against_bare_httpx() -> None:
    ran = bench("--only", "request", "check", "--rounds", "1", "--json", "--check")
    assert "there is a budget and no row" not in ran.stderr
    rows = {each["key"]: each for each in json.loads(ran.stdout)["rows"]}
    assert len(rows) == 30
    for each in rows.values():
        assert {OURS, BARE} <= set(each["figures"])
        assert each["ratios"][BARE]["median"] > 0


def test_a_group_that_is_none_is_refused() -> None:
    ran = bench("--only", "speed")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "invalid choice: 'speed'" in ran.stderr


CHECKS = (CHECK, "check.async.mock", "check.sync.tcp.cpu", "check.async.tcp.cpu")


def measured(*ours: float) -> list[Row]:
    """Return rows of the group `check`, as far as there are figures."""
    return [row(key, key, "µs", {OURS: [took], BARE: [1.0]}) for key, took in zip(CHECKS, ours, strict=False)]


@pytest.mark.parametrize(
    ("ours", "problems"),
    [(0.8, []), (0.88, [f"{CHECK}: 0.88 times httpx, and the budget is 0.8: 10% over"])],
)
def test_what_is_over_its_budget_is_named(ours: float, problems: list[str]) -> None:
    assert _budgets.problems(measured(ours, 0.5, 0.5, 0.5), {"check"}, has_full=True) == problems


def test_a_budget_without_its_row_is_named() -> None:
    assert _budgets.problems(measured(0.5, 0.5, 0.5), {"check"}, has_full=True) == [
        f"{CHECKS[-1]}: there is a budget and no row"
    ]
