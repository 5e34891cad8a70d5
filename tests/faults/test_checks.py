"""What comes of a status check: the second table of the design, row by row, over real sockets and in virtual time."""

from __future__ import annotations

import json
import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import pytest
import trustme

from anchor_webtask import (
    AnchorError,
    AuthenticationError,
    BadRequestError,
    NotFoundError,
    PaymentRequiredError,
    PermissionDeniedError,
    RateLimitError,
    RequestTimeoutError,
    ServerError,
    StatusError,
    TaskFailedError,
    TaskTimeoutError,
    TransportError,
    UnexpectedResponseError,
)
from tests.support.errors import raised
from tests.support.raw_server import (
    COMPLETED,
    RUNNING,
    TASK_ID,
    Ending,
    Play,
    answer,
    error,
    head,
    http,
    raw_server,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.support.clocks import VirtualClock
    from tests.support.faces import Face


@dataclass(frozen=True)
class Case:
    """What a check is answered with, the error that says so, and what that knows."""

    name: str
    play: Play
    error: type[AnchorError]
    known: Mapping[str, object] = field(default_factory=dict)
    is_silent: bool = False

    def __str__(self) -> str:
        return self.name


def status(code: int, kind: type[AnchorError]) -> Case:
    return Case(str(code), error(code, "no"), kind, {"status": code, "message": "no"})


def state(**data: object) -> Play:
    return answer({"data": data})


HALF: Final = head(200, 60) + b'{"data": {"status": "COM'
LOOKED_AT_AGAIN: Final = (
    # Connection and read errors.
    Case("closed-before-the-answer", (Ending.CLOSE,), TransportError),
    Case("reset-before-the-answer", (Ending.RESET,), TransportError),
    Case("closed-in-the-body", (HALF, Ending.CLOSE), TransportError),
    Case("no-answer", (Ending.SILENCE,), RequestTimeoutError, is_silent=True),
    Case("half-a-body", (HALF, Ending.SILENCE), RequestTimeoutError, is_silent=True),
    # Statuses that pass.
    status(408, StatusError),
    status(425, StatusError),
    status(429, RateLimitError),
    status(499, StatusError),
    *(status(code, ServerError) for code in (500, 502, 503, 504, 520, 524)),
    Case(
        "500-html", http(500, b"<html>", {"content-type": "text/html"}), ServerError, {"status": 500, "message": None}
    ),
    # A success that isn't JSON, or has the wrong shape.
    Case("html", http(200, b"<html>", {"content-type": "text/html"}), UnexpectedResponseError),
    Case("empty", http(200, b""), UnexpectedResponseError),
    Case("list", answer([]), UnexpectedResponseError),
    Case("no-data", answer({}), UnexpectedResponseError),
    Case("data-is-text", answer({"data": "COMPLETED"}), UnexpectedResponseError),
)
AT_ONCE: Final = (
    status(400, BadRequestError),
    status(401, AuthenticationError),
    status(402, PaymentRequiredError),
    status(403, PermissionDeniedError),
    status(410, StatusError),
    status(422, BadRequestError),
    Case("redirect", http(307, b"", {"location": "/elsewhere"}), UnexpectedResponseError),
    Case("redirect-to-nonsense", http(302, b"", {"location": "https://elsewhere:port/"}), UnexpectedResponseError),
    Case("too-large", http(200, b" " * 5000), UnexpectedResponseError),
)


@pytest.mark.parametrize("case", LOOKED_AT_AGAIN, ids=str)
def test_what_passes_is_looked_at_again_until_the_deadline(face: Face, clock: VirtualClock, case: Case) -> None:
    with (
        raw_server(check=[case.play]) as server,
        face.anchor(base_url=server.base_url, http_timeout=0.5 if case.is_silent else 30) as anchor,
    ):
        task = anchor.tasks.get(TASK_ID)
        caught = raised(TaskTimeoutError, face, task.result, timeout=1.5)
    assert (caught.task_id, caught.last_status) == (TASK_ID, None)
    assert type(caught.last_error) is case.error
    assert {name: getattr(caught.last_error, name) for name in case.known} == case.known
    assert (server.count("GET"), server.starts, clock.sleeps) == (3, 0, [1.0, 0.5])


@pytest.mark.parametrize("case", [*LOOKED_AT_AGAIN, status(404, NotFoundError)], ids=str)
def test_what_passes_is_forgotten_once_it_has_passed(face: Face, clock: VirtualClock, case: Case) -> None:
    with (
        raw_server(check=[case.play, COMPLETED]) as server,
        face.anchor(base_url=server.base_url, http_timeout=0.5 if case.is_silent else 30) as anchor,
    ):
        assert face.call(anchor.tasks.get(TASK_ID).result).value == "done"
    assert (server.count("GET"), server.starts, clock.sleeps) == (2, 0, [1.0])


def test_a_retry_after_holds_the_next_check_back(face: Face, clock: VirtualClock) -> None:
    plays = [error(503, headers={"retry-after": "20"}), COMPLETED]
    with raw_server(check=plays) as server, face.anchor(base_url=server.base_url) as anchor:
        assert face.call(anchor.tasks.get(TASK_ID).result).value == "done"
    assert clock.sleeps == [20.0]


def test_a_task_that_stays_unknown_for_five_seconds_is_not_found(face: Face, clock: VirtualClock) -> None:
    with raw_server(check=[error(404)]) as server, face.anchor(base_url=server.base_url) as anchor:
        caught = raised(NotFoundError, face, anchor.tasks.get(TASK_ID).result)
    assert (caught.task_id, caught.status) == (TASK_ID, 404)
    assert clock.sleeps == [1.0] * 5


@pytest.mark.parametrize("case", AT_ONCE, ids=str)
def test_what_asking_again_cannot_mend_ends_the_wait_at_once(face: Face, clock: VirtualClock, case: Case) -> None:
    with (
        raw_server(check=[case.play, COMPLETED]) as server,
        face.anchor(base_url=server.base_url, max_response_bytes=4096) as anchor,
    ):
        caught = raised(case.error, face, anchor.tasks.get(TASK_ID).result)
    assert caught.task_id == TASK_ID
    assert TASK_ID in str(caught)
    assert {name: getattr(caught, name) for name in case.known} == case.known
    assert (server.count("GET"), server.starts, clock.sleeps) == (1, 0, [])


@pytest.fixture(scope="module")
def nobodys_certificate() -> ssl.SSLContext:
    """A server's side of TLS, with a certificate by an authority that no client trusts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.mark.parametrize("method", ["start", "run", "run_in_one_request", "get"])
def test_a_certificate_that_does_not_hold_ends_everything_at_once(
    face: Face, clock: VirtualClock, nobodys_certificate: ssl.SSLContext, method: str
) -> None:
    with raw_server(tls=nobodys_certificate) as server, face.anchor(base_url=server.base_url) as anchor:
        called = anchor.tasks.get(TASK_ID).result if method == "get" else getattr(anchor.tasks, method)
        caught = raised(TransportError, face, called, **({} if method == "get" else {"prompt": "Read the price"}))
    assert "certificate" in str(caught)
    assert caught.task_id == (TASK_ID if method == "get" else None)
    assert (server.connections, server.heard, clock.sleeps) == (1, 0, [])


@pytest.mark.parametrize("spelling", ["completed", "COMPLETED", "Completed"])
def test_a_status_counts_in_any_case(face: Face, clock: VirtualClock, spelling: str) -> None:
    with (
        raw_server(check=[state(status="running"), state(status=spelling, result=[1])]) as server,
        face.anchor(base_url=server.base_url) as anchor,
    ):
        assert face.call(anchor.tasks.get(TASK_ID).result).raw == [1]
    assert clock.sleeps == [1.0]


@pytest.mark.parametrize("unknown", ["QUEUED", "", None, 7, {"is": "running"}], ids=json.dumps)
def test_an_unknown_status_is_running_and_said_once(
    face: Face, clock: VirtualClock, caplog: pytest.LogCaptureFixture, unknown: object
) -> None:
    plays = [state(status=unknown), state(status=unknown), COMPLETED]
    with raw_server(check=plays) as server, face.anchor(base_url=server.base_url) as anchor:
        updates = face.call(anchor.tasks.get(TASK_ID).updates)
    assert [update.status for update in updates] == ["unknown", "unknown", "completed"]
    assert updates[0].raw_status == (unknown if isinstance(unknown, str) else None)
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert warnings == ["unknown status, taken as running"]
    assert clock.sleeps == [1.0, 1.0]


def test_completed_without_a_result_has_none(face: Face) -> None:
    with raw_server(check=[state(status="COMPLETED")]) as server, face.anchor(base_url=server.base_url) as anchor:
        result = face.call(anchor.tasks.get(TASK_ID).result)
    assert (result.raw, result.value, result.task_id) == (None, None, TASK_ID)


FAILURES: Final[tuple[tuple[dict[str, Any], str | None], ...]] = (
    ({"error": "Maximum number of steps exceeded"}, "Maximum number of steps exceeded"),
    ({"error": {"code": 7, "message": "no"}}, '{"code": 7, "message": "no"}'),
    ({"error": ["no", "no"]}, '["no", "no"]'),
    ({"error": 7}, "7"),
    ({"error": ""}, ""),
    ({"error": None}, None),
    ({}, None),
)


@pytest.mark.parametrize(("said", "reason"), FAILURES, ids=str)
def test_a_failed_task_says_why(face: Face, said: dict[str, Any], reason: str | None) -> None:
    with raw_server(check=[state(status="FAILED", **said)]) as server, face.anchor(base_url=server.base_url) as anchor:
        caught = raised(TaskFailedError, face, anchor.tasks.get(TASK_ID).result)
    assert (caught.reason, caught.task_id) == (reason, TASK_ID)


def test_the_last_status_is_known_when_the_wait_is_over(face: Face, clock: VirtualClock) -> None:
    with raw_server(check=[RUNNING, error(502)]) as server, face.anchor(base_url=server.base_url) as anchor:
        caught = raised(TaskTimeoutError, face, anchor.tasks.get(TASK_ID).result, timeout=3)
    assert (caught.last_status, type(caught.last_error), clock.time) == ("RUNNING", ServerError, 3.0)
