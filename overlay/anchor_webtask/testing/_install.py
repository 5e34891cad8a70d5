"""Connects all clients to an emulator, and gives them a virtual clock."""

from __future__ import annotations

import contextlib
import os
import threading
from typing import TYPE_CHECKING, Final

from anchor_webtask import _world
from anchor_webtask._clock import VirtualTimeError
from anchor_webtask._config import BASE_URL_VARIABLE, KEY_VARIABLE
from anchor_webtask.testing._virtual_clock import VirtualClock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anchor_webtask._clock import Clock
    from anchor_webtask.emulator import Emulator

TEST_KEY: Final = "test-key"
IN_USE: Final = "install() is in use already, perhaps by the fixture anchor_emulator: do not nest it"

_lock = threading.Lock()


@contextlib.contextmanager
def install(emulator: Emulator | None = None, *, clock: Clock | None = None) -> Iterator[Emulator]:
    """Connect every client that is made inside this context to an emulator, and give it a virtual clock.

    It concerns all threads and event loops of this process, whatever the arguments of a client are: no request leaves
    the process. A client that was made outside raises an error inside, and the other way round. The environment has an
    API key, and a base URL at which nothing listens, so that processes that the test starts do not reach the real API;
    for those, serve the emulator.

    ::

        with install() as emulator:
            emulator.on(takes=1200, answer={"amount": 3})
            collect_prices()
            assert emulator.starts == 1

    Args:
        emulator: The emulator; by default, a new one.
        clock: The clock; by default the emulator's, or a new `VirtualClock`.

    Yields:
        The emulator.

    Raises:
        RuntimeError: The function is in use already.
        ValueError: The emulator has another clock.
        VirtualTimeError: On leaving: virtual time could not pass, and the code inside has hidden the error.
        ScenarioError: On leaving: a function of a scenario has failed.
        ImportError: The emulator's optional dependencies are not installed.
    """
    from anchor_webtask.emulator import Emulator

    if emulator is None:
        emulator = Emulator()
    if _world.current.transport is not None:
        raise RuntimeError(IN_USE)
    used = emulator.bind(VirtualClock() if clock is None else clock)
    if clock is not None and used is not clock:
        raise ValueError("the emulator has another clock: pass that one, or make a new emulator")
    world = _world.World(used, lambda base_path: emulator.transport(base_path=base_path))
    with _replaced(world, emulator.api_key or TEST_KEY):
        yield emulator
    if isinstance(used, VirtualClock) and used.failure is not None:
        raise VirtualTimeError(used.failure)
    emulator.check()


@contextlib.contextmanager
def _replaced(world: _world.World, api_key: str) -> Iterator[None]:
    """Replace the world and the environment, and restore both."""
    variables = {KEY_VARIABLE: api_key, BASE_URL_VARIABLE: _world.UNREACHABLE}
    values = {name: os.environ.get(name) for name in variables}
    with _lock:
        if _world.current.transport is not None:
            raise RuntimeError(IN_USE)
        before, _world.current = _world.current, world
    try:
        os.environ.update(variables)
        yield
    finally:
        _world.current = before
        for name, value in values.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
