"""Our httpx transports, sync and async: one connection for each request in flight, over httpcore's network backends.

They replace httpx's own transports, whose pool hides bytes that follow a response, costs more than the request, and
takes a lock that an interruption can leave locked for ever. Here idle connections wait in a deque, whose operations are
atomic, so threads share a transport without a lock. The connection used last is reused first, since the server is the
least likely to have closed it. An interruption closes the connection of its request, and no other.
"""

from __future__ import annotations

import ssl
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import h11
import httpcore
import httpx

from anchor_webtask._http.connection import READ_SIZE, Connection, as_httpx_errors, origin_of
from anchor_webtask._http.record import RECORD, REMAINING, ExchangeRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from anchor_webtask._http.connection import Origin

MAX_IDLE_SECONDS: Final = 5.0
"""Seconds after which an idle connection is closed; servers close it about then too."""
_CLOSED: Final = "the client was closed"


class _Connections:
    """The connections of one transport: those in use, and those that wait for the next request."""

    def __init__(self, make_ssl_context: Callable[[], ssl.SSLContext], now: Callable[[], float]) -> None:
        self._make_ssl_context = make_ssl_context
        self._now = now
        self._in_use: set[Connection] = set()
        self._idle: deque[tuple[float, Connection]] = deque()
        self._is_closed = False

    def _reusable(self, origin: Origin) -> tuple[Connection | None, list[Connection]]:
        """Return an idle connection to an origin, and those that must be closed."""
        to_close = []
        with suppress(IndexError):
            while self._idle[0][0] < self._now() - MAX_IDLE_SECONDS:
                to_close.append(self._idle.popleft()[1])
        with suppress(IndexError):
            while True:
                connection = self._idle.pop()[1]
                if connection.origin == origin and not connection.has_surplus():
                    self._in_use.add(connection)
                    return connection, to_close
                to_close.append(connection)
        return None, to_close

    def _add(self, connection: Connection) -> None:
        self._in_use.add(connection)
        self._check_open()

    def _check_open(self) -> None:
        if self._is_closed:
            raise httpx.ConnectError(_CLOSED)

    def _keep(self, connection: Connection) -> bool:
        """Keep a connection for the next request; return False if it must be closed."""
        if self._is_closed or connection not in self._in_use or not connection.finish():
            return False
        self._idle.append((self._now(), connection))
        self._in_use.discard(connection)
        return True

    def _all(self) -> list[Connection]:
        self._is_closed = True
        return [*self._in_use.copy(), *(connection for _, connection in self._idle.copy())]


def _timeout(request: httpx.Request, kind: str) -> float | None:
    """Return the seconds that the next operation may take: its own timeout, or what is left for the request if less."""
    limit: float | None = request.extensions.get("timeout", {}).get(kind)
    remaining = request.extensions.get(REMAINING)
    if remaining is None:
        return limit
    left: float = remaining()
    return left if limit is None else min(limit, left)


def _record(request: httpx.Request) -> ExchangeRecord:
    record: ExchangeRecord | None = request.extensions.get(RECORD)
    return ExchangeRecord() if record is None else record


def _response(event: h11.Response, stream: Any, body: httpx.SyncByteStream | httpx.AsyncByteStream) -> httpx.Response:
    return httpx.Response(
        event.status_code,
        headers=event.headers.raw_items(),
        stream=body,
        extensions={
            "http_version": b"HTTP/" + event.http_version,
            "reason_phrase": event.reason,
            "network_stream": stream,
        },
    )


def _receive(stream: Any, record: ExchangeRecord, timeout: float | None) -> None:
    """Receive bytes into a record; httpcore's own `read` would lose them if a signal arrives as it returns.

    Raises:
        httpcore.ReadTimeout: Nothing arrived in time.
        httpcore.ReadError: The connection is broken.
    """
    sock = stream.get_extra_info("socket")
    try:
        sock.settimeout(timeout)
        if not isinstance(sock, ssl.SSLSocket):
            record.pieces.extend(map(sock.recv, (READ_SIZE,)))  # a single operation for the interpreter
            return
        # A TLS socket's method is Python code, in which a signal's exception can be raised after the bytes arrived.
        record.buffer = bytearray(READ_SIZE)
        size = sock.recv_into(record.buffer)
        record.pieces.append(bytes(record.buffer[:size]))
        record.buffer = bytearray()
    except TimeoutError as error:
        raise httpcore.ReadTimeout(str(error)) from error
    except OSError as error:
        raise httpcore.ReadError(str(error)) from error


class _Body(httpx.SyncByteStream):
    """The body of a response, read from its connection."""

    def __init__(self, transport: Transport, connection: Connection, request: httpx.Request) -> None:
        self._transport = transport
        self._connection = connection
        self._request = request

    def __iter__(self) -> Iterator[bytes]:
        with as_httpx_errors(self._request):
            while type(event := self._transport._next_event(self._connection, self._request)) is not h11.EndOfMessage:
                if type(event) is h11.Data:
                    yield bytes(event.data)

    def close(self) -> None:
        """Keep the connection for the next request if the response is complete; otherwise close it."""
        self._transport._release(self._connection)


class Transport(_Connections, httpx.BaseTransport):
    """The sync transport; threads may share it."""

    def __init__(self, make_ssl_context: Callable[[], ssl.SSLContext], now: Callable[[], float]) -> None:
        super().__init__(make_ssl_context, now)
        self._backend = httpcore.SyncBackend()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, and return the response once its head has arrived."""
        record = _record(request)
        record.is_kept = True
        with as_httpx_errors(request):
            connection, to_close = self._reusable(origin := origin_of(request.url))
            for each in to_close:
                each.stream.close()
            if connection is None:
                connection = self._connect(origin, request)
            try:
                self._send(connection, request, record)
                while type(event := self._next_event(connection, request)) is not h11.Response:
                    pass
            except BaseException:
                self._discard(connection)
                raise
        return _response(event, connection.stream, _Body(self, connection, request))

    def _connect(self, origin: Origin, request: httpx.Request) -> Connection:
        stream: Any = self._backend.connect_tcp(origin.host, origin.port, timeout=_timeout(request, "connect"))
        try:
            if origin.scheme == "https":
                context, limit = self._make_ssl_context(), _timeout(request, "connect")
                stream = stream.start_tls(context, server_hostname=origin.host, timeout=limit)
            connection = Connection(stream, origin)
            self._add(connection)
        except BaseException:
            stream.close()
            raise
        return connection

    def _send(self, connection: Connection, request: httpx.Request, record: ExchangeRecord) -> None:
        pending = connection.head(request)
        self._check_open()
        record.sent.append(True)
        try:
            for chunk in request.stream:  # type: ignore[union-attr]  # a sync request has a sync stream
                connection.stream.write(pending + connection.body(chunk), timeout=_timeout(request, "write"))
                pending = b""
            if pending := pending + connection.end():
                connection.stream.write(pending, timeout=_timeout(request, "write"))
        except httpcore.WriteError:
            pass  # a server may respond before it has read the request, and close

    def _next_event(self, connection: Connection, request: httpx.Request) -> h11.Event:
        while (event := connection.next_event()) is None:
            record = _record(request)
            before = len(record.pieces)
            _receive(connection.stream, record, _timeout(request, "read"))
            connection.receive(b"".join(record.pieces[before:]))
        return event

    def _release(self, connection: Connection) -> None:
        if not self._keep(connection):
            self._discard(connection)

    def _discard(self, connection: Connection) -> None:
        self._in_use.discard(connection)
        connection.stream.close()

    def close(self) -> None:
        """Close all connections, and refuse requests that are not sent yet."""
        for connection in self._all():
            connection.stream.close()


class _AsyncBody(httpx.AsyncByteStream):
    """The body of a response, read from its connection. A generator would have to be finalized by its event loop."""

    def __init__(self, transport: AsyncTransport, connection: Connection, request: httpx.Request) -> None:
        self._transport = transport
        self._connection = connection
        self._request = request

    def __aiter__(self) -> _AsyncBody:
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


class AsyncTransport(_Connections, httpx.AsyncBaseTransport):
    """The async transport, for asyncio and trio."""

    def __init__(self, make_ssl_context: Callable[[], ssl.SSLContext], now: Callable[[], float]) -> None:
        super().__init__(make_ssl_context, now)
        self._backend: Any = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, and return the response once its head has arrived."""
        record = _record(request)
        record.is_kept = True
        with as_httpx_errors(request):
            connection, to_close = self._reusable(origin := origin_of(request.url))
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
        return _response(event, connection.stream, _AsyncBody(self, connection, request))

    async def _connect(self, origin: Origin, request: httpx.Request) -> Connection:
        if self._backend is None:
            import sniffio

            is_asyncio = sniffio.current_async_library() == "asyncio"
            self._backend = httpcore.AnyIOBackend() if is_asyncio else httpcore.TrioBackend()
        stream: Any = await self._backend.connect_tcp(origin.host, origin.port, timeout=_timeout(request, "connect"))
        tcp = stream
        try:
            if origin.scheme == "https":
                context, limit = self._make_ssl_context(), _timeout(request, "connect")
                stream = await stream.start_tls(context, server_hostname=origin.host, timeout=limit)
            connection = Connection(stream, origin)
            self._add(connection)
        except BaseException:
            # httpcore 1.0.9 closes the connection after an error of the handshake, but not after a cancellation.
            await _aclose(tcp)
            raise
        return connection

    async def _send(self, connection: Connection, request: httpx.Request, record: ExchangeRecord) -> None:
        pending = connection.head(request)
        self._check_open()
        record.sent.append(True)
        try:
            async for chunk in request.stream:  # type: ignore[union-attr]  # an async request has an async stream
                await connection.stream.write(pending + connection.body(chunk), timeout=_timeout(request, "write"))
                pending = b""
            if pending := pending + connection.end():
                await connection.stream.write(pending, timeout=_timeout(request, "write"))
        except httpcore.WriteError:
            pass  # a server may respond before it has read the request, and close

    async def _next_event(self, connection: Connection, request: httpx.Request) -> h11.Event:
        while (event := connection.next_event()) is None:
            data = await connection.stream.read(READ_SIZE, timeout=_timeout(request, "read"))
            _record(request).pieces.append(data)
            connection.receive(data)
        return event

    async def _release(self, connection: Connection) -> None:
        if not self._keep(connection):
            await self._discard(connection)

    async def _discard(self, connection: Connection) -> None:
        self._in_use.discard(connection)
        await _aclose(connection.stream)

    async def aclose(self) -> None:
        """Close all connections, and refuse requests that are not sent yet."""
        for connection in self._all():
            await _aclose(connection.stream)


async def _aclose(stream: Any) -> None:
    """Close a connection, also while the calling task is cancelled."""
    import anyio

    with anyio.CancelScope(shield=True), suppress(Exception):
        await stream.aclose()
