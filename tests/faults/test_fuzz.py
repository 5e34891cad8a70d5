"""Whatever a server answers, only `AnchorError`s or right values come out, and the same of both faces.

What is right is said here once more, in a few lines that call nothing of the package. `nox --session fuzz` looks for
minutes; what it finds stays, as a folder in `tests/samples/` or as an `@example` here.
"""

from __future__ import annotations

import json
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


outputs = st.none() | st.sampled_from([Price, list[str], JsonSchema({"type": "object", "required": ["amount"]})])

more = settings(max_examples=settings().max_examples * 2)
fewer = settings(max_examples=settings().max_examples // 4)
"""Where an example is a server and two connections, or takes the stack to its end."""

# -- What is right -------------------------------------------------------------------------------------------------

REFUSALS: Final[Mapping[int, type[StatusError]]] = {
    400: BadRequestError,
    401: AuthenticationError,
    402: PaymentRequiredError,
    403: PermissionDeniedError,
    404: NotFoundError,
    422: BadRequestError,
    429: RateLimitError,
}
UNCERTAIN: Final = {408, 499, *range(500, 600)}
REPEATED: Final = {*range(200, 300), 404, 408, 425, 429, 499, *range(500, 600)}

Right: TypeAlias = tuple[str, Any]
"""One of ("error", type), ("done", raw), ("failed", reason), ("id", id), ("status", status)."""


def parsed(body: bytes) -> dict[str, Any]:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def right_of_start(status: int, body: bytes) -> Right:
    if status >= 300:
        return "error", StartOutcomeUnknownError if status in UNCERTAIN else refusal(status)
    data = parsed(body).get("data") if status == 200 else None
    if not isinstance(data, dict) or data.keys().isdisjoint({"status", "result"}):
        return "error", StartOutcomeUnknownError
    task_id = data.get("workflow_id", data.get("workflowId"))
    if is_id(task_id):
        return "id", task_id
    if "result" not in data:
        return "error", StartOutcomeUnknownError
    has_failed = str(data.get("status")).casefold() == "failed"
    return ("failed", data.get("error")) if has_failed else ("done", data["result"])


def right_of_check(status: int, body: bytes) -> Right:
    if status >= 300:
        return "error", refusal(status)
    data = parsed(body).get("data") if status == 200 else None
    if not isinstance(data, dict) or "status" not in data:
        return "error", UnexpectedResponseError
    match data["status"].casefold() if isinstance(data["status"], str) else None:
        case "completed":
            return "done", data.get("result")
        case "failed":
            return "failed", data.get("error")
        case said:
            return "status", "running" if said == "running" else "unknown"


def refusal(status: int) -> type[AnchorError]:
    if status < 400:
        return UnexpectedResponseError
    return REFUSALS.get(status) or (ServerError if status >= 500 else StatusError)


def is_id(value: Any) -> bool:
    is_short_text = isinstance(value, str) and value.strip() != "" and len(value) <= 1024
    return is_short_text and value not in {".", ".."} and not any("\ud800" <= char <= "\udfff" for char in value)


def hold_right(outcome: Outcome, right: Right, output: Any) -> None:
    match right:
        case "error", kind:
            assert type(outcome) is kind, repr(outcome)
        case "id", task_id:
            assert outcome == {"task_id": task_id, "status": None}
        case "status", status:
            assert outcome == {"task_id": TASK_ID, "status": status}
        case "failed", reason:
            assert isinstance(outcome, TaskFailedError), repr(outcome)
            said = reason if isinstance(reason, str | None) else json.dumps(reason, ensure_ascii=False)
            assert outcome.reason == said or "[redacted]" in str(outcome.reason)
        case _, raw if isinstance(outcome, InvalidOutputError):
            assert output is not None
            assert as_text([outcome.raw]) == as_text([raw])
        case _, raw:
            assert isinstance(outcome, dict), repr(outcome)
            assert as_text([outcome["raw"]]) == as_text([raw])
            hold_value(outcome["value"], raw, output)


def hold_value(value: Any, raw: Any, output: Any) -> None:
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


def hold_message(outcome: Outcome, body: bytes) -> None:
    """Hold that a status error quotes the API's error, and no other body."""
    if isinstance(outcome, StatusError):
        error = parsed(body).get("error")
        said = error.get("message") if isinstance(error, dict) else error
        assert (outcome.message is not None) == (isinstance(said, str) and said != "")


# -- Below the wire ------------------------------------------------------------------------------------------------


@more
@given(answer=fuzzing.responses(), output=outputs)
# httpx would send the cookie back with the check that follows, and fails on one that isn't ASCII.
@example((200, {"set-cookie": "ä"}, b'{"data": {"status": "running", "workflow_id": "task-1"}}'), None)
def test_a_start_comes_to_what_its_answer_says(
    runners: tuple[Runner, Runner], answer: fuzzing.Response, output: Any
) -> None:
    status, _, body = answer
    for request in STARTS:
        note(request)
        outcome = outcome_of_response(runners, request, output, answer)
        right = right_of_start(status, body)
        if request == "one-request" and right[0] == "id":
            known = outcome.task_id if isinstance(outcome, AnchorError) else outcome["task_id"]
            assert known == right[1]
            right = "done", "done"
        hold_right(outcome, right, output)
        hold_message(outcome, body)


@more
@given(answer=fuzzing.responses(), output=outputs)
def test_a_check_comes_to_what_its_answer_says(
    runners: tuple[Runner, Runner], answer: fuzzing.Response, output: Any
) -> None:
    status, _, body = answer
    kind, said = right = right_of_check(status, body)
    goes_on = kind == "status" or (kind == "error" and status in REPEATED)
    for request in CHECKS:
        note(request)
        outcome = outcome_of_response(runners, request, output, answer)
        if request == "result" and goes_on:
            assert isinstance(outcome, TaskTimeoutError), repr(outcome)
            assert type(outcome.last_error) is (said if kind == "error" else type(None))
        else:
            hold_right(outcome, right, output)
        hold_message(outcome, body)


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
def test_depth_breaks_nothing(
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
    for each in runners:
        # What is too deep depends on the stack, in which the faces differ; that an error is one of ours doesn't.
        client_outcome(
            each, request_, output, transport=httpx.MockTransport(FixedResponse((status, {}, body.encode())))
        )


# -- On the wire ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("request_", [*STARTS, "refresh"])
@fewer
@given(sent=fuzzing.raw_responses())
def test_any_bytes_come_to_an_error_of_ours_or_to_a_value(
    runners: tuple[Runner, Runner], request_: str, sent: bytes
) -> None:
    match outcome_of_bytes(runners, request_, sent):
        case StatusError(status=status):
            assert status >= 400
            assert request_ not in STARTS or status not in UNCERTAIN
        case RequestTimeoutError():
            pytest.fail("the connection was closed, and not noticed")
        case AnchorError() as error:
            lost = StartOutcomeUnknownError if request_ in STARTS else TransportError
            assert isinstance(error, lost | UnexpectedResponseError | TaskFailedError)


@pytest.mark.parametrize("request_", [*STARTS, "refresh"])
@fewer
@given(framing=st.sampled_from(fuzzing.FRAMINGS), headers=fuzzing.headers, lost=st.just(0) | st.integers(1, 60))
def test_a_right_answer_comes_through_in_any_framing_unless_a_piece_is_lost(
    runners: tuple[Runner, Runner], request_: str, framing: str, headers: dict[str, str], lost: int
) -> None:
    fields, content = fuzzing.framed(DONE, framing)
    sent = fuzzing.raw_response(200, fields | headers, content)
    outcome = outcome_of_bytes(runners, request_, sent[: len(sent) - lost])
    if not lost:
        assert outcome == {"task_id": TASK_ID if request_ == "refresh" else None, "value": "done", "raw": "done"}
    elif request_ in STARTS:
        assert type(outcome) is StartOutcomeUnknownError
    else:
        assert type(outcome) in {TransportError, UnexpectedResponseError}
