"""A careless HTTP/2 server: it starts each task, and closes its first connection as if it had ignored the last one."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, Final

import h2.config
import h2.connection
import h2.events

from tests.support.raw_server import STARTED

if TYPE_CHECKING:
    from collections.abc import Iterator

    import trustme

READ_SIZE: Final = 65_536


class Http2Server:
    """The server; `http2_server` starts and stops it.

    Attributes:
        base_url: The server's URL.
        starts: How many POST requests have arrived completely.
    """

    def __init__(self, certificate: trustme.LeafCert) -> None:
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.set_alpn_protocols(["h2"])
        certificate.configure_cert(self._tls)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.base_url = f"https://127.0.0.1:{self._listening.getsockname()[1]}"
        self.starts = 0

    def serve(self) -> None:
        """Serve one connection after the other until the server is stopped."""
        is_first = True
        with suppress(OSError):
            while True:
                accepted, _ = self._listening.accept()
                with suppress(OSError), closing(self._tls.wrap_socket(accepted, server_side=True)) as connection:
                    self._serve(connection, says_ignored=is_first)
                is_first = False

    def _serve(self, connection: ssl.SSLSocket, *, says_ignored: bool) -> None:
        """Serve one connection.

        Args:
            connection: The connection.
            says_ignored: Whether to respond to the second request with a GOAWAY that names the first one as the last.
        """
        protocol = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        protocol.initiate_connection()
        connection.sendall(protocol.data_to_send())
        (body,) = STARTED
        assert isinstance(body, bytes)
        while data := connection.recv(READ_SIZE):
            for event in protocol.receive_data(data):
                if not isinstance(event, h2.events.StreamEnded):
                    continue
                self.starts += 1
                if says_ignored and event.stream_id > 1:
                    protocol.close_connection(last_stream_id=1)
                    connection.sendall(protocol.data_to_send())
                    return
                protocol.send_headers(event.stream_id, [(":status", "200")])
                protocol.send_data(event.stream_id, body.partition(b"\r\n\r\n")[2], end_stream=True)
            connection.sendall(protocol.data_to_send())

    def stop(self) -> None:
        """Accept no more connections."""
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()


@contextmanager
def http2_server(certificate: trustme.LeafCert) -> Iterator[Http2Server]:
    """Run a server in a thread; the client must have closed its connections before the context ends."""
    server = Http2Server(certificate)
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join()
