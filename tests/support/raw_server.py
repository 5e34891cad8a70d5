"""A TCP server on loopback that responds as a script says: correctly, wrongly, slowly, or not at all.

The server responds to a request with a *script*, a tuple of actions that it performs in order:

    bytes                       send these bytes
    Drip(data, every)           send these bytes one by one, with a pause after each
    OneSegment(first, second)   send these bytes in one TCP segment; with TLS, as two records
    WithoutTls(data)            send these bytes unencrypted, although the connection uses TLS
    Ending.CLOSE                close the connection
    Ending.RESET                reset the connection, as the system does when a process crashes
    Ending.SILENCE              send nothing more, and wait until the client disconnects
    a function                  call it, for instance to wait for another request

The script begins when the server has read the complete request, or earlier if its first action says so:

    ReadUntil.FIRST_BYTE        begin when the first byte has arrived
    ReadUntil.HEAD              begin when the head has arrived

With TLS, a script may also take the place of a handshake. It begins when the client has sent its part.

After a script without an `Ending` the connection is kept for the next request. Starts and checks have separate lists of
scripts: one script for each request, in order, and the last script for all requests after that. So
`[fault, response]` is a fault that occurs once, and `[fault]` is a permanent fault.
"""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import struct
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from http.client import parse_headers
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import TYPE_CHECKING, Any, TypeAlias

from tests.support.patience import PATIENCE

if TYPE_CHECKING:
    from email.message import Message


class Ending(Enum):
    """How the server ends a connection, even in the middle of a response."""

    CLOSE = auto()
    RESET = auto()
    SILENCE = auto()


class ReadUntil(Enum):
    """How much of a request the server reads before it responds."""

    FIRST_BYTE = auto()
    HEAD = auto()


@dataclass(frozen=True)
class Drip:
    """Bytes that are sent one by one, with a pause of `every` seconds after each."""

    data: bytes
    every: float = 0.02


@dataclass(frozen=True)
class OneSegment:
    """Two pieces of bytes that are sent in one TCP segment, on Linux; with TLS each piece is a record."""

    first: bytes
    second: bytes


@dataclass(frozen=True)
class WithoutTls:
    """Bytes that are sent unencrypted on a TLS connection."""

    data: bytes


Action: TypeAlias = bytes | Drip | OneSegment | WithoutTls | ReadUntil | Ending | Callable[[], object]
Script: TypeAlias = tuple[Action, ...]
Handshake: TypeAlias = ssl.SSLContext | Script
"""How the server begins a connection: with a TLS handshake, or with a script in its place."""


@dataclass(frozen=True)
class ReceivedRequest:
    """A request that has arrived completely."""

    method: str
    path: str
    headers: Message
    body: bytes

    def json(self) -> Any:
        """Return the body, which must be JSON."""
        return json.loads(self.body)


def response_head(status: int | str, length: int, headers: Mapping[str, str] | None = None) -> bytes:
    """Return the head of a response whose body has `length` bytes; a `status` that is text has a reason phrase too."""
    lines = [f"HTTP/1.1 {status}" if isinstance(status, str) else f"HTTP/1.1 {status} Whatever"]
    fields = {"content-type": "application/json", "content-length": str(length), **(headers or {})}
    lines += [f"{name}: {value}" for name, value in fields.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def http_response(status: int | str, body: bytes, headers: Mapping[str, str] | None = None) -> Script:
    """Return the script of a response with this body."""
    return (response_head(status, len(body), headers) + body,)


def json_response(content: object, status: int | str = 200, headers: Mapping[str, str] | None = None) -> Script:
    """Return the script of a response with a JSON body."""
    return http_response(status, json.dumps(content).encode(), headers)


def error_response(status: int, message: str = "test error", headers: Mapping[str, str] | None = None) -> Script:
    """Return the script of a response with the API's error body."""
    return json_response({"error": {"code": status, "message": message}}, status, headers)


TASK_ID = "task-1"
STARTED = json_response({"data": {"status": "running", "workflow_id": TASK_ID}})
RUNNING = json_response({"data": {"status": "RUNNING"}})
COMPLETED = json_response({"data": {"status": "COMPLETED", "result": "done"}})
ENDED = json_response({"data": {"status": "success"}})


class RawServer(ThreadingTCPServer):
    """A server of scripted bytes; `raw_server` starts and stops it.

    Attributes:
        base_url: The server's URL.
        requests: The requests that have arrived completely, in order.
        connections: How many connections clients have opened.
        disconnects: How many connections a client closed during `Ending.SILENCE`.
        alpn: The protocol that TLS has chosen for each connection; None without a choice.
        starts: How many POST requests have begun to arrive; the first byte counts.
        checks: How many GET requests have begun to arrive; the first byte counts.
    """

    daemon_threads = False
    request_queue_size = 128  # tests open many connections at once
    block_on_close = True

    def __init__(
        self,
        start: Sequence[Script],
        check: Sequence[Script],
        end: Sequence[Script],
        tls: Sequence[Handshake],
        max_body_bytes: int,
    ) -> None:
        super().__init__(("127.0.0.1", 0), _Connection, bind_and_activate=False)
        self.server_bind()
        self.base_url = f"{'https' if tls else 'http'}://127.0.0.1:{self.server_address[1]}"
        self.requests: list[ReceivedRequest] = []
        self.connections = self.disconnects = self.starts = self.checks = 0
        self.alpn: list[str | None] = []
        self.stopping = threading.Event()
        self.max_body_bytes = max_body_bytes
        checks = deque(check)
        # The keys are the first letters of the methods POST, GET, DELETE and CONNECT, which asks a proxy for a tunnel.
        self._scripts = {b"P": deque(start), b"G": checks, b"C": checks, b"D": deque(end)}
        self._handshakes = deque(tls)
        self._changed = threading.Condition()
        self._open: set[socket.socket] = set()
        self._problems: list[BaseException] = []
        self._serving: threading.Thread | None = None

    def listen(self) -> None:
        """Accept connections; before this call, connections are refused."""
        self.server_activate()
        self._serving = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.001})
        self._serving.start()

    def stop(self) -> None:
        """Shut down all connections, wait for the threads, and raise the first unexpected exception of a connection."""
        if self._serving is not None:
            self.shutdown()
            self._serving.join()
        with self._changed:
            self.stopping.set()
            for connection in self._open:
                _shut_down(connection)
        self.server_close()
        if self._problems:
            raise self._problems[0]

    def wait_for_requests(self, requests: int) -> None:
        """Wait until this number of requests has arrived completely."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.requests) >= requests, PATIENCE)

    def wait_for_disconnects(self, connections: int) -> None:
        """Wait until a client has closed this number of connections."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.disconnects >= connections, PATIENCE)

    def count(self, method: str) -> int:
        """Return how many requests of this method have arrived completely."""
        return sum(request.method == method for request in self.requests)

    def wait_for_open_connections(self, connections: int) -> None:
        """Wait until no more than this number of connections is open."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self._open) <= connections, PATIENCE)

    # The methods below are called by the connections' threads.

    def next_handshake(self) -> Handshake | None:
        """Return how a new connection begins; None without TLS."""
        with self._changed:
            handshakes = self._handshakes
            return handshakes.popleft() if len(handshakes) > 1 else next(iter(handshakes), None)

    def add_connection(self, connection: socket.socket, handshake: Handshake | None) -> socket.socket:
        """Record a connection, and return its socket; with TLS, the TLS socket that wraps the connection."""
        if isinstance(handshake, ssl.SSLContext):
            connection = handshake.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        with self._changed:
            self.connections += 1
            self._open.add(connection)
            if self.stopping.is_set():
                _shut_down(connection)
        return connection

    def remove_connection(self, connection: socket.socket) -> None:
        """Record that a connection is closed."""
        with self._changed:
            self._open.discard(connection)
            self._changed.notify_all()

    def next_script(self, first_byte: bytes) -> Script:
        """Count a request whose first byte has arrived, and return its script."""
        with self._changed:
            self.starts += first_byte == b"P"
            self.checks += first_byte == b"G"
            scripts = self._scripts[first_byte]
            return scripts.popleft() if len(scripts) > 1 else scripts[0]

    def add_disconnect(self) -> None:
        """Count a connection that the client has closed; connections that `stop` shuts down do not count."""
        with self._changed:
            self.disconnects += not self.stopping.is_set()
            self._changed.notify_all()

    def add_request(self, request: ReceivedRequest) -> None:
        """Record a request that has arrived completely."""
        with self._changed:
            self.requests.append(request)
            self._changed.notify_all()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore OSError, since tests break connections; record any other exception, which `stop` then raises."""
        del request, client_address
        problem = sys.exception()
        if problem is not None and not isinstance(problem, OSError):
            self._problems.append(problem)


def _shut_down(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):  # the client may have closed the connection before
        connection.shutdown(socket.SHUT_RDWR)


class _Connection(StreamRequestHandler):
    """One connection: reads requests, and performs their scripts."""

    disable_nagle_algorithm = True

    def setup(self) -> None:
        assert isinstance(self.server, RawServer)
        self.raw = self.server
        self._handshake = self.raw.next_handshake()
        self.request = self.raw.add_connection(self.request, self._handshake)
        super().setup()

    def finish(self) -> None:
        self.raw.remove_connection(self.request)
        super().finish()
        if isinstance(self.request, ssl.SSLSocket):
            # The server closes only the accepted socket. Since TLS began, its descriptor belongs to the TLS socket.
            self.request.close()

    def handle(self) -> None:
        if isinstance(self._handshake, tuple):
            self.connection.recv(65_536)
            all(map(self._perform, self._handshake))
            return
        first = self.rfile.read(1)
        if isinstance(self.request, ssl.SSLSocket):
            self.raw.alpn.append(self.request.selected_alpn_protocol())
        while first:
            if not first.isalpha():
                self.rfile.read()  # a TLS handshake, to which a server without TLS does not respond
                return
            script = self.raw.next_script(first)
            self._read(first, script[0])
            for action in script:
                if not self._perform(action):
                    return
            first = self.rfile.read(1)

    def _wait_for_disconnect(self) -> None:
        with contextlib.suppress(OSError):  # a client that resets the connection has disconnected too
            while self.connection.recv(65_536):
                pass
        self.raw.add_disconnect()

    def _read(self, first: bytes, action: Action) -> None:
        """Read a request: completely, or only as far as the `ReadUntil` at the beginning of its script says."""
        if action is ReadUntil.FIRST_BYTE:
            return
        method, path, _ = (first + self.rfile.readline()).decode("latin-1").split()
        headers = parse_headers(self.rfile)
        if action is not ReadUntil.HEAD:
            body = self.rfile.read(min(int(headers.get("content-length", 0)), self.raw.max_body_bytes))
            self.raw.add_request(ReceivedRequest(method, path, headers, body))

    def _perform(self, action: Action) -> bool:
        """Perform one action, and return whether the connection stays open."""
        match action:
            case ReadUntil():
                pass
            case bytes():
                self.connection.sendall(action)
            case Drip(data=data, every=every):
                for byte in data:
                    self.connection.sendall(bytes([byte]))
                    if self.raw.stopping.wait(every):
                        return False
            case OneSegment(first=first, second=second):
                self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
                self.connection.sendall(first)
                self.connection.sendall(second)
                self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)
            case WithoutTls(data=data):
                socket.socket.sendall(self.connection, data)
            case Ending.SILENCE:
                self._wait_for_disconnect()
            case Ending.RESET:
                # A linger time of zero makes the system send RST in place of FIN when the last reference is closed.
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.rfile.close()
                self.connection.close()
            case Ending.CLOSE:
                pass
            case _:
                action()
        return not isinstance(action, Ending)


@contextlib.contextmanager
def raw_server(
    *,
    start: Sequence[Script] = (STARTED,),
    check: Sequence[Script] = (COMPLETED,),
    end: Sequence[Script] = (ENDED,),
    tls: ssl.SSLContext | Sequence[Handshake] | None = None,
    listening: bool = True,
    max_body_bytes: int = sys.maxsize,
) -> Iterator[RawServer]:
    """Run a server until the context ends.

    Args:
        start: The scripts of starts.
        check: The scripts of checks, and of all other GET requests.
        end: The scripts of DELETE requests, which end sessions.
        tls: The TLS context, with a certificate; None for a server without TLS. A list has one handshake for each
            connection, in order, and the last one for all connections after that.
        listening: Whether the server accepts connections immediately; otherwise it refuses them until `listen()`.
        max_body_bytes: How many bytes of a request's body are read; a client cannot finish sending a much longer body.
    """
    handshakes = () if tls is None else (tls,) if isinstance(tls, ssl.SSLContext) else tls
    server = RawServer(start, check, end, handshakes, max_body_bytes)
    if listening:
        server.listen()
    try:
        yield server
    finally:
        server.stop()
