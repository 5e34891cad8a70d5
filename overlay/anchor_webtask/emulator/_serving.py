"""The emulator as an HTTP server on a loopback address, for clients of any kind, in this process or another one."""

from __future__ import annotations

import asyncio
import contextlib
import math
import socket
from typing import TYPE_CHECKING, Final, Generic, TypeVar

import anyio
import anyio.from_thread
import anyio.to_thread
import uvicorn
from starlette.requests import ClientDisconnect
from starlette.requests import Request as HTTPRequest
from uvicorn.protocols.http.h11_impl import H11Protocol

from anchor_webtask.emulator._http_messages import Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

    from starlette.types import Receive, Scope, Send

    from anchor_webtask._clock import Clock
    from anchor_webtask.emulator._http_messages import Handle, Play

T = TypeVar("T")

_MOMENT: Final = 0.005
"""Seconds in which the event loop calls all callbacks that are due."""


class Serving(Generic[T]):
    """A context, sync or async, in which an emulator is served. The server runs in a thread of its own.

    Args:
        entered: Returns what the context gives, from the base URL of the server.
        handle: Responds to a request.
        clock: Returns the clock on which requests are held.
        address: The host and the port to listen at; a free port, if it is 0.
    """

    def __init__(
        self,
        entered: Callable[[str], T],
        handle: Handle,
        clock: Callable[[], Clock],
        address: tuple[str, int],
    ) -> None:
        self._entered = entered
        self._handle = handle
        self._clock = clock
        self._address = address
        self._contexts = contextlib.ExitStack()

    def __enter__(self) -> T:
        return self._contexts.enter_context(self._serving())

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._contexts.close()

    async def __aenter__(self) -> T:
        # A cancelled call in another thread would leave a server behind; the server starts in milliseconds.
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(self._contexts.close)

    @contextlib.contextmanager
    def _serving(self) -> Iterator[T]:
        host, _ = self._address
        server = _Server(self._handle, self._clock)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        # The socket listens before the thread starts, so a client that connects immediately waits in the backlog.
        with (
            socket.create_server(self._address, family=family) as listener,
            anyio.from_thread.start_blocking_portal() as portal,
        ):
            # Each connection inherits this option. Without it, the second piece of a response waits 40 ms until the
            # client has acknowledged the first.
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            shown = f"[{host}]" if ":" in host else host
            serving = portal.start_task_soon(server.serve, [listener])
            try:
                yield self._entered(f"http://{shown}:{listener.getsockname()[1]}")
            finally:
                portal.call(server.ending.set)
                serving.result()


class _Server(uvicorn.Server):
    """A uvicorn server whose application is the emulator. The server runs in a thread, so it handles no signals."""

    def __init__(self, handle: Handle, clock: Callable[[], Clock]) -> None:
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
        self._clock = clock
        self._handle = handle
        self.ending = asyncio.Event()

    async def main_loop(self) -> None:
        """Wait for the end: uvicorn would look only ten times a second whether it has come."""
        await self.ending.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Abort open connections: uvicorn would wait for them, and a request may be held open for hours."""
        for each in (*self.servers, *(sockets or ())):
            each.close()
        while True:
            for connection in self._connections():
                connection.transport.abort()
            await asyncio.sleep(_MOMENT)  # a connection that was accepted just now is made only then
            if not self.server_state.connections and not self.server_state.tasks:
                return

    def _connections(self) -> list[H11Protocol]:
        return [each for each in self.server_state.connections if isinstance(each, H11Protocol)]

    async def _app(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = HTTPRequest(scope, receive)
        try:
            body = await request.body()
        except ClientDisconnect:
            return
        path = scope["raw_path"].decode("ascii")
        query, origin = scope["query_string"].decode("ascii"), f"http://{request.headers.get('host', '')}"
        with contextlib.closing(
            self._handle(Request(request.method, path, query, request.headers, body, origin))
        ) as play:
            response = await self._played(play, receive)
        if response is None:
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

    async def _played(self, play: Play, receive: Receive) -> Response | None:
        """Hold the request open for as long as the emulator says; return None if the client disconnects meanwhile."""
        response: Response | None = None
        try:
            hold = next(play)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]  # what `Play` returns
        async with anyio.create_task_group() as group:

            async def give_up() -> None:
                await _wait_for_disconnect(receive)
                group.cancel_scope.cancel()

            group.start_soon(give_up)
            try:
                while True:
                    await hold.wait_async(self._clock(), math.inf)
                    hold = next(play)
            except StopIteration as end:
                response = end.value
            group.cancel_scope.cancel()
        return response


async def _wait_for_disconnect(receive: Receive) -> None:
    """Wait until the client or the server closes the connection."""
    while (await receive())["type"] != "http.disconnect":
        pass
