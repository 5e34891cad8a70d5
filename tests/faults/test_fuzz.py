"""Random responses: each leads to an `AnchorError` or to the correct value, with the sync and with the async client.

The expected outcome is computed here in a few lines that do not use the package. `nox --session fuzz` tries random
responses for minutes. Keep a response that makes a test fail: as a folder in `tests/samples/` or as an `@example` here.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import attrs
import httpx
import pytest
from hypothesis import example, given, note, settings
from hypothesis import strategies as st

from anchor_webtask import (
    AnchorError,
    AuthenticationError,
    BadRequestError,
    InvalidOutputError,
    JsonSchema,
    NotFoundError,
    PaymentRequiredError,
    PermissionDeniedError,
    RateLimitError,
    RequestTimeoutError,
    ServerError,
    StartOutcomeUnknownError,
    StatusError,
    TaskFailedError,
    TaskTimeoutError,
    TransportError,
    UnexpectedResponseError,
)
from tests.support import fuzzing
from tests.support.client_outcomes import (
    CHECKS,
    DONE,
    STARTS,
    FixedResponse,
    Outcome,
    as_text,
    client_outcome,
    outcome_of_bytes,
    outcome_of_response,
)
from tests.support.raw_server import TASK_ID
from tests.support.runners import make_runner

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.support.runners import Runner


@pytest.fixture(scope="module")
def runners() -> Iterator[tuple[Runner, Runner]]:
    with make_runner("sync") as sync, make_runner("asyncio") as asyncio:
        yield sync, asyncio


@attrs.define
class Price:
    amount: float


STARTED_BODY: Final = json.dumps({"data": {"status": "running", "workflow_id": TASK_ID}}).encode()

outputs = st.none() | st.sampled_from([Price, list[str], JsonSchema({"type": "object", "required": ["amount"]})])

more = settings(max_examples=settings().max_examples * 2)
fewer = settings(max_examples=settings().max_examples // 4)
"""Settings for tests with expensive examples: each needs a server and two connections, or a very deep stack."""

# -- The expected outcomes -----------------------------------------------------------------------------------------

ERRORS: Final[Mapping[int, type[StatusError]]] = {
    400: BadRequestError,
    401: AuthenticationError,
    402: PaymentRequiredError,
    403: PermissionDeniedError,
    404: NotFoundError,
    422: BadRequestError,
    429: RateLimitError,
}
UNCERTAIN: Final = {408, 499, *range(500, 600)}
"""The error statuses after which it is unknown whether the start has started a task."""
RETRIED: Final = {*range(200, 300), 404, 408, 425, 429, 499, *range(500, 600)}
"""The statuses after which a check is repeated; after a 2xx status only if the response is unreadable."""

ENDED: Final = {"aborted", "canceled", "cancelled", "expired", "terminated", "timed_out"}

Expected: TypeAlias = tuple[str, Any]
"""The expected outcome: ("error", class), ("done", raw), ("failed", reason), ("id", task id) or ("status", status)."""


def parsed(body: bytes) -> dict[str, Any]:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def data_of(body: bytes) -> Any:
    """Return what the body says of a task: its `data`, or all of it if its status is a word for a task."""
    content = parsed(body)
    if "data" in content:
        return content["data"]
    match content:
        case {"status": str(word)} if word.casefold() == "running":
            return content
        case {"status": str(word), "result": _} if word.casefold() in {"completed", "success"}:
            return content
        case {"status": str(word), "error": _} if word.casefold() in {"failed", *ENDED}:
            return content
    return None


def arrived_id(body: bytes) -> Any:
    """Return the task's id that the JSON of a body holds; if it is not JSON, the first id that stands in it."""
    text = body.decode("utf-8", "replace").lstrip("\ufeff")
    try:
        # JSON may be in UTF-16 or UTF-32, too.
        content: Any = parsed(body) or json.JSONDecoder(strict=False).decode(text)
    except (ValueError, RecursionError):
        return first_id(text)
    return named_id(content)


def named_id(content: Any) -> str | None:
    """Return the task's id that JSON has in one of the places for it."""
    places = [content.get("data"), content] if isinstance(content, dict) else []
    named = [place.get(name) for place in places if isinstance(place, dict) for name in ("workflow_id", "workflowId")]
    return next((str(each) for each in named if is_id(each) or type(each) is int), None)


def first_id(text: str) -> str | None:
    """Return the first id that stands in a text which is not JSON; in a complete object, only a place for it counts."""
    try:
        content, end = json.JSONDecoder(strict=False).raw_decode(text, max(text.find("{"), 0))
    except (ValueError, RecursionError):
        pass
    else:
        return named_id(content) or first_id(text[end:])
    found = re.search(r'"workflow(?:_id|Id)"\s*:\s*"([^"\\]+)"', text)
    return found[1] if found is not None and is_id(found[1]) else None


def expected_of_start(status: int, body: bytes) -> Expected:
    """Return the outcome that a start must have if it gets this response."""
    task_id = arrived_id(body)
    if task_id is not None:
        return ("id", task_id) if status < 300 else ("error", StartOutcomeUnknownError)
    if status >= 300:
        return "error", StartOutcomeUnknownError if status in UNCERTAIN else error_of_status(status)
    data = data_of(body)
    if not isinstance(data, dict) or "result" not in data:
        return "error", StartOutcomeUnknownError
    return ended(data) or ("done", data["result"])


def expected_of_check(status: int, body: bytes) -> Expected:
    """Return the outcome that a single check must have if it gets this response."""
    if status >= 300:
        return "error", error_of_status(status)
    data = data_of(body)
    if not isinstance(data, dict) or "status" not in data:
        return "error", UnexpectedResponseError
    match data["status"].casefold() if isinstance(data["status"], str) else None:
        case "completed" | "success":
            return "done", data.get("result")
        case status_text:
            return ended(data) or ("status", "running" if status_text == "running" else "unknown")


def ended(data: dict[str, Any]) -> Expected | None:
    """Return the failure that a status reports; None if it reports none."""
    status, reason = data.get("status"), data.get("error")
    if not isinstance(status, str):
        return None
    if status.casefold() == "failed":
        return "failed", reason
    if status.casefold() in ENDED:
        text = reason if isinstance(reason, str | None) else json.dumps(reason, ensure_ascii=False)
        return "failed", status if text is None else f"{status}: {text}"
    return None


def error_of_status(status: int) -> type[AnchorError]:
    if status < 400:
        return UnexpectedResponseError
    return ERRORS.get(status) or (ServerError if status >= 500 else StatusError)


def is_id(value: Any) -> bool:
    is_short_text = isinstance(value, str) and value.strip() != "" and len(value) <= 1024
    return is_short_text and value not in {".", ".."} and not any("\ud800" <= char <= "\udfff" for char in value)


def check_outcome(outcome: Outcome, expected: Expected, output: Any) -> None:
    match expected:
        case "error", kind:
            assert type(outcome) is kind, repr(outcome)
        case "id", task_id:
            assert outcome == {"task_id": task_id, "status": None}
        case "status", status:
            assert outcome == {"task_id": TASK_ID, "status": status}
        case "failed", reason:
            assert isinstance(outcome, TaskFailedError), repr(outcome)
            reason_text = reason if isinstance(reason, str | None) else json.dumps(reason, ensure_ascii=False)
            assert outcome.reason == reason_text or "[redacted]" in str(outcome.reason)
        case _, raw if isinstance(outcome, InvalidOutputError):
            assert output is not None or {"NaN", "Infinity", "nan", "inf"} & set(re.findall(r"\w+", as_text([raw])))
            assert as_text([outcome.raw]) == as_text([raw])
        case _, raw:
            assert isinstance(outcome, dict), repr(outcome)
            assert as_text([outcome["raw"]]) == as_text([raw])
            check_value(outcome["value"], raw, output)


def check_value(value: Any, raw: Any, output: Any) -> None:
    if output is None:
        for _ in range(2):
            raw = raw["result"] if isinstance(raw, dict) and raw.keys() == {"result"} else raw
        assert as_text([value]) == as_text([raw])
    elif output is Price:
        assert isinstance(value, Price)
        assert isinstance(value.amount, float)
    elif isinstance(output, JsonSchema):
        assert "amount" in value
    else:
        assert all(isinstance(item, str) for item in value)


def check_message(outcome: Outcome, body: bytes) -> None:
    """Check that a StatusError has a message if and only if the body contains one in the API's format."""
    if isinstance(outcome, StatusError):
        error = parsed(body).get("error")
        message = error.get("message") if isinstance(error, dict) else error
        assert (outcome.message is not None) == (isinstance(message, str) and message != "")


# -- Responses without a connection --------------------------------------------------------------------------------


@more
@given(response=fuzzing.responses(), output=outputs)
@example((301, {}, STARTED_BODY.decode().encode("utf-16")), None)
@example((200, {}, STARTED_BODY.partition(b": {")[2]), None)
# A cookie that is not ASCII must be ignored: httpx would send it with the next request, and cannot.
@example((200, {"set-cookie": "ä"}, b'{"data": {"status": "running", "workflow_id": "task-1"}}'), None)
def test_start_with_random_response_has_the_expected_outcome(
    runners: tuple[Runner, Runner], response: fuzzing.Response, output: Any
) -> None:
    status, _, body = response
    for request in STARTS:
        note(request)
        outcome = outcome_of_response(runners, request, output, response)
        expected = expected_of_start(status, body)
        if request == "one-request" and expected[0] == "id":
            task_id = outcome.task_id if isinstance(outcome, AnchorError) else outcome["task_id"]
            assert task_id == expected[1]
            expected = "done", "done"
        check_outcome(outcome, expected, output)
        check_message(outcome, body)


@more
@given(response=fuzzing.responses(), output=outputs)
def test_check_with_random_response_has_the_expected_outcome(
    runners: tuple[Runner, Runner], response: fuzzing.Response, output: Any
) -> None:
    status, _, body = response
    kind, detail = expected = expected_of_check(status, body)
    is_retried = kind == "status" or (kind == "error" and status in RETRIED)
    for request in CHECKS:
        note(request)
        outcome = outcome_of_response(runners, request, output, response)
        if request == "result" and is_retried:
            assert isinstance(outcome, TaskTimeoutError), repr(outcome)
            assert type(outcome.last_error) is (detail if kind == "error" else type(None))
        else:
            check_outcome(outcome, expected, output)
        check_message(outcome, body)


@pytest.mark.parametrize("request_", [*STARTS, *CHECKS])
@fewer
@given(
    depth=st.integers(1, 1_200) | st.integers(1, 40_000),
    ends=st.sampled_from([("[", "]"), ('{"result": ', "}"), ('[{"amount": ', "}]")]),
    place=st.sampled_from(["", "data", "result", "status", "error"]),
    is_text=st.booleans(),
    status=st.sampled_from([200, 400]),
    output=outputs,
)
def test_deeply_nested_response_raises_no_exception_other_than_anchor_error(
    runners: tuple[Runner, Runner],
    request_: str,
    depth: int,
    ends: tuple[str, str],
    place: str,
    is_text: bool,
    status: int,
    output: Any,
) -> None:
    deep = ends[0] * depth + "1" + ends[1] * depth
    if is_text:
        deep = json.dumps(deep)
    status_text = "failed" if place == "error" else "completed"
    data = deep if place == "data" else f'{{"status": "{status_text}", "result": 1, "{place}": {deep}}}'
    body = f'{{"data": {data}, "error": {deep}}}' if place else deep
    for runner in runners:
        # The outcomes are not compared: the greatest possible depth depends on the client's own call stack.
        client_outcome(
            runner, request_, output, transport=httpx.MockTransport(FixedResponse((status, {}, body.encode())))
        )


# -- Raw bytes over a connection -----------------------------------------------------------------------------------


@pytest.mark.parametrize("request_", [*STARTS, "refresh"])
@fewer
@given(data=fuzzing.raw_responses())
def test_request_with_random_bytes_as_response_raises_anchor_error_or_returns_a_result(
    runners: tuple[Runner, Runner], request_: str, data: bytes
) -> None:
    match outcome_of_bytes(runners, request_, data):
        case StatusError(status=status):
            assert status >= 400
            assert request_ not in STARTS or status not in UNCERTAIN
        case RequestTimeoutError():
            pytest.fail("the client has not noticed that the server closed the connection")
        case AnchorError() as error:
            lost = StartOutcomeUnknownError if request_ in STARTS else TransportError
            assert isinstance(error, lost | UnexpectedResponseError | TaskFailedError)


@fewer
@given(
    framing=st.sampled_from(fuzzing.FRAMINGS),
    headers=fuzzing.headers,
    interim=st.just(b"") | fuzzing.interim_heads,
    is_bare=st.booleans(),
    tail=st.binary(max_size=8),
)
def test_start_finds_the_id_in_complete_json_whatever_precedes_it_and_however_its_framing_ends(
    runners: tuple[Runner, Runner],
    framing: str,
    headers: dict[str, str],
    interim: bytes,
    is_bare: bool,
    tail: bytes,
) -> None:
    fields, content = fuzzing.framed(STARTED_BODY, framing)
    # The last bytes are replaced by random ones: the checksum and the size of gzip, or the last chunk.
    content = content[: -len(tail)] + tail if tail and framing in {"gzip", "chunks"} else content
    head = interim + fuzzing.raw_response(200, fields | headers, b"")
    data = (head.replace(b"\r\n", b"\n") if is_bare else head) + content
    assert outcome_of_bytes(runners, "start", data) == {"task_id": TASK_ID, "status": None}


@pytest.mark.parametrize("request_", [*STARTS, "refresh"])
@fewer
@given(framing=st.sampled_from(fuzzing.FRAMINGS), headers=fuzzing.headers, lost=st.just(0) | st.integers(1, 60))
def test_request_succeeds_with_complete_response_and_fails_with_truncated_response(
    runners: tuple[Runner, Runner], request_: str, framing: str, headers: dict[str, str], lost: int
) -> None:
    fields, content = fuzzing.framed(DONE, framing)
    data = fuzzing.raw_response(200, fields | headers, content)
    outcome = outcome_of_bytes(runners, request_, data[: len(data) - lost])
    if not lost:
        assert outcome == {"task_id": TASK_ID if request_ == "refresh" else None, "value": "done", "raw": "done"}
    elif request_ in STARTS:
        assert type(outcome) is StartOutcomeUnknownError
    else:
        assert type(outcome) in {TransportError, UnexpectedResponseError}
