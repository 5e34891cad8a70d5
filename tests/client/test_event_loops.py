"""Async clients that are closed in another event loop than their own: the server sees that the connections close.

A socket that is not closed would fail these tests too, since pytest makes each ResourceWarning an error.
"""

from __future__ import annotations

import asyncio
import gc
import ssl
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest
import trustme

from anchor_webtask import AsyncAnchor, ConfigurationError, TransportError
from tests.support.certificates import server_tls
from tests.support.errors import raised
from tests.support.patience import PATIENCE
from tests.support.raw_proxy import raw_proxy
from tests.support.raw_server import RUNNING, TASK_ID, Ending, RawServer, raw_server
from tests.support.runners import KEY

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from tests.support.runners import Runner

CLOSED = "this client is closed: make a new one, or call inside its `with` block"
async_runners = pytest.mark.parametrize("runner", ["asyncio", "trio"], indirect=True)


@pytest.fixture(params=["http", "https", "http-proxy", "https-proxy"])
def connected(request: pytest.FixtureRequest) -> Iterator[tuple[RawServer, AsyncAnchor]]:
    """A server and a client of it, with and without TLS and a proxy."""
    authority, context = trustme.CA(), ssl.create_default_context()
    authority.configure_trust(context)
    tls = server_tls(authority.issue_cert("127.0.0.1")) if "https" in request.param else None
    with ExitStack() as stack:
        server = stack.enter_context(raw_server(check=[RUNNING], tls=tls))
        has_proxy = "proxy" in request.param
        proxy = f"http://{stack.enter_context(raw_proxy(server.base_url)).address}" if has_proxy else None
        yield server, AsyncAnchor(KEY, base_url=server.base_url, proxy=proxy, ssl_context=context)


async def use(anchor: AsyncAnchor) -> None:
    """Leave three idle connections: two of `tasks`, and one of `api`."""
    async with anyio.create_task_group() as group:
        for task_id in ("task-1", "task-2"):
            group.start_soon(anchor.tasks.get(task_id).refresh)
    await anchor.api.get_async_httpx_client().get("/v1/other")


def is_closed(anchor: AsyncAnchor, run: Callable[[Callable[[], Awaitable[object]]], object]) -> bool:
    with pytest.raises(ConfigurationError, match=CLOSED):
        run(anchor.tasks.get(TASK_ID).refresh)
    return True


@pytest.mark.parametrize("second", ["asyncio", "trio"])
@pytest.mark.parametrize("first", ["asyncio", "trio"])
def test_client_of_an_event_loop_that_has_ended_is_closed_in_another_one(
    first: str, second: str, connected: tuple[RawServer, AsyncAnchor]
) -> None:
    server, anchor = connected

    async def close() -> None:
        async with anchor:
            pass
        await anchor.aclose()

    anyio.run(use, anchor, backend=first)
    assert server.connections >= 2
    anyio.run(close, backend=second)
    server.wait_for_open_connections(0)
    assert is_closed(anchor, lambda function: anyio.run(function, backend=second))
    gc.collect()


@async_runners
@pytest.mark.parametrize("second", ["asyncio", "trio"])
def test_client_of_an_event_loop_in_another_thread_is_closed_there(
    runner: Runner, second: str, connected: tuple[RawServer, AsyncAnchor]
) -> None:
    server, anchor = connected
    runner.call(use, anchor)
    anyio.run(anchor.aclose, backend=second)
    server.wait_for_open_connections(0)
    assert is_closed(anchor, runner.call)
    runner.call(anchor.aclose)


@async_runners
def test_request_in_another_thread_ends_when_its_client_is_closed(runner: Runner) -> None:
    with (
        raw_server(check=[(Ending.SILENCE,)]) as server,
        runner.anchor(base_url=server.base_url, http_timeout=10 * PATIENCE) as anchor,
        ThreadPoolExecutor(1) as threads,
    ):
        task = anchor.tasks.get(TASK_ID)
        check = threads.submit(raised, TransportError, runner, task.refresh)
        server.wait_for_requests(1)
        anyio.run(anchor.aclose)
        assert "the connection was lost" in str(check.result(PATIENCE))
        server.wait_for_disconnects(1)


def test_client_of_an_event_loop_that_is_paused_is_closed_as_far_as_possible(
    connected: tuple[RawServer, AsyncAnchor],
) -> None:
    server, anchor = connected
    loop = asyncio.new_event_loop()
    loop.run_until_complete(use(anchor))
    anyio.run(anchor.aclose)
    server.wait_for_open_connections(0)
    loop.run_until_complete(asyncio.sleep(0))  # now the loop closes its sockets
    loop.close()
    gc.collect()


class Recorder(httpx.MockTransport):
    """A custom transport that counts how often it is closed."""

    closed = 0

    async def aclose(self) -> None:
        self.closed += 1


@async_runners
@pytest.mark.parametrize("second", ["asyncio", "trio"])
def test_custom_transport_is_closed_only_in_its_own_event_loop(runner: Runner, second: str) -> None:
    transport = Recorder(lambda _: httpx.Response(200, json={"data": {"status": "RUNNING"}}))
    anchor = AsyncAnchor(KEY, transport=transport)
    runner.call(anchor.tasks.get(TASK_ID).refresh)
    anyio.run(anchor.aclose, backend=second)
    assert transport.closed == 0
    assert is_closed(anchor, runner.call)
    runner.call(anchor.aclose)
    assert transport.closed == 1


def test_client_that_was_never_used_is_closed_in_any_event_loop() -> None:
    anchor: Any = AsyncAnchor(KEY)
    for backend in ("asyncio", "trio", "asyncio"):
        anyio.run(anchor.aclose, backend=backend)
