"""Checks with openapi-core that the composed spec allows the requests of both clients and the emulator's responses."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from anchor_webtask import (
    AuthenticationError,
    BadRequestError,
    NotFoundError,
    PaymentRequiredError,
    PermissionDeniedError,
    RateLimitError,
    StartOutcomeUnknownError,
    StatusError,
    TaskFailedError,
    TaskOptions,
)
from anchor_webtask._api.spec import composed_spec
from anchor_webtask.emulator import Emulator
from tests.support.errors import raised
from tests.support.openapi import Witness
from tests.support.runners import KEY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.clocks import InstantClock
    from tests.support.runners import Runner

PRICE = {"type": "object", "properties": {"amount": {"type": "number"}}, "required": ["amount"]}
NAMES = {"type": "array", "items": {"type": "string"}}
OPTIONS: TaskOptions = {
    "url": "https://shop.example/p/1?x=ü#top",
    "session_id": "session 1/ü&=",
    "agent": "openai-cua",
    "provider": "azure",
    "model": "a model",
    "detect_elements": True,
    "human_intervention": False,
    "max_steps": 12,
    "secret_values": {"password": 'pä55"\\', "*.shop.example": {"user": "me", "pin": "1"}},
    "highlight_elements": False,
    "extra_body": {"not_in_the_spec": True, "nested": {"list": [1, None, 0.5, "ü"]}},
}


@pytest.fixture
def emulator(clock: InstantClock) -> Emulator:
    return Emulator(KEY, clock=clock)


@pytest.fixture
def witness(emulator: Emulator) -> Iterator[Witness]:
    """A transport that compares each request and each response with the spec; the test fails if they do not match."""
    made = Witness(composed_spec(), emulator.transport())
    yield made
    assert made.problems == []


@pytest.fixture
def anchor(runner: Runner, witness: Witness) -> Iterator[Any]:
    with runner.anchor(transport=witness) as made:
        yield made


def bodies(witness: Witness) -> list[Any]:
    return [json.loads(request.content) for request, _ in witness.exchanges if request.method == "POST"]


def test_method_run_sends_one_start_request_and_then_check_requests(
    runner: Runner, anchor: Any, witness: Witness
) -> None:
    runner.call(anchor.tasks.run, "Read the price")
    assert witness.statuses == [("POST", 200), ("GET", 200), ("GET", 200)]
    assert bodies(witness) == [{"prompt": "Read the price", "async": True}]


def test_method_run_raises_task_failed_error_for_a_failed_task(
    runner: Runner, anchor: Any, emulator: Emulator, witness: Witness
) -> None:
    emulator.on(takes=0, fails="no more steps")
    raised(TaskFailedError, runner, anchor.tasks.run, "Read the price")
    assert witness.statuses == [("POST", 200), ("GET", 200)]


def test_method_run_in_one_request_sends_only_one_request(runner: Runner, anchor: Any, witness: Witness) -> None:
    runner.call(anchor.tasks.run_in_one_request, "Read the price")
    assert witness.statuses == [("POST", 200)]
    assert bodies(witness) == [{"prompt": "Read the price"}]


def test_method_run_in_one_request_raises_start_outcome_unknown_error_after_status_500(
    runner: Runner, anchor: Any, emulator: Emulator, witness: Witness
) -> None:
    emulator.on(fails="no more steps")
    raised(StartOutcomeUnknownError, runner, anchor.tasks.run_in_one_request, "Read the price")
    assert witness.statuses == [("POST", 500)]


@pytest.mark.parametrize(
    "answer", [None, 0, "text", [], ["a"], {}, {"result": {"result": 1}}, [{"status": "FAILED"}]], ids=repr
)
def test_answer_of_any_json_type_is_returned_unchanged(
    answer: object, runner: Runner, anchor: Any, emulator: Emulator, witness: Witness
) -> None:
    emulator.on(answer=answer)
    assert runner.call(anchor.tasks.run, "Read the price").raw == answer
    assert runner.call(anchor.tasks.run_in_one_request, "Read the price").raw == answer
    assert len(witness.exchanges) == 4


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, AuthenticationError), (402, PaymentRequiredError), (403, PermissionDeniedError), (429, RateLimitError)],
)
def test_error_response_to_a_start_raises_the_error_for_its_status(
    status: int, kind: type[StatusError], runner: Runner, anchor: Any, emulator: Emulator, witness: Witness
) -> None:
    emulator.on(start_faults=[status])
    assert raised(kind, runner, anchor.tasks.start, "Read the price").status == status
    assert witness.statuses == [("POST", status)]


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, BadRequestError), (401, AuthenticationError), (403, PermissionDeniedError), (404, NotFoundError)],
)
def test_error_response_to_a_check_raises_the_error_for_its_status(
    status: int, kind: type[StatusError], runner: Runner, anchor: Any, emulator: Emulator, witness: Witness
) -> None:
    emulator.on(faults=[status] * 10)
    assert raised(kind, runner, anchor.tasks.run, "Read the price").status == status
    assert set(witness.statuses) == {("POST", 200), ("GET", status)}


@pytest.mark.parametrize("status", [429, 500])
def test_status_check_is_retried_after_status_429_or_500(
    status: int, runner: Runner, anchor: Any, emulator: Emulator, witness: Witness
) -> None:
    emulator.on(takes=0, faults=[status])
    runner.call(anchor.tasks.run, "Read the price")
    assert witness.statuses == [("POST", 200), ("GET", status), ("GET", 200)]


def test_wrong_api_key_raises_authentication_error(runner: Runner, witness: Witness) -> None:
    with runner.anchor(api_key="another", transport=witness) as anchor:
        raised(AuthenticationError, runner, anchor.tasks.start, "Read the price")
    assert witness.statuses == [("POST", 401)]


def test_unknown_task_id_with_special_characters_raises_not_found_error(
    runner: Runner, anchor: Any, witness: Witness
) -> None:
    raised(NotFoundError, runner, anchor.tasks.get("a/b?c#d ü").result)
    assert set(witness.statuses) == {("GET", 404)}


def test_this_file_has_a_value_for_every_option() -> None:
    assert OPTIONS.keys() == TaskOptions.__annotations__.keys()


@pytest.mark.parametrize("method", ["run", "start", "run_in_one_request"])
@pytest.mark.parametrize("name", OPTIONS)
def test_option_is_sent_unchanged(name: str, method: str, runner: Runner, anchor: Any, witness: Witness) -> None:
    value = OPTIONS[name]  # type: ignore[literal-required]  # `name` is a variable
    with suppress(NotFoundError):  # the emulator has no session with this id
        runner.call(getattr(anchor.tasks, method), "Read the price", **{name: value})
    request, _ = witness.exchanges[0]
    body = bodies(witness)[0]
    assert body.pop("prompt") == "Read the price"
    assert body.pop("async", False) == (method != "run_in_one_request")
    if name == "session_id":
        assert (body, dict(request.url.params)) == ({}, {"sessionId": value})
    else:
        assert (body, request.url.query) == (value if name == "extra_body" else {name: value}, b"")


def test_all_options_can_be_sent_together(runner: Runner, anchor: Any, witness: Witness) -> None:
    with suppress(NotFoundError):  # the emulator has no session with this id
        runner.call(anchor.tasks.start, "Read the price", output=PRICE, **OPTIONS)
    request, _ = witness.exchanges[0]
    in_body: dict[str, Any] = {**OPTIONS}
    session_id, extra_body = in_body.pop("session_id"), in_body.pop("extra_body")
    assert bodies(witness) == [
        {"prompt": "Read the price", "async": True, "output_schema": PRICE, **in_body, **extra_body}
    ]
    assert dict(request.url.params) == {"sessionId": session_id}


def test_options_with_the_value_none_are_not_sent(runner: Runner, anchor: Any, witness: Witness) -> None:
    runner.call(anchor.tasks.start, "Read the price", **dict.fromkeys(OPTIONS))
    request, _ = witness.exchanges[0]
    assert (bodies(witness), request.url.query) == ([{"prompt": "Read the price", "async": True}], b"")


@pytest.mark.parametrize("schema", [PRICE, NAMES], ids=["an object schema", "an array schema that is wrapped"])
def test_argument_output_is_sent_as_an_object_schema_and_the_answer_is_returned(
    schema: dict[str, Any], runner: Runner, anchor: Any, witness: Witness
) -> None:
    result = runner.call(anchor.tasks.run, "Read the price", output=schema)
    (body,) = bodies(witness)
    assert body["output_schema"]["type"] == "object"
    assert isinstance(result.value, dict if schema is PRICE else list)


# -- The witness transport ------------------------------------------------------------------------------------------

START = "https://api.anchorbrowser.io/v1/tools/perform-web-task"
STATUS = f"{START}/task-1/status"
HEADERS = {"anchor-api-key": KEY}


def problems_of(request: httpx.Request, status: int, content: object) -> list[str]:
    """Return the problems that the witness transport reports for a request and its response."""
    witness = Witness(composed_spec(), httpx.MockTransport(lambda _: httpx.Response(status, json=content)))
    witness.handle_request(request)
    return witness.problems


def test_witness_transport_reports_no_problem_for_a_valid_request_and_response() -> None:
    request = httpx.Request("POST", START, headers=HEADERS, json={"prompt": "Read"})
    assert problems_of(request, 200, {"data": {"result": 1}}) == []


@pytest.mark.parametrize(
    "request_",
    [
        httpx.Request("POST", START, json={"prompt": "Read"}),
        httpx.Request("POST", START, headers=HEADERS, json={"url": "https://shop.example"}),
        httpx.Request("POST", START, headers=HEADERS, json={"prompt": 7}),
        httpx.Request("POST", START, headers=HEADERS, json={"prompt": "Read", "max_steps": "5"}),
        httpx.Request("POST", START, headers=HEADERS, json={"prompt": "Read", "agent": "nobody"}),
        httpx.Request("POST", START, headers=HEADERS, json={"prompt": "Read", "secret_values": {"pin": 1}}),
        httpx.Request("POST", START, headers=HEADERS, json={"prompt": "Read", "output_schema": []}),
        httpx.Request("POST", START, headers=HEADERS, content=b"{"),
        httpx.Request("POST", START, headers=HEADERS),
        httpx.Request("PUT", START, headers=HEADERS, json={"prompt": "Read"}),
        httpx.Request("POST", f"{START}s", headers=HEADERS, json={"prompt": "Read"}),
        httpx.Request("POST", START.replace("https", "http"), headers=HEADERS, json={"prompt": "Read"}),
    ],
    ids=[
        "no key",
        "no prompt",
        "prompt is a number",
        "max_steps is text",
        "unknown agent",
        "secret value is a number",
        "output_schema is an array",
        "body is invalid JSON",
        "no body",
        "wrong method",
        "wrong path",
        "http in place of https",
    ],
)
def test_witness_transport_reports_a_problem_for_an_invalid_request(request_: httpx.Request) -> None:
    assert [
        problem for problem in problems_of(request_, 200, {"data": {"result": 1}}) if problem.startswith("request: ")
    ]


@pytest.mark.parametrize(
    ("status", "content"),
    [
        (200, {}),
        (200, {"data": {}}),
        (200, {"data": {"status": None}}),
        (200, {"data": {"status": 7}}),
        (200, []),
        (404, {"error": "no such task"}),
        (404, {"error": {"code": "7"}}),
        (418, {}),
    ],
    ids=repr,
)
def test_witness_transport_reports_a_problem_for_an_invalid_response(status: int, content: object) -> None:
    problems = problems_of(httpx.Request("GET", STATUS, headers=HEADERS), status, content)
    assert [problem for problem in problems if problem.startswith("response: ")] == problems != []
