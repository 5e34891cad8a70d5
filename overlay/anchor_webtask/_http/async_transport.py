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
from anchor_webtask._signals import reraise_from_handler

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
        await self._transport._release(self._connection, record_of(self._request))


class _Pieces:
    """The pieces of a complete body. httpx's async generator of them would be left suspended by a cancellation."""

    def __init__(self, body: httpx.ByteStream) -> None:
        self._pieces = iter(body)

    def __aiter__(self) -> _Pieces:
        return self

    async def __anext__(self) -> bytes:
        for piece in self._pieces:
            return piece
        raise StopAsyncIteration


class AsyncTransport(Connections, httpx.AsyncBaseTransport):
    """The async transport, for asyncio and trio."""

    def __init__(self, make_ssl_context: Callable[[], ssl.SSLContext], now: Callable[[], float]) -> None:
        super().__init__(make_ssl_context, now)
        self._backend: Any = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, and return the response once its head has arrived."""
        record = record_of(request)
        try:
            with as_httpx_errors(request):
                connection = await self._take(origin_of(request), request, record.taken)
                await self._send(connection, request, record)
                while type(event := await self._next_event(connection, request)) is not h11.Response:
                    pass
                return response_of(event, connection.stream, _Body(self, connection, request))
        except BaseException:
            await self.abandon(record)
            raise

    async def _take(self, origin: Origin, request: httpx.Request, taken: list[Connection]) -> Connection:
        """Return an idle connection, or a new one; `taken` receives all connections to close if anything fails."""
        connection = self.reusable(origin, taken)
        await _aclose([each.stream for each in taken if each is not connection])
        return connection or await self._connect(origin, request, taken)

    async def _connect(self, origin: Origin, request: httpx.Request, taken: list[Connection]) -> Connection:
        if self._backend is None:
            import sniffio

            is_asyncio = sniffio.current_async_library() == "asyncio"
            self._backend = httpcore.AnyIOBackend() if is_asyncio else httpcore.TrioBackend()
        stream: Any = None
        tcp: Any = None
        try:
            limit = self.timeout_of(request, "connect")
            stream = tcp = await self._backend.connect_tcp(origin.host, origin.port, timeout=limit)
            if origin.scheme == "https":
                context, limit = ssl_context_of(self.make_ssl_context), self.timeout_of(request, "connect")
                stream = await stream.start_tls(context, server_hostname=origin.server_name, timeout=limit)
            connection = Connection(stream, origin)
            taken.append(connection)
            self.add(connection)
        except BaseException:
            # httpcore 1.0.9 closes the connection after an error of the handshake, but not after a cancellation.
            await _aclose([] if tcp is None else [tcp])
            raise
        return connection

    async def _send(self, connection: Connection, request: httpx.Request, record: ExchangeRecord) -> None:
        pending = connection.head(request)
        stream: Any = request.stream
        if record.before_sending is not None:
            await record.before_sending()
            connection.check_alive()
        self.check_open()
        record.sent.append(True)
        try:
            async for chunk in _Pieces(stream) if isinstance(stream, httpx.ByteStream) else stream:
                await connection.stream.write(
                    pending + connection.body(chunk), timeout=self.timeout_of(request, "write")
                )
                pending = b""
            if pending := pending + connection.end():
                await connection.stream.write(pending, timeout=self.timeout_of(request, "write"))
        except httpcore.WriteError as error:
            reraise_from_handler(error)  # otherwise, a server may respond before it has read the request, and close

    async def _next_event(self, connection: Connection, request: httpx.Request) -> h11.Event:
        while (event := connection.next_event()) is None:
            pieces = record_of(request).pieces
            pieces.append(await connection.stream.read(READ_SIZE, timeout=self.timeout_of(request, "read")))
            connection.receive(pieces[-1])
        return event

    async def _release(self, connection: Connection, record: ExchangeRecord) -> None:
        await self._discard(self.keep(connection, record.taken))

    async def abandon(self, record: ExchangeRecord) -> None:
        """Close the connections of an exchange that was interrupted; bytes that wait to be read have arrived too."""
        for each in record.taken:
            record.pieces.extend(each.queued_bytes())
        await self._discard(record.taken)

    async def _discard(self, connections: list[Connection]) -> None:
        self.in_use.difference_update(connections)
        await _aclose([each.stream for each in connections])

    async def aclose(self) -> None:
        """Close all connections, and refuse requests that are not sent yet."""
        await _aclose(self.streams())

    def streams(self) -> list[Any]:
        """Refuse requests that are not sent yet, and return the network streams of all connections."""
        return [each.stream for each in self.close_all()]


async def _aclose(streams: list[Any]) -> None:
    """Close connections, also while the calling task is cancelled, and if it is cancelled meanwhile."""
    if not streams:
        return
    import anyio

    interruption: BaseException | None = None
    for stream in streams:
        try:
            # The scope does not hold off asyncio's own `task.cancel()`.
            with anyio.CancelScope(shield=True), suppress(Exception):
                await stream.aclose()
        except BaseException as raised:  # noqa: BLE001  the other connections are closed first
            interruption = raised
    if interruption is not None:
        raise interruption
