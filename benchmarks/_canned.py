"""What is asked in each call, and what is answered: the same for everybody, without I/O and over loopback TCP."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import re
from typing import TYPE_CHECKING, Final, cast

import httpx

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection

KEY: Final = "no-key-of-anybody"
PATH: Final = "/v1/tools/perform-web-task"
PROMPT: Final = "Read the price of the product, and return it in euros"
URL: Final = "https://shop.example/p/1"
TASK_ID: Final = "3f0c9a52-7c55-4b8e-9d0a-5d2b1c6f7e90"

STARTED: Final = b'{"data":{"status":"running","workflow_id":"%b"}}' % TASK_ID.encode()
ANSWERED: Final = b'{"data":{"result":{"amount":3.0}}}'
RUNNING: Final = b'{"data":{"status":"RUNNING"}}'

_JSON: Final = "application/json"
_LENGTH: Final = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


def _answer(method: str, body: bytes) -> bytes:
    if method == "GET":
        return RUNNING
    return STARTED if b'"async"' in body else ANSWERED


def transport() -> httpx.MockTransport:
    """Return what answers without I/O, in either face."""

    def handle(request: httpx.Request) -> httpx.Response:
        content = _answer(request.method, request.content)
        return httpx.Response(200, headers={"Content-Type": _JSON}, content=content)

    return httpx.MockTransport(handle)


@contextlib.contextmanager
def serving() -> Iterator[str]:
    """Serve on loopback while the context lasts, and return where.

    The server is a process of its own, so that its work isn't counted as the client's.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_main, args=(theirs,), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.terminate()
        process.join()


class _Peer(asyncio.Protocol):
    """One connection: HTTP/1.1 as httpx speaks it, without pipelining."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._received = b""

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if not found or len(body) < (int(length[1]) if length else 0):
            return
        self._received = b""
        content = _answer(head.split(b" ", 1)[0].decode(), body)
        lines = f"HTTP/1.1 200 OK\r\nContent-Type: {_JSON}\r\nContent-Length: {len(content)}\r\n\r\n"
        self._transport.write(lines.encode() + content)


async def _serve(pipe: Connection) -> None:
    server = await asyncio.get_running_loop().create_server(_Peer, "127.0.0.1", 0)
    async with server:
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()


def _main(pipe: Connection) -> None:
    asyncio.run(_serve(pipe))
