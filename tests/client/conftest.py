"""Fixtures: the emulator over TCP, in virtual time that it shares with the client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from anchor_webtask.emulator import Emulator
from tests.support.runners import KEY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.clocks import VirtualClock
    from tests.support.runners import Runner


@pytest.fixture
def emulator(clock: VirtualClock) -> Emulator:
    """An emulator that accepts only the key of the runners' clients."""
    return Emulator(KEY, clock=clock)


@pytest.fixture
def base_url(emulator: Emulator) -> Iterator[str]:
    """The URL of the running emulator."""
    with emulator.serve() as server:
        yield server.base_url


@pytest.fixture
def anchor(runner: Runner, base_url: str) -> Iterator[Any]:
    """A client of the emulator."""
    with runner.anchor(base_url=base_url) as made:
        yield made
