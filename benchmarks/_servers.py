"""Two ways to serve the responses of a function to clients: an httpx transport without I/O, and a loopback TCP server.

The function receives a method, a path and a body, and returns the JSON of the response. The status is always 200.
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias, cast

import httpx

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection

Respond: TypeAlias = Callable[[str, str, bytes], bytes]
"""Receives the method, path and body of a request; returns the body of the response."""

BACKLOG: Final = 20_000
"""Connections that may wait to be accepted; the system's own limit is often lower."""

_JSON: Final = "application/json"
_LENGTH: Final = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


def mock_transport(respond: Respond) -> httpx.MockTransport:
    """Return a transport without I/O, for sync and async clients."""

    def handle(request: httpx.Request) -> httpx.Response:
        content = respond(request.method, request.url.path, request.content)
        return httpx.Response(200, headers={"Content-Type": _JSON}, content=content)

    return httpx.MockTransport(handle)


@dataclass
class ServerCounts:
    """The numbers of status checks and connections that a server has counted.

    Attributes:
        checks: The number of status checks.
        connections: The number of connections in total.
        max_open: The largest number of connections that were open at the same time.
    """

    checks: int = 0
    connections: int = 0
    max_open: int = 0


class _Connection(asyncio.Protocol):
    """One connection of the server. It supports the HTTP/1.1 that httpx sends, without pipelining."""

    def __init__(
        self, respond: Respond, latency: float, counts: ServerCounts, open_connections: set[_Connection]
    ) -> None:
        self._respond = respond
        self._latency = latency
        self._counts = counts
        self._open = open_connections
        self._received = b""
        self._loop = asyncio.get_running_loop()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._open.add(self)
        self._counts.connections += 1
        self._counts.max_open = max(self._counts.max_open, len(self._open))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  required by asyncio.Protocol
        self._open.discard(self)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, separator, body = self._received.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if not separator or len(body) < (int(length[1]) if length else 0):
            return
        self._received = b""
        method, path, _ = head.decode().split(" ", 2)
        self._counts.checks += method == "GET"
        content = self._respond(method, path, body)
        lines = f"HTTP/1.1 200 OK\r\nContent-Type: {_JSON}\r\nContent-Length: {len(content)}\r\n\r\n"
        self._loop.call_later(self._latency, self._transport.write, lines.encode() + content)


async def _serve(pipe: Connection, respond: Respond, latency: float) -> None:
    counts, open_connections = ServerCounts(), set[_Connection]()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: _Connection(respond, latency, counts, open_connections), "127.0.0.1", 0, backlog=BACKLOG
    )
    async with server:
        pipe.send(server.sockets[0].getsockname()[1])
        with contextlib.suppress(EOFError):  # EOFError means that the client's process has ended
            while True:
                await asyncio.to_thread(pipe.recv)
                pipe.send(counts)


def _main(pipe: Connection, respond: Respond, latency: float) -> None:
    asyncio.run(_serve(pipe, respond, latency))


class Server:
    """A running server in another process. Its base URL is `url`."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self.url: Final = f"http://127.0.0.1:{pipe.recv()}"

    def counts(self) -> ServerCounts:
        """Return the counts of the server up to now."""
        self._pipe.send(None)
        counts: ServerCounts = self._pipe.recv()
        return counts


@contextlib.contextmanager
def serving(respond: Respond, latency: float = 0.0) -> Iterator[Server]:
    """Run a server while the context lasts.

    The server runs in a separate process, so that its CPU time is not counted as CPU time of the clients.

    Args:
        respond: The function that returns the responses. The server's process receives a copy.
        latency: Seconds between a complete request and its response.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_main, args=(theirs, respond, latency), daemon=True)
    process.start()
    theirs.close()  # otherwise, if the server's process died, a read from `ours` would never end
    try:
        yield Server(ours)
    finally:
        process.terminate()
        process.join()
