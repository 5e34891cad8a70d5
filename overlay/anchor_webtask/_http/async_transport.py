"""The async transport, for asyncio and trio: one connection for each request in flight, over httpcore's backends.

It replaces httpx's own transport for the same reasons as the sync one.
"""

from __future__ import annotations

import encodings.idna  # noqa: F401  a socket imports it to look up its first host
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import h11
import httpcore
import httpx

from anchor_webtask._http.connection import READ_SIZE, Connection, as_httpx_errors, origin_of
from anchor_webtask._http.connections import Connections, record_of, response_of, ssl_context_of

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from anchor_webtask._http.connection import Origin
    from anchor_webtask._http.record import ExchangeRecord


class _Body(httpx.AsyncByteStream):
    """The body of a response, read from its connection. A generator would have to be finalized by its event loop."""

    def __init__(self, transport: AsyncTransport, connection: Connection, request: httpx.Request) -> None:
        self._transport = transport
        self._connection = connection
        self._request = request

    def __aiter__(self) -> _Body:
        return self

    async def __anext__(self) -> bytes:
        with as_httpx_errors(self._request):
            while (
                type(event := await self._transport._next_event(self._connection, self._request))
                is not h11.EndOfMessage
            ):
                if type(event) is h11.Data:
                    return bytes(event.data)
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """Keep the connection for the next request if the response is complete; otherwise close it."""
        await self._transport._release(self._connection)


class AsyncTransport(Connections, httpx.AsyncBaseTransport):
    """The async transport, for asyncio and trio."""

    def __init__(self, make_ssl_context: Callable[[], ssl.SSLContext], now: Callable[[], float]) -> None:
        super().__init__(make_ssl_context, now)
        self._backend: Any = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, and return the response once its head has arrived."""
        record = record_of(request)
        record.is_kept = True
        with as_httpx_errors(request):
            connection, to_close = self.reusable(origin := origin_of(request.url))
            for each in to_close:
                await _aclose(each.stream)
            if connection is None:
                connection = await self._connect(origin, request)
            try:
                await self._send(connection, request, record)
                while type(event := await self._next_event(connection, request)) is not h11.Response:
                    pass
            except BaseException:
                await self._discard(connection)
                raise
        return response_of(event, connection.stream, _Body(self, connection, request))

    async def _connect(self, origin: Origin, request: httpx.Request) -> Connection:
        if self._backend is None:
            import sniffio

            is_asyncio = sniffio.current_async_library() == "asyncio"
            self._backend = httpcore.AnyIOBackend() if is_asyncio else httpcore.TrioBackend()
        stream: Any = await self._backend.connect_tcp(
            origin.host, origin.port, timeout=self.timeout_of(request, "connect")
        )
        tcp = stream
        try:
            if origin.scheme == "https":
                context, limit = ssl_context_of(self.make_ssl_context), self.timeout_of(request, "connect")
                stream = await stream.start_tls(context, server_hostname=origin.host, timeout=limit)
            connection = Connection(stream, origin)
            self.add(connection)
        except BaseException:
            # httpcore 1.0.9 closes the connection after an error of the handshake, but not after a cancellation.
            await _aclose(tcp)
            raise
        return connection

    async def _send(self, connection: Connection, request: httpx.Request, record: ExchangeRecord) -> None:
        pending = connection.head(request)
        self.check_open()
        record.sent.append(True)
        try:
            async for chunk in request.stream:  # type: ignore[union-attr]  # an async request has an async stream
                await connection.stream.write(
                    pending + connection.body(chunk), timeout=self.timeout_of(request, "write")
                )
                pending = b""
            if pending := pending + connection.end():
                await connection.stream.write(pending, timeout=self.timeout_of(request, "write"))
        except httpcore.WriteError:
            pass  # a server may respond before it has read the request, and close

    async def _next_event(self, connection: Connection, request: httpx.Request) -> h11.Event:
        while (event := connection.next_event()) is None:
            data = await connection.stream.read(READ_SIZE, timeout=self.timeout_of(request, "read"))
            record_of(request).pieces.append(data)
            connection.receive(data)
        return event

    async def _release(self, connection: Connection) -> None:
        if not self.keep(connection):
            await self._discard(connection)

    async def _discard(self, connection: Connection) -> None:
        self.in_use.discard(connection)
        await _aclose(connection.stream)

    async def aclose(self) -> None:
        """Close all connections, and refuse requests that are not sent yet."""
        for connection in self.close_all():
            await _aclose(connection.stream)


async def _aclose(stream: Any) -> None:
    """Close a connection, also while the calling task is cancelled."""
    import anyio

    with anyio.CancelScope(shield=True), suppress(Exception):
        await stream.aclose()
