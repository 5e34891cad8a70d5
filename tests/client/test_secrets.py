"""Searches for secrets in handles, updates, results and log records, and in the emulator's own texts.

`tests/faults/test_matrix.py` searches for secrets in the errors that each fault causes.
"""

from __future__ import annotations

import functools
import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pydantic
import pytest

from anchor_webtask import AnchorError, AsyncAnchor, InvalidOutputError, JsonSchema
from anchor_webtask.emulator import Fault
from tests.support.errors import raised
from tests.support.patience import PATIENCE
from tests.support.raw_server import COMPLETED, RUNNING, STARTED, TASK_ID, Ending, json_response, raw_server
from tests.support.runners import KEY
from tests.support.secret_search import PASSWORD, SPELLINGS, find_secrets, log_texts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from anchor_webtask.emulator import Emulator
    from tests.support.raw_server import Script
    from tests.support.runners import Runner


@pytest.mark.usefixtures("clock")
def test_status_that_contains_a_secret_value_is_still_recognized(runner: Runner) -> None:
    with raw_server() as server, runner.anchor(base_url=server.base_url) as anchor:
        assert runner.call(anchor.tasks.run, "Log in", secret_values={"INITIALS": "ED"}, timeout=1.5).value == "done"


@pytest.mark.parametrize(
    "faults",
    [[], [404, 429, 502, Fault(cut=True), Fault(cut="midway"), Fault(body=b"<html>")]],
    ids=["without-faults", "with-faults"],
)
def test_no_secret_appears_in_handles_or_updates_or_results_or_logs_or_the_emulator(
    runner: Runner,
    anchor: Any,
    emulator: Emulator,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    faults: list[int | Fault],
) -> None:
    caplog.set_level(logging.DEBUG)
    emulator.on(faults=faults)
    secrets = {"PASSWORD": PASSWORD, "*.example.com": {"PASSWORD": PASSWORD}}
    task = runner.call(anchor.tasks.start, "Log in", secret_values=secrets)
    updates = runner.call(task.updates)
    result = runner.call(task.result)
    shown = [task.token(), *map(repr, (anchor, anchor.tasks, anchor.api, task, updates, result))]
    shown += [repr(emulator), repr(emulator.requests), *log_texts(caplog), *capfd.readouterr()]
    assert find_secrets(shown) == []
    assert emulator.starts == 1


def test_secret_in_an_answer_appears_only_in_attribute_raw_of_invalid_output_error(
    runner: Runner, anchor: Any, emulator: Emulator
) -> None:
    emulator.on(answer={"PIN": 1, PASSWORD: f"{PASSWORD} is your password"})
    error = raised(
        InvalidOutputError,
        runner,
        anchor.tasks.run,
        "Log in",
        output=dict[str, int],
        secret_values={"PASSWORD": PASSWORD},
    )
    assert error.raw == {"PIN": 1, PASSWORD: f"{PASSWORD} is your password"}
    assert find_secrets([str(error), repr(error), error.path]) == []
    assert '$["[redacted]"]: Expected `int`, got `str`; found "[redacted] is your password"' in str(error)


def httpx_transport(runner: Runner) -> httpx.BaseTransport | httpx.AsyncBaseTransport:
    """Return httpx's own transport, which logs each step of a request by httpcore."""
    return httpx.HTTPTransport() if runner.name == "sync" else httpx.AsyncHTTPTransport()


def echoing(body: bytes) -> bytes:
    """Return a response whose status line and headers have the key and the password in every spelling."""
    spelled = [spell(secret).encode("utf-8") for secret in (KEY, PASSWORD) for spell in SPELLINGS.values()]
    fields = b"".join(b"X-Echo-%d: %b\r\n" % each for each in enumerate(spelled))
    phrase = b" ".join(each for each in spelled)
    return b"HTTP/1.1 200 %b\r\n%bContent-Length: %d\r\n\r\n%b" % (phrase, fields, len(body), body)


def body_of(script: Script) -> bytes:
    (response,) = script
    assert isinstance(response, bytes)
    return response.partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize(
    "checks",
    [
        [(echoing(body_of(RUNNING)),), (echoing(body_of(COMPLETED)),)],
        [(b"HTTP/1.1 %b\r\n" % PASSWORD.encode(), Ending.CLOSE), (echoing(body_of(COMPLETED)),)],
        [(echoing(body_of(RUNNING))[:-3], Ending.RESET), COMPLETED],
    ],
    ids=["status lines and headers", "invalid status line", "reset within the body"],
)
@pytest.mark.usefixtures("clock")
def test_no_secret_that_a_server_echoes_is_logged_by_the_transport_of_httpx(
    runner: Runner, caplog: pytest.LogCaptureFixture, checks: Sequence[Script]
) -> None:
    caplog.set_level(logging.DEBUG)
    with (
        raw_server(start=[(echoing(body_of(STARTED)),)], check=checks) as server,
        runner.anchor(base_url=server.base_url, transport=httpx_transport(runner)) as anchor,
    ):
        assert runner.call(anchor.tasks.run, "Log in", secret_values={"PASSWORD": PASSWORD}).value == "done"
    assert {"httpx", "httpcore.connection", "httpcore.http11", "anchor_webtask"} <= {
        each.name for each in caplog.records
    }
    assert find_secrets(log_texts(caplog)) == []


@pytest.mark.parametrize("name", ["asyncio", "trio"])
def test_no_secret_is_logged_by_an_exchange_that_is_cancelled(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """The server echoes secrets in the head of its response, and never ends the body."""
    caplog.set_level(logging.DEBUG)

    async def main() -> None:
        reading = anyio.Event()

        class Noticing(logging.Handler):
            """A handler that sets the event when the client waits for the body."""

            def emit(self, record: logging.LogRecord) -> None:
                if record.getMessage().startswith("receive_response_body.started"):
                    reading.set()

        transport, handler = httpx.AsyncHTTPTransport(), Noticing()
        async with AsyncAnchor(KEY, base_url=server.base_url, transport=transport) as anchor:
            run = functools.partial(anchor.tasks.run_in_one_request, "Log in", secret_values={"PASSWORD": PASSWORD})
            logging.getLogger("httpcore.http11").addHandler(handler)
            try:
                async with anyio.create_task_group() as group:
                    group.start_soon(run)
                    with anyio.fail_after(PATIENCE):
                        await reading.wait()
                    group.cancel_scope.cancel()
            finally:
                logging.getLogger("httpcore.http11").removeHandler(handler)

    with raw_server(start=[(echoing(body_of(COMPLETED))[:-3], Ending.SILENCE)]) as server:
        anyio.run(main, backend=name)
        server.wait_for_disconnects(1)
    assert any(each.startswith("receive_response_body.failed") for each in caplog.messages)
    assert find_secrets(log_texts(caplog)) == []


@pytest.mark.usefixtures("clock")
def test_records_of_other_requests_are_unchanged_while_tasks_with_short_secrets_exist(
    runner: Runner, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with raw_server() as server, runner.anchor(base_url=server.base_url, api_key="k") as anchor:
        tasks = [
            runner.call(anchor.tasks.start, "Log in", secret_values={"PIN": "e", "WORD": "task"}) for _ in range(3)
        ]
        caplog.clear()
        httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200))).get("https://other.example/task/1")
        assert caplog.messages == ['HTTP Request: GET https://other.example/task/1 "HTTP/1.1 200 OK"']
        caplog.clear()
        assert runner.call(tasks[0].result).value == "done"
        url = f"{server.base_url}/v1/tools/perform-web-task/{TASK_ID}/status"
        assert f'HTTP Request: GET {url} "HTTP/1.1 200 What[redacted]v[redacted]r"' in caplog.messages


@pytest.mark.parametrize("key", ["k", "test", "e"])
@pytest.mark.usefixtures("clock")
def test_texts_with_a_very_short_key_stay_readable(runner: Runner, key: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    error_body = b'{"error": {"message": "a test, ok?"}}'
    response = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: %d\r\n\r\n%b" % (len(error_body), error_body)
    with raw_server(check=[(response,)]) as server, runner.anchor(base_url=server.base_url, api_key=key) as anchor:
        task = runner.call(anchor.tasks.start, "Log in", secret_values={"PIN": "ta", "WORD": "task"})
        error = raised_error(runner, task.result, timeout=0)
        assert repr(task) == f"<{type(task).__name__} '{TASK_ID}': not checked yet>"
        assert f'"task_id":"{TASK_ID}"' in task.token()
        assert str(error) == (
            "the deadline passed 0 s after the task began, and the task has not ended: the last check failed "
            f"(HTTP 500: {'a test, ok?'.replace(key, '[redacted]')}) [as far as is known, the task is still running; "
            f"tasks.get('{TASK_ID}').result() continues to wait]"
        )
        url = f"{server.base_url}/v1/tools/perform-web-task/{TASK_ID}/status"
        assert f'HTTP Request: GET {url} "HTTP/1.1 500 Internal Server Error"' in caplog.messages


@dataclass
class Price:
    """An answer whose own code quotes its fields if they are invalid."""

    amount: int
    pin: str = ""

    def __post_init__(self) -> None:
        if self.pin:
            raise ValueError(f"the pin {self.pin} is not expected here")


class PydanticPrice(pydantic.BaseModel):
    """The same answer, as a model of pydantic."""

    amount: int
    pin: str = ""

    @pydantic.field_validator("pin")
    @classmethod
    def refuse(cls, pin: str) -> str:
        raise ValueError(f"the pin {pin} is not expected here")


@pytest.mark.parametrize(
    ("output", "answer", "shown"),
    [
        (Price, '{"amount": "et"}', 'at $.amount: Expected `int`, got `str`; found "[redacted][redacted]"'),
        (Price, '{"pin": "te"}', "Object missing required field `amount`; found {"),
        (Price, '{"amount": 1, "pin": "1234"}', " pin [redacted] is no"),
        (dict[str, int], '{"te": "a"}', 'at $["[redacted][redacted]"]: Expected `int`, got `str`; found "a"'),
        (
            PydanticPrice,
            '{"amount": "et"}',
            "Input should be a valid integer, unable to parse string as an integer; found",
        ),
        (PydanticPrice, '{"amount": 1, "pin": "1234"}', " pin [redacted] is no"),
        (JsonSchema({"type": "integer"}), '"te"', 'expected a value that fits type "integer"; found "[redacted]'),
    ],
)
def test_short_secret_is_redacted_only_where_an_error_quotes_the_answer(
    runner: Runner, output: Any, answer: str, shown: str
) -> None:
    completed = json_response({"data": {"status": "COMPLETED", "result": json.loads(answer)}})
    with raw_server(check=[completed]) as server, runner.anchor(base_url=server.base_url, api_key="e") as anchor:
        task = runner.call(anchor.tasks.start, "Log in", output=output, secret_values={"PIN": "1234", "LETTER": "t"})
        assert shown in str(raised_error(runner, task.result, timeout=0))


@pytest.mark.usefixtures("clock")
def test_status_that_ended_a_task_is_shown_though_a_short_secret_is_a_part_of_it(runner: Runner) -> None:
    cancelled = json_response({"data": {"status": "CANCELED", "error": "CE"}})
    with raw_server(check=[cancelled]) as server, runner.anchor(base_url=server.base_url, api_key="CE") as anchor:
        error = raised_error(runner, anchor.tasks.run, prompt="Log in")
        assert str(error).startswith("the task failed: CANCELED: [redacted] [task ")


def raised_error(runner: Runner, function: Callable[..., Any], **arguments: Any) -> AnchorError:
    with pytest.raises(AnchorError) as caught:
        runner.call(function, **arguments)
    return caught.value
