"""An HTTP proxy on loopback: it connects each client to one server, whatever host is asked for, or refuses."""

from __future__ import annotations

import contextlib
import socket
import threading
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import TYPE_CHECKING, Any

from tests.support.patience import PATIENCE

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

CONNECTED = b"HTTP/1.1 200 Connection established\r\n\r\n"


class RawProxy(ThreadingTCPServer):
    """A proxy; `raw_proxy` starts and stops it.

    Attributes:
        address: The proxy's host and port, as URLs and error messages have them.
        heads: The heads of the requests that the proxy has received from clients, in order.
    """

    daemon_threads = False
    request_queue_size = 128

    def __init__(self, target: str | None, response: bytes | None, tls: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), _Client)
        self.address = f"127.0.0.1:{self.server_address[1]}"
        self.heads: list[bytes] = []
        self.target = None if target is None else int(target.rpartition(":")[2])
        self.response = response
        self.tls = tls
        self.sockets: list[socket.socket] = []

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore errors of connections, which tests break."""


class _Client(StreamRequestHandler):
    """The connection of one client."""

    def setup(self) -> None:
        assert isinstance(self.server, RawProxy)
        self.proxy = self.server
        if self.proxy.tls is not None:
            self.request = self.proxy.tls.wrap_socket(self.request, server_side=True)
        self.proxy.sockets.append(self.request)
        super().setup()

    def finish(self) -> None:
        super().finish()
        self.request.close()

    def handle(self) -> None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            if not (line := self.rfile.readline()):
                return
            head += line
        self.proxy.heads.append(head)
        if self.proxy.response is not None:
            self.connection.sendall(self.proxy.response)
        if self.proxy.target is None:
            return
        with socket.create_connection(("127.0.0.1", self.proxy.target), PATIENCE) as server:
            self.proxy.sockets.append(server)
            if head.startswith(b"CONNECT "):
                self.connection.sendall(CONNECTED)
            else:
                server.sendall(head)
            back = threading.Thread(target=_copy, args=[server, self.connection])
            back.start()
            while data := self.rfile.read1():
                server.sendall(data)
            with contextlib.suppress(OSError):
                server.shutdown(socket.SHUT_WR)
            back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def raw_proxy(
    target: str | None = None, *, response: bytes | None = None, tls: ssl.SSLContext | None = None
) -> Iterator[RawProxy]:
    """Run a proxy until the context ends.

    Args:
        target: The URL of the server to which each client is connected; None if the proxy connects to no server.
        response: What the proxy responds before that, or instead of it.
        tls: The TLS context, if the proxy uses TLS.
    """
    with RawProxy(target, response, tls) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.001})
        thread.start()
        try:
            yield proxy
        finally:
            proxy.shutdown()
            thread.join()
            for each in proxy.sockets:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
