"""The same calls in each client: this package, bare httpx and the official client, sync and async.

All clients send the same request bodies. These are recorded beforehand, from the calls of this package.
"""

from __future__ import annotations

import asyncio
import functools
import json
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import httpx

from anchor_webtask import Anchor, AsyncAnchor
from benchmarks import _official_client
from benchmarks._request_data import BASE_URL, KEY, PATH, PROMPT, SCHEMA, SECRETS, TASK_ID, URL, respond
from benchmarks._rows import BARE, OFFICIAL, OURS
from benchmarks._sampling import async_sampler, sampler
from benchmarks._servers import mock_transport, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from benchmarks._sampling import CallTime

START: Final = "start"
START_TYPED: Final = "start_typed"
ONE_REQUEST: Final = "one_request"
ONE_REQUEST_TYPED: Final = "one_request_typed"
START_HIDING: Final = "start_hiding"
ONE_REQUEST_HIDING: Final = "one_request_hiding"
CHECK: Final = "check"

Calls: TypeAlias = Mapping[str, Callable[[], Any]]
"""The calls of one client, by name. The calls of an async client return coroutines."""


@dataclass
class Price:
    """The output type of the typed calls."""

    amount: float


@dataclass(frozen=True)
class ClientKind:
    """The calls of all sync clients, or of all async clients.

    Attributes:
        name: `sync` or `async`.
        clients: The calls of each client, by the client's name.
        sampler: Receives a call and a number N; returns a function that measures N calls in a row, as one sample.
    """

    name: str
    clients: Mapping[str, Calls]
    sampler: Callable[[Callable[[], Any], int], Callable[[], CallTime]]


def without_io() -> Iterator[ClientKind]:
    """Yield first the sync clients, then the async clients. All of them use a transport without I/O."""
    return _kinds(BASE_URL, mock_transport(respond))


def over_tcp() -> Iterator[ClientKind]:
    """Yield first the sync clients, then the async clients. Each client keeps one loopback TCP connection open."""
    with serving(respond) as server:
        yield from _kinds(server.url, None)


def _kinds(base_url: str, mock: httpx.MockTransport | None) -> Iterator[ClientKind]:
    with _sync_clients(base_url, mock) as clients:
        yield ClientKind("sync", clients, sampler)
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        try:
            opened = runner.run(stack.enter_async_context(_async_clients(base_url, mock)))
            yield ClientKind("async", opened, functools.partial(async_sampler, runner))
        finally:
            runner.run(stack.aclose())


@contextmanager
def _sync_clients(base_url: str, mock: httpx.MockTransport | None) -> Iterator[Mapping[str, Calls]]:
    headers = {"anchor-api-key": KEY}
    with (
        Anchor(KEY, base_url=base_url, transport=mock) as anchor,
        httpx.Client(base_url=base_url, headers=headers, transport=mock) as bare,
        ExitStack() as stack,
    ):
        clients = {OURS: _our_calls(anchor), BARE: _bare_calls(bare)}
        if _official_client.is_installed():
            http_client = httpx.Client(transport=mock) if mock else None
            clients[OFFICIAL] = _official_calls(stack.enter_context(_official_client.client(base_url, http_client)))
        yield clients


@asynccontextmanager
async def _async_clients(base_url: str, mock: httpx.MockTransport | None) -> AsyncIterator[Mapping[str, Calls]]:
    headers = {"anchor-api-key": KEY}
    async with (
        AsyncAnchor(KEY, base_url=base_url, transport=mock) as anchor,
        httpx.AsyncClient(base_url=base_url, headers=headers, transport=mock) as bare,
        AsyncExitStack() as stack,
    ):
        clients = {OURS: _our_calls(anchor), BARE: _bare_async_calls(bare)}
        if _official_client.is_installed():
            http_client = httpx.AsyncClient(transport=mock) if mock else None
            official = await stack.enter_async_context(_official_client.async_client(base_url, http_client))
            clients[OFFICIAL] = _official_calls(official)
        yield clients


def _our_calls(anchor: Anchor | AsyncAnchor) -> Calls:
    tasks, task = anchor.tasks, anchor.tasks.get(TASK_ID)
    return {
        START: lambda: tasks.start(PROMPT, url=URL),
        START_TYPED: lambda: tasks.start(PROMPT, url=URL, output=Price),
        ONE_REQUEST: lambda: tasks.run_in_one_request(PROMPT, url=URL),
        ONE_REQUEST_TYPED: lambda: tasks.run_in_one_request(PROMPT, url=URL, output=Price),
        START_HIDING: lambda: tasks.start(PROMPT, url=URL, output=SCHEMA, secret_values=SECRETS),
        ONE_REQUEST_HIDING: lambda: tasks.run_in_one_request(PROMPT, url=URL, output=SCHEMA, secret_values=SECRETS),
        CHECK: task.refresh,
    }


def _bare_calls(client: httpx.Client) -> Calls:
    def post(body: Mapping[str, Any], field: str) -> Any:
        return client.post(PATH, json=body).raise_for_status().json()["data"][field]

    def check() -> Any:
        return client.get(f"{PATH}/{TASK_ID}/status").raise_for_status().json()["data"]["status"]

    return {**{name: functools.partial(post, body, _FIELDS[name]) for name, body in _bodies().items()}, CHECK: check}


def _bare_async_calls(client: httpx.AsyncClient) -> Calls:
    async def post(body: Mapping[str, Any], field: str) -> Any:
        return (await client.post(PATH, json=body)).raise_for_status().json()["data"][field]

    async def check() -> Any:
        return (await client.get(f"{PATH}/{TASK_ID}/status")).raise_for_status().json()["data"]["status"]

    return {**{name: functools.partial(post, body, _FIELDS[name]) for name, body in _bodies().items()}, CHECK: check}


def _official_calls(client: Any) -> Calls:
    def post(body: Mapping[str, Any]) -> Callable[[], Any]:
        arguments = {"async_" if name == "async" else name: value for name, value in body.items()}
        return lambda: client.tools.perform_web_task(**arguments)

    posts = {name: post(body) for name, body in _bodies().items()}
    return {**posts, CHECK: lambda: client.tools.get_perform_web_task_status(TASK_ID)}


_FIELDS: Final = {
    START: "workflow_id",
    START_TYPED: "workflow_id",
    ONE_REQUEST: "result",
    ONE_REQUEST_TYPED: "result",
    START_HIDING: "workflow_id",
    ONE_REQUEST_HIDING: "result",
}


@functools.cache
def _bodies() -> Mapping[str, Mapping[str, Any]]:
    """Return the body that this package sends in each call, by the call's name."""
    bodies: list[dict[str, Any]] = []

    def record(method: str, path: str, body: bytes) -> bytes:
        bodies.append(json.loads(body))
        return respond(method, path, body)

    with Anchor(KEY, transport=mock_transport(record)) as anchor:
        calls = _our_calls(anchor)
        for name in _FIELDS:
            calls[name]()
    return dict(zip(_FIELDS, bodies, strict=True))
