"""What every request and every answer passes: where the key goes, what is let in, and which error says what went wrong.

No I/O: the sync and the async transport call it with what they have.
"""

from __future__ import annotations

import json
import math
import re
import ssl
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import httpx

from anchor_webtask._answer import Answer
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
from anchor_webtask._outcome import Failure, Fault

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, MutableMapping

    from anchor_webtask._clock import Clock
    from anchor_webtask._secrets import Redactor, Sealed

KEY_HEADER: Final = "anchor-api-key"
LONGEST_ERROR_BODY: Final = 65_536

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
_NOT_SENT: Final = (httpx.ConnectError, httpx.PoolTimeout, httpx.ProxyError)
"""What says by itself that nothing was sent.

Not ConnectTimeout, which httpx-aiohttp also raises for a connection that is lost later: it's believed of a transport
that tells how far a request has got, as httpx's own do.
"""


class KeyAuth(httpx.Auth):
    """Adds the key to requests for one origin, and to no other."""

    def __init__(self, key: Sealed[str], base_url: str) -> None:
        self._key = key
        self._origin = _origin(httpx.URL(base_url))

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the key on the way out."""
        if _origin(request.url) == self._origin:
            request.headers[KEY_HEADER] = self._key.open()
        yield request


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


class Guard:
    """Turns answers and exceptions of httpx into answers that may be read, or failures that say why not.

    One guard is for one exchange: it's told, by `trace`, whether the request has begun to leave. Where nobody tells it,
    as with most custom transports, that isn't known, and a request counts as sent unless the exception itself says no.

    Args:
        redact: Takes secrets out of text from outside.
        max_response_bytes: How large an answer may be once it's unpacked.
        clock: Says what is left of a request's time, and what a `Retry-After` means that is a date.

    Attributes:
        broken_off: httpcore's connection whose TLS handshake came to nothing, None if there is none.
    """

    def __init__(self, redact: Redactor, max_response_bytes: int, clock: Clock) -> None:
        self._redact = redact
        self._max_response_bytes = max_response_bytes
        self._clock = clock
        self._has_left: bool | None = None
        self._connection: Any = None
        self.broken_off: Any = None

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Take in, as httpcore's `trace` extension, how far a request has got; for one exchange."""
        is_sent = event.endswith(".send_request_headers.started") and info["request"].method != b"CONNECT"
        self._has_left = bool(self._has_left or is_sent)
        if event.endswith(".connect_tcp.complete"):
            self._connection = info.get("return_value")
        elif event.endswith(".start_tls.failed"):
            self.broken_off = self._connection
        elif event.endswith(".receive_response_headers.started"):
            self.shorten(info["request"].extensions)

    def shorten(self, extensions: MutableMapping[str, Any]) -> None:
        """Let each of the reads that follow take no longer than what is left now of a request's time."""
        deadline, limits = extensions.get(DEADLINE), extensions.get("timeout")
        if deadline is not None and limits is not None:
            limits["read"] = max(deadline - self._clock.now(), SHORTEST_READ)

    async def trace_async(self, event: str, info: Mapping[str, Any]) -> None:
        """Do the same for the async face."""
        self.trace(event, info)

    def answer(self, response: httpx.Response, deadline: float) -> Answer:
        """Begin to take in an answer whose head has come."""
        if response.is_success:
            return Answer(response, self._max_response_bytes, deadline)
        return Answer(response, 0 if response.status_code < 400 else LONGEST_ERROR_BODY, deadline)

    def broken(self, exception: Exception, limit: float) -> Failure:
        """Return what an exception on the way to an answer means, in words of our own: httpx's may quote the server."""
        is_unsent = isinstance(exception, _NOT_SENT) or self._has_left is False
        if isinstance(exception, httpx.TimeoutException):
            return self._timed_out(limit, is_unsent=is_unsent)
        if is_unsent:
            if _is_certificate_error(exception):
                return Failure(Fault.CERTIFICATE, TransportError("the server's certificate doesn't hold"))
            return Failure(Fault.NOT_CONNECTED, TransportError("no connection to the server"))
        if isinstance(exception, httpx.DecodingError):
            return Failure(Fault.UNREADABLE, UnexpectedResponseError("the answer doesn't unpack"))
        return Failure(Fault.LOST, TransportError(f"the connection was lost ({type(exception).__name__})"))

    def not_sent(self, seconds: float) -> Failure:
        """Return the failure of a request whose turn to be sent didn't come in this time."""
        return Failure(
            Fault.NOT_CONNECTED, RequestTimeoutError(f"too many other requests: not sent within {seconds:g} s")
        )

    def overdue(self, limit: float) -> Failure:
        """Return the failure of an answer that was still on its way at the limit."""
        return self._timed_out(limit, is_unsent=self._has_left is False)

    def _timed_out(self, limit: float, *, is_unsent: bool) -> Failure:
        what = "no connection" if is_unsent else "no whole answer"
        fault = Fault.NOT_CONNECTED if is_unsent else Fault.LOST
        return Failure(fault, RequestTimeoutError(f"{what} within {limit:g} s"))

    def verdict(self, answer: Answer | None, failure: Failure | None, limit: float) -> Answer | Failure:
        """Return the answer, whole and a success, or why it is none.

        Args:
            answer: What has come, None if no head has. An error status counts also where its body broke off.
            failure: What ended the exchange early, if anything did.
            limit: How many seconds it might take.
        """
        if answer is None:
            return failure or self.overdue(limit)
        response = answer.response
        failure = self._failure(answer, failure, limit)
        if failure is not None:
            return failure._replace(status=response.status_code, request_id=request_id(response, self._redact))
        return answer

    def _failure(self, answer: Answer, failure: Failure | None, limit: float) -> Failure | None:
        response, status = answer.response, answer.response.status_code
        if response.is_success:
            if answer.is_too_large:
                return Failure(
                    Fault.TOO_LARGE,
                    UnexpectedResponseError(f"the answer has more than max_response_bytes={self._max_response_bytes}"),
                )
            if answer.is_garbled:
                return Failure(Fault.UNREADABLE, UnexpectedResponseError("the answer doesn't unpack"))
            return failure or (self.overdue(limit) if answer.is_late else None)
        if 300 <= status < 400:
            target = self._target(response)
            return Failure(
                Fault.REDIRECTED,
                UnexpectedResponseError(f"HTTP {status} redirects to {target}; nothing was sent there, check base_url"),
            )
        if 400 <= status < 600:
            return Failure(Fault.STATUS, self._status_error(response, answer.content()))
        return Failure(Fault.UNREADABLE, UnexpectedResponseError(f"HTTP {status} is no status of an answer"))

    def _target(self, response: httpx.Response) -> str:
        location = response.extensions.get(LOCATION, "")
        try:
            url = httpx.URL(location)
            if not url.host:
                return "another path of the same server" if location else "nowhere"
            return self._redact.quote(f"{url.scheme}://{url.netloc.decode('ascii')}")
        except (httpx.InvalidURL, ValueError):  # the latter of host names that can't be decoded
            return "an address that is none"

    def _status_error(self, response: httpx.Response, content: bytes) -> StatusError:
        status = response.status_code
        message, code = _api_error(content)
        message = None if message is None else self._redact.quote(message)
        kind = _STATUS_ERRORS.get(status) or (ServerError if status >= 500 else StatusError)
        return kind(
            f"HTTP {status}: {message or _phrase(status)}",
            status=status,
            api_message=message,
            code=code,
            request_id=request_id(response, self._redact),
            retry_after=retry_after(response.headers.get("retry-after"), self._clock.wall()),
        )


DEADLINE: Final = "anchor_webtask.deadline"
SHORTEST_READ: Final = 0.001
LOCATION: Final = "anchor_webtask.location"


def request_id(response: httpx.Response, redact: Redactor) -> str | None:
    """Return the id that the API or its gateway gave a request."""
    found = (response.headers.get(name) for name in _REQUEST_ID_HEADERS)
    return next((redact.quote(value) for value in found if value), None)


def hide_location(response: httpx.Response) -> None:
    """Keep httpx from building the request that a redirect asks for: it would copy the key, or fail on nonsense."""
    if 300 <= response.status_code < 400 and (location := response.headers.pop("location", None)) is not None:
        response.extensions[LOCATION] = location


def retry_after(value: str | None, wall: float) -> float | None:
    """Return the seconds that a `Retry-After` header asks for, None where it says nothing that can be understood.

    Args:
        value: The header: seconds, or a date in one of HTTP's three forms.
        wall: Seconds since 1970 now.
    """
    if value is None:
        return None
    value = value.strip()
    if re.fullmatch(r"[0-9]{1,15}", value):
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
        # The asctime form has no zone, and is UTC as the others are.
        seconds = (moment.replace(tzinfo=moment.tzinfo or UTC)).timestamp()
    except (TypeError, ValueError, OverflowError, IndexError):
        return None
    return max(seconds - wall, 0.0) if math.isfinite(seconds) else None


def _is_certificate_error(exception: BaseException) -> bool:
    seen: BaseException | None = exception
    while seen is not None:
        if isinstance(seen, ssl.SSLCertVerificationError):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def _api_error(content: bytes) -> tuple[str | None, int | None]:
    """Read the API's error body, `{"error": {"code": …, "message": …}}`; anything else says nothing."""
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
        return "an error that HTTP has no name for"
