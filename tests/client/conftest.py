"""Fixtures: an emulator that is served over TCP, and a client of it; both use the same virtual time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from anchor_webtask.emulator import Emulator
from tests.support.runners import KEY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.clocks import InstantClock
    from tests.support.runners import Runner


@pytest.fixture
def emulator(clock: InstantClock) -> Emulator:
    """An emulator that accepts only the API key that the tests' clients send."""
    return Emulator(KEY, clock=clock)


@pytest.fixture
def base_url(emulator: Emulator) -> Iterator[str]:
    """The base URL at which the emulator is served."""
    with emulator.serve() as server:
        yield server.base_url


@pytest.fixture
def anchor(runner: Runner, base_url: str) -> Iterator[Any]:
    """A client that sends its requests to the emulator."""
    with runner.anchor(base_url=base_url) as made:
        yield made
