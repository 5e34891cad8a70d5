"""The connections of a transport: which one a request reuses, and which are closed.

Idle connections wait in a deque, whose operations are atomic, so threads share a transport without a lock. The
connection used last is reused first, since the server is the least likely to have closed it.
"""

from __future__ import annotations

from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import httpx

from anchor_webtask._http.connect_errors import NotConnected
from anchor_webtask._http.lifecycle import CLOSED
from anchor_webtask._http.record import DEADLINE, MIN_READ_TIMEOUT, RECORD, ExchangeRecord
from anchor_webtask._signals import reraise_from_handler

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator

    import h11

    from anchor_webtask._http.connection import Connection, Origin

MAX_IDLE_SECONDS: Final = 5.0
"""Seconds after which an idle connection is closed; servers close it about then too."""
MAX_IDLE_CONNECTIONS: Final = 200
"""The maximum number of idle connections: as many as starts and checks may be in flight, `MAX_IN_FLIGHT` of each."""


class Connections:
    """The connections of one transport: those in use, and those that wait for the next request."""

    def __init__(self, make_ssl_context: Callable[[], ssl.SSLContext], now: Callable[[], float]) -> None:
        self.make_ssl_context = make_ssl_context
        self._now = now
        self.in_use: set[Connection] = set()
        self._idle: deque[Connection] = deque()
        self._is_closed = False

    def reusable(self, origin: Origin, taken: list[Connection]) -> Connection | None:
        """Return an idle connection to an origin; None if there is none.

        Args:
            origin: Where the connection must lead.
            taken: Receives each connection that is idle no longer, in the same operation, since an interruption between
                two operations would lose it. The caller must close all of them but the returned one.
        """
        with _no_more():
            while self._idle[0].idle_since < self._now() - MAX_IDLE_SECONDS:
                taken.extend(map(deque.popleft, (self._idle,)))
        with _no_more():
            while True:
                taken.extend(map(deque.pop, (self._idle,)))
                connection = taken[-1]
                if connection.origin == origin and not connection.has_surplus():
                    self.in_use.add(connection)
                    return connection
        return None

    def add(self, connection: Connection) -> None:
        """Record a new connection that is in use."""
        self.in_use.add(connection)
        self.check_open()

    def check_open(self) -> None:
        """Stop a request that is not sent yet if the transport was closed meanwhile."""
        if self._is_closed:
            raise NotConnected(CLOSED)

    def keep(self, connection: Connection, taken: list[Connection]) -> list[Connection]:
        """Keep a connection for the next request; return those that must be closed: this one, or the oldest ones.

        Args:
            connection: The connection, whose response is complete or is not needed any more.
            taken: The connections of the exchange; a connection that is kept is removed.
        """
        if self._is_closed or connection not in self.in_use or not connection.finish():
            return [connection]
        self.in_use.discard(connection)  # first, since another thread may take the connection as soon as it is idle
        taken.clear()
        connection.idle_since = self._now()
        self._idle.append(connection)
        surplus: list[Connection] = []
        with _no_more():
            while len(self._idle) > (0 if self._is_closed else MAX_IDLE_CONNECTIONS):
                surplus.extend(map(deque.popleft, (self._idle,)))
        return surplus

    def close_all(self) -> list[Connection]:
        """Refuse further requests, and return the connections to close."""
        self._is_closed = True
        return [*self.in_use.copy(), *self._idle.copy()]

    def timeout_of(self, request: httpx.Request, kind: str) -> float | None:
        """Return the seconds that the next operation may take: its timeout, or the time to the deadline if less."""
        limit: float | None = request.extensions.get("timeout", {}).get(kind)
        deadline: float | None = request.extensions.get(DEADLINE)
        if deadline is None:
            return limit
        left = max(deadline - self._now(), MIN_READ_TIMEOUT)
        return left if limit is None else min(limit, left)

    def check_time(self, request: httpx.Request) -> None:
        """Stop a sync request at its deadline, even if the server always has more bytes ready.

        Raises:
            httpx.ReadTimeout: The deadline has passed.
        """
        deadline: float | None = request.extensions.get(DEADLINE)
        if deadline is not None and self._now() > deadline:
            raise httpx.ReadTimeout("the time of the request is over", request=request)


@contextmanager
def _no_more() -> Iterator[None]:
    """Ignore that there is no idle connection any more: another thread may have taken the last one."""
    try:
        yield
    except IndexError as error:
        reraise_from_handler(error)


def ssl_context_of(make: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
    """Return the SSL context for a new connection.

    Raises:
        NotConnected: A certificate file cannot be read, perhaps since it is being replaced; nothing was sent.
    """
    try:
        return make()
    except OSError as error:
        raise NotConnected("the certificate files cannot be read; check SSL_CERT_FILE and SSL_CERT_DIR") from error


def record_of(request: httpx.Request) -> ExchangeRecord:
    """Return the record of a request; a new one if the request has none."""
    record: ExchangeRecord | None = request.extensions.get(RECORD)
    return ExchangeRecord() if record is None else record


def response_of(event: h11.Response, stream: Any, body: httpx.SyncByteStream | httpx.AsyncByteStream) -> httpx.Response:
    """Return the httpx response whose head has arrived."""
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
