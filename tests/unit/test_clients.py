"""`Anchor` and `AsyncAnchor`: keys, URLs and proxies, the generated client, closing, forks, and event loops."""

from __future__ import annotations

import copy
import json
import os
import re
import socket
import subprocess
import sys
import textwrap
import threading
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest

from anchor_webtask import (
    Anchor,
    AsyncAnchor,
    AsyncWebTask,
    ConfigurationError,
    NotFoundError,
    TransportError,
    UnexpectedResponseError,
    WaitPolicy,
    __version__,
    _world,
)
from anchor_webtask._http.lifecycle import Lifecycle
from anchor_webtask.emulator import Emulator
from anchor_webtask_api.api.tools import get_perform_web_task_status
from tests.support.errors import raised
from tests.support.patience import PATIENCE
from tests.support.raw_server import raw_server
from tests.support.runners import KEY, SyncRunner

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from anchor_webtask_api import AuthenticatedClient
    from tests.support.clocks import InstantClock
    from tests.support.runners import Runner

STARTED = {"data": {"status": "running", "workflow_id": "task-1"}}
RUNNING = {"data": {"status": "RUNNING"}}
CLOSED = "this client is closed: make a new one, or call inside its `with` block"


class Recorder(httpx.MockTransport):
    """A transport that responds to each start and each check, and records the requests."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self.closed = 0
        super().__init__(self.respond)

    def respond(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return httpx.Response(200, json=STARTED if request.method == "POST" else RUNNING)

    def close(self) -> None:
        self.closed += 1

    async def aclose(self) -> None:
        self.closed += 1


class SameResponse(Recorder):
    """A transport that returns the same response to every request, and records the requests."""

    def __init__(self, status: int, **contents: Any) -> None:
        super().__init__()
        self._status = status
        self._contents = contents

    def respond(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return httpx.Response(self._status, **self._contents)


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


def http_client(api: AuthenticatedClient, runner: Runner) -> httpx.Client | httpx.AsyncClient:
    """Return the httpx client of a generated client."""
    return api.get_httpx_client() if isinstance(runner, SyncRunner) else api.get_async_httpx_client()


def status_function(runner: Runner) -> Callable[..., Any]:
    """Return the generated function that checks a task, sync or async like the runner's client."""
    return get_perform_web_task_status.sync if isinstance(runner, SyncRunner) else get_perform_web_task_status.asyncio


def check_task(api: AuthenticatedClient, runner: Runner) -> Any:
    """Check a task with the generated client."""
    return runner.call(status_function(runner), "task-1", client=api)


# -- Requests -------------------------------------------------------------------------------------------------------


def test_header_user_agent_has_only_the_versions_of_this_package_and_of_python_and_of_httpx(
    runner: Runner, recorder: Recorder
) -> None:
    with runner.anchor(transport=recorder) as anchor:
        task = runner.call(anchor.tasks.start, "Read")
        runner.call(task.refresh)
        check_task(anchor.api, runner)
    python = ".".join(map(str, sys.version_info[:3]))
    agent = f"anchor-webtask/{__version__} python/{python} httpx/{httpx.__version__}"
    assert [request.headers["user-agent"] for request in recorder.requests] == [agent] * 3


def test_every_request_has_the_key_and_a_url_below_the_base_url(runner: Runner, recorder: Recorder) -> None:
    with runner.anchor(transport=recorder, base_url="https://api.example:8443/base/") as anchor:
        task = runner.call(anchor.tasks.start, "Read")
        runner.call(task.refresh)
        check_task(anchor.api, runner)
    assert [request.headers["anchor-api-key"] for request in recorder.requests] == [KEY] * 3
    status = "https://api.example:8443/base/v1/tools/perform-web-task/task-1/status"
    assert [str(request.url) for request in recorder.requests] == [
        "https://api.example:8443/base/v1/tools/perform-web-task",
        status,
        status,
    ]


@pytest.mark.parametrize(
    ("url", "has_key"),
    [
        ("/v1/other", True),
        ("https://api.example/v1/other", True),
        ("https://api.example:8443/v1/other", False),
        ("http://api.example/v1/other", False),
        ("https://elsewhere.example/v1/other", False),
    ],
)
def test_key_is_sent_only_to_the_origin_of_the_base_url(
    url: str, has_key: bool, runner: Runner, recorder: Recorder
) -> None:
    with runner.anchor(transport=recorder, base_url="https://api.example") as anchor:
        runner.call(http_client(anchor.api, runner).request, "GET", url)
    (request,) = recorder.requests
    assert request.headers.get("anchor-api-key") == (KEY if has_key else None)
    assert KEY not in str([(name, value) for name, value in request.headers.items() if name != "anchor-api-key"])


@pytest.mark.parametrize(
    ("task_id", "path"),
    [
        ("a/b?c#d ü", "a%2Fb%3Fc%23d%20%C3%BC"),
        ("a%2Fb", "a%252Fb"),
        ("../../x", "..%2F..%2Fx"),
        ("...", "..."),
        ("a;b=c&d+e", "a%3Bb%3Dc%26d%2Be"),
    ],
)
def test_task_id_is_encoded_in_the_path(task_id: str, path: str, runner: Runner, recorder: Recorder) -> None:
    with runner.anchor(transport=recorder) as anchor:
        runner.call(anchor.tasks.get(task_id).refresh)
    (request,) = recorder.requests
    assert request.url.raw_path == f"/v1/tools/perform-web-task/{path}/status".encode()


@pytest.mark.parametrize(
    "url", ["https://shop.example/p/1", "HTTP://x", "about:blank", "data:text/html,x", "chrome://version"]
)
def test_value_of_option_url_is_sent_unchanged_if_it_has_a_scheme(url: str, runner: Runner, recorder: Recorder) -> None:
    with runner.anchor(transport=recorder) as anchor:
        runner.call(anchor.tasks.start, "Read", url=url)
    assert json.loads(recorder.requests[0].content)["url"] == url


# -- The environment -----------------------------------------------------------------------------------------------


def test_key_and_base_url_are_read_from_the_environment(
    runner: Runner, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANCHORBROWSER_API_KEY", "key-of-the-environment")
    monkeypatch.setenv("ANCHORBROWSER_BASE_URL", "https://environment.example/v0")
    with runner.anchor(api_key=None, transport=recorder) as anchor:
        runner.call(anchor.tasks.start, "Read")
    (request,) = recorder.requests
    assert request.headers["anchor-api-key"] == "key-of-the-environment"
    assert str(request.url).startswith("https://environment.example/v0/v1/")


def test_arguments_take_precedence_over_the_environment(
    runner: Runner, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANCHORBROWSER_API_KEY", "key-of-the-environment")
    monkeypatch.setenv("ANCHORBROWSER_BASE_URL", "https://environment.example")
    with runner.anchor(transport=recorder, base_url="https://given.example") as anchor:
        runner.call(anchor.tasks.start, "Read")
    (request,) = recorder.requests
    assert (request.headers["anchor-api-key"], request.url.host) == (KEY, "given.example")


@pytest.mark.parametrize("value", [None, ""])
def test_base_url_defaults_to_the_public_api(
    value: str | None, runner: Runner, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    if value is not None:
        monkeypatch.setenv("ANCHORBROWSER_BASE_URL", value)
    with runner.anchor(transport=recorder) as anchor:
        runner.call(anchor.tasks.start, "Read")
        assert repr(anchor) == f"<{type(anchor).__name__} https://api.anchorbrowser.io>"
    assert recorder.requests[0].url.host == "api.anchorbrowser.io"


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bytes]]:
    """Set the proxy variables to a local proxy that refuses all requests, and return the requests that it receives."""
    received: list[bytes] = []

    def refuse(listener: socket.socket) -> None:
        while True:
            connection, _ = listener.accept()
            with connection:
                head = connection.recv(65_536)
                if head == b"stop":
                    return
                received.append(head)
                connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{address[1]}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        thread = threading.Thread(target=refuse, args=[listener])
        thread.start()
        yield received
        with socket.create_connection(address) as connection:
            connection.sendall(b"stop")
        thread.join()


@pytest.mark.usefixtures("clock")
def test_proxy_from_the_environment_is_used_and_does_not_receive_the_key(runner: Runner, proxy: list[bytes]) -> None:
    with runner.anchor(base_url="https://api.example") as anchor:
        error = raised(TransportError, runner, anchor.tasks.start, "Read")
    assert re.fullmatch(
        r"no connection to api\.example:443: the proxy 127\.0\.0\.1:\d+ responded with HTTP 403: "
        "it does not permit this connection",
        str(error),
    )
    assert [head.split(b"\r\n")[0] for head in proxy] == [b"CONNECT api.example:443 HTTP/1.1"] * 3
    assert KEY.encode() not in b"".join(proxy)


def test_proxy_from_the_environment_is_not_used_for_loopback_addresses(runner: Runner, proxy: list[bytes]) -> None:
    with Emulator(KEY).serve() as server, runner.anchor(base_url=server.base_url) as anchor:
        assert runner.call(anchor.tasks.start, "Read").id
    assert proxy == []


# -- The generated client ------------------------------------------------------------------------------------------


def test_generated_client_raises_the_errors_of_this_package(runner: Runner) -> None:
    body = {"error": {"code": 7, "message": f"no task; the key is {KEY}"}}
    with runner.anchor(transport=SameResponse(404, json=body)) as anchor:
        error = raised(NotFoundError, runner, status_function(runner), "task-1", client=anchor.api)
    assert (error.status, error.message, error.code) == (404, "no task; the key is [redacted]", 7)


def test_generated_client_follows_no_redirect_even_if_argument_follow_redirects_is_true(runner: Runner) -> None:
    transport = SameResponse(307, headers={"location": "https://elsewhere.example/x"})
    with runner.anchor(transport=transport) as anchor:
        send = http_client(anchor.api, runner).request
        error = raised(UnexpectedResponseError, runner, send, "GET", "/v1/other", follow_redirects=True)
    assert "redirects to https://elsewhere.example; redirects are not followed" in str(error)
    assert len(transport.requests) == 1


@pytest.mark.parametrize(
    ("location", "target"),
    [("https://elsewhere.example/x", "https://elsewhere.example"), ("https://x:port/", "an invalid address")],
)
def test_redirect_of_a_start_is_refused_and_the_error_names_the_target_of_the_redirect(
    location: str, target: str, runner: Runner
) -> None:
    transport = SameResponse(307, headers={"location": location})
    with runner.anchor(transport=transport) as anchor:
        error = raised(UnexpectedResponseError, runner, anchor.tasks.start, "Read")
    assert str(error) == f"HTTP 307 redirects to {target}; redirects are not followed, check base_url"
    assert len(transport.requests) == 1


def test_generated_client_refuses_responses_larger_than_option_max_response_bytes(runner: Runner) -> None:
    with runner.anchor(transport=SameResponse(200, content=b"x" * 1001), max_response_bytes=1000) as anchor:
        error = raised(UnexpectedResponseError, runner, http_client(anchor.api, runner).request, "GET", "/v1/other")
    assert str(error) == "the response is larger than max_response_bytes=1000"


def test_generated_client_returns_successful_responses_of_any_content_type(runner: Runner) -> None:
    with runner.anchor(
        transport=SameResponse(200, content=b"%PDF", headers={"content-type": "application/pdf"})
    ) as anchor:
        response = runner.call(http_client(anchor.api, runner).request, "GET", "/v1/other")
    assert (response.content, response.headers["content-type"]) == (b"%PDF", "application/pdf")


def test_reprs_and_attributes_of_the_clients_do_not_show_the_key(runner: Runner, recorder: Recorder) -> None:
    with runner.anchor(transport=recorder) as anchor:
        api = anchor.api
        http = http_client(api, runner)
        assert KEY not in repr(api) + repr(vars(http)) + repr(http.headers) + repr(anchor) + repr(vars(anchor))


def test_header_that_is_set_on_the_generated_client_is_not_sent_by_methods_of_tasks(
    runner: Runner, recorder: Recorder
) -> None:
    with runner.anchor(transport=recorder) as anchor:
        http_client(anchor.api, runner).headers["x-extra"] = "1"
        check_task(anchor.api, runner)
        runner.call(anchor.tasks.start, "Read")
    assert [request.headers.get("x-extra") for request in recorder.requests] == ["1", None]


def test_modified_copy_of_the_generated_client_sends_nothing(runner: Runner, recorder: Recorder) -> None:
    with runner.anchor(transport=recorder) as anchor:
        for copied in (
            anchor.api.with_headers({"x-extra": "1"}),
            anchor.api.with_cookies({"extra": "1"}),
            anchor.api.with_timeout(httpx.Timeout(5)),
        ):
            error = raised(ConfigurationError, runner, status_function(runner), "task-1", client=copied)
            assert "would send without the key" in str(error)
    assert recorder.requests == []


def test_generated_async_functions_refuse_a_sync_client_and_vice_versa(recorder: Recorder) -> None:
    with Anchor(KEY, transport=recorder) as anchor, pytest.raises(ConfigurationError, match="without the key"):
        anyio.run(partial(get_perform_web_task_status.asyncio, "task-1", client=anchor.api))
    with pytest.raises(ConfigurationError, match="without the key"):
        get_perform_web_task_status.sync("task-1", client=AsyncAnchor(KEY, transport=recorder).api)
    assert recorder.requests == []


# -- Closing a client ----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("clock")
def test_closed_client_sends_nothing(runner: Runner, recorder: Recorder) -> None:
    with runner.anchor(transport=recorder) as anchor:
        task = runner.call(anchor.tasks.start, "Read")
    recorder.requests.clear()
    for function in (anchor.tasks.start, anchor.tasks.run, anchor.tasks.run_in_one_request):
        assert str(raised(ConfigurationError, runner, function, "Read")) == CLOSED
    for function in (task.result, task.updates, task.refresh):
        error = raised(ConfigurationError, runner, function)
        assert (error.args, error.task_id) == ((CLOSED,), task.id)
    assert str(raised(ConfigurationError, runner, lambda: anchor.api)) == CLOSED
    assert recorder.requests == []


def test_client_that_is_closed_before_its_first_use_stays_closed(runner: Runner, recorder: Recorder) -> None:
    with runner.anchor(transport=recorder) as anchor:
        pass
    assert str(raised(ConfigurationError, runner, anchor.tasks.start, "Read")) == CLOSED


def test_client_may_be_closed_twice(runner: Runner, recorder: Recorder) -> None:
    with runner.anchor(transport=recorder) as anchor:
        runner.call(anchor.tasks.start, "Read")
    closed = recorder.closed
    runner.call(anchor.close if isinstance(runner, SyncRunner) else anchor.aclose)
    assert recorder.closed == closed == 1


def test_closing_a_client_closes_its_connections(runner: Runner) -> None:
    accepted: list[socket.socket] = []
    body = json.dumps(STARTED).encode()
    response = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)

    def serve(listener: socket.socket) -> None:
        for _ in range(2):  # one connection for `tasks`, one for `api`
            connection, _ = listener.accept()
            accepted.append(connection)
            connection.recv(65_536)
            connection.sendall(response)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE)  # without a timeout, the test would wait for a missing connection forever
        thread = threading.Thread(target=serve, args=[listener])
        thread.start()
        with runner.anchor(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}") as anchor:
            runner.call(anchor.tasks.start, "Read")
            runner.call(http_client(anchor.api, runner).request, "GET", "/v1/other")
        thread.join()
    for connection in accepted:
        with connection:
            connection.settimeout(PATIENCE)
            # The loop ends when the client has closed the connection; otherwise `recv` times out.
            while connection.recv(65_536):
                pass
    assert len(accepted) == 2


def test_default_policy_is_used_if_argument_wait_is_none(runner: Runner, clock: InstantClock) -> None:
    with runner.anchor(transport=Emulator(clock=clock, takes=30).transport(), wait=None) as anchor:
        runner.call(anchor.tasks.run, "Read")
    assert clock.sleeps[0] == WaitPolicy().minimum


class Interruption(Exception):  # noqa: N818  this exception is not an error
    """An exception that is raised while a wait sleeps. It stands for Ctrl-C or a cancellation."""


def next_type(updates: Any, runner: Runner) -> str:
    """Return the name of the next update's type, or of the exception's type if an exception is raised."""
    step = next if isinstance(runner, SyncRunner) else anext
    try:
        return type(runner.call(step, updates)).__name__
    except (ConfigurationError, Interruption, StopIteration, StopAsyncIteration) as raised_:
        return type(raised_).__name__


def test_iterator_of_updates_ends_after_an_interruption(
    runner: Runner, clock: InstantClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: float) -> None:
        raise Interruption

    monkeypatch.setattr(clock, "sleep", interrupt)
    with runner.anchor(transport=Recorder()) as anchor:
        updates = anchor.tasks.get("task-1").updates()
        types = [next_type(updates, runner) for _ in range(4)]
    end = "StopIteration" if isinstance(runner, SyncRunner) else "StopAsyncIteration"
    assert types == ["TaskUpdate", "Interruption", end, end]


def test_iterator_of_updates_of_a_closed_client_raises_an_error_and_then_ends(runner: Runner) -> None:
    with runner.anchor(transport=Recorder()) as anchor:
        updates = anchor.tasks.get("task-1").updates()
    end = "StopIteration" if isinstance(runner, SyncRunner) else "StopAsyncIteration"
    assert [next_type(updates, runner) for _ in range(3)] == ["ConfigurationError", end, end]


# -- Timeouts ------------------------------------------------------------------------------------------------------


class TimeoutRemover(Recorder):
    """A transport that removes the timeouts from each request; a user's custom transport may do the same."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.extensions.pop("timeout", None)
        return super().handle_request(request)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        request.extensions.pop("timeout", None)
        return await super().handle_async_request(request)


def test_request_succeeds_if_the_transport_removes_its_timeouts(runner: Runner) -> None:
    with runner.anchor(transport=TimeoutRemover()) as anchor:
        assert runner.call(anchor.tasks.get("task-1").refresh).status == "running"


@pytest.mark.parametrize("extensions", [{}, {"timeout": {}}, {"timeout": {"read": None}}], ids=str)
def test_request_that_the_user_builds_without_a_timeout_succeeds(extensions: dict[str, Any]) -> None:
    with raw_server() as server, Anchor(KEY, base_url=server.base_url) as anchor:
        client = anchor.api.get_httpx_client()
        request = client.build_request("GET", "/v1/other", extensions=extensions)
        assert client.send(request).json()["data"]["status"] == "COMPLETED"
        assert client.get("/v1/other", timeout=None).status_code == 200


def test_request_that_the_user_builds_keeps_its_timeouts_unchanged() -> None:
    with raw_server() as server, Anchor(KEY, base_url=server.base_url) as anchor:
        client = anchor.api.get_httpx_client()
        request = client.build_request("GET", "/v1/other", timeout=20)
        before = copy.deepcopy(request.extensions)
        client.send(request)
        client.send(request)
        assert request.extensions == before


# -- Forks ---------------------------------------------------------------------------------------------------------


class UnusedClient(httpx.Client):
    """An httpx client that sends nothing. It has the attribute `is_broken`, which `Lifecycle` reads."""

    is_broken = False


def unused_client() -> UnusedClient:
    return UnusedClient(transport=Recorder())


def test_forked_child_gets_a_new_client(monkeypatch: pytest.MonkeyPatch) -> None:
    lifecycle = Lifecycle(unused_client, _world.current, is_custom=False)
    client_of_parent = lifecycle.client()
    assert lifecycle.client() is client_of_parent
    monkeypatch.setattr(os, "getpid", lambda: 0)
    client_of_child = lifecycle.client()
    assert client_of_child is not client_of_parent
    assert lifecycle.client() is client_of_child
    assert lifecycle.close() is client_of_child


def test_forked_child_does_not_close_the_client_of_its_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    lifecycle = Lifecycle(unused_client, _world.current, is_custom=False)
    lifecycle.client()
    monkeypatch.setattr(os, "getpid", lambda: 0)
    assert lifecycle.close() is None


def test_client_with_a_custom_transport_is_refused_in_a_forked_child(
    runner: Runner, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    with runner.anchor(transport=recorder) as anchor:
        task = runner.call(anchor.tasks.start, "Read")
        recorder.requests.clear()
        monkeypatch.setattr(os, "getpid", lambda: 0)
        for function, arguments in ((anchor.tasks.start, ["Read"]), (task.refresh, []), (lambda: anchor.api, [])):
            error = raised(ConfigurationError, runner, function, *arguments)
            assert error.args == (
                "a client with a custom transport cannot be used in a forked process: make a new one in the child",
            )
            assert error.task_id == (task.id if function == task.refresh else None)
    assert recorder.requests == []


# The async parent does not check the task: a check needs a second event loop, which the parent's client refuses.
FORKING_PROGRAM = """
import anyio
import os
import sys
from anchor_webtask import Anchor, AsyncAnchor

base_url, kind = sys.argv[1:]
anchor = (Anchor if kind == "sync" else AsyncAnchor)("key", base_url=base_url)

def call(function, *arguments):
    if kind == "sync":
        return function(*arguments)
    async def run():
        return await function(*arguments)
    return anyio.run(run)

def check(task):
    assert task.status is None
    call(task.refresh)
    return task.status

task = call(anchor.tasks.start, "Read")
if child := os.fork():
    _, status = os.waitpid(child, 0)
    print("child:", os.waitstatus_to_exitcode(status))
    if kind == "sync":
        print("parent:", check(task))
else:
    os._exit(0 if check(task) == "running" else 1)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.parametrize(
    ("kind", "output"),
    [("sync", ["child: 0", "parent: running"]), ("async", ["child: 0"])],
    ids=["sync", "async"],
)
def test_client_works_after_a_fork(kind: str, output: list[str]) -> None:
    with Emulator(takes=600).serve() as server:
        arguments = [sys.executable, "-c", textwrap.dedent(FORKING_PROGRAM), server.base_url, kind]
        ran = subprocess.run(arguments, capture_output=True, text=True, timeout=PATIENCE)
    assert (ran.stdout.splitlines(), ran.stderr, ran.returncode) == (output, "", 0)


# -- Event loops ---------------------------------------------------------------------------------------------------

OTHER_LOOP = "this client was first used in another event loop: make one client for each event loop"


@pytest.mark.parametrize("second", ["asyncio", "trio"])
@pytest.mark.parametrize("first", ["asyncio", "trio"])
def test_async_client_is_refused_in_a_second_event_loop(first: str, second: str) -> None:
    recorder = Recorder()
    anchor = AsyncAnchor(KEY, transport=recorder)

    async def use() -> tuple[AsyncWebTask[Any], httpx.AsyncClient]:
        http = anchor.api.get_async_httpx_client()
        await http.get("/v1/other")
        return await anchor.tasks.start("Read"), http

    async def use_again() -> None:
        with pytest.raises(ConfigurationError, match=OTHER_LOOP):
            await anchor.tasks.start("Read")
        with pytest.raises(ConfigurationError, match=OTHER_LOOP):
            await task.refresh()
        with pytest.raises(ConfigurationError, match=OTHER_LOOP):
            await http.get("/v1/other")

    task, http = anyio.run(use, backend=first)
    anyio.run(use_again, backend=second)
    assert len(recorder.requests) == 2


def test_async_client_made_outside_an_event_loop_works_inside_one() -> None:
    recorder = Recorder()
    anchor = AsyncAnchor(KEY, transport=recorder)

    async def use() -> None:
        async with anchor:
            await anchor.tasks.start("Read")

    anyio.run(use)
    assert recorder.closed == 1


def test_threads_may_share_a_sync_client() -> None:
    recorder = Recorder()
    with Anchor(KEY, transport=recorder) as anchor:
        threads = [threading.Thread(target=anchor.tasks.start, args=["Read"]) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(recorder.requests) == 20
    assert recorder.closed == 1


def test_context_manager_of_a_client_returns_the_client() -> None:
    anchor = Anchor(KEY)
    with anchor as entered:
        assert entered is anchor
