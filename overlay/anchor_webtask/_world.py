"""The world that clients live in: the system's clock and the network, unless `testing.install` has replaced both.

It is one for the process, and not a context variable, since a new thread would not inherit that.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from anchor_webtask._clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from anchor_webtask._clock import Clock


class World:
    """A clock, and where requests go.

    Attributes:
        clock: The clock of all clients that are made in this world.
        transport: Returns the transport of a client, given the path of its base URL; None for the real network.
        pid: The process that this world belongs to; None for every process.
    """

    __slots__ = ("clock", "pid", "transport")

    def __init__(self, clock: Clock, transport: Callable[[str], httpx.MockTransport] | None = None) -> None:
        self.clock = clock
        self.transport = transport
        self.pid = os.getpid() if transport else None


OTHER_PROCESS: Final = (
    "testing.install() does not reach into other processes: serve the emulator to them, with the pytest fixture "
    "anchor_emulator_server or Emulator.serve()"
)
UNREACHABLE: Final = "http://127.0.0.1:1"
"""The base URL for processes that a test starts inside `testing.install`: nothing listens there."""

current = World(SystemClock())
"""The world in which a client is made now."""
