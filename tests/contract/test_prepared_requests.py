"""Requests that the package builds without httpx: they equal the requests that httpx's `build_request` builds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from anchor_webtask._api import generated
from anchor_webtask_api.api.tools import perform_web_task
from anchor_webtask_api.models import PerformWebTaskRequestSchema
from tests.support.runners import KEY

if TYPE_CHECKING:
    from tests.support.runners import Runner

BASE_URLS = [
    "https://api.example",
    "https://api.example/",
    "https://api.example:8443/some/path/",
    "https://bücher.example/ä",
    "http://127.0.0.1:8000",
    "http://[::1]:8000/v2",
]
ADDED_HEADERS = ("accept", "accept-encoding", "connection", "user-agent", "anchor-api-key")


def sent_request(runner: Runner, base_url: str, call: Any) -> httpx.Request:
    """Return the only request that the call sends."""
    requests: list[httpx.Request] = []

    def respond(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        data = {"status": "running", "workflow_id": "task-1"} if request.method == "POST" else {"status": "RUNNING"}
        return httpx.Response(200, json={"data": data})

    with runner.anchor(base_url=base_url, transport=httpx.MockTransport(respond)) as anchor:
        runner.call(*call(anchor))
    (request,) = requests
    return request


def built_by_httpx(base_url: str, kwargs: dict[str, Any], sent: httpx.Request) -> httpx.Request:
    """Return the request that httpx builds, with the headers that our client adds to each request."""
    headers = {name: sent.headers[name] for name in ADDED_HEADERS}
    with httpx.Client(base_url=base_url, headers=headers) as client:
        return client.build_request(**kwargs)


def contents(request: httpx.Request) -> tuple[str, str, bytes, dict[str, str]]:
    return request.method, str(request.url), request.content, dict(request.headers)


@pytest.mark.parametrize("base_url", BASE_URLS)
@pytest.mark.parametrize("task_id", ["task-1", "a/b c?d#e%é", "..a", "%2F"])
def test_request_of_a_check_equals_the_request_that_httpx_builds(task_id: str, base_url: str, runner: Runner) -> None:
    request = sent_request(runner, base_url, lambda anchor: [anchor.tasks.get(task_id).refresh])
    assert contents(request) == contents(built_by_httpx(base_url, generated.status_kwargs(task_id), request))
    assert request.headers["anchor-api-key"] == KEY


@pytest.mark.parametrize("base_url", BASE_URLS)
@pytest.mark.parametrize("session_id", [None, "session 1/ü&="])
def test_request_of_a_start_equals_the_request_that_httpx_builds(
    session_id: str | None, base_url: str, runner: Runner
) -> None:
    request = sent_request(
        runner, base_url, lambda anchor: [lambda: anchor.tasks.start("Read ü", session_id=session_id)]
    )
    body = PerformWebTaskRequestSchema(prompt="Read ü", async_=True)
    kwargs = perform_web_task._get_kwargs(body=body, **({"session_id": session_id} if session_id else {}))
    content = kwargs.pop("json")
    assert {**kwargs.pop("headers")} == {"Content-Type": "application/json"}
    expected = built_by_httpx(base_url, {**kwargs, "json": content}, request)
    assert (request.method, request.url) == (expected.method, expected.url)
    assert httpx.Response(200, content=request.content).json() == content
    names = ["host", "content-type", *ADDED_HEADERS]
    assert [request.headers[name] for name in names] == [expected.headers[name] for name in names]
    assert request.headers["content-length"] == str(len(request.content))


@pytest.mark.parametrize("parse", [generated.parse_start, generated.parse_status])
@pytest.mark.parametrize("status", [200, 201, 400, 401, 402, 403, 404, 429, 500, 503])
def test_generated_parsers_need_only_status_and_json_of_a_response(status: int, parse: Any) -> None:
    content = {"data": {"status": "RUNNING", "workflow_id": "w", "result": 1}, "error": {"code": status, "message": ""}}
    parsed = parse(status, content)
    assert (parsed is None) == (status in {201, 503})
