"""The sync transport: one connection for each request in flight, over httpcore's network backend.

It replaces httpx's own transport, whose pool hides bytes that follow a response, costs more than the request, and
takes a lock that an interruption can leave locked forever. Here an interruption closes the connection of its request,
and no other.
"""

from __future__ import annotations

import encodings.idna  # noqa: F401  a socket imports it to look up its first host
import socket
import ssl
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import h11
import httpcore
import httpx

from anchor_webtask._http.connection import READ_SIZE, Connection, as_httpx_errors, origin_of
from anchor_webtask._http.connections import Connections, record_of, response_of, ssl_context_of
from anchor_webtask._signals import reraise_from_handler

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from anchor_webtask._http.connection import Origin
    from anchor_webtask._http.record import ExchangeRecord


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
        self._transport._release(self._connection, record_of(self._request))


class Transport(Connections, httpx.BaseTransport):
    """The sync transport; threads may share it."""

    def __init__(self, make_ssl_context: Callable[[], ssl.SSLContext], now: Callable[[], float]) -> None:
        super().__init__(make_ssl_context, now)
        self._backend = httpcore.SyncBackend()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, and return the response once its head has arrived."""
        record = record_of(request)
        try:
            with as_httpx_errors(request):
                connection = self._take(origin_of(request), request, record.taken)
                self._send(connection, request, record)
                while type(event := self._next_event(connection, request)) is not h11.Response:
                    pass
                return response_of(event, connection.stream, _Body(self, connection, request))
        except BaseException:
            self.abandon(record)
            raise

    def _take(self, origin: Origin, request: httpx.Request, taken: list[Connection]) -> Connection:
        """Return an idle connection, or a new one; `taken` receives all connections to close if anything fails."""
        connection = self.reusable(origin, taken)
        for each in taken:
            if each is not connection:
                each.stream.close()
        return connection or self._connect(origin, request, taken)

    def _connect(self, origin: Origin, request: httpx.Request, taken: list[Connection]) -> Connection:
        stream: Any = None
        try:
            stream = self._backend.connect_tcp(origin.host, origin.port, timeout=self.timeout_of(request, "connect"))
            if origin.scheme == "https":
                context, limit = ssl_context_of(self.make_ssl_context), self.timeout_of(request, "connect")
                stream = stream.start_tls(context, server_hostname=origin.server_name, timeout=limit)
            connection = Connection(stream, origin)
            taken.append(connection)
            self.add(connection)
        except BaseException:
            if stream is not None:
                stream.close()
            raise
        return connection

    def _send(self, connection: Connection, request: httpx.Request, record: ExchangeRecord) -> None:
        pending = connection.head(request)
        if record.before_sending is not None:
            record.before_sending()
            connection.check_alive()
        self.check_open()
        record.sent.append(True)
        try:
            for chunk in request.stream:  # type: ignore[union-attr]  # a sync request has a sync stream
                self._write(connection, request, pending + connection.body(chunk))
                pending = b""
            self._write(connection, request, pending + connection.end())
        except httpcore.WriteError as error:
            reraise_from_handler(error)  # otherwise, a server may respond before it has read the request, and close

    def _write(self, connection: Connection, request: httpx.Request, data: bytes) -> None:
        """Send bytes in slices, each within the time that is left for the request."""
        view = memoryview(data)
        for start in range(0, len(view), READ_SIZE):
            self.check_time(request)
            connection.stream.write(bytes(view[start : start + READ_SIZE]), timeout=self.timeout_of(request, "write"))

    def _next_event(self, connection: Connection, request: httpx.Request) -> h11.Event:
        while (event := connection.next_event()) is None:
            record = record_of(request)
            before = len(record.pieces)
            self.check_time(request)
            _receive(connection.stream, record, self.timeout_of(request, "read"))
            connection.receive(b"".join(record.pieces[before:]))
        return event

    def _release(self, connection: Connection, record: ExchangeRecord) -> None:
        self._discard(self.keep(connection, record.taken))

    def abandon(self, record: ExchangeRecord) -> None:
        """Close the connections of an exchange that was interrupted."""
        self._discard(record.taken)

    def _discard(self, connections: list[Connection]) -> None:
        self.in_use.difference_update(connections)
        for each in connections:
            each.stream.close()

    def close(self) -> None:
        """Close all connections, and refuse requests that are not sent yet.

        Another thread may be reading from a connection in use. Shutting the connection down ends that read; the thread
        then closes the connection.
        """
        for connection in self.close_all():
            if connection in self.in_use:
                with suppress(OSError):
                    socket.socket.shutdown(connection.stream.get_extra_info("socket"), socket.SHUT_RDWR)
            else:
                connection.stream.close()
