"""Starts that come to no connection, and starts that come too fast: when they are sent again, exactly."""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest

from anchor_webtask import RateLimitError, RequestTimeoutError, StartOutcomeUnknownError, TransportError
from tests.support.errors import raised
from tests.support.raw_server import STARTED, Ending, error_response, raw_server

if TYPE_CHECKING:
    from tests.support.clocks import VirtualClock
    from tests.support.runners import Runner

METHODS: Final = ("start", "run", "run_in_one_request")


def begin(method: str, http_timeout: float = 30) -> dict[str, Any]:
    """Return the arguments of a start; the one-request form has a time-out of its own."""
    own = {"http_timeout": http_timeout} if method == "run_in_one_request" else {}
    return {"prompt": "Read the price", **own}


def unknown_host(monkeypatch: pytest.MonkeyPatch) -> str:
    def getaddrinfo(*_: object, **__: object) -> object:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return "https://api.invalid"


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("case", ["refused", "dns", "tls"])
def test_without_a_connection_start_tries_twice_more_and_run_until_its_deadline(
    runner: Runner, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch, case: str, method: str
) -> None:
    own = {"timeout": 5.5} if method == "run" else {}
    # A TLS server without a certificate has no cipher in common with anybody.
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if case == "tls" else None
    with raw_server(listening=case != "refused", tls=tls) as server:
        base_url = unknown_host(monkeypatch) if case == "dns" else server.base_url
        with runner.anchor(base_url=base_url) as anchor:
            raised(TransportError, runner, getattr(anchor.tasks, method), **begin(method), **own)
    # A second apart, since a tenth of the time that has passed is less; the last attempt is at the deadline.
    assert clock.sleeps == ([1.0] * 5 + [0.5] if method == "run" else [1.0] * 2)
    assert server.starts == 0


def test_a_connection_that_takes_too_long_is_none(runner: Runner, clock: VirtualClock) -> None:
    with raw_server() as server:
        # To a handshake the server says nothing, since it's no HTTP.
        base_url = server.base_url.replace("http:", "https:")
        with runner.anchor(base_url=base_url, http_timeout=1) as anchor:
            raised(RequestTimeoutError, runner, anchor.tasks.start, "Read the price")
    assert (server.starts, server.connections, clock.sleeps) == (0, 3, [1.0] * 2)


@pytest.mark.parametrize("method", METHODS)
def test_a_time_out_to_connect_is_not_believed_of_a_transport_that_tells_nothing(runner: Runner, method: str) -> None:
    """The one of httpx-aiohttp says so of a connection that is lost later, too."""
    starts: list[httpx.Request] = []

    def lose(request: httpx.Request) -> httpx.Response:
        starts.append(request)
        raise httpx.ConnectTimeout("Server disconnected")

    with runner.anchor(transport=httpx.MockTransport(lose)) as anchor:
        raised(StartOutcomeUnknownError, runner, getattr(anchor.tasks, method), **begin(method))
    assert len(starts) == 1


@pytest.mark.parametrize(
    "play", [(b"no HTTP at all\r\n\r\n",), (Ending.CLOSE,), (Ending.RESET,)], ids=["garbage", "close", "reset"]
)
def test_a_proxy_that_breaks_off_has_not_passed_the_start_on(
    runner: Runner, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch, play: Any
) -> None:
    with raw_server(check=[play]) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.base_url)
        with runner.anchor(base_url="https://api.example") as anchor:
            raised(TransportError, runner, anchor.tasks.start, "Read the price")
    assert (proxy.starts, clock.sleeps) == (0, [1.0] * 2)


def test_run_repeats_a_429_after_its_retry_after(runner: Runner, clock: VirtualClock) -> None:
    plays = [error_response(429, headers={"retry-after": "7"}), error_response(429), STARTED]
    with raw_server(start=plays) as server, runner.anchor(base_url=server.base_url) as anchor:
        assert runner.call(anchor.tasks.run, "Read the price").value == "done"
    assert clock.sleeps[:2] == [7.0, 1.0]
    assert server.starts == 3


def test_run_gives_up_on_a_429_that_its_deadline_comes_before(runner: Runner, clock: VirtualClock) -> None:
    plays = [error_response(429, headers={"retry-after": "7"}), STARTED]
    with raw_server(start=plays) as server, runner.anchor(base_url=server.base_url) as anchor:
        caught = raised(RateLimitError, runner, anchor.tasks.run, "Read the price", timeout=7)
    assert caught.retry_after == 7
    assert (server.starts, clock.sleeps) == (1, [])
