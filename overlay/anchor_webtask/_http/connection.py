"""One HTTP/1.1 connection without I/O: the bytes to send, the events received, and whether it may be reused.

A response belongs to its request. If a connection has bytes left over after a response, they would be read as the
response to the next request, so such a connection is closed.
"""

from __future__ import annotations

import ssl
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import h11
import httpcore
import httpx

from anchor_webtask._http.connect_errors import NotConnected, UnusableProtocol
from anchor_webtask._http.environment import port_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MAX_HEAD: Final = 100 * 1024
"""The maximum size of a response's head, in bytes; httpcore's own limit."""
READ_SIZE: Final = 65_536

_ERRORS: Final[dict[type[Exception], type[httpx.TransportError]]] = {
    httpcore.ConnectTimeout: httpx.ConnectTimeout,
    httpcore.ReadTimeout: httpx.ReadTimeout,
    httpcore.WriteTimeout: httpx.WriteTimeout,
    httpcore.ConnectError: httpx.ConnectError,
    httpcore.ReadError: httpx.ReadError,
    httpcore.WriteError: httpx.WriteError,
    h11.RemoteProtocolError: httpx.RemoteProtocolError,
    h11.LocalProtocolError: httpx.LocalProtocolError,
    UnicodeError: httpx.ConnectError,  # a host name that cannot be looked up
}
_CAUGHT: Final = tuple(_ERRORS)


@contextmanager
def as_httpx_errors(request: httpx.Request) -> Iterator[None]:
    """Raise the errors of httpcore and h11 as those of httpx."""
    try:
        yield
    except _CAUGHT as error:
        kind = next(kind for caught, kind in _ERRORS.items() if isinstance(error, caught))
        raise kind(str(error), request=request) from error


class Origin(NamedTuple):
    """Where a connection leads, and the name that its certificate must have."""

    scheme: str
    host: str
    port: int
    server_name: str


def origin_of(request: httpx.Request) -> Origin:
    """Return the origin of a request; its extension `sni_hostname` replaces the name in the certificate.

    Raises:
        httpx.UnsupportedProtocol: The scheme is neither http nor https.
    """
    url = request.url
    if url.scheme not in {"http", "https"}:
        raise httpx.UnsupportedProtocol(f"the scheme {url.scheme!r} is not supported")
    host = url.raw_host.decode("ascii")
    port = port_of(url)
    return Origin(url.scheme, host, port, request.extensions.get("sni_hostname") or host)


class Connection:
    """The state of one connection.

    Args:
        stream: The network stream of httpcore.
        origin: Where it leads.

    Attributes:
        idle_since: When its last response was complete, by the transport's clock.

    Raises:
        UnusableProtocol: The server has chosen HTTP/2, since the user's SSL context offers it.
    """

    def __init__(self, stream: Any, origin: Origin) -> None:
        if origin.scheme == "https" and stream.get_extra_info("ssl_object").selected_alpn_protocol() == "h2":
            raise UnusableProtocol(
                "the server speaks HTTP/2, which this client does not; pass an ssl_context without it"
            )
        self.stream = stream
        self.origin = origin
        self.idle_since = 0.0
        self._protocol = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD)

    def head(self, request: httpx.Request) -> bytes:
        """Return the bytes of a request's head."""
        sent = self._protocol.send(
            h11.Request(
                method=request.method.encode("ascii"), target=request.url.raw_path, headers=list(request.headers.raw)
            )
        )
        return sent or b""

    def body(self, chunk: bytes) -> bytes:
        """Return the bytes of a piece of the request's body."""
        return self._protocol.send(h11.Data(data=chunk)) or b""

    def end(self) -> bytes:
        """Return the bytes that end the request."""
        return self._protocol.send(h11.EndOfMessage()) or b""

    def receive(self, data: bytes) -> None:
        """Take in bytes that were received; none at the end of the stream."""
        if not data and self._protocol.their_state is h11.SEND_RESPONSE:
            raise h11.RemoteProtocolError("the server closed the connection without a response")
        self._protocol.receive_data(data)

    def next_event(self) -> h11.Event | None:
        """Return the next event of the response; None if more bytes are needed.

        Raises:
            h11.RemoteProtocolError: The server has broken the protocol, or has switched to another one.
        """
        event = self._protocol.next_event()
        if event is h11.PAUSED:
            raise h11.RemoteProtocolError("the server switched to another protocol")
        return event if isinstance(event, h11.Event) else None

    def finish(self) -> bool:
        """Prepare for the next request; return False if there must be none, since bytes are missing or left over."""
        protocol = self._protocol
        if protocol.our_state is not h11.DONE or protocol.their_state is not h11.DONE or protocol.trailing_data[0]:
            return False
        protocol.start_next_cycle()
        return not self.has_surplus()

    def has_surplus(self) -> bool:
        """Whether the server has sent something unasked, or has closed the connection."""
        stream = self.stream
        return bool(stream.get_extra_info("is_readable")) or bool(self._queue()) or _has_unread_tls_data(stream)

    def check_alive(self) -> None:
        """Stop a request that is not sent yet if the server has closed the connection meanwhile."""
        if self.has_surplus():
            raise NotConnected("the server closed the connection before the request was sent")

    def queued_bytes(self) -> list[bytes]:
        """Return the bytes that anyio has received under asyncio, and nobody has read; with TLS, they are of no use."""
        return [] if self.stream.get_extra_info("ssl_object") else list(self._queue())

    def _queue(self) -> Iterable[bytes]:
        # Neither h11 nor the socket shows these bytes.
        return getattr(getattr(innermost(self.stream), "_protocol", None), "read_queue", None) or ()


def innermost(stream: Any) -> Any:
    """Return the stream of anyio or trio below a stream of httpcore, and below TLS; None for a sync stream."""
    inner: Any = getattr(stream, "_stream", None)
    while hasattr(inner, "transport_stream"):
        inner = inner.transport_stream
    return inner


def _has_unread_tls_data(stream: Any) -> bool:
    """Whether TLS holds bytes that were received with an earlier record; neither h11 nor the socket shows them."""
    if isinstance(stream.get_extra_info("socket"), ssl.SSLSocket):
        return False  # a sync read takes a complete record, of at most 16 KiB; the others stay in the socket
    if (tls := stream.get_extra_info("ssl_object")) is None:
        return False
    try:
        tls.read(1)
    except ssl.SSLWantReadError:
        return False
    except ssl.SSLError:
        return True  # the connection is broken
    return True
