"""Idle connections: how many are kept, and that no interruption leaves one open that nobody uses."""

from __future__ import annotations

import asyncio
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import anyio.lowlevel
import anyio.to_thread
import httpx
import pytest

from anchor_webtask._http import connections
from anchor_webtask._http.async_transport import AsyncTransport
from anchor_webtask._http.limiter import MAX_IN_FLIGHT
from anchor_webtask._http.transport import Transport
from tests.support.clocks import InstantClock
from tests.support.raw_server import RawServer, raw_server
from tests.support.runners import SyncRunner

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable
    from types import FrameType

    from tests.support.runners import Runner

FOLDER = Path(connections.__file__).parent
OUR_FILES = {str(FOLDER / name) for name in ("transport.py", "connections.py", "connection.py")}


def no_context() -> ssl.SSLContext:
    raise AssertionError("no connection here uses TLS")


def made_transport(runner: Runner, clock: InstantClock) -> Any:
    return (Transport if runner.name == "sync" else AsyncTransport)(no_context, clock.now)


def request(server: RawServer) -> httpx.Request:
    return httpx.Request("GET", f"{server.base_url}/v1/other")


def leave_idle(runner: Runner, transport: Any, server: RawServer, clock: InstantClock, times: list[float]) -> None:
    """Make one connection for each of these times, and leave it idle since then."""
    is_sync = runner.name == "sync"
    send = transport.handle_request if is_sync else transport.handle_async_request
    responses = [runner.call(send, request(server)) for _ in times]  # none has been read, so none of them is idle
    for response, time in zip(responses, times, strict=True):
        clock.time = time
        runner.call(response.read if is_sync else response.aread)


def close(runner: Runner, transport: Any) -> None:
    runner.call(transport.close if runner.name == "sync" else transport.aclose)


def test_oldest_idle_connections_are_closed_beyond_the_maximum(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    assert connections.MAX_IDLE_CONNECTIONS == 2 * MAX_IN_FLIGHT
    monkeypatch.setattr(connections, "MAX_IDLE_CONNECTIONS", 3)
    clock = InstantClock()
    transport = made_transport(runner, clock)
    with raw_server() as server:
        leave_idle(runner, transport, server, clock, [0.1, 0.2, 0.3, 0.4, 0.5])
        server.wait_for_open_connections(3)
        assert [each.idle_since for each in transport._idle] == [0.3, 0.4, 0.5]
        close(runner, transport)
        server.wait_for_open_connections(0)


def test_connection_that_becomes_idle_after_the_transport_was_closed_is_closed(runner: Runner) -> None:
    clock = InstantClock()
    transport = made_transport(runner, clock)
    with raw_server() as server:
        leave_idle(runner, transport, server, clock, [0.0])
        connection = transport._idle.pop()
        transport.in_use.add(connection)
        connection.finish = lambda: transport.close_all() is not None or True  # another thread closes it at this moment
        assert transport.keep(connection, [connection]) == [connection]
        runner.call(connection.stream.close if runner.name == "sync" else connection.stream.aclose)


class Interruption(BaseException):
    """An interruption, such as Ctrl-C."""


class InterruptAtLine:
    """Raises `Interruption` before the n-th line of our transport."""

    def __init__(self, n: int) -> None:
        self._left = n

    def __call__(self, frame: FrameType, event: str, _: object) -> Any:
        if frame.f_code.co_filename not in OUR_FILES:
            return None
        if event == "line":
            self._left -= 1
            if self._left == 0:
                raise Interruption
        return self


def interrupted_response(line: int, transport: Transport, to_send: httpx.Request) -> httpx.Response | None:
    """Send a request, and interrupt it before its n-th line; return None if it is interrupted.

    It runs in a thread of its own: in Python 3.11, a thread in which a trace function raises may go on handling that
    exception forever.
    """
    responses: list[httpx.Response] = []

    def send() -> None:
        sys.settrace(InterruptAtLine(line))
        with suppress(Interruption):
            responses.append(transport.handle_request(to_send))

    thread = threading.Thread(target=send)
    thread.start()
    thread.join()
    return next(iter(responses), None)


each_kind = pytest.mark.parametrize("ages", [[6.0, 5.5, 1.0], [6.0, 5.5]], ids=["reuses-one", "reuses-none"])
"""The ages of the idle connections that a request finds; two of them are too old."""


@each_kind
def test_no_line_at_which_a_request_is_interrupted_leaves_its_connections_open(ages: list[float]) -> None:
    response: httpx.Response | None = None
    line = 0
    with raw_server() as server:
        while response is None:
            line += 1
            clock = InstantClock()
            transport = Transport(no_context, clock.now)
            leave_idle(SyncRunner(), transport, server, clock, [10.0 - age for age in ages])
            clock.time = 10.0
            response = interrupted_response(line, transport, request(server))
            if response is None:
                assert transport.in_use == set(), line
            server.wait_for_open_connections(len(transport._idle) + (response is not None))
            transport.close()
        response.close()
    assert line > 50


async def cancel(call: Awaitable[httpx.Response], steps: list[int]) -> httpx.Response | None:
    """Cancel an asyncio task after each of these numbers of turns of the event loop, unless it ends before."""
    task = asyncio.ensure_future(call)
    for turns in steps:
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
    try:
        return await task
    except asyncio.CancelledError:
        return None


async def number_of_cancellations(
    send_and_cancel: Callable[[Awaitable[httpx.Response], int], Awaitable[httpx.Response | None]],
    ages: list[float],
    server: RawServer,
    clock: InstantClock,
) -> int:
    """Cancel requests after more and more turns, and check their connections; return how many turns the last one took.

    Args:
        send_and_cancel: Sends a request, cancels it after a number of turns, and returns its response, if there is one.
        ages: The ages of the idle connections that each request finds.
        server: The server.
        clock: The transport's clock.
    """
    turns = 0
    response: httpx.Response | None = None
    while response is None:
        transport = AsyncTransport(no_context, clock.now)
        responses = [await transport.handle_async_request(request(server)) for _ in ages]
        for each, age in zip(responses, ages, strict=True):
            clock.time = 10.0 - age
            await each.aread()
        clock.time = 10.0
        response = await send_and_cancel(transport.handle_async_request(request(server)), turns)
        if response is None:
            assert transport.in_use == set(), turns
        idle = len(transport._idle) + (response is not None)
        await anyio.to_thread.run_sync(server.wait_for_open_connections, idle)
        await transport.aclose()
        turns += 1
    return turns


@each_kind
@pytest.mark.parametrize("cancellations", [1, 3])
def test_no_await_at_which_asyncio_cancels_a_request_leaves_its_connections_open(
    ages: list[float], cancellations: int
) -> None:
    async def send_and_cancel(call: Awaitable[httpx.Response], turns: int) -> httpx.Response | None:
        return await cancel(call, [turns, *[1] * (cancellations - 1)])

    with raw_server() as server:
        assert asyncio.run(number_of_cancellations(send_and_cancel, ages, server, InstantClock())) > 3


@each_kind
def test_no_checkpoint_at_which_trio_cancels_a_request_leaves_its_connections_open(ages: list[float]) -> None:
    async def send_and_cancel(call: Awaitable[httpx.Response], turns: int) -> httpx.Response | None:
        received: list[httpx.Response] = []

        async def send() -> None:
            received.append(await call)

        async with anyio.create_task_group() as group:
            group.start_soon(send)
            for _ in range(turns):
                await anyio.lowlevel.checkpoint()
            group.cancel_scope.cancel()
        return received[0] if received else None

    with raw_server() as server:
        turns = anyio.run(number_of_cancellations, send_and_cancel, ages, server, InstantClock(), backend="trio")
        assert turns > 3
