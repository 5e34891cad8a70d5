"""The fixtures of the test kit. pytest loads this module in every project, so it imports no more than it must."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anchor_webtask.emulator import Emulator, EmulatorServer
    from anchor_webtask.testing import VirtualClock


@pytest.fixture
def anchor_clock() -> VirtualClock:
    """The virtual clock of `anchor_emulator`."""
    from anchor_webtask.testing import VirtualClock

    return VirtualClock()


@pytest.fixture
def anchor_emulator(anchor_clock: VirtualClock) -> Iterator[Emulator]:
    """An emulator that receives the requests of every client that the test makes; its tasks take virtual time."""
    from anchor_webtask.testing import install

    with install(clock=anchor_clock) as emulator:
        yield emulator


@pytest.fixture
def anchor_emulator_server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[EmulatorServer]:
    """A server of an emulator on a loopback address, in real time, for other processes.

    The environment has its base URL and a key, so that the processes that the test starts find it.
    """
    from anchor_webtask._config import BASE_URL_VARIABLE, KEY_VARIABLE
    from anchor_webtask.emulator import Emulator
    from anchor_webtask.testing import SystemClock
    from anchor_webtask.testing._install import TEST_KEY

    if "anchor_emulator" in request.fixturenames:
        request.getfixturevalue("anchor_emulator")  # it sets the same variables, and must do so first
    with Emulator(clock=SystemClock()).serve() as server:
        monkeypatch.setenv(BASE_URL_VARIABLE, server.base_url)
        monkeypatch.setenv(KEY_VARIABLE, TEST_KEY)
        yield server
