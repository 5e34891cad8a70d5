"""The guard that checks every request and response: accepted responses, failures, and the requests that get the key."""

from __future__ import annotations

import json
import math
import ssl
import time
import zlib
from typing import TYPE_CHECKING, Any

import httpcore
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    TransportError,
    UnexpectedResponseError,
)
from anchor_webtask._http.body import BoundedResponse
from anchor_webtask._http.failures import MAX_ERROR_BODY, UNREADABLE_BODY, Guard, retry_after
from anchor_webtask._http.record import DEADLINE, MIN_READ_TIMEOUT
from anchor_webtask._http.redirects import KEY_HEADER, KeyAuth, hide_location
from anchor_webtask._polling.outcomes import Failure, Fault
from anchor_webtask._redaction.secrets import Redactor, Sealed
from tests.support.clocks import InstantClock

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

KEY = "Test-Key-0123456789"
WALL = 1_800_000_000.0  # 2027-01-15 08:00:00 UTC, a Friday
LIMIT = 30.0
SIZE_LIMIT = 100
UNKNOWN_REASON = "no connection to the server: the reason is unknown"
NO_CONNECTION_IN_TIME = "no connection to the server within 30 s; check base_url and the network"
CHUNK_SIZES = ["one chunk", "chunks of 50 bytes", "chunks of one byte"]


class NoStream(httpx.SyncByteStream):
    """A body that is not read by httpx."""


def new_guard() -> Guard:
    """Return the guard of an exchange whose transport has the request, and does not report its progress."""
    guard = Guard(Redactor(Sealed((KEY,))), SIZE_LIMIT, InstantClock())
    guard.record.is_unobserved = True
    return guard


def verdict(
    response: httpx.Response,
    chunks: Iterable[bytes | tuple[bytes, float]] = (),
    *,
    failure: Failure | None = None,
) -> BoundedResponse | Failure:
    """Pass a response to a guard, and return its verdict: the accepted response, or the failure.

    Each item of `chunks` is either bytes, which arrive immediately, or a tuple of two items: the bytes, and the time at
    which they arrive, in seconds.
    """
    guard = new_guard()
    hide_location(response)
    bounded = guard.response(response, LIMIT)
    if bounded.needs_body:
        for chunk in chunks:
            data, now = chunk if isinstance(chunk, tuple) else (chunk, 0.0)
            if not bounded.add(data, now):
                break
    return guard.verdict(bounded, failure, LIMIT)


def failure_text(outcome: BoundedResponse | Failure, fault: Fault, kind: type[AnchorError]) -> str:
    """Check that the outcome is a failure of this kind with an error of this class, and return the error's text."""
    assert isinstance(outcome, Failure)
    assert outcome.fault is fault
    assert type(outcome.error) is kind
    return str(outcome.error)


def status_error(response: httpx.Response, body: bytes = b"") -> StatusError:
    outcome = verdict(response, [body])
    assert isinstance(outcome, Failure)
    assert outcome.fault is Fault.STATUS
    assert isinstance(outcome.error, StatusError)
    return outcome.error


def test_code_of_an_error_that_spells_a_secret_is_left_out() -> None:
    guard = Guard(Redactor(Sealed(("73512846",))), SIZE_LIMIT, InstantClock())
    bounded = guard.response(httpx.Response(400), LIMIT)
    bounded.add(b'{"error": {"code": 73512846, "message": "no"}}', 0)
    outcome = guard.verdict(bounded, None, LIMIT)
    assert isinstance(outcome, Failure)
    assert isinstance(outcome.error, StatusError)
    assert (outcome.error.code, outcome.error.message) == (None, "no")


def test_compressed_body_that_decompresses_to_nothing_has_a_limit_too() -> None:
    """A gzip stream of empty blocks never has a byte of content."""
    compressor = zlib.compressobj(wbits=zlib.MAX_WBITS + 16)
    head = compressor.flush(zlib.Z_SYNC_FLUSH)
    empty = compressor.flush(zlib.Z_FULL_FLUSH) or b"\x00\x00\x00\xff\xff"
    bounded = new_guard().response(httpx.Response(200, headers={"content-encoding": "gzip"}, stream=NoStream()), LIMIT)
    assert bounded.add(head, 0)
    piece = empty * (16_384 // len(empty))
    assert not all(bounded.add(piece, 0) for _ in range(10))
    assert bounded.is_too_large


# -- Retry-After ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        ("120", 120),
        (" 120 ", 120),
        ("007", 7),
        ("3153600000", 3_153_600_000),  # a hundred years in seconds
        ("999999999999999", 999_999_999_999_999),
        ("Fri, 15 Jan 2027 08:01:00 GMT", 60),
        ("Friday, 15-Jan-27 08:01:00 GMT", 60),
        ("Fri Jan 15 08:01:00 2027", 60),
        ("Fri, 15 Jan 2027 09:01:00 +0100", 60),
        ("Fri, 15 Jan 2027 07:59:00 GMT", 0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("Sun, 15 Jan 2127 08:00:00 GMT", 3_155_673_600),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(value: str, seconds: float) -> None:
    assert retry_after(value, WALL) == seconds


@pytest.fixture
def tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Set the local time zone to nine hours ahead of UTC."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "JST-9")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="this system's time zone cannot be changed")
@pytest.mark.usefixtures("tokyo")
def test_retry_after_date_without_a_zone_is_utc_in_any_local_time_zone() -> None:
    assert retry_after("Fri Jan 15 08:01:00 2027", WALL) == 60


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        " ",
        "soon",
        "-5",
        "+5",
        "1.5",
        "1e3",
        "5 s",
        "0x10",
        "NaN",
        "inf",
        "٣",
        "1" * 16,
        "1" * 5000,
        "Sun",
        "10 may",
        "12:30",
        "15 Jan",
        "2027-01-15T08:01:00Z",
        "Fri, 32 Jan 2027 08:01:00 GMT",
        "Fri, 15 Jan 2027 25:01:00 GMT",
        "Fri, 15 Jan 99999 08:01:00 GMT",
        "Fri, 15 Jan 2027 08:01:00 +999999999999",
        "5, 10",
    ],
    ids=lambda it: ascii(it)[:40],
)
def test_invalid_retry_after_is_ignored(value: str | None) -> None:
    assert retry_after(value, WALL) is None


@given(st.text() | st.from_regex(r"(Fri, )?[0-9]{1,3}[ -](Jan|Xyz)[ -][0-9]{1,5} [0-9:]{1,9} ?(GMT|[+-][0-9]{1,7})?"))
def test_any_text_in_retry_after_is_ignored_or_read_as_a_finite_number_of_seconds(value: str) -> None:
    seconds = retry_after(value, WALL)
    assert seconds is None or 0 <= seconds < math.inf


# -- Error statuses ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, BadRequestError),
        (401, AuthenticationError),
        (402, PaymentRequiredError),
        (403, PermissionDeniedError),
        (404, NotFoundError),
        (422, BadRequestError),
        (429, RateLimitError),
        *((status, StatusError) for status in (405, 408, 409, 410, 418, 425, 451, 499)),
        *((status, ServerError) for status in (500, 502, 503, 504, 520, 524, 599)),
    ],
)
def test_error_class_depends_on_the_status(status: int, kind: type[StatusError]) -> None:
    error = status_error(httpx.Response(status))
    assert type(error) is kind
    assert error.status == status


@pytest.mark.parametrize(
    ("body", "message", "code"),
    [
        (b'{"error": {"code": 17, "message": "no such agent"}}', "no such agent", 17),
        (b'{"error": {"message": "no such agent"}}', "no such agent", None),
        (b'{"error": {"code": 17}}', None, 17),
        (b'{"error": "no such agent"}', "no such agent", None),
        (b'{"error": {"code": "17", "message": ["no"]}}', None, None),
        (b'{"error": {"code": true, "message": ""}}', None, None),
        (b'{"error": {"code": 1.5}}', None, None),
        (b'{"error": {}}', None, None),
        (b'{"error": ""}', None, None),
        (b'{"error": null}', None, None),
        (b'{"error": [1]}', None, None),
        (b'{"message": "elsewhere"}', None, None),
        (b"[]", None, None),
        (b'"text"', None, None),
        (b"null", None, None),
        (b"", None, None),
        (b"<html>502 Bad Gateway</html>", None, None),
        (b'{"error": {"message": "cut', None, None),
        (b"\xff\xfe\x00", None, None),
        (b"[" * 60_000, None, None),
    ],
    ids=lambda it: repr(it)[:40],
)
def test_error_has_message_and_code_from_the_body_if_they_are_valid(
    body: bytes, message: str | None, code: int | None
) -> None:
    error = status_error(httpx.Response(400), body)
    assert (error.message, error.code) == (message, code)
    assert str(error) == f"HTTP 400: {message or 'Bad Request'}"


def test_error_for_a_status_without_a_standard_phrase_says_unknown_status() -> None:
    assert str(status_error(httpx.Response(524))) == "HTTP 524: unknown status"


@pytest.mark.parametrize("name", ["x-request-id", "X-Request-ID", "request-id", "x-amzn-requestid", "cf-ray"])
def test_error_has_the_request_id_of_the_response(name: str) -> None:
    assert status_error(httpx.Response(500, headers={name: "req-1"})).request_id == "req-1"
    assert status_error(httpx.Response(500)).request_id is None


def test_error_of_any_status_has_the_retry_after_of_the_response() -> None:
    assert status_error(httpx.Response(503, headers={"Retry-After": "7"})).retry_after == 7
    assert status_error(httpx.Response(429, headers={"Retry-After": "Fri Jan 15 08:01:00 2027"})).retry_after == 60
    assert status_error(httpx.Response(429)).retry_after is None


def test_message_of_the_server_is_redacted_and_truncated() -> None:
    message = f"the key {KEY} is\nwrong\x1b[31m {'x' * 1000}"
    body = json.dumps({"error": {"message": message}}).encode()
    error = status_error(httpx.Response(401, headers={"x-request-id": f"id-{KEY}"}), body)
    assert error.message is not None
    assert error.message.startswith("the key [redacted] is wrong [31m xxx")
    assert len(error.message) == 301
    assert error.request_id == "id-[redacted]"
    assert KEY not in str(error)


def test_error_class_depends_on_the_status_even_if_the_body_is_incomplete_or_too_long() -> None:
    lost = Failure(Fault.LOST, TransportError("lost"))
    response = httpx.Response(404)
    assert (
        failure_text(verdict(response, [b'{"err'], failure=lost), Fault.STATUS, NotFoundError) == "HTTP 404: Not Found"
    )
    long = b'{"error": {"message": "' + b"x" * MAX_ERROR_BODY
    assert failure_text(verdict(response, [b"{", long, b'"}}']), Fault.STATUS, NotFoundError) == "HTTP 404: Not Found"


# -- Redirects -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308, 399])
def test_response_with_any_3xx_status_is_refused_as_a_redirect(status: int) -> None:
    response = httpx.Response(status, headers={"location": "https://elsewhere.example/x"})
    text = failure_text(verdict(response), Fault.REDIRECTED, UnexpectedResponseError)
    assert text == f"HTTP {status} redirects to https://elsewhere.example; redirects are not followed, check base_url"


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("https://elsewhere.example:8443/a?b#c", "https://elsewhere.example:8443"),
        ("HTTP://ELSEWHERE.EXAMPLE", "http://elsewhere.example"),
        ("https://user:password@elsewhere.example/", "https://elsewhere.example"),
        (f"https://{KEY}.example/", "https://[redacted].example"),
        ("/v2/tools", "another path of the same server"),
        ("v2", "another path of the same server"),
        ("", "no address"),
        (None, "no address"),
        ("https://elsewhere.example:port/", "an invalid address"),
    ],
)
def test_error_for_a_redirect_shows_only_the_origin_of_the_target(location: str | None, target: str) -> None:
    response = httpx.Response(307, headers={} if location is None else {"location": location})
    text = failure_text(verdict(response), Fault.REDIRECTED, UnexpectedResponseError)
    assert text == f"HTTP 307 redirects to {target}; redirects are not followed, check base_url"


# -- Bodies --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 201, 202])
def test_successful_response_is_returned_complete_and_decompressed(status: int) -> None:
    headers = {"content-type": "application/json", "content-encoding": "gzip", "content-length": "9", "x-other": "1"}
    outcome = verdict(httpx.Response(status, headers=headers), [b'{"data"', b": 1}"])
    assert isinstance(outcome, BoundedResponse)
    response = outcome.to_httpx(httpx.Request("GET", "https://api.example/"))
    assert (response.status_code, response.json(), response.headers["x-other"]) == (status, {"data": 1}, "1")
    assert "content-encoding" not in response.headers


@pytest.mark.parametrize("status", [100, 199, 600, 999])
def test_response_with_a_status_outside_200_to_599_is_unreadable(status: int) -> None:
    failure_text(verdict(httpx.Response(status)), Fault.UNREADABLE, UnexpectedResponseError)


@pytest.mark.parametrize("chunks", [[b"x" * 100], [b"x" * 50] * 2, [b"x"] * 100], ids=CHUNK_SIZES)
def test_body_of_exactly_the_maximum_size_is_accepted(chunks: list[bytes]) -> None:
    assert isinstance(verdict(httpx.Response(200), chunks), BoundedResponse)


@pytest.mark.parametrize("chunks", [[b"x" * 101], [b"x" * 50] * 3, [b"x"] * 101], ids=CHUNK_SIZES)
def test_body_above_the_maximum_size_is_refused(chunks: list[bytes]) -> None:
    text = failure_text(verdict(httpx.Response(200), chunks), Fault.TOO_LARGE, UnexpectedResponseError)
    assert text == "the response is larger than max_response_bytes=100"


def test_rest_of_a_body_above_the_maximum_size_is_not_read() -> None:
    bounded = new_guard().response(httpx.Response(200), LIMIT)
    assert bounded.add(b"x" * 60, 0)
    assert not bounded.add(b"x" * 60, 0)


@pytest.mark.parametrize("status", [200, 307, 404, 500])
def test_body_is_read_for_every_status_since_it_may_hold_the_id_of_a_task(status: int) -> None:
    guard = new_guard()
    assert guard.response(httpx.Response(status), LIMIT).needs_body


def test_slow_body_is_cut_off_at_the_time_limit() -> None:
    text = failure_text(verdict(httpx.Response(200), [(b"{", 29.0), (b"}", 30.1)]), Fault.LOST, RequestTimeoutError)
    assert text == "no complete response within 30 s"


def test_late_body_is_accepted_if_it_arrives_in_one_chunk() -> None:
    assert isinstance(verdict(httpx.Response(200), [(b"{}", 31.0)]), BoundedResponse)


def test_failure_while_the_body_is_read_is_reported_unchanged() -> None:
    lost = Failure(Fault.LOST, TransportError("lost"))
    assert failure_text(verdict(httpx.Response(200), [b"{"], failure=lost), Fault.LOST, TransportError) == "lost"


# -- Exceptions ----------------------------------------------------------------------------------------------------


def certificate_error() -> httpx.ConnectError:
    error = httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED]")
    error.__cause__ = OSError("below")
    error.__cause__.__context__ = ssl.SSLCertVerificationError("expired")
    return error


@pytest.mark.parametrize(
    ("exception", "fault", "kind", "text"),
    [
        (httpx.ConnectError(KEY), Fault.NOT_CONNECTED, TransportError, f"{UNKNOWN_REASON} (ConnectError)"),
        (httpx.ProxyError(KEY), Fault.NOT_CONNECTED, TransportError, f"{UNKNOWN_REASON} (ProxyError)"),
        (httpx.ConnectTimeout(KEY), Fault.LOST, RequestTimeoutError, "no complete response within 30 s"),
        (httpx.PoolTimeout(KEY), Fault.NOT_CONNECTED, RequestTimeoutError, NO_CONNECTION_IN_TIME),
        (
            certificate_error(),
            Fault.CERTIFICATE,
            TransportError,
            "no connection to the server: the server's certificate is not valid (code None)",
        ),
        (httpx.ReadTimeout(KEY), Fault.LOST, RequestTimeoutError, "no complete response within 30 s"),
        (httpx.WriteTimeout(KEY), Fault.LOST, RequestTimeoutError, "no complete response within 30 s"),
        (httpx.ReadError(KEY), Fault.LOST, TransportError, "the connection was lost (ReadError)"),
        (httpx.WriteError(KEY), Fault.LOST, TransportError, "the connection was lost (WriteError)"),
        (httpx.RemoteProtocolError(KEY), Fault.LOST, TransportError, "the connection was lost (RemoteProtocolError)"),
        (ValueError(KEY), Fault.LOST, TransportError, "the connection was lost (ValueError)"),
        (httpx.DecodingError(KEY), Fault.UNREADABLE, UnexpectedResponseError, UNREADABLE_BODY),
    ],
    ids=lambda it: type(it).__name__ if isinstance(it, Exception) else "",
)
def test_exception_of_httpx_becomes_a_failure_with_a_text_of_this_package(
    exception: Exception, fault: Fault, kind: type[AnchorError], text: str
) -> None:
    guard = new_guard()
    failure = guard.broken(exception, LIMIT)
    assert failure_text(failure, fault, kind) == text
    assert failure.error.__cause__ is failure.error.__context__ is None


def test_connect_timeout_is_reported_as_not_connected_if_the_transport_traces_its_progress() -> None:
    guard = new_guard()
    guard.trace("connection.connect_tcp.started", {})
    failure = guard.broken(httpx.ConnectTimeout(KEY), LIMIT)
    assert failure_text(failure, Fault.NOT_CONNECTED, RequestTimeoutError) == NO_CONNECTION_IN_TIME


# -- The key -------------------------------------------------------------------------------------------------------


def key_sent(base_url: str, url: str) -> str | None:
    auth = KeyAuth(Sealed(KEY), base_url)
    sent: Any = next(auth.auth_flow(httpx.Request("GET", url)))
    value: str | None = sent.headers.get(KEY_HEADER)
    return value


@pytest.mark.parametrize(
    "url", ["https://api.example", "https://api.example:443/v1", "HTTPS://API.example/x?y=https://other.example"]
)
def test_key_is_added_to_requests_for_the_origin_of_the_base_url(url: str) -> None:
    assert key_sent("https://api.example/base", url) == KEY


@pytest.mark.parametrize(
    "url",
    [
        "http://api.example/",
        "https://api.example:8443/",
        "https://api.example.evil.example/",
        "https://evil.example/https://api.example",
        "https://api.example@evil.example/",
        "https://sub.api.example/",
    ],
)
def test_key_is_not_added_to_requests_for_another_origin(url: str) -> None:
    assert key_sent("https://api.example", url) is None


# -- The read timeout ----------------------------------------------------------------------------------------------


def read_timeout(begun: float, deadline: float | None) -> float:
    """Return the read timeout that the guard sets for a response's head if the client begins to read it at `begun`."""
    clock = InstantClock()
    clock.time = begun
    request = httpcore.Request("GET", "https://api.example/", extensions={"timeout": {"read": 30.0}})
    if deadline is not None:
        request.extensions[DEADLINE] = deadline
    Guard(Redactor(Sealed(())), SIZE_LIMIT, clock).trace(
        "http11.receive_response_headers.started", {"request": request}
    )
    return float(request.extensions["timeout"]["read"])


def test_read_timeout_of_a_response_head_is_the_time_left_until_the_deadline() -> None:
    assert read_timeout(2.0, 5.0) == 3.0
    assert read_timeout(6.0, 5.0) == MIN_READ_TIMEOUT
    assert read_timeout(2.0, None) == 30.0
