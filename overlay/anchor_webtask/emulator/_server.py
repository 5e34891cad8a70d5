"""The emulator as an HTTP server on a loopback address, for clients of any kind, in this process or another one."""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING

import anyio
import anyio.from_thread
import uvicorn
from starlette.requests import ClientDisconnect
from starlette.requests import Request as HTTPRequest
from uvicorn.protocols.http.h11_impl import H11Protocol

from anchor_webtask.emulator._http_messages import EmulatorServer, Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from starlette.types import Receive, Scope, Send

    from anchor_webtask._clock import Clock

    Handle = Callable[[Request], Response]


@contextlib.contextmanager
def serve(handle: Handle, clock: Clock) -> Iterator[EmulatorServer]:
    """Serve the responses of `handle` on a free port of 127.0.0.1, in a thread, until the context exits."""
    server = _Server(handle, clock)
    # The socket listens before the thread starts, so a client that connects immediately waits in the backlog.
    with socket.create_server(("127.0.0.1", 0)) as listener, anyio.from_thread.start_blocking_portal() as portal:
        # Each connection inherits this option. Without it, the second piece of a response waits 40 ms until the
        # client has acknowledged the first.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        serving = portal.start_task_soon(server.serve, [listener])
        try:
            yield EmulatorServer(base_url)
        finally:
            server.should_exit = True
            serving.result()


class _Server(uvicorn.Server):
    """A uvicorn server whose application is the emulator. The server runs in a thread, so it handles no signals."""

    def __init__(self, handle: Handle, clock: Clock) -> None:
        # uvicorn's logging settings would apply to every uvicorn server in the process. Without them, uvicorn logs only
        # warnings and errors, unless the process configures logging.
        config = uvicorn.Config(
            self._app,
            interface="asgi3",
            http="h11",
            ws="none",
            lifespan="off",
            proxy_headers=False,
            server_header=False,
            date_header=False,
            log_config=None,
        )
        super().__init__(config)
        self._handle = handle
        self._clock = clock

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Abort open connections: uvicorn would wait for them, and a request may be held open for hours."""
        for connection in self._connections():
            connection.transport.abort()
        await super().shutdown(sockets)

    def _connections(self) -> list[H11Protocol]:
        return [each for each in self.server_state.connections if isinstance(each, H11Protocol)]

    async def _app(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = HTTPRequest(scope, receive)
        try:
            body = await request.body()
        except ClientDisconnect:
            return
        path = scope["raw_path"].decode("ascii")
        response = self._handle(Request(request.method, path, request.url.query, request.headers, body))
        if not await self._hold(response, receive):
            return
        if response.cut is not True:
            headers = [(name.encode(), value.encode()) for name, value in response.headers.items()]
            await send({"type": "http.response.start", "status": response.status, "headers": headers})
            await send({"type": "http.response.body", "body": response.sent_body, "more_body": bool(response.cut)})
        if response.cut:
            for connection in self._connections():
                if connection.client == scope["client"]:
                    connection.transport.close()
            await _wait_for_disconnect(receive)  # otherwise uvicorn logs the incomplete response as an error

    async def _hold(self, response: Response, receive: Receive) -> bool:
        """Hold the request open for as long as the response says; return False if the client disconnects meanwhile."""
        if not response.hold:
            return True
        waited = False
        async with anyio.create_task_group() as group:

            async def give_up() -> None:
                await _wait_for_disconnect(receive)
                group.cancel_scope.cancel()

            group.start_soon(give_up)
            await self._clock.sleep_async(response.hold)
            waited = True
            group.cancel_scope.cancel()
        return waited


async def _wait_for_disconnect(receive: Receive) -> None:
    """Wait until the client or the server closes the connection."""
    while (await receive())["type"] != "http.disconnect":
        pass
