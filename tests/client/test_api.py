"""`.api`: the generated endpoints behind the same guard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anchor_webtask import AuthenticationError, NotFoundError, RequestTimeoutError, UnexpectedResponseError
from anchor_webtask_api.api.tools import get_perform_web_task_status
from tests.support.errors import raised
from tests.support.raw_server import Ending, http_response, raw_server
from tests.support.runners import KEY

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchor_webtask.emulator import Emulator
    from tests.support.runners import Runner


def status_of(runner: Runner) -> Callable[..., Any]:
    """Return the generated function for this face."""
    return get_perform_web_task_status.sync if runner.name == "sync" else get_perform_web_task_status.asyncio


def test_a_generated_endpoint_is_called_with_the_key(runner: Runner, anchor: Any, emulator: Emulator) -> None:
    emulator.on(takes=10)
    task = runner.call(anchor.tasks.start, "Read the price")
    came = runner.call(status_of(runner), task.id, client=anchor.api)
    assert came.data.status == "RUNNING"
    assert KEY not in repr(anchor.api)


def test_a_generated_endpoint_raises_the_errors_of_this_package(runner: Runner, anchor: Any) -> None:
    assert raised(NotFoundError, runner, status_of(runner), "nobodys-task", client=anchor.api).status == 404


def test_a_wrong_key_is_refused(runner: Runner, base_url: str) -> None:
    with runner.anchor(api_key="another-key", base_url=base_url) as anchor:
        raised(AuthenticationError, runner, status_of(runner), "a-task", client=anchor.api)


def test_a_generated_endpoint_has_the_limits_of_the_client(runner: Runner) -> None:
    plays = [
        (Ending.SILENCE,),
        http_response(200, b" " * 2000),
        http_response(302, b"", {"location": "https://elsewhere.example/"}),
    ]
    with (
        raw_server(check=plays) as server,
        runner.anchor(base_url=server.base_url, http_timeout=0.3, max_response_bytes=1000) as anchor,
    ):
        raised(RequestTimeoutError, runner, status_of(runner), "a-task", client=anchor.api)
        assert "max_response_bytes" in str(
            raised(UnexpectedResponseError, runner, status_of(runner), "a-task", client=anchor.api)
        )
        assert "https://elsewhere.example" in str(
            raised(UnexpectedResponseError, runner, status_of(runner), "a-task", client=anchor.api)
        )


def test_a_connection_that_takes_too_long_is_called_none(runner: Runner) -> None:
    with raw_server() as server:
        base_url = server.base_url.replace("http:", "https:")  # to a handshake it says nothing
        with runner.anchor(base_url=base_url, http_timeout=1) as anchor:
            error = raised(RequestTimeoutError, runner, status_of(runner), "a-task", client=anchor.api)
    assert str(error) == "no connection within 1 s"
