"""The generated endpoints, called with `.api`: they send the key, and have the same limits and errors as `.tasks`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from anchor_webtask import (
    AuthenticationError,
    NotFoundError,
    RequestTimeoutError,
    TransportError,
    UnexpectedResponseError,
)
from anchor_webtask_api.api.tools import get_perform_web_task_status
from tests.support.errors import raised
from tests.support.raw_server import COMPLETED, Ending, http_response, raw_server
from tests.support.runners import KEY

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchor_webtask.emulator import Emulator
    from tests.support.runners import Runner


def status_endpoint(runner: Runner) -> Callable[..., Any]:
    """Return the generated function that gets a task's status, sync or async like the runner's client."""
    return get_perform_web_task_status.sync if runner.name == "sync" else get_perform_web_task_status.asyncio


def test_generated_endpoint_sends_the_key(runner: Runner, anchor: Any, emulator: Emulator) -> None:
    emulator.on(takes=10)
    task = runner.call(anchor.tasks.start, "Read the price")
    reply = runner.call(status_endpoint(runner), task.id, client=anchor.api)
    assert reply.data.status == "RUNNING"
    assert KEY not in repr(anchor.api)


def test_generated_endpoint_raises_the_errors_of_this_package(runner: Runner, anchor: Any) -> None:
    assert raised(NotFoundError, runner, status_endpoint(runner), "unknown-task", client=anchor.api).status == 404


def test_generated_endpoint_raises_authentication_error_for_a_wrong_key(runner: Runner, base_url: str) -> None:
    with runner.anchor(api_key="another-key", base_url=base_url) as anchor:
        raised(AuthenticationError, runner, status_endpoint(runner), "a-task", client=anchor.api)


def test_generated_endpoint_applies_the_limits_of_the_client(runner: Runner) -> None:
    with (
        raw_server(check=[(Ending.SILENCE,)]) as server,
        runner.anchor(base_url=server.base_url, http_timeout=0.3) as anchor,
    ):
        raised(RequestTimeoutError, runner, status_endpoint(runner), "a-task", client=anchor.api)
    scripts = [http_response(200, b" " * 2000), http_response(302, b"", {"location": "https://other-host.example/"})]
    with (
        raw_server(check=scripts) as server,
        runner.anchor(base_url=server.base_url, max_response_bytes=1000) as anchor,
    ):
        assert "max_response_bytes" in str(
            raised(UnexpectedResponseError, runner, status_endpoint(runner), "a-task", client=anchor.api)
        )
        assert "https://other-host.example" in str(
            raised(UnexpectedResponseError, runner, status_endpoint(runner), "a-task", client=anchor.api)
        )


def test_generated_endpoint_reports_a_connection_timeout(runner: Runner) -> None:
    with raw_server() as server:
        base_url = server.base_url.replace("http:", "https:")  # a server without TLS does not respond to the handshake
        with runner.anchor(base_url=base_url, http_timeout=1) as anchor:
            error = raised(RequestTimeoutError, runner, status_endpoint(runner), "a-task", client=anchor.api)
    place = server.base_url.removeprefix("http://")
    assert str(error) == f"no connection to {place} within 1 s; check base_url and the network"


def test_request_of_the_user_gets_no_key_and_response_knows_its_request(runner: Runner) -> None:
    with raw_server(check=[COMPLETED]) as server, runner.anchor(base_url=server.base_url) as anchor:
        api = anchor.api
        client = api.get_httpx_client() if runner.name == "sync" else api.get_async_httpx_client()
        request = client.build_request("GET", "/v1/other", params={"page": "2"})
        response = runner.call(client.send, request)
    assert server.requests[0].headers["anchor-api-key"] == KEY
    assert KEY not in str(request.headers.raw)
    assert response.request is request
    assert str(response.url) == f"{server.base_url}/v1/other?page=2"
    assert response.raise_for_status() is response
    assert response.elapsed.total_seconds() > 0


def test_custom_transport_can_read_the_content_of_a_request_of_the_user(runner: Runner) -> None:
    contents: list[bytes] = []

    class Transport(httpx.BaseTransport, httpx.AsyncBaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            contents.append(request.content)
            return httpx.Response(200, json={})

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            return self.handle_request(request)

    with runner.anchor(base_url="http://127.0.0.1:9", transport=Transport()) as anchor:
        client = anchor.api.get_httpx_client() if runner.name == "sync" else anchor.api.get_async_httpx_client()
        runner.call(client.post, "/v1/other", content=b"a body")
    assert contents == [b"a body"]


@pytest.mark.parametrize("ending", [Ending.CLOSE, Ending.SILENCE])
def test_switch_of_protocols_that_the_user_asks_for_is_refused_at_once(runner: Runner, ending: Ending) -> None:
    switch = b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: other\r\n\r\n"
    with raw_server(check=[(switch, ending)]) as server, runner.anchor(base_url=server.base_url) as anchor:
        client = anchor.api.get_httpx_client() if runner.name == "sync" else anchor.api.get_async_httpx_client()
        headers = {"connection": "upgrade", "upgrade": "other"}
        error = raised(TransportError, runner, client.get, "/v1/other", headers=headers)
    assert str(error) == "the connection was lost (RemoteProtocolError)"
