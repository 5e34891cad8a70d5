"""A server of raw bytes on loopback, which answers as a test says: right, wrongly, slowly, or not at all.

An answer is a *play*, a tuple of steps that are done in order:

    bytes                       are sent
    Drip(data, every)           is sent byte by byte, with a pause after each
    Beneath(data)               is sent as it is, without the TLS that the connection has
    Ending.CLOSE, .RESET        the connection is closed, or reset as by a crashed process
    Ending.SILENCE              nothing more is said
    a callable                  is called, for instance to wait for another request

It begins once the whole request has been read, or, when its first step says so:

    Reading.FIRST_BYTE          once the first byte has come
    Reading.HEAD                once the head has come

After a play without an `Ending` the connection is kept for the next request. Starts and checks have their own plays,
one a request, in order; the last one is played for ever. So `[fault, answer]` is a fault that comes once, and `[fault]`
one that stays.
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

if TYPE_CHECKING:
    from email.message import Message

PATIENCE = 30
"""Seconds after which a test that waits for something gives up; no test waits for it to pass."""


class Ending(Enum):
    """How a connection ends in the middle of things."""

    CLOSE = auto()
    RESET = auto()
    SILENCE = auto()


class Reading(Enum):
    """How much of a request is read before it's answered."""

    FIRST_BYTE = auto()
    HEAD = auto()


@dataclass(frozen=True)
class Drip:
    """Bytes that come one by one."""

    data: bytes
    every: float = 0.02


@dataclass(frozen=True)
class Beneath:
    """Bytes that break into a TLS connection."""

    data: bytes


Step: TypeAlias = bytes | Drip | Beneath | Reading | Ending | Callable[[], object]
Play: TypeAlias = tuple[Step, ...]


@dataclass(frozen=True)
class Seen:
    """One whole request."""

    method: str
    path: str
    headers: Message
    body: bytes

    def json(self) -> Any:
        """Return the body, which must be JSON."""
        return json.loads(self.body)


def head(status: int | str, length: int, headers: Mapping[str, str] | None = None) -> bytes:
    """Return the head of an answer with a body of so many bytes; a status may have its reason."""
    lines = [f"HTTP/1.1 {status}" if isinstance(status, str) else f"HTTP/1.1 {status} Whatever"]
    fields = {"content-type": "application/json", "content-length": str(length), **(headers or {})}
    lines += [f"{name}: {value}" for name, value in fields.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def http(status: int | str, body: bytes, headers: Mapping[str, str] | None = None) -> Play:
    """Play an answer of these bytes."""
    return (head(status, len(body), headers) + body,)


def answer(content: object, status: int | str = 200, headers: Mapping[str, str] | None = None) -> Play:
    """Play a JSON answer."""
    return http(status, json.dumps(content).encode(), headers)


def error(status: int, message: str = "as it was told to", headers: Mapping[str, str] | None = None) -> Play:
    """Play the API's error body."""
    return answer({"error": {"code": status, "message": message}}, status, headers)


TASK_ID = "task-1"
STARTED = answer({"data": {"status": "running", "workflow_id": TASK_ID}})
RUNNING = answer({"data": {"status": "RUNNING"}})
COMPLETED = answer({"data": {"status": "COMPLETED", "result": "done"}})


class RawServer(ThreadingTCPServer):
    """The server; `raw_server` starts and stops it.

    Attributes:
        base_url: Where it is.
        seen: The whole requests that came, in order.
        connections: How many connections came.
        hang_ups: How many were closed by the client while the server said nothing, or waited for a request.
        starts: How many POSTs came: on how many connections, or once more on one, at least the first byte of one did.
        checks: How many GETs came, counted likewise.
    """

    daemon_threads = False
    request_queue_size = 128  # many connections may come at once
    block_on_close = True

    def __init__(
        self, start: Sequence[Play], check: Sequence[Play], tls: ssl.SSLContext | None, longest_body: int
    ) -> None:
        super().__init__(("127.0.0.1", 0), _Connection, bind_and_activate=False)
        self.server_bind()
        self.base_url = f"{'https' if tls else 'http'}://127.0.0.1:{self.server_address[1]}"
        self.seen: list[Seen] = []
        self.connections = self.hang_ups = self.starts = self.checks = 0
        self.stopping = threading.Event()
        self.longest_body = longest_body
        checks = deque(check)
        # A proxy is asked for a tunnel first: CONNECT.
        self._plays = {b"P": deque(start), b"G": checks, b"C": checks}
        self._tls = tls
        self._changed = threading.Condition()
        self._open: set[socket.socket] = set()
        self._problems: list[BaseException] = []
        self._serving: threading.Thread | None = None

    def listen(self) -> None:
        """Accept connections from now on; until then they are refused."""
        self.server_activate()
        self._serving = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.001})
        self._serving.start()

    def stop(self) -> None:
        """Cut all connections, and wait for the threads."""
        if self._serving is not None:
            self.shutdown()
            self._serving.join()
        with self._changed:
            self.stopping.set()
            for connection in self._open:
                _cut(connection)
        self.server_close()
        if self._problems:
            raise self._problems[0]

    def wait_for(self, requests: int) -> None:
        """Wait until so many whole requests have come."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.seen) >= requests, PATIENCE)

    def wait_for_hang_ups(self, connections: int) -> None:
        """Wait until so many connections were closed by whoever opened them."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.hang_ups >= connections, PATIENCE)

    def count(self, method: str) -> int:
        """Return how many whole requests of this method came."""
        return sum(request.method == method for request in self.seen)

    def wait_for_open(self, connections: int) -> None:
        """Wait until no more than so many connections are open."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self._open) <= connections, PATIENCE)

    # What the connections call.

    def opened(self, connection: socket.socket) -> socket.socket:
        """Note a connection, and return what to talk through."""
        if self._tls is not None:
            connection = self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        with self._changed:
            self.connections += 1
            self._open.add(connection)
            if self.stopping.is_set():
                _cut(connection)
        return connection

    def closed(self, connection: socket.socket) -> None:
        """Forget a connection."""
        with self._changed:
            self._open.discard(connection)
            self._changed.notify_all()

    def heard_first(self, byte: bytes) -> Play:
        """Note the first byte of a request, and return what to answer."""
        with self._changed:
            self.starts += byte == b"P"
            self.checks += byte == b"G"
            plays = self._plays[byte]
            return plays.popleft() if len(plays) > 1 else plays[0]

    def hung_up(self) -> None:
        """Note that a client has closed a connection; not those that `stop` cuts."""
        with self._changed:
            self.hang_ups += not self.stopping.is_set()
            self._changed.notify_all()

    def saw(self, request: Seen) -> None:
        """Note a whole request."""
        with self._changed:
            self.seen.append(request)
            self._changed.notify_all()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Let a broken connection pass, since breaking them is what tests do; `stop` raises anything else."""
        del request, client_address
        problem = sys.exception()
        if problem is not None and not isinstance(problem, OSError):
            self._problems.append(problem)


def _cut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):  # the client may have been first
        connection.shutdown(socket.SHUT_RDWR)


class _Connection(StreamRequestHandler):
    """One connection: reads requests and plays the answers."""

    disable_nagle_algorithm = True

    def setup(self) -> None:
        assert isinstance(self.server, RawServer)
        self.raw = self.server
        self.request = self.raw.opened(self.request)
        super().setup()

    def finish(self) -> None:
        self.raw.closed(self.request)
        super().finish()
        if isinstance(self.request, ssl.SSLSocket):
            self.request.close()  # the server closes what it accepted, which the TLS socket has taken over

    def handle(self) -> None:
        while first := self.rfile.read(1):
            if not first.isalpha():
                self.rfile.read()  # no HTTP, but a TLS client at a plain server, which says nothing
                return
            play = self.raw.heard_first(first)
            self._read(first, play[0])
            for step in play:
                if not self._do(step):
                    return

    def _wait_for_hang_up(self) -> None:
        with contextlib.suppress(OSError):  # reset is closed as well
            while self.connection.recv(65_536):
                pass
        self.raw.hung_up()

    def _read(self, first: bytes, step: Step) -> None:
        """Read as much of a request as the first step of its answer says."""
        if step is Reading.FIRST_BYTE:
            return
        method, path, _ = (first + self.rfile.readline()).decode("latin-1").split()
        headers = parse_headers(self.rfile)
        if step is not Reading.HEAD:
            body = self.rfile.read(min(int(headers.get("content-length", 0)), self.raw.longest_body))
            self.raw.saw(Seen(method, path, headers, body))

    def _do(self, step: Step) -> bool:
        """Do one step; False when it was the connection's last."""
        match step:
            case Reading():
                pass
            case bytes():
                self.connection.sendall(step)
            case Drip(data=data, every=every):
                for byte in data:
                    self.connection.sendall(bytes([byte]))
                    if self.raw.stopping.wait(every):
                        return False
            case Beneath(data=data):
                socket.socket.sendall(self.connection, data)
            case Ending.SILENCE:
                self._wait_for_hang_up()
            case Ending.RESET:
                # Closing with a linger time of zero sends RST in place of FIN, once nothing holds the socket any more.
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.rfile.close()
                self.connection.close()
            case Ending.CLOSE:
                pass
            case _:
                step()
        return not isinstance(step, Ending)


@contextlib.contextmanager
def raw_server(
    *,
    start: Sequence[Play] = (STARTED,),
    check: Sequence[Play] = (COMPLETED,),
    tls: ssl.SSLContext | None = None,
    listening: bool = True,
    longest_body: int = sys.maxsize,
) -> Iterator[RawServer]:
    """Serve until the context is left.

    Args:
        start: What starts are answered with.
        check: What status checks are answered with.
        tls: Speak TLS with this certificate.
        listening: Whether connections are accepted at once; else they are refused until `listen()`.
        longest_body: How many bytes of a request's body are read; who sends more gets stuck in the middle of it.
    """
    server = RawServer(start, check, tls, longest_body)
    if listening:
        server.listen()
    try:
        yield server
    finally:
        server.stop()
