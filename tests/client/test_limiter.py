"""The limiter: at most N starts and N checks of one client are in flight; others queue, except `run_in_one_request`."""

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
from anchor_webtask._http import async_transport, connections, limiter
from tests.support.patience import PATIENCE
from tests.support.raw_server import COMPLETED, STARTED, TASK_ID, Ending, json_response, raw_server
from tests.support.time_limits import with_time_enough

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchor_webtask import testing
    from anchor_webtask._http.connection import Connection
    from anchor_webtask._http.record import ExchangeRecord
    from tests.support.clocks import InstantClock
    from tests.support.runners import Runner


@dataclass
class Call:
    """One of several concurrent calls.

    Attributes:
        make: Makes the call; the argument is a client.
        after: A function that returns when the call may begin.
        ended: Set when the call has ended.
    """

    make: Callable[[Any], Any]
    after: Callable[[], object] = bool
    ended: threading.Event = field(default_factory=threading.Event)


def call_concurrently(runner: Runner, anchor: Any, *calls: Call) -> list[Any]:
    """Make several calls concurrently, and return the result or the error of each, in the order of the calls."""
    outcomes: list[Any] = [None] * len(calls)

    def make(index: int) -> None:
        calls[index].after()
        try:
            outcomes[index] = calls[index].make(anchor)
        except AnchorError as error:
            outcomes[index] = error
        finally:
            calls[index].ended.set()

    async def make_async(index: int) -> None:
        await anyio.to_thread.run_sync(calls[index].after)
        try:
            outcomes[index] = await calls[index].make(anchor)
        except AnchorError as error:
            outcomes[index] = error
        finally:
            calls[index].ended.set()

    async def make_all() -> None:
        async with anyio.create_task_group() as group:
            for index in range(len(calls)):
                group.start_soon(make_async, index)

    if runner.name == "sync":
        with ThreadPoolExecutor(len(calls)) as threads:
            list(threads.map(make, range(len(calls))))
    else:
        runner.call(make_all)
    return outcomes


def check(anchor: Any) -> Any:
    return anchor.tasks.get(TASK_ID).result(timeout=PATIENCE)


def start(anchor: Any) -> Any:
    return anchor.tasks.start("Read the price")


def in_one_request(anchor: Any) -> Any:
    return anchor.tasks.run_in_one_request("Read the price", http_timeout=PATIENCE)


@pytest.fixture(autouse=True)
def one_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limit the client to one start and one check in flight."""
    monkeypatch.setattr(limiter, "MAX_IN_FLIGHT", 1)


@pytest.fixture
def queued(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """An event that is set when a request begins to queue for a slot."""
    max_queue_time, event = limiter.Slot.max_queue_time, threading.Event()

    def set_and_return(*args: Any) -> float:
        event.set()
        return max_queue_time(*args)

    monkeypatch.setattr(limiter.Slot, "max_queue_time", set_and_return)
    return event


@pytest.mark.parametrize(("call", "method"), [(check, "GET"), (start, "POST")])
def test_limiter_sends_exactly_max_in_flight_requests_at_once(
    runner: Runner, monkeypatch: pytest.MonkeyPatch, call: Callable[[Any], Any], method: str
) -> None:
    monkeypatch.setattr(limiter, "MAX_IN_FLIGHT", 3)
    monkeypatch.setattr(connections, "MAX_IDLE_SECONDS", PATIENCE)  # so that each is used again
    meet = threading.Barrier(3, timeout=PATIENCE).wait
    start_script, check_script = (meet, *STARTED), (meet, *COMPLETED)
    with (
        raw_server(start=[start_script], check=[check_script]) as server,
        runner.anchor(base_url=server.base_url) as anchor,
    ):
        outcomes = call_concurrently(runner, anchor, *[Call(call)] * 12)
    assert [outcome for outcome in outcomes if isinstance(outcome, AnchorError)] == []
    assert (server.count(method), server.connections) == (12, 3)


def test_requests_that_the_server_holds_open_need_no_slot(runner: Runner) -> None:
    checked, meet = threading.Event(), threading.Barrier(2, timeout=PATIENCE).wait
    held = (meet, lambda: checked.wait(PATIENCE), *json_response({"data": {"result": "held"}}))
    with (
        raw_server(start=[held], check=[(checked.set, *COMPLETED)]) as server,
        runner.anchor(base_url=server.base_url) as anchor,
    ):
        results = call_concurrently(runner, anchor, Call(in_one_request), Call(in_one_request), Call(check))
    assert [result.value for result in results] == ["held", "held", "done"]


def test_starts_do_not_queue_behind_checks(runner: Runner) -> None:
    started = threading.Event()
    script = (lambda: started.wait(PATIENCE), *COMPLETED)
    with (
        raw_server(start=[(started.set, *STARTED)], check=[script]) as server,
        runner.anchor(base_url=server.base_url, http_timeout=PATIENCE) as anchor,
    ):
        result, task = call_concurrently(
            runner, anchor, Call(check), Call(start, after=lambda: server.wait_for_requests(1))
        )
    assert (result.value, task.id, server.count("GET")) == ("done", TASK_ID, 1)


def test_timeout_of_a_start_begins_when_the_start_has_its_slot(runner: Runner) -> None:
    def check_limit(seconds: float) -> None:
        with (
            raw_server(start=[(Ending.SILENCE,), STARTED]) as server,
            runner.anchor(base_url=server.base_url, http_timeout=seconds) as anchor,
        ):
            unknown, task = call_concurrently(
                runner, anchor, Call(start), Call(start, after=lambda: server.wait_for_requests(1))
            )
        assert isinstance(unknown, StartOutcomeUnknownError)
        assert (task.id, server.starts) == (TASK_ID, 2)

    with_time_enough(check_limit, 1, 20)


def test_start_is_not_sent_if_it_gets_no_slot_before_the_deadline(runner: Runner) -> None:
    run = Call(
        lambda anchor: anchor.tasks.run("Read the price", timeout=0.1), after=lambda: server.wait_for_requests(1)
    )
    script = (lambda: run.ended.wait(PATIENCE), *STARTED)
    with raw_server(start=[script]) as server, runner.anchor(base_url=server.base_url) as anchor:
        task, error = call_concurrently(runner, anchor, Call(start), run)
    assert isinstance(error, RequestTimeoutError)
    assert str(error) == "the request was not sent within 1 s: too many requests are in flight"
    assert (task.id, server.starts) == (TASK_ID, 1)


class BusyTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """A transport that delays its first response for ten virtual seconds.

    Attributes:
        first_received: Set when the first request has arrived.
        timeouts: The timeouts of each request.
    """

    def __init__(self, clock: testing.VirtualClock) -> None:
        self.clock = clock
        self.first_received = threading.Event()
        self.timeouts: list[dict[str, float]] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.timeouts.append(request.extensions["timeout"])
        if not self.first_received.is_set():
            self.first_received.set()
            self.clock.sleep(10)
        return httpx.Response(200, json={"data": {"status": "running", "workflow_id": TASK_ID}})

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await anyio.to_thread.run_sync(self.handle_request, request)


def first_update(task: Any, timeout: float = PATIENCE) -> Any:
    updates = task.updates(timeout=timeout)
    return next(updates) if hasattr(updates, "__next__") else anext(updates)


def refresh(anchor: Any) -> Any:
    return anchor.tasks.get(TASK_ID).refresh()


@pytest.mark.parametrize(
    ("first", "second", "limit", "connect"),
    [
        pytest.param(start, start, 30, 27, id="start"),
        pytest.param(start, lambda anchor: anchor.tasks.run("Read", timeout=22), 30, 12, id="start-with-a-deadline"),
        pytest.param(refresh, lambda anchor: anchor.tasks.get(TASK_ID).result(timeout=22), 12, 0.9 * 12, id="check"),
    ],
)
def test_ten_seconds_in_the_queue_shorten_only_the_timeouts_that_a_deadline_limits(
    runner: Runner,
    exact_clock: testing.VirtualClock,
    first: Callable[[Any], Any],
    second: Callable[[Any], Any],
    limit: float,
    connect: float,
) -> None:
    transport = BusyTransport(exact_clock)
    with runner.anchor(transport=transport) as anchor:
        _, outcome = call_concurrently(runner, anchor, Call(first), Call(second, after=transport.first_received.wait))
    assert transport.timeouts[1] == pytest.approx({"read": limit, "write": limit, "connect": connect, "pool": connect})
    assert not isinstance(outcome, AnchorError) or isinstance(outcome, TaskTimeoutError)


def test_age_of_a_task_is_measured_from_the_response_to_its_start(
    runner: Runner, exact_clock: testing.VirtualClock
) -> None:
    transport = BusyTransport(exact_clock)
    with runner.anchor(transport=transport) as anchor:
        _, task = call_concurrently(runner, anchor, Call(start), Call(start, after=transport.first_received.wait))
        assert json.loads(task.token())["started"] == "2027-01-15T08:00:10+00:00"
        assert runner.call(first_update, task).elapsed == 1


def test_timeout_of_a_check_includes_the_time_in_the_queue(runner: Runner) -> None:
    def check_once(anchor: Any) -> Any:
        return first_update(anchor.tasks.get(TASK_ID), timeout=0.5)

    queueing = Call(check_once, after=lambda: server.wait_for_requests(1))
    script = (lambda: queueing.ended.wait(PATIENCE), *COMPLETED)
    with raw_server(check=[script]) as server, runner.anchor(base_url=server.base_url) as anchor:
        result, update = call_concurrently(runner, anchor, Call(check), queueing)
    assert isinstance(update.last_error, RequestTimeoutError)
    assert re.match(r"the request was not sent within 0\.\d+ s: too many requests", str(update.last_error))
    assert (result.value, server.count("GET")) == ("done", 1)


def test_last_used_connection_is_reused_and_idle_connections_are_closed(
    runner: Runner, clock: InstantClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limiter, "MAX_IN_FLIGHT", 3)
    meet = threading.Barrier(3, timeout=PATIENCE).wait
    scripts = [*[(meet, *COMPLETED)] * 3, COMPLETED]
    with raw_server(check=scripts) as server, runner.anchor(base_url=server.base_url) as anchor:
        call_concurrently(runner, anchor, *[Call(check)] * 3)
        for _ in range(2):
            clock.time += 0.6 * connections.MAX_IDLE_SECONDS
            runner.call(check, anchor)
        server.wait_for_open_connections(1)
        runner.call(check, anchor)
        assert (server.count("GET"), server.connections) == (6, 3)


def close(anchor: Any) -> Any:
    return anchor.close() if hasattr(anchor, "close") else anchor.aclose()


def test_queued_start_is_not_sent_if_the_client_is_closed(runner: Runner, queued: threading.Event) -> None:
    closing = Call(close, after=lambda: queued.wait(PATIENCE))
    script = (lambda: closing.ended.wait(PATIENCE), Ending.CLOSE)
    with (
        raw_server(start=[script]) as server,
        runner.anchor(base_url=server.base_url, http_timeout=PATIENCE) as anchor,
    ):
        unknown, refused, _ = call_concurrently(
            runner,
            anchor,
            Call(start),
            Call(start, after=lambda: server.wait_for_requests(1)),
            closing,
        )
        server.wait_for_open_connections(0)
    assert isinstance(unknown, StartOutcomeUnknownError)
    assert isinstance(refused, ConfigurationError)
    assert server.starts == 1


def slow_to_connect(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> tuple[threading.Event, threading.Event]:
    """Delay new connections; return an event that is set when a connection begins, and an event that ends its delay."""
    connecting, may_continue = threading.Event(), threading.Event()
    connect, connect_async = socket.create_connection, anyio.connect_tcp

    def slow(*args: Any, **kwargs: Any) -> Any:
        connecting.set()
        assert may_continue.wait(PATIENCE)
        return connect(*args, **kwargs)

    async def slow_async(*args: Any, **kwargs: Any) -> Any:
        connecting.set()
        assert await anyio.to_thread.run_sync(may_continue.wait, PATIENCE)
        return await connect_async(*args, **kwargs)

    if runner.name == "sync":
        monkeypatch.setattr(socket, "create_connection", slow)
    else:
        monkeypatch.setattr(anyio, "connect_tcp", slow_async)
    return connecting, may_continue


@pytest.mark.parametrize("runner", ["sync", "asyncio"], indirect=True)
def test_start_is_not_sent_if_the_client_is_closed_while_it_connects(
    runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    connecting, may_continue = slow_to_connect(runner, monkeypatch)
    with raw_server() as server, runner.anchor(base_url=server.base_url) as anchor:
        closing = Call(close, after=lambda: connecting.wait(PATIENCE), ended=may_continue)
        refused, _ = call_concurrently(runner, anchor, Call(start), closing)
        server.wait_for_open_connections(0)
    assert isinstance(refused, ConfigurationError)
    assert server.starts == 0


async_runners = pytest.mark.parametrize("runner", ["asyncio", "trio"], indirect=True)


def cancel_after_response(scope: anyio.CancelScope, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cancel a scope when the response to a request has arrived and its connection has been released."""
    release = async_transport.AsyncTransport._release

    async def release_and_cancel(
        self: async_transport.AsyncTransport, connection: Connection, record: ExchangeRecord
    ) -> None:
        await release(self, connection, record)
        scope.cancel()

    monkeypatch.setattr(async_transport.AsyncTransport, "_release", release_and_cancel)


@async_runners
def test_slot_is_passed_on_if_a_start_is_cancelled_at_the_moment_it_gets_the_slot(
    runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        raw_server(start=[STARTED]) as server,
        runner.anchor(base_url=server.base_url, http_timeout=10 * PATIENCE) as anchor,
    ):

        async def main() -> Any:
            scope, started = anyio.CancelScope(), list[Any]()
            cancel_after_response(scope, monkeypatch)

            async def start_until_cancelled() -> None:
                with scope:
                    await start(anchor)

            async def start_task() -> None:
                started.append(await start(anchor))

            with anyio.move_on_after(PATIENCE):
                async with anyio.create_task_group() as group:
                    for function in (start_task, start_until_cancelled, start_task):
                        group.start_soon(function)
            return started

        assert [task.id for task in runner.call(main)] == [TASK_ID] * 2


@async_runners
def test_start_returns_its_handle_if_its_scope_is_cancelled_after_the_response(
    runner: Runner, clock: InstantClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limiter, "MAX_IN_FLIGHT", 3)
    meet = threading.Barrier(3, timeout=PATIENCE).wait
    scripts = [*[(meet, *STARTED)] * 3, STARTED]
    with raw_server(start=scripts) as server, runner.anchor(base_url=server.base_url) as anchor:
        call_concurrently(runner, anchor, *[Call(start)] * 3)
        clock.time += 2 * connections.MAX_IDLE_SECONDS

        async def main() -> Any:
            with anyio.CancelScope() as scope:
                cancel_after_response(scope, monkeypatch)
                return await start(anchor)
            return None

        assert runner.call(main).id == TASK_ID
        server.wait_for_open_connections(1)
