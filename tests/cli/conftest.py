"""The emulator and the command line that the tests of a module share."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from anchor_webtask.emulator import Emulator, EmulatorServer
from anchor_webtask.testing import SystemClock
from tests.support.command_line import SCRIPT, CommandLine
from tests.support.runners import KEY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def server() -> Iterator[EmulatorServer]:
    """A server whose tasks end at once, unless their prompt says otherwise."""
    emulator = Emulator(KEY, takes=0, clock=SystemClock())
    emulator.on(prompt="*", answer={"amount": 3})
    emulator.on(prompt="*fail*", fails="there is no price")
    emulator.on(prompt="*slow*", takes=3600)
    emulator.on(prompt="*soon*", takes=0.5)
    emulator.on(prompt="*lost*", start_faults=[502] * 50)
    emulator.on(prompt="*no credit*", start_faults=[402] * 50)
    with emulator.serve() as served:
        yield served


@pytest.fixture
def cli(server: EmulatorServer, tmp_path: Path) -> CommandLine:
    """The installed command line, in an empty folder, with the emulator's address and key."""
    if not SCRIPT.exists():
        pytest.fail(f"{SCRIPT} is not installed: install the extra cli")
    names = ("PATH", "HOME", "LANG", "SYSTEMROOT", "COVERAGE_")
    kept = {name: value for name, value in os.environ.items() if name.startswith(names)}
    variables = {"ANCHORBROWSER_API_KEY": KEY, "ANCHORBROWSER_BASE_URL": server.base_url}
    return CommandLine(tmp_path, kept | variables)
