"""The stand-in on loopback TCP, in a process of its own, so that its work isn't counted as the client's."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from benchmarks._service import Service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection

BACKLOG: Final = 20_000
"""Connections that may come at once; the system's own limit is often less."""

_LENGTH: Final = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


@dataclass
class Seen:
    """What the server saw.

    Attributes:
        checks: How many status checks.
        connections: How many connections in all,
        most: and how many of them were open at once.
    """

    checks: int = 0
    connections: int = 0
    most: int = 0


class _Peer(asyncio.Protocol):
    """One connection: HTTP/1.1 as httpx speaks it, without pipelining."""

    def __init__(self, service: Service, latency: float, seen: Seen, is_open: set[_Peer]) -> None:
        self._service = service
        self._latency = latency
        self._seen = seen
        self._open = is_open
        self._received = b""
        self._loop = asyncio.get_running_loop()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._open.add(self)
        self._seen.connections += 1
        self._seen.most = max(self._seen.most, len(self._open))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  the interface has it
        self._open.discard(self)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if not found or len(body) < (int(length[1]) if length else 0):
            return
        self._received = b""
        method, path, _ = head.split(b" ", 2)
        answer = self._service.answer(method.decode(), path.decode(), body)
        fields = b"Content-Type: application/json\r\nContent-Length: %d" % len(answer)
        self._loop.call_later(
            self._latency, self._transport.write, b"HTTP/1.1 200 OK\r\n%b\r\n\r\n%b" % (fields, answer)
        )


async def _serve(pipe: Connection, latency: float) -> None:
    seen, is_open = Seen(), set[_Peer]()
    service = Service(time.monotonic)  # one clock for all processes of a machine, so the client can read it as well
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Peer(service, latency, seen, is_open), "127.0.0.1", 0, backlog=BACKLOG)
    async with server:
        pipe.send(server.sockets[0].getsockname()[1])
        with contextlib.suppress(EOFError):  # whoever asked is gone
            while True:
                await asyncio.to_thread(pipe.recv)
                seen.checks = service.checks
                pipe.send(seen)


def _main(pipe: Connection, latency: float) -> None:
    asyncio.run(_serve(pipe, latency))


class Server:
    """A server that runs; `url` is where."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self.url: Final = f"http://127.0.0.1:{pipe.recv()}"

    def seen(self) -> Seen:
        """Return what it has seen so far."""
        self._pipe.send(None)
        seen: Seen = self._pipe.recv()
        return seen


@contextlib.contextmanager
def serving(latency: float) -> Iterator[Server]:
    """Serve while the context lasts; each answer leaves so many seconds after its request has come."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_main, args=(theirs, latency), daemon=True)
    process.start()
    theirs.close()  # or nobody would notice that the process has died
    try:
        yield Server(ours)
    finally:
        process.terminate()
        process.join()
