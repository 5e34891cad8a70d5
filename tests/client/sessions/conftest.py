"""Fixtures: an emulator in this process, and a client of it; both use the same virtual time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from anchor_webtask.emulator import Emulator
from anchor_webtask.testing import VirtualClock, install
from tests.support.runners import KEY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.clocks import InstantClock
    from tests.support.runners import Runner


@pytest.fixture
def emulator(clock: InstantClock) -> Emulator:
    """An emulator whose tasks take half a minute."""
    return Emulator(KEY, takes=30, clock=clock)


@pytest.fixture
def anchor(runner: Runner, emulator: Emulator) -> Iterator[Any]:
    """A client that sends its requests to the emulator."""
    with runner.anchor(transport=emulator.transport(), base_url="https://api.example") as made:
        yield made


@pytest.fixture
def held() -> Iterator[Emulator]:
    """An emulator for all clients that the test makes, in exact virtual time."""
    with install(Emulator(takes=30, clock=VirtualClock())) as emulator:
        yield emulator


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """Run an async test in the event loops of asyncio and of trio."""
    return str(request.param)
