"""The emulator as an HTTP server on a loopback address."""

from __future__ import annotations

import asyncio
import errno
import gc
import logging
import math
import signal
import socket
import subprocess
import sys
import threading
from asyncio import BaseEventLoop
from contextlib import contextmanager, suppress
from itertools import repeat
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest

from anchor_webtask.emulator import Emulator, EmulatorServer, Fault, _serving
from tests.support.clocks import InstantClock
from tests.support.patience import PATIENCE
from tests.unit.emulator.support import KEY, TASKS, Api, data, error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from anchor_webtask._clock import Clock
    from anchor_webtask.emulator._http_messages import Handle


def client_at(server: EmulatorServer, read_timeout: float = 30) -> httpx.Client:
    timeout, limits = httpx.Timeout(30, read=read_timeout), httpx.Limits(keepalive_expiry=None)
    return httpx.Client(base_url=server.base_url, headers={"anchor-api-key": KEY}, timeout=timeout, limits=limits)


def address(server: EmulatorServer) -> tuple[str, int]:
    url = httpx.URL(server.base_url)
    assert url.port
    return url.host, url.port


@pytest.fixture
def served(emulator: Emulator) -> Iterator[Api]:
    with emulator.serve() as server, client_at(server) as client:
        yield Api(client)


def test_task_runs_from_start_to_end_over_http(served: Api, emulator: Emulator, clock: InstantClock) -> None:
    emulator.on(prompt="*price*", url="https://shop.example/*", takes=1200, answer={"amount": 3}, faults=[502])
    task_id = served.start_async("Read the price", url="https://shop.example/p/1")
    assert error(served.check(task_id)) == (502, "Bad Gateway")
    assert served.state(task_id) == {"status": "RUNNING"}
    clock.time += 1200
    assert served.state(task_id) == {"status": "COMPLETED", "result": {"amount": 3}}
    assert (emulator.starts, emulator.start_requests, len(emulator.requests)) == (1, 1, 4)


def test_one_request_start_is_held_open_until_the_task_ends_over_http(
    served: Api, emulator: Emulator, clock: InstantClock
) -> None:
    emulator.on(takes=90, answer="done")
    before = clock.now()
    assert data(served.start()) == {"result": "done"}
    assert clock.now() - before == 90


def test_server_works_with_the_system_clock() -> None:
    emulator = Emulator(takes=0.01)
    with emulator.serve() as server, client_at(server) as client:
        assert data(Api(client).start()) == {"result": "The emulator's answer."}


def test_server_sends_refusals_and_warnings(served: Api) -> None:
    assert error(served.start(max_steps="many"))[0] == 400
    warned = served.http.post(TASKS, params={"session": "s"}, json={"prompt": "a"})
    assert warned.headers["x-emulator-warning"] == "query.session: this parameter is not in the spec"
    assert error(served.http.get(TASKS, headers={"anchor-api-key": ""}))[0] == 405
    assert error(served.http.post(TASKS, headers={"anchor-api-key": ""}))[0] == 401
    assert error(served.check("a%2Fb"))[0] == 404
    assert served.http.head("/").status_code == 404


def test_request_body_may_be_three_megabytes_long(served: Api, emulator: Emulator) -> None:
    emulator.on(answer=lambda body: len(body["prompt"]))
    assert data(served.start("a" * 3_000_000)) == {"result": 3_000_000}


def test_server_sends_the_status_headers_body_and_task_status_of_a_fault(served: Api, emulator: Emulator) -> None:
    html = Fault(200, body="<html>", content_type="text/html", headers={"X-Request-Id": "r1"})
    emulator.on(takes=0, answer=1, faults=[html, Fault(204), Fault(task_status="SLEEPING")])
    task_id = served.start_async()
    page = served.check(task_id)
    assert (page.status_code, page.text, page.headers["content-type"]) == (200, "<html>", "text/html")
    assert page.headers["x-request-id"] == "r1"
    assert served.check(task_id).status_code == 204
    assert served.state(task_id) == {"status": "SLEEPING", "result": 1}
    assert served.state(task_id) == {"status": "COMPLETED", "result": 1}


def test_server_cuts_the_connection_before_or_within_the_response(served: Api, emulator: Emulator) -> None:
    emulator.on(faults=[Fault(cut=True), Fault(cut="midway")])
    task_id = served.start_async()
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        served.check(task_id)
    with served.http.stream("GET", f"{TASKS}/{task_id}/status") as response:
        assert response.status_code == 200
        with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
            response.read()
    assert served.state(task_id) == {"status": "RUNNING"}


def test_cutting_one_connection_leaves_other_connections_open(emulator: Emulator) -> None:
    emulator.on(prompt="cut", start_faults=[Fault(cut=True)])
    with emulator.serve() as server, client_at(server) as one, client_at(server) as other:
        assert data(Api(one).start())
        opened = connection(one)
        with pytest.raises(httpx.RemoteProtocolError):
            Api(other).start("cut")
        assert data(Api(one).start())
        assert connection(one) == opened


def connection(client: httpx.Client) -> object:
    return client.get("/").extensions["network_stream"].get_extra_info("client_addr")


@pytest.mark.anyio
async def test_server_started_in_an_event_loop_serves_async_clients(emulator: Emulator) -> None:
    emulator.on(takes=5, answer=1)
    with emulator.serve() as server:
        async with httpx.AsyncClient(base_url=server.base_url, headers={"anchor-api-key": KEY}) as client:
            results = []

            async def start() -> None:
                results.append(data(await client.post(TASKS, json={"prompt": "a"})))

            async with anyio.create_task_group() as group:
                for _ in range(10):
                    group.start_soon(start)
    assert results == [{"result": 1}] * 10


def test_several_servers_run_at_once(emulator: Emulator) -> None:
    other = Emulator()
    with emulator.serve() as first, emulator.serve() as second, other.serve() as third:
        assert len({server.base_url for server in (first, second, third)}) == 3
        for server in (first, second, third):
            with client_at(server) as client:
                Api(client).start_async()
    assert (emulator.starts, other.starts) == (2, 1)


def test_emulator_that_is_served_again_keeps_its_tasks(emulator: Emulator) -> None:
    with emulator.serve() as server, client_at(server) as client:
        task_id = Api(client).start_async()
    with emulator.serve() as server, client_at(server) as client:
        assert Api(client).state(task_id) == {"status": "RUNNING"}


class EndlessHoldClock(InstantClock):
    """A clock on which a hold ends only when it is cancelled. The event `begun` is set when it begins."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = threading.Event()

    @contextmanager
    def move_on_after(self, seconds: float) -> Iterator[anyio.CancelScope]:
        assert seconds == math.inf
        self.begun.set()
        with anyio.CancelScope() as scope:
            yield scope


def test_stopping_the_server_closes_the_connections_of_held_requests() -> None:
    clock = EndlessHoldClock()
    emulator = Emulator(takes=math.inf, clock=clock)
    raised: list[Exception] = []

    def start(server: EmulatorServer) -> None:
        with client_at(server) as client:
            try:
                Api(client).start()
            except httpx.TransportError as error:
                raised.append(error)

    with emulator.serve() as server:
        thread = threading.Thread(target=start, args=[server])
        thread.start()
        assert clock.begun.wait(PATIENCE)
    thread.join(PATIENCE)
    assert [type(error) for error in raised] == [httpx.RemoteProtocolError]


START = (
    f"POST {TASKS} HTTP/1.1\r\nHost: localhost\r\nanchor-api-key: {KEY}\r\n"
    'Content-Type: application/json\r\nContent-Length: 15\r\n\r\n{"prompt": "a"}'
).encode()


def test_stopping_the_server_does_not_wait_for_a_client_that_reads_nothing(emulator: Emulator) -> None:
    emulator.on(takes=0, answer="a" * 20_000_000)
    with emulator.serve() as server:
        client = socket.create_connection(address(server))
        client.sendall(START)
        assert client.recv(15) == b"HTTP/1.1 200 OK"
    client.close()


class EndAfterClient(asyncio.Event):
    """The end of a server. A client connects, and the server learns of its end some rounds of the event loop later."""

    def __init__(self, sent: bytes, rounds: int) -> None:
        super().__init__()
        self.address: tuple[str, int] | None = None
        self.client: socket.socket | None = None
        self._sent = sent
        self._rounds = rounds

    def set(self) -> None:
        if self.client is None:
            assert self.address
            self.client = socket.create_connection(self.address, timeout=PATIENCE)
            self.client.sendall(self._sent)
        if self._rounds == 0:
            super().set()
            return
        self._rounds -= 1
        asyncio.get_running_loop().call_soon(self.set)


@pytest.mark.parametrize("sent", [b"", START], ids=["nothing", "start"])
@pytest.mark.parametrize("rounds", range(8))
def test_client_that_connects_while_the_server_ends_is_disconnected(
    monkeypatch: pytest.MonkeyPatch, sent: bytes, rounds: int
) -> None:
    end = EndAfterClient(sent, rounds)
    left: list[object] = []

    class Server(_serving._Server):
        def __init__(self, handle: Handle, clock: Callable[[], Clock]) -> None:
            super().__init__(handle, clock)
            self.ending = end

        async def serve(self, listener: socket.socket) -> None:
            await super().serve(listener)
            left.extend((*self._state.connections, *self._state.tasks))

    monkeypatch.setattr(_serving, "_Server", Server)
    with Emulator(takes=math.inf, clock=EndlessHoldClock()).serve() as server:
        end.address = address(server)
    assert end.client
    with end.client as client:
        wait_until_closed(client)
    assert left == []
    gc.collect()  # warns of connections that the server has left open


def wait_until_closed(client: socket.socket) -> None:
    """Wait until the server closes the connection, perhaps after a response."""
    with suppress(ConnectionResetError):
        while client.recv(1000):
            pass


def refuse_to_accept(monkeypatch: pytest.MonkeyPatch, errors: Iterable[OSError]) -> threading.Event:
    """Let `accept` raise errors first. The event is set when it has raised one."""
    remaining, raised, accept = iter(errors), threading.Event(), socket.socket.accept

    def accept_or_raise(listener: socket.socket) -> tuple[socket.socket, Any]:
        for each in remaining:
            raised.set()
            raise each
        return accept(listener)

    monkeypatch.setattr(socket.socket, "accept", accept_or_raise)
    return raised


def test_server_accepts_connections_again_after_the_system_has_refused_it(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    refused = [BlockingIOError(), ConnectionAbortedError(), OSError(errno.EMFILE, "Too many open files")]
    refuse_to_accept(monkeypatch, refused)
    monkeypatch.setattr(_serving, "_ACCEPT_PAUSE", 0.01)
    with emulator.serve() as server, client_at(server) as client:
        assert data(Api(client).start())
    logged = [record.getMessage() for record in caplog.records if record.name == "asyncio"]
    assert len(logged) == 1
    assert logged[0].startswith("The emulator cannot accept a connection")


def test_server_closes_a_connection_that_the_event_loop_refuses(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused, connect = iter([OSError(errno.EINVAL, "Invalid argument")]), BaseEventLoop.connect_accepted_socket

    async def connect_or_raise(loop: BaseEventLoop, *arguments: Any) -> Any:
        for each in refused:
            raise each
        return await connect(loop, *arguments)

    monkeypatch.setattr(BaseEventLoop, "connect_accepted_socket", connect_or_raise)
    with emulator.serve() as server:
        with socket.create_connection(address(server), timeout=PATIENCE) as first:
            wait_until_closed(first)
        with client_at(server) as client:
            assert data(Api(client).start())


def test_server_ends_while_the_system_refuses_to_accept_connections(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = refuse_to_accept(monkeypatch, repeat(OSError(errno.EMFILE, "Too many open files")))
    monkeypatch.setattr(_serving, "_ACCEPT_PAUSE", math.inf)
    with emulator.serve() as server:
        client = socket.create_connection(address(server), timeout=PATIENCE)
        assert refused.wait(PATIENCE)
    with client:
        wait_until_closed(client)


def test_client_that_disconnects_during_a_held_request_causes_no_logged_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = EndlessHoldClock()
    emulator = Emulator(takes=math.inf, clock=clock)
    with emulator.serve() as server:
        with client_at(server, read_timeout=0.2) as client, pytest.raises(httpx.ReadTimeout):
            Api(client).start()
        with client_at(server) as client:
            assert Api(client).start_async()
    assert [record for record in caplog.records if record.levelno > logging.INFO] == []


def test_stopped_server_leaves_no_thread_no_signal_handler_and_no_open_port(emulator: Emulator) -> None:
    def handlers() -> list[object]:
        return [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]

    threads, before = {*threading.enumerate()}, handlers()
    with emulator.serve() as server:
        assert {*threading.enumerate()} - threads  # the server runs in a thread
        with client_at(server) as client:
            Api(client).start()
    assert ({*threading.enumerate()} - threads, handlers()) == (set(), before)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address(server))


def test_server_logs_nothing_and_does_not_configure_logging() -> None:
    code = f"""
import logging
import httpx
from anchor_webtask.emulator import Emulator, Fault
emulator = Emulator(takes=0)
emulator.on(start_faults=[Fault(cut=True), Fault(cut="midway"), 502])
with emulator.serve() as server, httpx.Client(headers={{"anchor-api-key": "{KEY}"}}) as client:
    for _ in range(4):
        try:
            client.post(server.base_url + "{TASKS}", json={{"prompt": "a"}})
        except httpx.RemoteProtocolError:
            pass
for name in ("", ".error", ".access", ".asgi"):
    logger = logging.getLogger("uvicorn" + name)
    print(logger.level, logger.propagate, logger.handlers)
print(emulator.starts)
"""
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert process.stderr == ""
    assert process.stdout == "0 True []\n" * 4 + "2\n"


def status_for_host(server: EmulatorServer, host: str) -> int:
    with client_at(server) as client:
        return client.get("/", headers={"host": host}).status_code


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost:80", "LocalHost", "127.0.0.1", "127.0.0.1:1", "127.9.9.9", "[::1]", "[::1]:80"],
)
def test_server_accepts_each_name_of_a_loopback_address(emulator: Emulator, host: str) -> None:
    with emulator.serve() as server:
        assert status_for_host(server, host) == 404


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:80", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1", "", "[", "::1"],
)
def test_server_refuses_and_logs_a_request_whose_host_is_not_a_loopback_address(emulator: Emulator, host: str) -> None:
    with emulator.serve() as server, client_at(server) as client:
        response = client.post(TASKS, json={"prompt": "a"}, headers={"host": host})
        assert error(response)[0] == 421
        assert "--allow-remote" in error(response)[1]
        assert "x-emulator" in response.headers
    assert emulator.starts == 0
    assert [request.status for request in emulator.requests] == [421]


def test_server_that_allows_remote_clients_accepts_any_host(emulator: Emulator) -> None:
    with emulator.serve(host="0.0.0.0", allow_remote=True) as server:
        assert status_for_host(server, "evil.example") == 404
        assert server.base_url.startswith("http://0.0.0.0:")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "evil.example", ""])
def test_address_that_other_machines_reach_is_refused(emulator: Emulator, host: str) -> None:
    with pytest.raises(ValueError, match=r"is not a loopback address.*allow_remote=True, or --allow-remote"):
        emulator.serve(host=host)


@pytest.mark.parametrize("port", [-1, 65536, "80", None])
def test_invalid_port_is_refused(emulator: Emulator, port: Any) -> None:
    with pytest.raises(ValueError, match="port must be an integer from 0 to 65535"):
        emulator.serve(port=port)


def test_server_listens_at_the_port_that_it_is_given_and_a_port_in_use_is_an_error(emulator: Emulator) -> None:
    with emulator.serve() as server:
        _, port = address(server)
        with pytest.raises(OSError, match=str(port)), Emulator().serve(port=port):
            pass
    with emulator.serve(port=port) as server:
        assert server.base_url == f"http://127.0.0.1:{port}"
        assert server.emulator is emulator


@pytest.mark.parametrize("host", ["::1", "localhost"])
def test_server_listens_at_other_loopback_addresses(emulator: Emulator, host: str) -> None:
    if host == "::1":
        try:
            socket.create_server((host, 0), family=socket.AF_INET6).close()
        except OSError:
            pytest.skip("this machine has no IPv6")
    with emulator.serve(host=host) as server, client_at(server) as client:
        assert data(Api(client).start())


@pytest.mark.anyio
async def test_server_is_an_async_context_manager(emulator: Emulator) -> None:
    async with emulator.serve() as server:
        assert server.emulator is emulator
        async with httpx.AsyncClient(base_url=server.base_url, headers={"anchor-api-key": KEY}) as client:
            assert data(await client.post(TASKS, json={"prompt": "a"}))
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address(server))


@pytest.mark.anyio
async def test_cancelled_async_context_stops_its_server(emulator: Emulator) -> None:
    servers: list[EmulatorServer] = []
    with anyio.CancelScope() as scope:
        async with emulator.serve() as server:
            servers.append(server)
            scope.cancel()
            await anyio.sleep_forever()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address(servers[0]))


def test_error_raised_while_the_server_runs_reaches_the_caller(emulator: Emulator) -> None:
    with pytest.raises(ZeroDivisionError), emulator.serve():
        raise ZeroDivisionError
