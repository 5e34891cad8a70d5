"""Many requests of one client at once: those that the server doesn't hold open wait their turn."""

from __future__ import annotations

import json
import re
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread
import httpx
import pytest

from anchor_webtask import (
    AnchorError,
    ConfigurationError,
    RequestTimeoutError,
    StartOutcomeUnknownError,
    TaskTimeoutError,
)
from anchor_webtask._http import limiter, sender
from anchor_webtask._http.clients import GuardedAsyncClient, GuardedClient
from tests.support.raw_server import COMPLETED, STARTED, TASK_ID, TEST_TIMEOUT, Ending, json_response, raw_server
from tests.support.runners import make_runner

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.clocks import VirtualClock
    from tests.support.runners import Runner


@dataclass
class Call:
    """A call among others: how it's made, what it waits for before that, and whether it's over."""

    make: Callable[[Any], Any]
    after: Callable[[], object] = bool
    over: threading.Event = field(default_factory=threading.Event)


def together(runner: Runner, anchor: Any, *calls: Call) -> list[Any]:
    """Make calls at once, and return what they return or raise, in order."""
    came: list[Any] = [None] * len(calls)

    def do(at: int) -> None:
        calls[at].after()
        try:
            came[at] = calls[at].make(anchor)
        except AnchorError as error:
            came[at] = error
        finally:
            calls[at].over.set()

    async def do_async(at: int) -> None:
        await anyio.to_thread.run_sync(calls[at].after)
        try:
            came[at] = await calls[at].make(anchor)
        except AnchorError as error:
            came[at] = error
        finally:
            calls[at].over.set()

    async def do_all() -> None:
        async with anyio.create_task_group() as group:
            for at in range(len(calls)):
                group.start_soon(do_async, at)

    if runner.name == "sync":
        with ThreadPoolExecutor(len(calls)) as threads:
            list(threads.map(do, range(len(calls))))
    else:
        runner.call(do_all)
    return came


def check(anchor: Any) -> Any:
    return anchor.tasks.get(TASK_ID).result(timeout=TEST_TIMEOUT)


def start(anchor: Any) -> Any:
    return anchor.tasks.start("Read the price")


def in_one_request(anchor: Any) -> Any:
    return anchor.tasks.run_in_one_request("Read the price", http_timeout=TEST_TIMEOUT)


@pytest.fixture(autouse=True)
def one_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limiter, "MAX_IN_FLIGHT", 1)


@pytest.fixture
def queued(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set once a request waits for its turn."""
    patience, waits = limiter.Slot.max_queue_time, threading.Event()

    def noted(*args: Any) -> float:
        waits.set()
        return patience(*args)

    monkeypatch.setattr(limiter.Slot, "max_queue_time", noted)
    return waits


@pytest.mark.parametrize(("call", "method"), [(check, "GET"), (start, "POST")])
def test_so_many_are_under_way_at_once_and_no_more(
    runner: Runner, monkeypatch: pytest.MonkeyPatch, call: Callable[[Any], Any], method: str
) -> None:
    monkeypatch.setattr(limiter, "MAX_IN_FLIGHT", 3)
    meet = threading.Barrier(3, timeout=TEST_TIMEOUT).wait
    plays = [(meet, *STARTED)], [(meet, *COMPLETED)]
    with raw_server(start=plays[0], check=plays[1]) as server, runner.anchor(base_url=server.base_url) as anchor:
        came = together(runner, anchor, *[Call(call)] * 12)
    assert [one for one in came if isinstance(one, AnchorError)] == []
    assert (server.count(method), server.connections) == (12, 3)


def test_requests_that_are_held_open_keep_nobody_waiting(runner: Runner) -> None:
    checked, meet = threading.Event(), threading.Barrier(2, timeout=TEST_TIMEOUT).wait
    held = (meet, lambda: checked.wait(TEST_TIMEOUT), *json_response({"data": {"result": "held"}}))
    with (
        raw_server(start=[held], check=[(checked.set, *COMPLETED)]) as server,
        runner.anchor(base_url=server.base_url) as anchor,
    ):
        results = together(runner, anchor, Call(in_one_request), Call(in_one_request), Call(check))
    assert [result.value for result in results] == ["held", "held", "done"]


def test_starts_do_not_wait_for_checks(runner: Runner) -> None:
    started = threading.Event()
    play = (lambda: started.wait(TEST_TIMEOUT), *COMPLETED)
    with (
        raw_server(start=[(started.set, *STARTED)], check=[play]) as server,
        runner.anchor(base_url=server.base_url, http_timeout=5) as anchor,
    ):
        result, task = together(runner, anchor, Call(check), Call(start, after=lambda: server.wait_for_requests(1)))
    assert (result.value, task.id, server.count("GET")) == ("done", TASK_ID, 1)


def test_the_time_of_a_start_begins_with_its_turn(runner: Runner) -> None:
    with (
        raw_server(start=[(Ending.SILENCE,), STARTED]) as server,
        runner.anchor(base_url=server.base_url, http_timeout=1) as anchor,
    ):
        unknown, task = together(runner, anchor, Call(start), Call(start, after=lambda: server.wait_for_requests(1)))
    assert isinstance(unknown, StartOutcomeUnknownError)
    assert (task.id, server.starts) == (TASK_ID, 2)


def test_a_start_whose_turn_does_not_come_by_the_deadline_is_not_sent(runner: Runner) -> None:
    run = Call(
        lambda anchor: anchor.tasks.run("Read the price", timeout=0.1), after=lambda: server.wait_for_requests(1)
    )
    play = (lambda: run.over.wait(TEST_TIMEOUT), *STARTED)
    with raw_server(start=[play]) as server, runner.anchor(base_url=server.base_url) as anchor:
        task, error = together(runner, anchor, Call(start), run)
    assert isinstance(error, RequestTimeoutError)
    assert str(error) == "not sent within 1 s: too many other requests are in flight"
    assert (task.id, server.starts) == (TASK_ID, 1)


class Busy(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Answers the first request once another one waits for its turn, ten seconds later; notes what each may take."""

    def __init__(self, clock: VirtualClock, queued: threading.Event) -> None:
        self.clock, self.queued = clock, queued
        self.came = threading.Event()
        self.timeouts: list[dict[str, float]] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.timeouts.append(request.extensions["timeout"])
        if not self.came.is_set():
            self.came.set()
            assert self.queued.wait(TEST_TIMEOUT)
            self.clock.time += 10
        return httpx.Response(200, json={"data": {"status": "running", "workflow_id": TASK_ID}})

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await anyio.to_thread.run_sync(self.handle_request, request)


def first_update(task: Any, timeout: float = TEST_TIMEOUT) -> Any:
    updates = task.updates(timeout=timeout)
    return next(updates) if hasattr(updates, "__next__") else anext(updates)


def refresh(anchor: Any) -> Any:
    return anchor.tasks.get(TASK_ID).refresh()


@pytest.mark.parametrize(
    ("first", "second", "limit", "connect"),
    [
        pytest.param(start, start, 30, 27, id="a start"),
        pytest.param(start, lambda anchor: anchor.tasks.run("Read", timeout=22), 30, 12, id="a start with a deadline"),
        pytest.param(refresh, lambda anchor: anchor.tasks.get(TASK_ID).result(timeout=22), 12, 0.9 * 12, id="a check"),
    ],
)
def test_what_a_request_may_take_that_has_waited_for_its_turn(
    runner: Runner,
    clock: VirtualClock,
    queued: threading.Event,
    first: Callable[[Any], Any],
    second: Callable[[Any], Any],
    limit: float,
    connect: float,
) -> None:
    busy = Busy(clock, queued)
    with runner.anchor(transport=busy) as anchor:
        came = together(runner, anchor, Call(first), Call(second, after=busy.came.wait))
    assert busy.timeouts[1] == pytest.approx({"read": limit, "write": limit, "connect": connect, "pool": connect})
    assert not isinstance(came[1], AnchorError) or isinstance(came[1], TaskTimeoutError)


def test_a_task_is_as_old_as_the_answer_to_its_start(
    runner: Runner, clock: VirtualClock, queued: threading.Event
) -> None:
    busy = Busy(clock, queued)
    with runner.anchor(transport=busy) as anchor:
        _, task = together(runner, anchor, Call(start), Call(start, after=busy.came.wait))
        assert json.loads(task.token())["started"] == "2027-01-15T08:00:10+00:00"
        assert runner.call(first_update, task).elapsed == 1


def test_a_check_waits_for_its_turn_on_its_own_time(runner: Runner) -> None:
    def look(anchor: Any) -> Any:
        return first_update(anchor.tasks.get(TASK_ID), timeout=0.5)

    impatient = Call(look, after=lambda: server.wait_for_requests(1))
    play = (lambda: impatient.over.wait(TEST_TIMEOUT), *COMPLETED)
    with raw_server(check=[play]) as server, runner.anchor(base_url=server.base_url) as anchor:
        result, update = together(runner, anchor, Call(check), impatient)
    assert isinstance(update.last_error, RequestTimeoutError)
    assert re.match(r"not sent within 0\.\d+ s: too many other requests", str(update.last_error))
    assert (result.value, server.count("GET")) == ("done", 1)


def test_the_last_used_connection_is_used_again_and_old_ones_are_closed(
    runner: Runner, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limiter, "MAX_IN_FLIGHT", 3)
    meet = threading.Barrier(3, timeout=TEST_TIMEOUT).wait
    plays = [*[(meet, *COMPLETED)] * 3, COMPLETED]
    with raw_server(check=plays) as server, runner.anchor(base_url=server.base_url) as anchor:
        together(runner, anchor, *[Call(check)] * 3)
        for _ in range(2):
            clock.time += 0.6 * limiter.MAX_IDLE_SECONDS
            runner.call(check, anchor)
        server.wait_for_open_connections(1)
        runner.call(check, anchor)
        assert (server.count("GET"), server.connections) == (6, 3)


def close(anchor: Any) -> Any:
    return anchor.close() if hasattr(anchor, "close") else anchor.aclose()


def test_a_client_that_is_closed_sends_nothing_that_waits_for_its_turn(runner: Runner, queued: threading.Event) -> None:
    # A socket that a thread reads from is closed when it has read; an event loop's is at once.
    limit = 1 if runner.name == "sync" else TEST_TIMEOUT
    with (
        raw_server(start=[(Ending.SILENCE,)]) as server,
        runner.anchor(base_url=server.base_url, http_timeout=limit) as anchor,
    ):
        unknown, refused, _ = together(
            runner,
            anchor,
            Call(start),
            Call(start, after=lambda: server.wait_for_requests(1)),
            Call(close, after=lambda: queued.wait(TEST_TIMEOUT)),
        )
        server.wait_for_open_connections(0)
    assert isinstance(unknown, StartOutcomeUnknownError)
    assert isinstance(refused, ConfigurationError)
    assert server.starts == 1


def slow_to_connect(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> tuple[threading.Event, threading.Event]:
    """Make connections wait; return what says that one does, and what lets it go on."""
    connecting, go_on = threading.Event(), threading.Event()
    connect, connect_async = socket.create_connection, anyio.connect_tcp

    def slow(*args: Any, **kwargs: Any) -> Any:
        connecting.set()
        assert go_on.wait(TEST_TIMEOUT)
        return connect(*args, **kwargs)

    async def slow_async(*args: Any, **kwargs: Any) -> Any:
        connecting.set()
        assert await anyio.to_thread.run_sync(go_on.wait, TEST_TIMEOUT)
        return await connect_async(*args, **kwargs)

    if runner.name == "sync":
        monkeypatch.setattr(socket, "create_connection", slow)
    else:
        monkeypatch.setattr(anyio, "connect_tcp", slow_async)
    return connecting, go_on


@pytest.mark.parametrize("runner", ["sync", "asyncio"], indirect=True)
def test_a_client_that_is_closed_while_it_connects_sends_nothing(
    runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    connecting, go_on = slow_to_connect(runner, monkeypatch)
    with raw_server() as server, runner.anchor(base_url=server.base_url) as anchor:
        closing = Call(close, after=lambda: connecting.wait(TEST_TIMEOUT), over=go_on)
        refused, _ = together(runner, anchor, Call(start), closing)
        server.wait_for_open_connections(0)
    assert isinstance(refused, ConfigurationError)
    assert server.starts == 0


def test_a_client_that_is_closed_while_its_httpx_client_is_made_sends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only threads can do that."""
    made, closed = threading.Event(), threading.Event()

    class Slow(GuardedClient):
        def __init__(self, *args: Any) -> None:
            made.set()
            assert closed.wait(TEST_TIMEOUT)
            super().__init__(*args)

    with raw_server() as server, make_runner("sync") as runner, runner.anchor(base_url=server.base_url) as anchor:
        runner.call(start, anchor)  # what lends the clients is there then
        busy = anchor._sender._limiter.client()._acquire_client()
        monkeypatch.setattr(sender, "GuardedClient", Slow)
        refused, _ = together(
            runner, anchor, Call(start), Call(close, after=lambda: made.wait(TEST_TIMEOUT), over=closed)
        )
        assert busy.is_closed
    assert isinstance(refused, ConfigurationError)
    assert server.starts == 1


async_runners = pytest.mark.parametrize("runner", ["asyncio", "trio"], indirect=True)


def cancel_once_taken_back(scope: anyio.CancelScope, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cancel a scope at the moment in which a request's answer is there and its client is free again."""
    take_back = limiter.AsyncLimiter._release_client

    def take_back_and_cancel(turns: limiter.AsyncLimiter, client: GuardedAsyncClient) -> None:
        take_back(turns, client)
        scope.cancel()

    monkeypatch.setattr(limiter.AsyncLimiter, "_release_client", take_back_and_cancel)


@async_runners
def test_a_turn_that_is_given_up_when_it_comes_goes_to_the_next(
    runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        raw_server(start=[STARTED]) as server,
        runner.anchor(base_url=server.base_url, http_timeout=TEST_TIMEOUT) as anchor,
    ):

        async def main() -> Any:
            impatient, started = anyio.CancelScope(), list[Any]()
            cancel_once_taken_back(impatient, monkeypatch)

            async def give_up() -> None:
                with impatient:
                    await start(anchor)

            async def go_on() -> None:
                started.append(await start(anchor))

            with anyio.move_on_after(TEST_TIMEOUT / 6):
                async with anyio.create_task_group() as group:
                    for each in (go_on, give_up, go_on):
                        group.start_soon(each)
            return started

        assert [task.id for task in runner.call(main)] == [TASK_ID] * 2


@async_runners
def test_a_start_that_is_answered_is_not_lost_to_a_cancelled_scope(
    runner: Runner, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limiter, "MAX_IN_FLIGHT", 3)
    meet = threading.Barrier(3, timeout=TEST_TIMEOUT).wait
    plays = [*[(meet, *STARTED)] * 3, STARTED]
    with raw_server(start=plays) as server, runner.anchor(base_url=server.base_url) as anchor:
        together(runner, anchor, *[Call(start)] * 3)
        clock.time += 2 * limiter.MAX_IDLE_SECONDS

        async def main() -> Any:
            with anyio.CancelScope() as scope:
                cancel_once_taken_back(scope, monkeypatch)
                return await start(anchor)
            return None

        assert runner.call(main).id == TASK_ID
        server.wait_for_open_connections(1)
