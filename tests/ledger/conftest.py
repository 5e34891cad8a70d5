"""Fixtures: a ledger in a temporary folder, and the tasks of a client of the emulator in virtual time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from anchor_webtask import Ledger
from tests.support.many import FEW_CHECKS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from anchor_webtask.emulator import Emulator
    from tests.support.runners import Runner


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The path of a ledger that does not exist yet."""
    return tmp_path / "prices.ledger"


@pytest.fixture
def ledger(path: Path) -> Iterator[Ledger]:
    """The same ledger, for questions and decisions."""
    with Ledger(path) as opened:
        yield opened


@pytest.fixture
def tasks(anchor_emulator: Emulator, runner: Runner) -> Iterator[Any]:
    """The tasks of a client of the emulator, whose waits make few checks."""
    assert anchor_emulator.starts == 0
    with runner.anchor(wait=FEW_CHECKS) as anchor:
        yield anchor.tasks
