"""Many requests of one client at once: those that the server doesn't hold open wait their turn."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread
import httpx
import pytest

from anchor_webtask import AnchorError, ConfigurationError, RequestTimeoutError, StartOutcomeUnknownError, _turns
from tests.support.raw_server import COMPLETED, PATIENCE, STARTED, TASK_ID, Ending, answer, raw_server

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.clocks import VirtualClock
    from tests.support.faces import Face


@dataclass
class Call:
    """A call among others: how it's made, what it waits for before that, and whether it's over."""

    make: Callable[[Any], Any]
    after: Callable[[], object] = bool
    over: threading.Event = field(default_factory=threading.Event)


def together(face: Face, anchor: Any, *calls: Call) -> list[Any]:
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

    if face.name == "sync":
        with ThreadPoolExecutor(len(calls)) as threads:
            list(threads.map(do, range(len(calls))))
    else:
        face.call(do_all)
    return came


def check(anchor: Any) -> Any:
    return anchor.tasks.get(TASK_ID).result(timeout=PATIENCE)


def start(anchor: Any) -> Any:
    return anchor.tasks.start("Read the price")


def in_one_request(anchor: Any) -> Any:
    return anchor.tasks.run_in_one_request("Read the price", http_timeout=PATIENCE)


@pytest.fixture(autouse=True)
def one_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_turns, "AT_ONCE", 1)


@pytest.mark.parametrize(("call", "method"), [(check, "GET"), (start, "POST")])
def test_so_many_are_under_way_at_once_and_no_more(
    face: Face, monkeypatch: pytest.MonkeyPatch, call: Callable[[Any], Any], method: str
) -> None:
    monkeypatch.setattr(_turns, "AT_ONCE", 3)
    meet = threading.Barrier(3, timeout=PATIENCE).wait
    plays = [(meet, *STARTED)], [(meet, *COMPLETED)]
    with raw_server(start=plays[0], check=plays[1]) as server, face.anchor(base_url=server.base_url) as anchor:
        came = together(face, anchor, *[Call(call)] * 12)
    assert [one for one in came if isinstance(one, AnchorError)] == []
    assert (server.count(method), server.connections) == (12, 3)


def test_requests_that_are_held_open_keep_nobody_waiting(face: Face) -> None:
    checked, meet = threading.Event(), threading.Barrier(2, timeout=PATIENCE).wait
    held = (meet, lambda: checked.wait(PATIENCE), *answer({"data": {"result": "held"}}))
    with (
        raw_server(start=[held], check=[(checked.set, *COMPLETED)]) as server,
        face.anchor(base_url=server.base_url) as anchor,
    ):
        results = together(face, anchor, Call(in_one_request), Call(in_one_request), Call(check))
    assert [result.value for result in results] == ["held", "held", "done"]


def test_starts_do_not_wait_for_checks(face: Face) -> None:
    started = threading.Event()
    play = (lambda: started.wait(PATIENCE), *COMPLETED)
    with (
        raw_server(start=[(started.set, *STARTED)], check=[play]) as server,
        face.anchor(base_url=server.base_url, http_timeout=5) as anchor,
    ):
        result, task = together(face, anchor, Call(check), Call(start, after=lambda: server.wait_for(1)))
    assert (result.value, task.id, server.count("GET")) == ("done", TASK_ID, 1)


def test_the_time_of_a_start_begins_with_its_turn(face: Face) -> None:
    with (
        raw_server(start=[(Ending.SILENCE,), STARTED]) as server,
        face.anchor(base_url=server.base_url, http_timeout=0.5) as anchor,
    ):
        unknown, task = together(face, anchor, Call(start), Call(start, after=lambda: server.wait_for(1)))
    assert isinstance(unknown, StartOutcomeUnknownError)
    assert (task.id, server.starts) == (TASK_ID, 2)


def test_a_start_whose_turn_does_not_come_by_the_deadline_is_not_sent(face: Face) -> None:
    run = Call(lambda anchor: anchor.tasks.run("Read the price", timeout=0.1), after=lambda: server.wait_for(1))
    play = (lambda: run.over.wait(PATIENCE), *STARTED)
    with raw_server(start=[play]) as server, face.anchor(base_url=server.base_url) as anchor:
        task, error = together(face, anchor, Call(start), run)
    assert isinstance(error, RequestTimeoutError)
    assert str(error) == "no connection within 1 s"
    assert (task.id, server.starts) == (TASK_ID, 1)


class Busy(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Answers the first request once another one waits for its turn, ten seconds later; notes what each may take."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.came, self.another_waits = threading.Event(), threading.Event()
        self.timeouts: list[dict[str, float]] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.timeouts.append(request.extensions["timeout"])
        if not self.came.is_set():
            self.came.set()
            assert self.another_waits.wait(PATIENCE)
            self.clock.time += 10
        return httpx.Response(200, json={"data": {"status": "running", "workflow_id": TASK_ID}})

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await anyio.to_thread.run_sync(self.handle_request, request)


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
    face: Face,
    clock: VirtualClock,
    monkeypatch: pytest.MonkeyPatch,
    first: Callable[[Any], Any],
    second: Callable[[Any], Any],
    limit: float,
    connect: float,
) -> None:
    busy = Busy(clock)
    patience = _turns.Turn.patience

    def noted_patience(*args: Any) -> float:
        if busy.came.is_set():
            busy.another_waits.set()
        return patience(*args)

    monkeypatch.setattr(_turns.Turn, "patience", noted_patience)
    with face.anchor(transport=busy) as anchor:
        together(face, anchor, Call(first), Call(second, after=busy.came.wait))
    assert busy.timeouts[1] == pytest.approx({"read": limit, "write": limit, "connect": connect, "pool": connect})


def test_a_check_waits_for_its_turn_on_its_own_time(face: Face) -> None:
    def look(anchor: Any) -> Any:
        updates = anchor.tasks.get(TASK_ID).updates(timeout=0.5)
        return next(updates) if face.name == "sync" else anext(updates)

    impatient = Call(look, after=lambda: server.wait_for(1))
    play = (lambda: impatient.over.wait(PATIENCE), *COMPLETED)
    with raw_server(check=[play]) as server, face.anchor(base_url=server.base_url) as anchor:
        result, update = together(face, anchor, Call(check), impatient)
    assert isinstance(update.last_error, RequestTimeoutError)
    assert str(update.last_error).startswith("no connection within 0.4")
    assert (result.value, server.count("GET")) == ("done", 1)


def test_the_last_used_connection_is_used_again_and_old_ones_are_closed(
    face: Face, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_turns, "AT_ONCE", 3)
    meet = threading.Barrier(3, timeout=PATIENCE).wait
    plays = [*[(meet, *COMPLETED)] * 3, COMPLETED]
    with raw_server(check=plays) as server, face.anchor(base_url=server.base_url) as anchor:
        together(face, anchor, *[Call(check)] * 3)
        for _ in range(2):
            clock.time += 0.6 * _turns.IDLE
            face.call(check, anchor)
        server.wait_for_open(1)
        face.call(check, anchor)
        assert (server.count("GET"), server.connections) == (6, 3)


def test_a_client_that_is_closed_sends_nothing_that_waits_for_its_turn(face: Face) -> None:
    def close(anchor: Any) -> Any:
        return anchor.close() if face.name == "sync" else anchor.aclose()

    with (
        raw_server(start=[(Ending.SILENCE,)]) as server,
        face.anchor(base_url=server.base_url, http_timeout=0.5) as anchor,
    ):
        unknown, refused, _ = together(
            face,
            anchor,
            Call(start),
            Call(start, after=lambda: server.wait_for(1)),
            Call(close, after=lambda: server.wait_for(1)),
        )
    assert isinstance(unknown, StartOutcomeUnknownError)
    assert isinstance(refused, ConfigurationError)
    assert server.starts == 1
