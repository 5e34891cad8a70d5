"""The same calls in each client and either face.

Httpx and the official client are given what this package sends: its body is looked at first.
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
from benchmarks._request_data import BASE_URL, KEY, PATH, PROMPT, TASK_ID, URL, answer
from benchmarks._rows import BARE, OFFICIAL, OURS
from benchmarks._sampling import timed, timed_async
from benchmarks._servers import mocked, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from benchmarks._sampling import Took

START: Final = "start"
START_TYPED: Final = "start_typed"
ONE_REQUEST: Final = "one_request"
ONE_REQUEST_TYPED: Final = "one_request_typed"
CHECK: Final = "check"

Calls: TypeAlias = Mapping[str, Callable[[], Any]]
"""By what is done; in the async face they return coroutines."""


@dataclass
class Price:
    """What a typed answer is read into."""

    amount: float


@dataclass(frozen=True)
class Face:
    """The calls of all clients, in one face.

    Attributes:
        name: `sync` or `async`.
        clients: The calls of each client, by its name.
        timed: Makes what takes a sample of a call: so many of them in a row.
    """

    name: str
    clients: Mapping[str, Calls]
    timed: Callable[[Callable[[], Any], int], Callable[[], Took]]


def without_io() -> Iterator[Face]:
    """Yield both faces, over a transport without I/O."""
    return _faces(BASE_URL, mocked(answer))


def over_tcp() -> Iterator[Face]:
    """Yield both faces, over loopback TCP; each client keeps one connection alive."""
    with serving(answer) as server:
        yield from _faces(server.url, None)


def _faces(base_url: str, mock: httpx.MockTransport | None) -> Iterator[Face]:
    with _clients(base_url, mock) as clients:
        yield Face("sync", clients, timed)
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        try:
            opened = runner.run(stack.enter_async_context(_async_clients(base_url, mock)))
            yield Face("async", opened, functools.partial(timed_async, runner))
        finally:
            runner.run(stack.aclose())


@contextmanager
def _clients(base_url: str, mock: httpx.MockTransport | None) -> Iterator[Mapping[str, Calls]]:
    headers = {"anchor-api-key": KEY}
    with (
        Anchor(KEY, base_url=base_url, transport=mock) as anchor,
        httpx.Client(base_url=base_url, headers=headers, transport=mock) as bare,
        ExitStack() as stack,
    ):
        clients = {OURS: _ours(anchor), BARE: _bare(bare)}
        if _official_client.is_installed():
            http_client = httpx.Client(transport=mock) if mock else None
            clients[OFFICIAL] = _of_official(stack.enter_context(_official_client.client(base_url, http_client)))
        yield clients


@asynccontextmanager
async def _async_clients(base_url: str, mock: httpx.MockTransport | None) -> AsyncIterator[Mapping[str, Calls]]:
    headers = {"anchor-api-key": KEY}
    async with (
        AsyncAnchor(KEY, base_url=base_url, transport=mock) as anchor,
        httpx.AsyncClient(base_url=base_url, headers=headers, transport=mock) as bare,
        AsyncExitStack() as stack,
    ):
        clients = {OURS: _ours(anchor), BARE: _bare_async(bare)}
        if _official_client.is_installed():
            http_client = httpx.AsyncClient(transport=mock) if mock else None
            official = await stack.enter_async_context(_official_client.async_client(base_url, http_client))
            clients[OFFICIAL] = _of_official(official)
        yield clients


def _ours(anchor: Anchor | AsyncAnchor) -> Calls:
    tasks, task = anchor.tasks, anchor.tasks.get(TASK_ID)
    return {
        START: lambda: tasks.start(PROMPT, url=URL),
        START_TYPED: lambda: tasks.start(PROMPT, url=URL, output=Price),
        ONE_REQUEST: lambda: tasks.run_in_one_request(PROMPT, url=URL),
        ONE_REQUEST_TYPED: lambda: tasks.run_in_one_request(PROMPT, url=URL, output=Price),
        CHECK: task.refresh,
    }


def _bare(client: httpx.Client) -> Calls:
    def post(body: Mapping[str, Any], field: str) -> Any:
        return client.post(PATH, json=body).raise_for_status().json()["data"][field]

    def check() -> Any:
        return client.get(f"{PATH}/{TASK_ID}/status").raise_for_status().json()["data"]["status"]

    return {**{name: functools.partial(post, body, _FIELDS[name]) for name, body in _bodies().items()}, CHECK: check}


def _bare_async(client: httpx.AsyncClient) -> Calls:
    async def post(body: Mapping[str, Any], field: str) -> Any:
        return (await client.post(PATH, json=body)).raise_for_status().json()["data"][field]

    async def check() -> Any:
        return (await client.get(f"{PATH}/{TASK_ID}/status")).raise_for_status().json()["data"]["status"]

    return {**{name: functools.partial(post, body, _FIELDS[name]) for name, body in _bodies().items()}, CHECK: check}


def _of_official(client: Any) -> Calls:
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
}


@functools.cache
def _bodies() -> Mapping[str, Mapping[str, Any]]:
    """Return what this package sends in each call."""
    bodies: list[dict[str, Any]] = []

    def look(method: str, path: str, body: bytes) -> bytes:
        bodies.append(json.loads(body))
        return answer(method, path, body)

    with Anchor(KEY, transport=mocked(look)) as anchor:
        calls = _ours(anchor)
        for name in _FIELDS:
            calls[name]()
    return dict(zip(_FIELDS, bodies, strict=True))
