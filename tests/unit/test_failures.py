"""What every answer passes: which error says what went wrong, and what is let in."""

from __future__ import annotations

import json
import math
import ssl
import time
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
from anchor_webtask._http.failures import (
    DEADLINE,
    KEY_HEADER,
    MAX_ERROR_BODY,
    MIN_READ_TIMEOUT,
    Guard,
    KeyAuth,
    hide_location,
    retry_after,
)
from anchor_webtask._polling.outcomes import Failure, Fault
from anchor_webtask._redaction.secrets import Redactor, Sealed
from tests.support.clocks import VirtualClock

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

KEY = "Test-Key-0123456789"
WALL = 1_800_000_000.0  # 2027-01-15 08:00:00 UTC, a Friday
LIMIT = 30.0
SIZE_LIMIT = 100


def verdict(
    response: httpx.Response,
    pieces: Iterable[bytes | tuple[bytes, float]] = (),
    *,
    failure: Failure | None = None,
) -> BoundedResponse | Failure:
    """Take in an answer whose body comes in pieces, each at once or at the given second, and return what it is."""
    guard = Guard(Redactor(Sealed((KEY,))), SIZE_LIMIT, VirtualClock())
    hide_location(response)
    answer = guard.response(response, LIMIT)
    if answer.needs_body:
        for piece in pieces:
            chunk, now = piece if isinstance(piece, tuple) else (piece, 0.0)
            if not answer.add(chunk, now):
                break
    return guard.verdict(answer, failure, LIMIT)


def failed(came: BoundedResponse | Failure, fault: Fault, kind: type[AnchorError]) -> str:
    """Hold that a failure is of this fault and exactly this error, and return its text."""
    assert isinstance(came, Failure)
    assert came.fault is fault
    assert type(came.error) is kind
    return str(came.error)


def status_error(response: httpx.Response, body: bytes = b"") -> StatusError:
    came = verdict(response, [body])
    assert isinstance(came, Failure)
    assert came.fault is Fault.STATUS
    assert isinstance(came.error, StatusError)
    return came.error


# -- Retry-After ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        ("120", 120),
        (" 120 ", 120),
        ("007", 7),
        ("3153600000", 3_153_600_000),  # a century
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
def test_retry_after_is_seconds_or_a_date_in_three_forms(value: str, seconds: float) -> None:
    assert retry_after(value, WALL) == seconds


@pytest.fixture
def tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The machine is nine hours ahead of UTC."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "JST-9")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="this system's time zone can't be changed")
@pytest.mark.usefixtures("tokyo")
def test_date_without_a_zone_is_utc_wherever_the_machine_is() -> None:
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
)
def test_retry_after_that_is_nonsense_says_nothing(value: str | None) -> None:
    assert retry_after(value, WALL) is None


@given(st.text() | st.from_regex(r"(Fri, )?[0-9]{1,3}[ -](Jan|Xyz)[ -][0-9]{1,5} [0-9:]{1,9} ?(GMT|[+-][0-9]{1,7})?"))
def test_retry_after_never_breaks_and_is_never_negative(value: str) -> None:
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
def test_status_has_its_error(status: int, kind: type[StatusError]) -> None:
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
def test_error_body_is_read_as_far_as_it_says_something(body: bytes, message: str | None, code: int | None) -> None:
    error = status_error(httpx.Response(400), body)
    assert (error.message, error.code) == (message, code)
    assert str(error) == f"HTTP 400: {message or 'Bad Request'}"


def test_status_without_a_name_says_so() -> None:
    assert str(status_error(httpx.Response(524))) == "HTTP 524: unknown status"


@pytest.mark.parametrize("name", ["x-request-id", "X-Request-ID", "request-id", "x-amzn-requestid", "cf-ray"])
def test_request_id_is_kept(name: str) -> None:
    assert status_error(httpx.Response(500, headers={name: "req-1"})).request_id == "req-1"
    assert status_error(httpx.Response(500)).request_id is None


def test_retry_after_is_kept_with_any_status() -> None:
    assert status_error(httpx.Response(503, headers={"Retry-After": "7"})).retry_after == 7
    assert status_error(httpx.Response(429, headers={"Retry-After": "Fri Jan 15 08:01:00 2027"})).retry_after == 60
    assert status_error(httpx.Response(429)).retry_after is None


def test_what_the_server_says_is_shown_without_secrets_and_cut() -> None:
    said = f"the key {KEY} is\nwrong\x1b[31m {'x' * 1000}"
    body = json.dumps({"error": {"message": said}}).encode()
    error = status_error(httpx.Response(401, headers={"x-request-id": f"id-{KEY}"}), body)
    assert error.message is not None
    assert error.message.startswith("the key [redacted] is wrong [31m xxx")
    assert len(error.message) == 301
    assert error.request_id == "id-[redacted]"
    assert KEY not in str(error)


def test_error_status_counts_though_its_body_broke_off_or_is_too_long() -> None:
    lost = Failure(Fault.LOST, TransportError("lost"))
    response = httpx.Response(404)
    assert failed(verdict(response, [b'{"err'], failure=lost), Fault.STATUS, NotFoundError) == "HTTP 404: Not Found"
    long = b'{"error": {"message": "' + b"x" * MAX_ERROR_BODY
    assert failed(verdict(response, [b"{", long, b'"}}']), Fault.STATUS, NotFoundError) == "HTTP 404: Not Found"


# -- Redirects -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308, 399])
def test_redirect_is_refused_with_any_status(status: int) -> None:
    response = httpx.Response(status, headers={"location": "https://elsewhere.example/x"})
    text = failed(verdict(response), Fault.REDIRECTED, UnexpectedResponseError)
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
def test_redirect_names_the_targets_origin_and_no_more(location: str | None, target: str) -> None:
    response = httpx.Response(307, headers={} if location is None else {"location": location})
    text = failed(verdict(response), Fault.REDIRECTED, UnexpectedResponseError)
    assert text == f"HTTP 307 redirects to {target}; redirects are not followed, check base_url"


# -- Bodies --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 201, 202])
def test_success_is_given_on_whole_and_unpacked(status: int) -> None:
    headers = {"content-type": "application/json", "content-encoding": "gzip", "content-length": "9", "x-other": "1"}
    came = verdict(httpx.Response(status, headers=headers), [b'{"data"', b": 1}"])
    assert isinstance(came, BoundedResponse)
    read = came.to_httpx()
    assert (read.status_code, read.json(), read.headers["x-other"]) == (status, {"data": 1}, "1")
    assert "content-encoding" not in read.headers


@pytest.mark.parametrize("status", [100, 199, 600, 999])
def test_status_of_no_answer_is_unreadable(status: int) -> None:
    failed(verdict(httpx.Response(status)), Fault.UNREADABLE, UnexpectedResponseError)


@pytest.mark.parametrize("pieces", [[b"x" * 100], [b"x" * 50] * 2, [b"x"] * 100])
def test_body_may_have_as_many_bytes_as_the_limit(pieces: list[bytes]) -> None:
    assert isinstance(verdict(httpx.Response(200), pieces), BoundedResponse)


@pytest.mark.parametrize("pieces", [[b"x" * 101], [b"x" * 50] * 3, [b"x"] * 101])
def test_body_with_one_byte_more_is_refused(pieces: list[bytes]) -> None:
    text = failed(verdict(httpx.Response(200), pieces), Fault.TOO_LARGE, UnexpectedResponseError)
    assert text == "the response is larger than max_response_bytes=100"


def test_rest_of_a_body_that_is_too_large_is_not_read() -> None:
    answer = Guard(Redactor(Sealed(())), SIZE_LIMIT, VirtualClock()).response(httpx.Response(200), LIMIT)
    assert answer.add(b"x" * 60, 0)
    assert not answer.add(b"x" * 60, 0)


def test_body_of_a_redirect_is_not_read() -> None:
    guard = Guard(Redactor(Sealed(())), SIZE_LIMIT, VirtualClock())
    assert not guard.response(httpx.Response(307), LIMIT).needs_body
    assert guard.response(httpx.Response(500), LIMIT).needs_body
    assert guard.response(httpx.Response(200), LIMIT).needs_body


def test_body_that_drips_is_cut_at_the_limit() -> None:
    text = failed(verdict(httpx.Response(200), [(b"{", 29.0), (b"}", 30.1)]), Fault.LOST, RequestTimeoutError)
    assert text == "no complete response within 30 s"


def test_body_that_comes_late_in_one_piece_counts() -> None:
    assert isinstance(verdict(httpx.Response(200), [(b"{}", 31.0)]), BoundedResponse)


def test_body_that_broke_off_is_that_failure() -> None:
    lost = Failure(Fault.LOST, TransportError("lost"))
    assert failed(verdict(httpx.Response(200), [b"{"], failure=lost), Fault.LOST, TransportError) == "lost"


# -- Exceptions ----------------------------------------------------------------------------------------------------


def certificate_error() -> httpx.ConnectError:
    error = httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED]")
    error.__cause__ = OSError("below")
    error.__cause__.__context__ = ssl.SSLCertVerificationError("expired")
    return error


@pytest.mark.parametrize(
    ("exception", "fault", "kind", "text"),
    [
        (httpx.ConnectError(KEY), Fault.NOT_CONNECTED, TransportError, "no connection to the server"),
        (httpx.ProxyError(KEY), Fault.NOT_CONNECTED, TransportError, "no connection to the server"),
        (httpx.ConnectTimeout(KEY), Fault.LOST, RequestTimeoutError, "no complete response within 30 s"),
        (httpx.PoolTimeout(KEY), Fault.NOT_CONNECTED, RequestTimeoutError, "no connection within 30 s"),
        (certificate_error(), Fault.CERTIFICATE, TransportError, "the server's certificate is not valid"),
        (httpx.ReadTimeout(KEY), Fault.LOST, RequestTimeoutError, "no complete response within 30 s"),
        (httpx.WriteTimeout(KEY), Fault.LOST, RequestTimeoutError, "no complete response within 30 s"),
        (httpx.ReadError(KEY), Fault.LOST, TransportError, "the connection was lost (ReadError)"),
        (httpx.WriteError(KEY), Fault.LOST, TransportError, "the connection was lost (WriteError)"),
        (httpx.RemoteProtocolError(KEY), Fault.LOST, TransportError, "the connection was lost (RemoteProtocolError)"),
        (ValueError(KEY), Fault.LOST, TransportError, "the connection was lost (ValueError)"),
        (httpx.DecodingError(KEY), Fault.UNREADABLE, UnexpectedResponseError, "the response cannot be decompressed"),
    ],
    ids=lambda it: type(it).__name__ if isinstance(it, Exception) else "",
)
def test_exception_is_told_in_our_own_words(
    exception: Exception, fault: Fault, kind: type[AnchorError], text: str
) -> None:
    guard = Guard(Redactor(Sealed(())), SIZE_LIMIT, VirtualClock())
    came = guard.broken(exception, LIMIT)
    assert failed(came, fault, kind) == text
    assert came.error.__cause__ is came.error.__context__ is None


def test_time_out_to_connect_is_believed_of_a_transport_that_tells_how_far_it_got() -> None:
    guard = Guard(Redactor(Sealed(())), SIZE_LIMIT, VirtualClock())
    guard.trace("connection.connect_tcp.started", {})
    came = guard.broken(httpx.ConnectTimeout(KEY), LIMIT)
    assert failed(came, Fault.NOT_CONNECTED, RequestTimeoutError) == "no connection within 30 s"


# -- The key -------------------------------------------------------------------------------------------------------


def key_sent(base_url: str, url: str) -> str | None:
    auth = KeyAuth(Sealed(KEY), base_url)
    sent: Any = next(auth.auth_flow(httpx.Request("GET", url)))
    value: str | None = sent.headers.get(KEY_HEADER)
    return value


@pytest.mark.parametrize(
    "url", ["https://api.example", "https://api.example:443/v1", "HTTPS://API.example/x?y=https://other.example"]
)
def test_key_goes_to_its_origin(url: str) -> None:
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
def test_key_goes_nowhere_else(url: str) -> None:
    assert key_sent("https://api.example", url) is None


# -- What is left of the time --------------------------------------------------------------------------------------


def left(begun: float, deadline: float | None) -> float:
    """Return what reading a head may take that begins at one time, when it has to be there at another."""
    clock = VirtualClock()
    clock.time = begun
    request = httpcore.Request("GET", "https://api.example/", extensions={"timeout": {"read": 30.0}})
    if deadline is not None:
        request.extensions[DEADLINE] = deadline
    Guard(Redactor(Sealed(())), SIZE_LIMIT, clock).trace(
        "http11.receive_response_headers.started", {"request": request}
    )
    return float(request.extensions["timeout"]["read"])


def test_a_head_gets_what_the_connection_has_left_of_the_time() -> None:
    assert left(2.0, 5.0) == 3.0
    assert left(6.0, 5.0) == MIN_READ_TIMEOUT
    assert left(2.0, None) == 30.0
