"""The doors of a stand-in for the API: an httpx transport without I/O, and a server on loopback TCP.

Behind them is a function that answers a method, a path and a body with JSON, always with status 200.
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

Answer: TypeAlias = Callable[[str, str, bytes], bytes]

BACKLOG: Final = 20_000
"""Connections that may come at once; the system's own limit is often less."""

_JSON: Final = "application/json"
_LENGTH: Final = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


def mocked(answer: Answer) -> httpx.MockTransport:
    """Return what answers without I/O, in either face."""

    def handle(request: httpx.Request) -> httpx.Response:
        content = answer(request.method, request.url.path, request.content)
        return httpx.Response(200, headers={"Content-Type": _JSON}, content=content)

    return httpx.MockTransport(handle)


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

    def __init__(self, answer: Answer, latency: float, seen: Seen, is_open: set[_Peer]) -> None:
        self._answer = answer
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
        method, path, _ = head.decode().split(" ", 2)
        self._seen.checks += method == "GET"
        content = self._answer(method, path, body)
        lines = f"HTTP/1.1 200 OK\r\nContent-Type: {_JSON}\r\nContent-Length: {len(content)}\r\n\r\n"
        self._loop.call_later(self._latency, self._transport.write, lines.encode() + content)


async def _serve(pipe: Connection, answer: Answer, latency: float) -> None:
    seen, is_open = Seen(), set[_Peer]()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Peer(answer, latency, seen, is_open), "127.0.0.1", 0, backlog=BACKLOG)
    async with server:
        pipe.send(server.sockets[0].getsockname()[1])
        with contextlib.suppress(EOFError):  # whoever asked is gone
            while True:
                await asyncio.to_thread(pipe.recv)
                pipe.send(seen)


def _main(pipe: Connection, answer: Answer, latency: float) -> None:
    asyncio.run(_serve(pipe, answer, latency))


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
def serving(answer: Answer, latency: float = 0.0) -> Iterator[Server]:
    """Serve while the context lasts, in a process of its own, so that its work isn't counted as the client's.

    Args:
        answer: What answers; that process gets a copy.
        latency: Seconds after which each answer leaves.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_main, args=(theirs, answer, latency), daemon=True)
    process.start()
    theirs.close()  # or nobody would notice that the process has died
    try:
        yield Server(ours)
    finally:
        process.terminate()
        process.join()
