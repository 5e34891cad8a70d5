"""The emulator as an HTTP server on a loopback address, for clients of any kind, in this process or another one."""

from __future__ import annotations

import asyncio
import contextlib
import math
import socket
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import anyio
import anyio.from_thread
import anyio.to_thread
import uvicorn
from starlette.requests import ClientDisconnect
from starlette.requests import Request as HTTPRequest
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from anchor_webtask.emulator._http_messages import Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

    from starlette.types import Receive, Scope, Send

    from anchor_webtask._clock import Clock
    from anchor_webtask.emulator._http_messages import Handle, Play

T = TypeVar("T")

_BACKLOG: Final = 2048
"""How many clients may wait until the server accepts their connections, as in uvicorn."""

_ACCEPT_PAUSE: Final = 1.0
"""Seconds until the next attempt when the system refuses to accept a connection, as in asyncio."""


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
            socket.create_server(self._address, family=family, backlog=_BACKLOG) as listener,
            anyio.from_thread.start_blocking_portal() as portal,
        ):
            # Each connection inherits this option. Without it, the second piece of a response waits 40 ms until the
            # client has acknowledged the first.
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            shown = f"[{host}]" if ":" in host else host
            serving = portal.start_task_soon(server.serve, listener)
            try:
                yield self._entered(f"http://{shown}:{listener.getsockname()[1]}")
            finally:
                portal.call(server.ending.set)
                serving.result()


class _Server:
    """Serves the emulator with uvicorn's HTTP protocol, until the event `ending` is set.

    `uvicorn.Server` is not used. At its end, it waits for open connections, and a request may be held open for hours.
    Also, a client would wait forever if asyncio had accepted its connection just before the end, as this connection is
    in no list yet.
    """

    def __init__(self, handle: Handle, clock: Callable[[], Clock]) -> None:
        # uvicorn's logging settings would apply to every uvicorn server in the process. Without them, uvicorn logs only
        # warnings and errors, unless the process configures logging.
        self._config = uvicorn.Config(
            self._app,
            interface="asgi3",
            http=_Connection,
            ws="none",
            lifespan="off",
            proxy_headers=False,
            log_config=None,
        )
        self._state = ServerState()
        self._clock = clock
        self._handle = handle
        self.ending = asyncio.Event()

    async def serve(self, listener: socket.socket) -> None:
        """Serve clients of the listening socket. At the end, close it and all connections."""
        self._config.load()
        with listener:  # at its end, the system resets the connections that still wait to be accepted
            async with anyio.create_task_group() as group:
                group.start_soon(self._accept, listener)
                await self.ending.wait()
                group.cancel_scope.cancel()
        connections = self._connections()
        for connection in connections:
            connection.transport.abort()
        for connection in connections:
            await connection.lost.wait()
        if self._state.tasks:
            await asyncio.wait(self._state.tasks)

    async def _accept(self, listener: socket.socket) -> None:
        """Accept connections until cancelled. Then each of them is closed already, or is in `_connections()`."""
        loop = asyncio.get_running_loop()
        listener.setblocking(False)
        while True:
            await anyio.wait_readable(listener)
            try:
                accepted, _ = listener.accept()
            except (BlockingIOError, ConnectionAbortedError):
                continue  # the client has gone
            except OSError as error:  # such as too many open files: the client waits until some are closed
                loop.call_exception_handler({"message": "The emulator cannot accept a connection", "exception": error})
                await anyio.sleep(_ACCEPT_PAUSE)
                continue
            accepted.setblocking(False)
            # This takes some rounds of the event loop. Nothing promises that a cancelled call closes the connection.
            with anyio.CancelScope(shield=True):
                try:
                    await loop.connect_accepted_socket(self._connection, accepted)
                except OSError:  # asyncio has not taken it over, such as if its client has gone
                    accepted.close()

    def _connection(self) -> _Connection:
        return _Connection(self._config, self._state, app_state={})

    def _connections(self) -> list[_Connection]:
        return [each for each in self._state.connections if isinstance(each, _Connection)]

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


class _Connection(H11Protocol):
    """A connection of uvicorn. The event `lost` is set when it is closed."""

    def __init__(self, config: uvicorn.Config, server_state: ServerState, app_state: dict[str, Any]) -> None:
        super().__init__(config, server_state, app_state)
        self.lost = asyncio.Event()

    def connection_lost(self, exc: Exception | None) -> None:
        try:
            super().connection_lost(exc)
        finally:
            self.lost.set()


async def _wait_for_disconnect(receive: Receive) -> None:
    """Wait until the client or the server closes the connection."""
    while (await receive())["type"] != "http.disconnect":
        pass
