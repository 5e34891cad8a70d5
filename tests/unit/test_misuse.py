"""Mistakes in the use of clients and handles: the error comes before a task is paid for, and says what to do."""

from __future__ import annotations

import copy
import pickle
from contextlib import ExitStack
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest

from anchor_webtask import (
    Anchor,
    AsyncAnchor,
    AuthenticationError,
    ConfigurationError,
    PaymentRequiredError,
    PermissionDeniedError,
    RateLimitError,
    StatusError,
)
from anchor_webtask.emulator import Emulator, EmulatorServer, Fault
from tests.support.errors import raised
from tests.support.runners import KEY

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.clocks import InstantClock
    from tests.support.runners import Runner

BASE_URL = "https://api.example/base"
CANNOT_CANCEL = ": the API cannot cancel a task; to limit a task, start it with max_steps=…"


@pytest.mark.parametrize("duplicate", [pickle.dumps, copy.copy, copy.deepcopy])
def test_client_and_tasks_and_handle_are_not_pickled_and_the_error_says_to_use_the_token(
    duplicate: Callable[[object], object], runner: Runner
) -> None:
    with runner.anchor() as anchor:
        task = anchor.tasks.get("task-1")
        for what, given in (
            ("a client", anchor),
            ("tasks", anchor.tasks),
            ("a handle", task),
        ):
            with pytest.raises(
                TypeError, match=rf"^{what} cannot be pickled or copied, .*token.*tasks\.resume"
            ) as caught:
                duplicate(given)
            assert KEY not in str(caught.value)
        for method in (task.result, anchor.tasks.run):  # as multiprocessing pickles what a process is to call
            with pytest.raises(TypeError, match="cannot be pickled") as caught:
                pickle.dumps(method)


def test_clients_refuse_the_wrong_kind_of_context_manager() -> None:
    with ExitStack() as stack, pytest.raises(ConfigurationError, match="write `async with`, or use Anchor"):
        stack.enter_context(AsyncAnchor(KEY))  # type: ignore[arg-type]

    async def enter() -> None:
        async with Anchor(KEY):  # type: ignore[attr-defined]
            pass

    with pytest.raises(ConfigurationError, match="Anchor is a sync client: write `with`, or use AsyncAnchor"):
        anyio.run(enter)


@pytest.mark.parametrize(
    ("client", "transport", "message"),
    [
        (Anchor, Emulator(), "an httpx.BaseTransport, not Emulator: pass its transport()"),
        (AsyncAnchor, Emulator(), "an httpx.AsyncBaseTransport, not Emulator: pass its transport()"),
        (Anchor, httpx.AsyncHTTPTransport(), "an httpx.BaseTransport, not AsyncHTTPTransport: use AsyncAnchor"),
        (AsyncAnchor, httpx.HTTPTransport(), "an httpx.AsyncBaseTransport, not HTTPTransport: use Anchor"),
        (Anchor, 7, "an httpx.BaseTransport, not int"),
    ],
    ids=lambda it: type(it).__name__ if not isinstance(it, str | type) else str(it)[:40],
)
def test_transport_of_another_kind_is_refused(client: Any, transport: object, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        client(KEY, transport=transport)
    assert str(caught.value) == f"transport must be {message}"


def test_object_with_an_async_call_is_refused_as_a_callback_of_the_sync_client(
    runner: Runner, clock: InstantClock
) -> None:
    class Callback:
        def __init__(self) -> None:
            self.ids: list[str] = []

        async def __call__(self, task: Any) -> None:
            self.ids.append(task.id)

    callback, emulator = Callback(), Emulator(clock=clock)
    with runner.anchor(transport=emulator.transport()) as anchor:
        if runner.name == "sync":
            error = raised(ConfigurationError, runner, anchor.tasks.run, "Read", on_start=callback)
            assert str(error) == "on_start is a coroutine function, which Anchor cannot await: use AsyncAnchor"
            assert emulator.start_requests == 0
        else:
            task_id = runner.call(anchor.tasks.run, "Read", on_start=callback).task_id
            assert callback.ids == [task_id]


def test_reprs_of_tasks_and_api_are_short_and_name_the_base_url(runner: Runner) -> None:
    with runner.anchor(base_url=BASE_URL) as anchor:
        kind = "Tasks" if runner.name == "sync" else "AsyncTasks"
        assert repr(anchor.tasks) == f"<{kind} of {BASE_URL}>"
        assert repr(anchor.api) == f"<AuthenticatedClient of {BASE_URL}>"
        assert repr(anchor.api.with_headers({"x-a": "b"})) == f"<AuthenticatedClient of {BASE_URL}>"


@pytest.mark.parametrize("method", ["run", "start", "run_in_one_request"])
def test_blanks_around_a_url_are_not_sent(method: str, runner: Runner, clock: InstantClock) -> None:
    bodies: list[Any] = []

    def answer(body: Any) -> str:
        bodies.append(body)
        return "done"

    emulator = Emulator(clock=clock)
    emulator.on(answer=answer)
    with runner.anchor(transport=emulator.transport()) as anchor:
        runner.call(getattr(anchor.tasks, method), "Read", url=" https://shop.example/p/1\n")
    assert [body["url"] for body in bodies] == ["https://shop.example/p/1"]


def test_attribute_that_does_not_exist_is_refused_with_what_to_use_instead(runner: Runner, clock: InstantClock) -> None:
    emulator = Emulator(clock=clock)
    with runner.anchor(transport=emulator.transport()) as anchor:
        task = runner.call(anchor.tasks.start, "Read")
        result = runner.call(task.result)
        is_sync = runner.name == "sync"
        get_result = "task.result()" if is_sync else "(await task.result())"
        refresh = "task.refresh()" if is_sync else "await task.refresh()"
        for owner, name, hint in (
            (anchor, "run", ": call tasks.run"),
            (anchor, "agent", ": call tasks.run"),
            (anchor, "other", ""),
            *((each, "cancel", CANNOT_CANCEL) for each in (anchor, anchor.tasks, task)),
            (anchor.tasks, "status", ": it belongs to a handle, such as that of get(task_id)"),
            (anchor.tasks, "wait", ": call result on a handle, which start, get and resume return"),
            (task, "value", f": wait for the answer: {get_result}.value"),
            (task, "output", f": wait for the answer: {get_result}.value"),
            (task, "raw", f": wait for the answer: {get_result}.raw"),
            (task, "error", f": if the task fails, {get_result} raises a TaskFailedError"),
            (task, "poll", f": to check the task once, call {refresh}"),
            (task, "state", ": it is named status"),
            (task, "task_id", ": use id"),
            (task, "other", ""),
            (anchor.tasks, "list", ": the API cannot list tasks: store their ids"),
            (anchor.tasks, "other", ""),
            (result, "amount", ": the answer is its .value"),
            (result, "id", ": the task's id is its .task_id"),
        ):
            with pytest.raises(AttributeError) as caught:
                getattr(owner, name)
            assert str(caught.value) == f"{type(owner).__name__!r} object has no attribute {name!r}{hint}"
            assert (caught.value.name, caught.value.obj) == (name, owner)
            assert not hasattr(owner, name)
            assert name not in dir(owner)
        assert pickle.loads(pickle.dumps(result)) == copy.deepcopy(result) == result


@pytest.mark.parametrize(
    ("kind", "status", "retry_after", "advice"),
    [
        (RateLimitError, 429, "12", "; try again in 12 s"),
        (RateLimitError, 429, None, "; try again later, the response does not say when"),
        (PaymentRequiredError, 402, "0.5", ""),
        (PermissionDeniedError, 403, "60", "; try again in 60 s"),
        (AuthenticationError, 401, None, "; check the API key"),
    ],
)
def test_error_status_says_how_long_to_wait(
    kind: type[StatusError], status: int, retry_after: str | None, advice: str, runner: Runner
) -> None:
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    emulator = Emulator()
    emulator.on(start_faults=[Fault(status, headers=headers)])
    with runner.anchor(transport=emulator.transport()) as anchor:
        error = raised(kind, runner, anchor.tasks.start, "Read")
    assert str(error) == f"HTTP {status}: {HTTPStatus(status).phrase}{advice}"


@pytest.mark.parametrize("client", [Anchor, AsyncAnchor])
def test_emulators_server_as_a_base_url_is_refused(client: Any) -> None:
    for server, advice in (
        (EmulatorServer("http://127.0.0.1:1", Emulator()), "EmulatorServer: pass its base_url"),
        (Emulator().serve(), "Serving: enter it by `with … as server`, and pass server.base_url"),
    ):
        with pytest.raises(ConfigurationError) as caught:
            client(KEY, base_url=server)
        assert str(caught.value) == f"base_url must be text, not {advice}"
