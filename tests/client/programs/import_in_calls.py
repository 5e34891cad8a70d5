"""Make first calls, and print each module that a call imports without the lock for which a fork waits.

Usage: `import_in_calls.py CLIENT BASE_URL`. CLIENT is sync, asyncio or trio. Each call is made in a process of its own,
so that it is the first one.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import pydantic
import trio

import anchor_webtask
from anchor_webtask import Anchor, AnchorError, AsyncAnchor, WaitPolicy, _importing

if TYPE_CHECKING:
    from collections.abc import Callable

client, base_url = sys.argv[1:]
policy = WaitPolicy(minimum=0.01)
anchor: Any = (Anchor if client == "sync" else AsyncAnchor)("a-key", base_url=base_url, wait=policy)


@dataclass
class Price:
    amount: int


class Point(NamedTuple):
    x: int


class Book(pydantic.BaseModel):
    title: str


def http_client() -> Any:
    return anchor.api.get_httpx_client() if client == "sync" else anchor.api.get_async_httpx_client()


def use_session() -> None:
    session = anchor.sessions.open(tags=["a"])
    session.usage()
    session.downloads()
    anchor.sessions.list()
    session.tasks.run("Read", on_question=str)
    session.end()


async def use_async_session() -> None:
    async with anchor.sessions.open(tags=["a"]) as session:
        await session.usage()
        await session.downloads()
        await anchor.sessions.list()
        await session.tasks.run("Read", on_question=str)


TOKEN = {"version": 1, "task_id": "t", "base_url": base_url, "started": "2026-01-01T00:00+00:00", "wrapped": False}
CALLS: dict[str, Callable[[], Any]] = {
    "start": lambda: anchor.tasks.start("Read", secret_values={"PASSWORD": "a-password"}),
    "run": lambda: anchor.tasks.run("Read"),
    "run_in_one_request": lambda: anchor.tasks.run_in_one_request("Read"),
    "refresh": lambda: anchor.tasks.get("task-1").refresh(),
    "resume": lambda: anchor.tasks.resume(json.dumps(TOKEN)).refresh(),
    "api": lambda: http_client().get("/v1/other"),
    "unknown option": lambda: anchor.tasks.start("Read", ulr="https://example.com"),
    "dataclass": lambda: anchor.tasks.run("Read", output=Price),
    "list": lambda: anchor.tasks.run("Read", output=list[Point]),
    "pydantic": lambda: anchor.tasks.run("Read", output=Book),
    "session": use_session if client == "sync" else use_async_session,
    "JsonSchema": lambda: anchor.tasks.run("Read", output=anchor_webtask.JsonSchema({"type": "integer"})),
}


def report(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "import" and not _importing._own._is_owned():  # type: ignore[attr-defined]  # no public method says it
        print(name, arguments[0], flush=True)


async def make_async_call() -> None:
    await CALLS[name]()


def make_call() -> None:
    try:
        if client == "sync":
            CALLS[name]()
        elif client == "asyncio":
            asyncio.run(make_async_call())
        else:
            trio.run(make_async_call)
    except AnchorError as error:
        str(error)


# What an event loop imports on its own is imported before the first call.
asyncio.run(asyncio.sleep(0))
trio.run(trio.sleep, 0)
for name in CALLS:
    if not os.fork():
        sys.addaudithook(report)
        make_call()
        os._exit(0)
    _, status = os.wait()
    if status:
        print(name, "exited with", status)
