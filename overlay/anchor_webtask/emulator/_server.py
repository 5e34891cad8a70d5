"""The emulator's door for everything else: a real server on loopback."""

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

from anchor_webtask.emulator._http import EmulatorServer, Reply, Request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from starlette.types import Receive, Scope, Send

    from anchor_webtask._clock import Clock

    Handle = Callable[[Request], Reply]


@contextlib.contextmanager
def serve(handle: Handle, clock: Clock) -> Iterator[EmulatorServer]:
    """Serve what `handle` replies on a free port of 127.0.0.1, in a thread, until the context is left."""
    server = _Server(handle, clock)
    # The socket listens before the thread starts: whoever connects at once waits in its backlog.
    with socket.create_server(("127.0.0.1", 0)) as listener, anyio.from_thread.start_blocking_portal() as portal:
        # Inherited by each connection: without it an answer in two pieces waits 40 ms for the first to be acknowledged.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        serving = portal.start_task_soon(server.serve, [listener])
        try:
            yield EmulatorServer(base_url)
        finally:
            server.should_exit = True
            serving.result()


class _Server(uvicorn.Server):
    """uvicorn with the emulator as its application; in a thread it leaves signals alone."""

    def __init__(self, handle: Handle, clock: Clock) -> None:
        # uvicorn's settings for logging would change it for every server in the process. Without any it says nothing
        # below a warning unless the process asks for it.
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
        """Drop what is open, for which uvicorn would wait: a held request may have hours to go."""
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
        reply = self._handle(Request(request.method, path, request.url.query, request.headers, body))
        if not await self._hold(reply, receive):
            return
        if reply.cut is not True:
            headers = [(name.encode(), value.encode()) for name, value in reply.headers.items()]
            await send({"type": "http.response.start", "status": reply.status, "headers": headers})
            await send({"type": "http.response.body", "body": reply.sent_body, "more_body": bool(reply.cut)})
        if reply.cut:
            for connection in self._connections():
                if connection.client == scope["client"]:
                    connection.transport.close()
            await _disconnect(receive)  # or uvicorn would complain of an answer that isn't complete

    async def _hold(self, reply: Reply, receive: Receive) -> bool:
        """Wait as the reply says, and return whether the client waited too."""
        if not reply.hold:
            return True
        waited = False
        async with anyio.create_task_group() as group:

            async def give_up() -> None:
                await _disconnect(receive)
                group.cancel_scope.cancel()

            group.start_soon(give_up)
            await self._clock.sleep_async(reply.hold)
            waited = True
            group.cancel_scope.cancel()
        return waited


async def _disconnect(receive: Receive) -> None:
    """Wait until the connection is closed, by whichever side."""
    while (await receive())["type"] != "http.disconnect":
        pass
