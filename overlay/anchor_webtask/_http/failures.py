"""Decides what an HTTP status, a `Retry-After` header or a broken connection means, and whether the request was sent.

It does no I/O; the sync and the async client share it.
"""

from __future__ import annotations

import functools
import json
import math
import re
import sys
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import httpx

from anchor_webtask import _importing
from anchor_webtask._errors import (
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
from anchor_webtask._http.connect_errors import Causes, Tunnel, not_connected, place_of, timed_out
from anchor_webtask._http.record import DEADLINE, MIN_READ_TIMEOUT, ExchangeRecord
from anchor_webtask._http.redirects import LOCATION
from anchor_webtask._polling.outcomes import Failure, Fault
from anchor_webtask._redaction.secrets import Sealed

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

    from anchor_webtask._clock import Clock
    from anchor_webtask._redaction.logs import RedactedLogs
    from anchor_webtask._redaction.secrets import Redactor

MAX_ERROR_BODY: Final = 65_536
UNREADABLE_BODY: Final = "the response cannot be decompressed, or ends too early"

_REQUEST_ID_HEADERS: Final = ("x-request-id", "request-id", "x-amzn-requestid", "cf-ray")
_STATUS_ERRORS: Final[dict[int, type[StatusError]]] = {
    400: BadRequestError,
    401: AuthenticationError,
    402: PaymentRequiredError,
    403: PermissionDeniedError,
    404: NotFoundError,
    422: BadRequestError,
    429: RateLimitError,
}
_NOT_SENT: Final = (httpx.ConnectError, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)
"""Exceptions that prove that the request was never sent.

`ConnectTimeout` is not in this list, since httpx-aiohttp also raises it if a connection is lost later. It is trusted
only from a transport that traces the progress of a request, as httpx's own transports do.
"""
_SAFE_METHODS: Final = frozenset({b"GET", b"HEAD", b"OPTIONS"})


class Guard:
    """Decides whether one exchange (a request and its response) succeeded: returns the response, or a failure.

    The transport calls `trace`, which records whether the transport has begun to send the request. Most custom
    transports do not call it; then a request counts as sent unless the exception itself proves that it was not.

    Args:
        redact: Removes secrets from text that comes from outside.
        max_response_bytes: The maximum size of a decompressed response.
        clock: Measures the time that is left for a request, and the delay until a date in `Retry-After`.
        record: Where to record how far the exchange has got; by default a new record.

    Attributes:
        record: How far the exchange has got.
        url: The URL of the request, for messages; None until it is known.
        method: Its method; empty until it is known.
    """

    def __init__(
        self, redact: Redactor, max_response_bytes: int, clock: Clock, record: ExchangeRecord | None = None
    ) -> None:
        self._redact = redact
        self._max_response_bytes = max_response_bytes
        self._clock = clock
        self.record = ExchangeRecord() if record is None else record
        self.url: httpx.URL | None = None
        self.method = ""
        self._tunnel: Tunnel | None = None
        self._outer = sys.exception()  # handled by the caller; the exceptions of the exchange have it as their context

    def redacted_logs(self) -> RedactedLogs:
        """Return a context manager for the exchange, in which the log records of httpx and httpcore are redacted."""
        return _redacted_logs()(self._redact)

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Record the progress of the request; this is httpcore's `trace` extension."""
        self.record.is_unobserved = False
        if not self.record.sent:
            self._tunnel = self._tunnel or Tunnel()
            self._tunnel.trace(event, info)
        if event.endswith(".send_request_headers.started") and info["request"].method != b"CONNECT":
            if self.record.sent and info["request"].method not in _SAFE_METHODS:
                # httpcore does this after a GOAWAY of HTTP/2, and believes the server that it has ignored the request.
                raise httpx.RemoteProtocolError("the transport sends the request once more")
            self.record.sent.append(True)
        elif event.endswith(".receive_response_headers.started"):
            self.limit_reads(info["request"].extensions)

    def limit_reads(self, extensions: MutableMapping[str, Any]) -> None:
        """Limit each later read to the time that is left for the request."""
        deadline, limits = extensions.get(DEADLINE), extensions.get("timeout")
        if deadline is not None and limits is not None:
            limits["read"] = max(deadline - self._clock.now(), MIN_READ_TIMEOUT)

    async def trace_async(self, event: str, info: Mapping[str, Any]) -> None:
        """Record the progress of the request, for the async client."""
        self.trace(event, info)

    def response(self, head: httpx.Response, deadline: float) -> BoundedResponse:
        """Return the response whose head has arrived, with a limit for its body."""
        sink = self.record.sink if head.is_success else None
        if 300 <= head.status_code < 400 and self.method == "GET":
            limit = 0  # of another method, the body may have the id of a task
        elif sink is not None:
            limit = self.record.max_bytes
        else:
            limit = self._max_response_bytes if head.is_success else MAX_ERROR_BODY
        response = BoundedResponse(head, limit, deadline, sink)
        response.received_body = self.record.received_body
        response.retry_after = retry_after(head.headers.get("retry-after"), self._clock.wall())
        return response

    def broken(self, exception: Exception, limit: float) -> Failure:
        """Return the failure for an exception of httpx, with our own text, since httpx's may quote the server."""
        is_unsent = self._is_unsent(exception)
        causes = Causes(exception, self._outer)
        if isinstance(exception, httpx.TimeoutException) and not (is_unsent and causes.has_system_timeout()):
            return self._timed_out(limit, is_unsent=is_unsent)
        if is_unsent:
            fault = Fault.CERTIFICATE if causes.is_permanent() else Fault.NOT_CONNECTED
            return Failure(fault, TransportError(not_connected(place_of(self.url, self._tunnel), causes)))
        if isinstance(exception, httpx.DecodingError):
            return Failure(Fault.UNREADABLE, UnexpectedResponseError(UNREADABLE_BODY))
        return Failure(Fault.LOST, TransportError(f"the connection was lost ({type(exception).__name__})"))

    def _is_unsent(self, exception: Exception) -> bool:
        """Whether an exception proves that no byte of the request was sent."""
        record = self.record
        if record.is_unobserved:
            return isinstance(exception, _NOT_SENT)
        if record.may_have_left:
            return False
        # A user's transport may trace one attempt and send a second one without a trace.
        has_tunnel = self._tunnel is not None and self._tunnel.is_asked
        return not record.is_custom or has_tunnel or isinstance(exception, (*_NOT_SENT, httpx.ConnectTimeout))

    def not_sent(self, seconds: float) -> Failure:
        """Return the failure of a request that got no slot within these seconds."""
        return Failure(
            Fault.NOT_CONNECTED,
            RequestTimeoutError(f"the request was not sent within {seconds:g} s: too many requests are in flight"),
        )

    def overdue(self, limit: float) -> Failure:
        """Return the failure of a response that was incomplete at the time limit."""
        return self._timed_out(limit, is_unsent=not self.record.may_have_left)

    def _timed_out(self, limit: float, *, is_unsent: bool) -> Failure:
        if is_unsent:
            text = timed_out(place_of(self.url, self._tunnel), limit)
            return Failure(Fault.NOT_CONNECTED, RequestTimeoutError(text))
        return Failure(Fault.LOST, RequestTimeoutError(f"no complete response within {limit:g} s"))

    def verdict(
        self, response: BoundedResponse | None, failure: Failure | None, limit: float
    ) -> BoundedResponse | Failure:
        """Return the complete, successful response, or the failure that explains why there is none.

        Args:
            response: The response as far as it has arrived; None if not even its head has arrived. An error status
                counts even if the body is incomplete.
            failure: What ended the exchange early, if anything did.
            limit: Seconds that the exchange was allowed to take.
        """
        if response is None:
            return (failure or self.overdue(limit))._replace(bodies=Sealed((self.record.received_body(),)).open)
        is_complete = failure is None and not (response.is_corrupt or response.is_too_large or response.is_late)
        failure = self._failure(response, failure, limit)
        if failure is not None:
            return failure._replace(
                is_complete=is_complete,
                status=response.head.status_code,
                request_id=request_id(response.head, self._redact),
                retry_after=response.retry_after,
                bodies=Sealed(response.bodies()).open,
            )
        return response

    def _failure(self, response: BoundedResponse, failure: Failure | None, limit: float) -> Failure | None:
        head, status = response.head, response.head.status_code
        if head.is_success:
            if response.is_too_large:
                return Failure(
                    Fault.TOO_LARGE,
                    UnexpectedResponseError(
                        f"the response is larger than max_response_bytes={self._max_response_bytes}"
                        if self.record.sink is None
                        else f"the file is larger than max_bytes={self.record.max_bytes}"
                    ),
                )
            if response.is_corrupt or (failure is None and self.record.sink is not None and not response.is_intact):
                return Failure(Fault.UNREADABLE, UnexpectedResponseError(UNREADABLE_BODY))
            return failure or (self.overdue(limit) if response.is_late else None)
        if 300 <= status < 400:
            target = self._target(head)
            return Failure(
                Fault.REDIRECTED,
                UnexpectedResponseError(
                    f"HTTP {status} redirects to {target}; redirects are not followed, check base_url"
                ),
            )
        if 400 <= status < 600:
            return Failure(Fault.STATUS, self._status_error(response))
        return Failure(Fault.UNREADABLE, UnexpectedResponseError(f"HTTP {status} is not a valid final status"))

    def _target(self, head: httpx.Response) -> str:
        location = head.extensions.get(LOCATION, "")
        try:
            url = httpx.URL(location)
            if not url.host:
                return "another path of the same server" if location else "no address"
            return self._redact.quote(f"{url.scheme}://{url.netloc.decode('ascii')}")
        except (httpx.InvalidURL, ValueError):  # ValueError for host names that cannot be decoded
            return "an invalid address"

    def _status_error(self, response: BoundedResponse) -> StatusError:
        head, status = response.head, response.head.status_code
        message, code = _api_error(response.content())
        message = None if message is None else self._redact.quote(message)
        if code is not None and self._redact(str(code)) != str(code):
            code = None  # a secret of digits
        kind = _STATUS_ERRORS.get(status) or (ServerError if status >= 500 else StatusError)
        return kind(
            f"HTTP {status}: {message or _phrase(status)}{_advice(status, response.retry_after)}",
            status=status,
            api_message=message,
            code=code,
            request_id=request_id(head, self._redact),
            retry_after=response.retry_after,
        )


def _advice(status: int, seconds: float | None) -> str:
    """Return what to do, such as how long to wait before the next request."""
    if seconds is not None:
        return f"; try again in {math.ceil(seconds)} s"
    if status == 401:
        return "; check the API key"
    return "; try again later, the response does not say when" if status == 429 else ""


@functools.cache
def _redacted_logs() -> type[RedactedLogs]:
    with _importing.lock:
        from anchor_webtask._redaction.logs import RedactedLogs

    return RedactedLogs


def request_id(head: httpx.Response, redact: Redactor) -> str | None:
    """Return the id that the API or its gateway gave the request; None if there is no id."""
    found = (head.headers.get(name) for name in _REQUEST_ID_HEADERS)
    return next((redact.quote(value) for value in found if value), None)


def retry_after(value: str | None, wall: float) -> float | None:
    """Return the seconds that a `Retry-After` header asks for; None if the header is missing or invalid.

    Args:
        value: The header: seconds, or a date in one of HTTP's three formats.
        wall: The current time, in seconds since 1970.
    """
    if value is None:
        return None
    value = value.strip()
    if re.fullmatch(r"[0-9]{1,15}", value):
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
        # The asctime format names no time zone; like the other formats, it is in UTC.
        seconds = (moment.replace(tzinfo=moment.tzinfo or UTC)).timestamp()
    except (TypeError, ValueError, OverflowError, IndexError):
        return None
    return max(seconds - wall, 0.0) if math.isfinite(seconds) else None


def _api_error(content: bytes) -> tuple[str | None, int | None]:
    """Return message and code of a body like `{"error": {"code": …, "message": …}}`; None for a missing part."""
    try:
        body: Any = json.loads(content)
    except (ValueError, RecursionError):
        return None, None
    error = body.get("error") if isinstance(body, dict) else None
    if isinstance(error, str):
        return error or None, None
    if not isinstance(error, dict):
        return None, None
    message, code = error.get("message"), error.get("code")
    return (
        message if isinstance(message, str) and message else None,
        code if isinstance(code, int) and not isinstance(code, bool) else None,
    )


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "unknown status"
