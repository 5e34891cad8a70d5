"""The sync transport: which of its connections other threads reuse, and how a huge request is cut off."""

from __future__ import annotations

import ssl
from collections import deque
from typing import TYPE_CHECKING, Any, cast

import httpx
import pytest

from anchor_webtask._http.connection import READ_SIZE, Connection, Origin
from anchor_webtask._http.connections import Connections
from anchor_webtask._http.record import DEADLINE
from anchor_webtask._http.transport import Transport

if TYPE_CHECKING:
    from tests.support.clocks import InstantClock

ORIGIN = Origin("http", "127.0.0.1", 80, "127.0.0.1")


class IdleConnection(Connection):
    """A connection whose response is complete."""

    def __init__(self) -> None:
        super().__init__(None, ORIGIN)

    def finish(self) -> bool:
        return True

    def has_surplus(self) -> bool:
        return False


class OtherThread(deque[Any]):
    """A deque from which another thread takes each connection as soon as it is idle."""

    def __init__(self, connections: Connections) -> None:
        super().__init__()
        self._connections = connections

    def append(self, item: Any) -> None:
        super().append(item)
        self._connections.reusable(ORIGIN, [])


def test_connection_that_another_thread_takes_at_once_stays_in_use() -> None:
    """A connection that is not in use would be closed after its response, and not be shut down by `close`."""
    connections = Connections(ssl.create_default_context, lambda: 0.0)
    connections._idle = OtherThread(connections)
    connections.add(connection := IdleConnection())
    assert connections.keep(connection, [connection]) == []
    assert connections.in_use == {connection}


class SlowStream:
    """A network stream that takes a second for each write."""

    def __init__(self, clock: InstantClock) -> None:
        self._clock = clock
        self.sizes: list[int] = []
        self.is_closed = False

    def write(self, data: bytes, timeout: float | None = None) -> None:
        del timeout
        self.sizes.append(len(data))
        self._clock.time += 1

    def close(self) -> None:
        self.is_closed = True


def test_huge_request_to_a_server_that_reads_slowly_ends_at_its_deadline(
    clock: InstantClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The socket's own timeout is no limit: a server may read a byte within each."""
    stream = SlowStream(clock)
    transport = Transport(ssl.create_default_context, clock.now)
    monkeypatch.setattr(
        transport, "_backend", cast("Any", type("Backend", (), {"connect_tcp": lambda *_, **__: stream}))
    )
    request = httpx.Request("POST", "http://127.0.0.1/", content=b"x" * 100 * READ_SIZE)
    request.extensions = {"timeout": {}, DEADLINE: clock.now() + 3.5}
    with pytest.raises(httpx.ReadTimeout):
        transport.handle_request(request)
    assert (len(stream.sizes), max(stream.sizes), stream.is_closed) == (4, READ_SIZE, True)
