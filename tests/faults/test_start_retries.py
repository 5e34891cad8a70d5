"""Starts are repeated only after a failed connection or status 429: how often, and with which delays."""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest

from anchor_webtask import RateLimitError, RequestTimeoutError, StartOutcomeUnknownError, TransportError
from tests.support.errors import raised
from tests.support.patience import until
from tests.support.raw_server import STARTED, Ending, error_response, raw_server

if TYPE_CHECKING:
    from tests.support.clocks import InstantClock
    from tests.support.runners import Runner

METHODS: Final = ("start", "run", "run_in_one_request")


def start_arguments(method: str, http_timeout: float = 30) -> dict[str, Any]:
    """Return the arguments of a method that starts a task; only `run_in_one_request` accepts `http_timeout`."""
    more = {"http_timeout": http_timeout} if method == "run_in_one_request" else {}
    return {"prompt": "Read the price", **more}


def unknown_host(monkeypatch: pytest.MonkeyPatch) -> str:
    """Make every look-up of a host name fail, and return a URL with a host name."""

    def getaddrinfo(*_: object, **__: object) -> object:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return "https://api.invalid"


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("failure", ["connection-refused", "unknown-host", "failed-tls-handshake"])
def test_start_without_connection_is_repeated_twice_or_by_run_until_its_deadline(
    runner: Runner, clock: InstantClock, monkeypatch: pytest.MonkeyPatch, failure: str, method: str
) -> None:
    more = {"timeout": 5.5} if method == "run" else {}
    # The handshake fails, since a TLS server without a certificate has no cipher in common with any client.
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if failure == "failed-tls-handshake" else None
    with raw_server(listening=failure != "connection-refused", tls=tls) as server:
        base_url = unknown_host(monkeypatch) if failure == "unknown-host" else server.base_url
        with runner.anchor(base_url=base_url) as anchor:
            raised(TransportError, runner, getattr(anchor.tasks, method), **start_arguments(method), **more)
    # Each delay is one second, the minimum, since a tenth of the elapsed time is less. The last attempt of `run` is
    # exactly at its deadline.
    assert clock.sleeps == ([1.0] * 5 + [0.5] if method == "run" else [1.0] * 2)
    assert server.starts == 0


def test_start_is_repeated_after_connection_timeout(runner: Runner, clock: InstantClock) -> None:
    with raw_server() as server:
        # This server has no TLS, so it does not respond to the handshake.
        base_url = server.base_url.replace("http:", "https:")
        with runner.anchor(base_url=base_url, http_timeout=1) as anchor:
            raised(RequestTimeoutError, runner, anchor.tasks.start, "Read the price")
        until(lambda: server.connections >= 3)  # the server's threads count them
    assert (server.starts, server.connections, clock.sleeps) == (0, 3, [1.0] * 2)


@pytest.mark.parametrize("method", METHODS)
def test_start_is_not_repeated_after_connection_timeout_of_custom_transport(runner: Runner, method: str) -> None:
    """A custom transport may raise ConnectTimeout although it has sent the start.

    The transport of httpx-aiohttp does so if it loses an established connection.
    """
    starts: list[httpx.Request] = []

    def lose_connection(request: httpx.Request) -> httpx.Response:
        starts.append(request)
        raise httpx.ConnectTimeout("Server disconnected")

    with runner.anchor(transport=httpx.MockTransport(lose_connection)) as anchor:
        raised(StartOutcomeUnknownError, runner, getattr(anchor.tasks, method), **start_arguments(method))
    assert len(starts) == 1


@pytest.mark.parametrize(
    "script",
    [(b"no HTTP at all\r\n\r\n",), (Ending.CLOSE,), (Ending.RESET,)],
    ids=["proxy-responds-without-http", "proxy-closes", "proxy-resets"],
)
def test_start_is_repeated_if_proxy_fails_before_its_tunnel_is_open(
    runner: Runner, clock: InstantClock, monkeypatch: pytest.MonkeyPatch, script: Any
) -> None:
    with raw_server(check=[script]) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.base_url)
        with runner.anchor(base_url="https://api.example") as anchor:
            raised(TransportError, runner, anchor.tasks.start, "Read the price")
    assert (proxy.starts, clock.sleeps) == (0, [1.0] * 2)


def test_run_repeats_start_after_429_with_the_delay_of_retry_after(runner: Runner, clock: InstantClock) -> None:
    scripts = [error_response(429, headers={"retry-after": "7"}), error_response(429), STARTED]
    with raw_server(start=scripts) as server, runner.anchor(base_url=server.base_url) as anchor:
        assert runner.call(anchor.tasks.run, "Read the price").value == "done"
    assert clock.sleeps[:2] == [7.0, 1.0]
    assert server.starts == 3


def test_run_raises_rate_limit_error_immediately_if_retry_after_lasts_until_its_deadline(
    runner: Runner, clock: InstantClock
) -> None:
    scripts = [error_response(429, headers={"retry-after": "7"}), STARTED]
    with raw_server(start=scripts) as server, runner.anchor(base_url=server.base_url) as anchor:
        caught = raised(RateLimitError, runner, anchor.tasks.run, "Read the price", timeout=7)
    assert caught.retry_after == 7
    assert (server.starts, clock.sleeps) == (1, [])
