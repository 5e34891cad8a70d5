"""Many requests of one client at once: those that the server doesn't hold open wait their turn."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread
import pytest

from anchor_webtask import Anchor, AsyncAnchor, WaitPolicy, _guarded
from tests.support.faces import KEY
from tests.support.raw_server import COMPLETED, PATIENCE, STARTED, TASK_ID, Ending, answer, raw_server

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

OFTEN = WaitPolicy(minimum=0.01, maximum=0.05)
FACES = ["sync", "asyncio", "trio"]


def together(name: str, calls: list[Callable[[Any], Any]], **arguments: Any) -> list[Any]:
    """Call all at once with one client, and return what they return, in order."""
    if name == "sync":
        with Anchor(KEY, wait=OFTEN, **arguments) as anchor, ThreadPoolExecutor(len(calls)) as threads:
            return list(threads.map(lambda call: call(anchor), calls))
    came: list[Any] = [None] * len(calls)

    async def do(at: int, awaitable: Awaitable[Any]) -> None:
        came[at] = await awaitable

    async def main() -> None:
        async with AsyncAnchor(KEY, wait=OFTEN, **arguments) as anchor, anyio.create_task_group() as group:
            for at, call in enumerate(calls):
                group.start_soon(do, at, call(anchor))

    anyio.run(main, backend=name)
    return came


def check(anchor: Any) -> Any:
    return anchor.tasks.get(TASK_ID).result(timeout=PATIENCE)


def start(anchor: Any) -> Any:
    return anchor.tasks.start("Read the price")


def in_one_request(anchor: Any) -> Any:
    return anchor.tasks.run_in_one_request("Read the price", http_timeout=PATIENCE)


@pytest.mark.parametrize("name", FACES)
def test_so_many_are_under_way_at_once_and_no_more(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_guarded, "AT_ONCE", 3)
    meet = threading.Barrier(3, timeout=PATIENCE).wait
    with raw_server(check=[(meet, *COMPLETED)]) as server:
        results = together(name, [check] * 12, base_url=server.base_url)
    assert [result.value for result in results] == ["done"] * 12
    assert (server.count("GET"), server.connections) == (12, 3)


@pytest.mark.parametrize("name", FACES)
def test_requests_that_are_held_open_keep_nobody_waiting(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_guarded, "AT_ONCE", 1)
    checked = threading.Event()
    held = (lambda: checked.wait(PATIENCE), *answer({"data": {"result": "held"}}))
    with raw_server(start=[held], check=[(checked.set, *COMPLETED)]) as server:
        results = together(name, [in_one_request, in_one_request, check], base_url=server.base_url)
    assert [result.value for result in results] == ["held", "held", "done"]


@pytest.mark.parametrize("name", FACES)
def test_a_start_that_waits_too_long_for_its_turn_was_not_sent(
    name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(_guarded, "AT_ONCE", 1)
    with raw_server(start=[STARTED], check=[(Ending.SILENCE,), COMPLETED]) as server:

        def start_meanwhile(anchor: Any) -> Any:
            server.wait_for(1)
            return start(anchor)

        async def start_meanwhile_async(anchor: Any) -> Any:
            await anyio.to_thread.run_sync(server.wait_for, 1)
            return await start(anchor)

        second = start_meanwhile if name == "sync" else start_meanwhile_async
        result, task = together(name, [check, second], base_url=server.base_url, http_timeout=1)
    assert (result.value, task.id) == ("done", TASK_ID)
    assert server.starts == 1
    assert "start not accepted (RequestTimeoutError), sending it again" in caplog.messages
