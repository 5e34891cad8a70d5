from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from anchor_webtask.emulator import Emulator
from tests.unit.emulator.support import Api, client_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.clocks import InstantClock


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def emulator(clock: InstantClock) -> Emulator:
    return Emulator(clock=clock)


@pytest.fixture
def api(emulator: Emulator) -> Iterator[Api]:
    with client_of(emulator) as client:
        yield client
