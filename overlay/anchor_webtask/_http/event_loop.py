"""The event loop that an async client belongs to, and how its connections are closed from another one."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from anchor_webtask import _importing
from anchor_webtask._errors import ConfigurationError
from anchor_webtask._event_loops import is_asyncio, running_loop

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable


_closing: set[object] = set()
"""The tasks that close connections in other event loops; an event loop itself keeps no task from being collected."""


class OneLoop:
    """Remembers the event loop that uses a client first, and refuses all other event loops."""

    def __init__(self) -> None:
        self._loop: Any = None

    def is_other(self) -> bool:
        """Whether the running event loop is not the first one; the first call remembers the running one."""
        if self._loop is None:
            with _importing.lock:
                import anyio.lowlevel

                anyio.lowlevel.current_token()  # imports what anyio needs in this event loop
                self._loop = running_loop()
        return self._loop is not running_loop()

    def check(self) -> None:
        """Remember the running event loop on the first call; later, refuse any other event loop.

        Raises:
            ConfigurationError: The running event loop is not the first one.
        """
        if self.is_other():
            raise ConfigurationError(
                "this client was first used in another event loop: make one client for each event loop"
            )

    def close_from_outside(self, aclose: Callable[[], Awaitable[None]], streams: Callable[[], Iterable[Any]]) -> None:
        """Close the connections of a client while another event loop than its own is running.

        If its own event loop runs in another thread, that loop closes them, soon after this call. If it does not run,
        nothing uses the connections, and this call closes their sockets.

        Args:
            aclose: Closes the connections inside their event loop.
            streams: Returns the network streams of the connections.
        """

        async def close() -> None:
            with suppress(Exception):
                await aclose()

        if _run_soon(self._loop, close):
            return
        for stream in streams():
            with suppress(Exception):  # a connection that is closed already
                _close_socket(self._loop, stream)


def _run_soon(loop: Any, function: Callable[[], Awaitable[None]]) -> bool:
    """Run an async function in the event loop of another thread; return False if that loop does not run."""
    if is_asyncio(loop):
        if not loop.is_running():
            return False
        with _importing.lock:
            import contextvars

        def start() -> None:
            task = loop.create_task(function())
            _closing.add(task)
            task.add_done_callback(_closing.discard)

        with suppress(RuntimeError):  # the loop was closed meanwhile
            # An empty context, since in this one another library may be the current one.
            loop.call_soon_threadsafe(start, context=contextvars.Context())
            return True
        return False
    import trio

    with suppress(trio.RunFinishedError):
        loop.run_sync_soon(trio.lowlevel.spawn_system_task, function)
        return True
    return False


def _close_socket(loop: Any, stream: Any) -> None:
    """Close the socket of a stream whose event loop does not run."""
    sock = stream.get_extra_info("socket")
    if not is_asyncio(loop):
        socket.close(sock.detach())
        return
    with _importing.lock:
        from anchor_webtask._http.connection import innermost

    transport = innermost(stream)._transport
    if loop.is_closed():
        # What the loop would have called; else asyncio warns about a transport that was not closed.
        transport._call_connection_lost(None)
    else:
        transport.abort()  # closes the socket when the loop runs again
        sock.shutdown(socket.SHUT_RDWR)
