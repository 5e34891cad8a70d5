"""The list of faults: what a server, or the connection to a server, may do wrong.

Each fault names its row in the table of `test_matrix.py`, which has the expected outcome of each row. Most faults also
echo the key and a secret value, so that the tests can check that no secret is shown.
"""

from __future__ import annotations

import gzip
import json
import zlib
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Final

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
from tests.support.raw_server import (
    Action,
    Drip,
    Ending,
    ReadUntil,
    Script,
    WithoutTls,
    error_response,
    http_response,
    json_response,
    response_head,
)
from tests.support.runners import KEY
from tests.support.secret_search import PASSWORD, SPELLINGS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


class Row(Enum):
    """The rows of the table of outcomes: faults in the same row have the same outcome."""

    NO_CONNECTION = auto()
    CERTIFICATE = auto()
    RATE_LIMIT = auto()
    LONG_RATE_LIMIT = auto()  # status 429 with a Retry-After of more than an hour, the longest that the client accepts
    REFUSED = auto()  # a 4xx status that has no row of its own
    TOO_EARLY = auto()  # status 425
    NOT_FOUND = auto()  # status 404
    REDIRECT = auto()
    UNCERTAIN = auto()  # a status after which it is unknown whether a task has started: 408, and 499 to 599
    LOST = auto()  # a broken connection or a timeout, after a part of the request may have been sent
    UNREADABLE = auto()  # a 2xx response that does not fit the spec
    TOO_LARGE = auto()
    UNKNOWN_STATUS = auto()
    OTHER_CASE = auto()
    NO_RESULT = auto()
    FAILED = auto()
    HARMLESS = auto()  # the correct result, in a response with a mistake that the client ignores


LIMIT: Final = 100_000
"""The `max_response_bytes` of the clients in these tests."""
_SHORT: Final = (0.4, 4.0, 20.0)
"""The limits of the clients in tests whose server hangs; the first one is enough if threads run on."""


@dataclass(frozen=True)
class Fault:
    """One fault.

    Attributes:
        name: The name, used in the ids of tests.
        row: The fault's row, at a check and at a start.
        make_script: Makes the server's script when it is needed, since some scripts are large. None if no request
            reaches the server.
        error: The class of the error that the fault causes. This error is raised, or is the `last_error` of a
            TaskTimeoutError that is raised.
        attributes: Attributes that the error must have, and their values.
        at_start: The fault's row at a start, if it differs from `row`.
        status: The HTTP status of the response; None if no complete head of a response arrives.
        retry_after: The seconds that the response asks the client to wait.
        hangs: Whether the server hangs, so that only the client's timeout ends the request.
        tls: Whether the fault occurs on a TLS connection with a valid certificate.
        handshake: The fault of a TLS handshake: a script that takes its place, or the name of a bad certificate.
        reason: A part of the error's text.
        sync: Whether the fault is tested with the sync client too. Two faults are not: the sync client cannot cut off
            a head that arrives byte by byte, and it cuts off a slow body by the clock, which is virtual in these tests.
    """

    name: str
    row: Row
    make_script: Callable[[], Script] | None
    error: type[AnchorError] = AnchorError
    attributes: Mapping[str, object] = field(default_factory=dict)
    at_start: Row | None = None
    status: int | None = None
    retry_after: float = 0.0
    hangs: bool = False
    tls: bool = False
    handshake: Script | str | None = None
    reason: str = ""
    sync: bool = True

    def __str__(self) -> str:
        return self.name

    @property
    def http_timeouts(self) -> tuple[float, ...]:
        """The limits `http_timeout` with which clients are tried, until one is long enough."""
        return _SHORT if self.hangs else (30.0,)

    def row_at(self, *, start: bool) -> Row:
        """Return the fault's row at a start, or its row at a check."""
        return self.at_start or self.row if start else self.row


ECHO: Final = f"you sent {KEY} and {PASSWORD}"
REDACTED_ECHO: Final = "you sent [redacted] and [redacted]"
ECHO_HEADERS: Final = {"x-request-id": ECHO, "x-echo": ECHO}
HTML: Final = f"<html><title>{ECHO}</title></html>".encode()
DONE: Final = json.dumps({"data": {"status": "COMPLETED", "result": "done"}}).encode()
CORRECT_BODY: Final = json.dumps(
    {"data": {"status": "COMPLETED", "workflow_id": "task-1", "result": "done"}, "echo": ECHO}
).encode()


def scripted(*actions: Action) -> Callable[[], Script]:
    """Return a function that makes the script with these actions."""
    return lambda: actions


def faults() -> Iterator[Fault]:
    """Yield all faults."""
    yield from _connections()
    yield from _lost()
    yield from _bodies()
    yield from _gzipped()
    yield from _interim_responses()
    yield from _statuses()
    yield from _retry_afters()
    yield from _redirects()
    yield from _shapes()
    yield from _states()
    yield from _echoes()


def _connections() -> Iterator[Fault]:
    refused = "the connection was refused; check base_url"
    yield Fault("connection-refused", Row.NO_CONNECTION, None, TransportError, reason=refused)
    closed = "the server closed the connection during the TLS handshake"
    plain = f"HTTP/1.1 400 {ECHO}\r\n\r\n".encode("latin-1")
    for name, script, reason in (
        ("closes-in-the-handshake", (Ending.CLOSE,), closed),
        ("resets-in-the-handshake", (Ending.RESET,), closed),
        ("unencrypted-response-to-a-handshake", (plain, Ending.CLOSE), "the server does not use TLS on this port"),
        ("alert-in-the-handshake", (b"\x15\x03\x03\x00\x02\x02\x28", Ending.CLOSE), "the TLS handshake failed ("),
    ):
        yield Fault(name, Row.NO_CONNECTION, None, TransportError, handshake=script, reason=reason)
    for certificate, reason in (
        ("untrusted", "was issued by an authority that is not trusted here"),
        ("self-signed", "is self-signed; to trust it, set SSL_CERT_FILE"),
        ("expired", "has expired"),
        ("future", "is not valid yet"),
        ("foreign", "is for another host name"),
    ):
        text = f"the server's certificate {reason}"
        name = f"{certificate}-certificate"
        yield Fault(name, Row.CERTIFICATE, None, TransportError, handshake=certificate, reason=text)


def _lost() -> Iterator[Fault]:
    head = response_head(200, len(CORRECT_BODY), ECHO_HEADERS)

    def lost(name: str, *actions: Action, status: int | None = None, at_start: Row | None = None) -> Fault:
        return Fault(name, Row.LOST, scripted(*actions), TransportError, status=status, at_start=at_start)

    yield lost("closes-at-the-first-byte", ReadUntil.FIRST_BYTE, Ending.CLOSE)
    yield lost("closes-after-the-head", ReadUntil.HEAD, Ending.CLOSE)
    yield lost("closes-without-a-byte", Ending.CLOSE)
    yield lost("resets-at-the-first-byte", ReadUntil.FIRST_BYTE, Ending.RESET)
    yield lost("resets-after-the-head", ReadUntil.HEAD, Ending.RESET)
    yield lost("resets-after-the-body", Ending.RESET)
    yield lost("closes-in-the-status-line", head[:9], Ending.CLOSE)
    yield lost("closes-in-the-head", head[:-30], Ending.CLOSE)
    yield lost("closes-in-the-body", head + CORRECT_BODY[:20], Ending.CLOSE, status=200)
    yield lost("resets-in-the-body", head + CORRECT_BODY[:20], Ending.RESET, status=200)
    yield lost(
        "body-is-shorter-than-declared",
        response_head(200, len(CORRECT_BODY) + 1) + CORRECT_BODY,
        Ending.CLOSE,
        status=200,
        at_start=Row.HARMLESS,
    )
    yield lost(
        "last-chunk-is-missing",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n%x\r\n%s\r\n" % (len(CORRECT_BODY), CORRECT_BODY),
        Ending.CLOSE,
        status=200,
        at_start=Row.HARMLESS,
    )
    yield lost("not-http", f"SSH-2.0-{ECHO}\r\n".encode("latin-1"), Ending.CLOSE)
    yield lost("echo-in-an-invalid-status-line", f"HTTP/1.1 {ECHO}\r\n\r\n".encode("latin-1"), Ending.CLOSE)
    yield lost("echo-in-an-invalid-header", f"HTTP/1.1 200 OK\r\n{ECHO}\r\n\r\n".encode("latin-1"), Ending.CLOSE)
    yield lost("content-length-is-not-a-number", b"HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n", Ending.CLOSE)

    def lost_tls(name: str, *actions: Action, status: int | None = None) -> Fault:
        return Fault(name, Row.LOST, scripted(*actions), TransportError, status=status, tls=True)

    record = b"\x17\x03\x03\x00\x20" + b"x" * 32
    yield lost_tls("unencrypted-response-on-a-tls-connection", WithoutTls(head + CORRECT_BODY), Ending.CLOSE)
    yield lost_tls("invalid-tls-record", WithoutTls(record), Ending.CLOSE)
    yield lost_tls(
        "invalid-tls-record-in-the-body", head + CORRECT_BODY[:20], WithoutTls(record), Ending.CLOSE, status=200
    )
    yield lost_tls("closes-in-the-body-without-tls-shutdown", head + CORRECT_BODY[:20], Ending.CLOSE, status=200)
    yield lost_tls("resets-a-tls-connection", Ending.RESET)

    def slow(name: str, *actions: Action, status: int | None = None, sync: bool = True) -> Fault:
        return Fault(name, Row.LOST, scripted(*actions), RequestTimeoutError, status=status, hangs=True, sync=sync)

    yield slow("sends-nothing", Ending.SILENCE)
    yield slow("sends-nothing-after-the-first-byte", ReadUntil.FIRST_BYTE, Ending.SILENCE)
    yield slow("incomplete-head", head[:-30], Ending.SILENCE)
    yield slow("incomplete-body", head + CORRECT_BODY[:20], Ending.SILENCE, status=200)
    yield slow("head-without-body", head, Ending.SILENCE, status=200)
    yield slow("head-arrives-byte-by-byte", Drip(head), CORRECT_BODY, sync=False)
    yield slow("body-arrives-byte-by-byte", head, Drip(CORRECT_BODY), status=200, sync=False)


def _bodies() -> Iterator[Fault]:
    def unreadable(name: str, body: bytes, status: int = 200, at_start: Row | None = None) -> Fault:
        return Fault(
            name,
            Row.UNREADABLE,
            partial(http_response, status, body, ECHO_HEADERS),
            UnexpectedResponseError,
            status=status,
            at_start=at_start,
        )

    yield unreadable("html-body", HTML)
    yield unreadable("201-html-body", HTML, 201)
    yield unreadable("empty-body", b"")
    yield unreadable("blank-body", b" \r\n")
    yield unreadable("incomplete-json", CORRECT_BODY[:-2], at_start=Row.HARMLESS)
    yield unreadable("json-twice", CORRECT_BODY + CORRECT_BODY, at_start=Row.HARMLESS)
    yield unreadable("invalid-utf-8", CORRECT_BODY.replace(b"done", b"d\xff\xfene"), at_start=Row.HARMLESS)
    yield unreadable("truncated-utf-16", CORRECT_BODY.decode().encode("utf-16")[:-1], at_start=Row.HARMLESS)
    yield unreadable("nested-49999-deep", b"[" * (LIMIT // 2 - 1) + b"]" * (LIMIT // 2 - 1))
    digits = CORRECT_BODY.replace(b'"done"', b"7" * 10_000)
    yield unreadable("number-with-10000-digits", digits, at_start=Row.HARMLESS)
    nested = CORRECT_BODY.replace(b'"done"', b"[" * 10_000 + b"]" * 10_000)
    yield unreadable("id-beside-10000-nested-lists", nested, at_start=Row.HARMLESS)
    yield unreadable("missing-comma", CORRECT_BODY.replace(b", ", b" ", 1), at_start=Row.HARMLESS)
    yield unreadable("line-before-the-json", b"warning: {slow}\n" + CORRECT_BODY, at_start=Row.HARMLESS)
    yield unreadable("javascript-before-the-json", b")]}',\n" + CORRECT_BODY, at_start=Row.HARMLESS)
    yield unreadable("object-before-the-json", b"{}" + CORRECT_BODY, at_start=Row.HARMLESS)
    yield unreadable("gzip-without-a-header", gzip.compress(CORRECT_BODY), at_start=Row.HARMLESS)
    for status in (204, 205):
        bare = f"HTTP/1.1 {status} Whatever\r\nconnection: close\r\n\r\n".encode()
        yield Fault(f"{status}", Row.UNREADABLE, scripted(bare, Ending.CLOSE), UnexpectedResponseError, status=status)

    endless = response_head(200, 10**12) + b" " * (LIMIT + 1)
    yield Fault("endless-body", Row.TOO_LARGE, scripted(endless, Ending.SILENCE), UnexpectedResponseError, status=200)
    chunk = b"%x\r\n%s\r\n" % (LIMIT + 1, b" " * (LIMIT + 1))
    chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + chunk
    yield Fault("endless-chunks", Row.TOO_LARGE, scripted(chunked, Ending.SILENCE), UnexpectedResponseError, status=200)


def _gzipped() -> Iterator[Fault]:
    gzipped = {"content-encoding": "gzip"}
    yield Fault(
        "invalid-gzip",
        Row.UNREADABLE,
        partial(http_response, 200, CORRECT_BODY, gzipped),
        UnexpectedResponseError,
        status=200,
        at_start=Row.HARMLESS,
    )
    packed = gzip.compress(CORRECT_BODY)

    def coded(name: str, body: bytes, row: Row, at_start: Row | None = None, coding: str = "gzip") -> Fault:
        kind = AnchorError if row is Row.HARMLESS else UnexpectedResponseError
        headers = {"content-encoding": coding}
        return Fault(name, row, partial(http_response, 200, body, headers), kind, at_start=at_start, status=200)

    checksum, size = packed[:-8] + b"\0\0\0\0" + packed[-4:], packed[:-4] + b"\0\0\0\0"
    yield coded("gzip-with-a-wrong-checksum", checksum, Row.UNREADABLE, Row.HARMLESS)
    yield coded("gzip-with-a-wrong-size", size, Row.UNREADABLE, Row.HARMLESS)
    yield coded("gzip-without-its-last-byte", packed[:-1], Row.HARMLESS)
    yield coded("gzip-without-checksum-and-size", packed[:-8], Row.HARMLESS)
    yield coded("gzip-that-ends-in-the-json", packed[: len(packed) // 2], Row.UNREADABLE)
    yield coded("deflate", zlib.compress(CORRECT_BODY), Row.HARMLESS, coding="deflate")
    yield coded("identity-and-gzip", packed, Row.HARMLESS, coding="identity, GZIP")
    yield coded("gzip-twice", gzip.compress(packed), Row.UNREADABLE, Row.HARMLESS, coding="gzip, gzip")
    middle = len(CORRECT_BODY) // 2
    members = gzip.compress(CORRECT_BODY[:middle]) + gzip.compress(CORRECT_BODY[middle:])
    yield coded("gzip-in-two-members", members, Row.HARMLESS)
    yield coded("gzip-with-padding", packed + b"\0" * 512, Row.HARMLESS)
    bare = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    yield coded("deflate-without-a-header", bare.compress(CORRECT_BODY) + bare.flush(), Row.HARMLESS, coding="deflate")
    yield coded("brotli", b"\x8b\x02\x80{}\x03", Row.UNREADABLE, coding="br")
    yield coded("uncompressed-json-that-claims-to-be-brotli", CORRECT_BODY, Row.HARMLESS, coding="br")
    yield Fault(
        "gzip-of-400-mib",
        Row.TOO_LARGE,
        lambda: http_response(200, _bomb(), gzipped),
        UnexpectedResponseError,
        status=200,
    )


def _interim_responses() -> Iterator[Fault]:
    """Yield faults with responses before the final one, and with heads whose lines end without a carriage return."""
    interim = f"HTTP/1.1 103 Early Hints\r\nlink: <{ECHO}>\r\n\r\n".encode()
    head, short = response_head(200, len(CORRECT_BODY), ECHO_HEADERS), response_head(200, len(CORRECT_BODY) - 9)
    for name, data in (
        ("100-and-103-before-the-response", b"HTTP/1.1 100 Continue\r\n\r\n" + interim + head + CORRECT_BODY),
        ("head-without-carriage-returns", head.replace(b"\r\n", b"\n") + CORRECT_BODY),
    ):
        yield Fault(name, Row.HARMLESS, scripted(data), status=200)
    for name, before in (
        ("body-is-longer-than-declared-after-103", interim + short),
        ("body-is-longer-than-declared-after-a-bare-103", interim.replace(b"\r\n", b"\n") + short),
        ("body-is-longer-than-declared-without-carriage-returns", short.replace(b"\r\n", b"\n")),
    ):
        yield Fault(
            name,
            Row.UNREADABLE,
            scripted(before + CORRECT_BODY, Ending.CLOSE),
            UnexpectedResponseError,
            at_start=Row.HARMLESS,
            status=200,
        )
    switch = f"HTTP/1.1 101 {ECHO}\r\nconnection: upgrade\r\nupgrade: {ECHO}\r\n\r\n".encode()
    for name, ending in (("101", Ending.CLOSE), ("101-and-then-silence", Ending.SILENCE)):
        yield Fault(name, Row.LOST, scripted(switch, ending), TransportError)


@cache
def _bomb() -> bytes:
    """Return 400 MiB of spaces as gzip.

    Only two MiB are compressed: after a full flush, each MiB of spaces has the same compressed form, which is repeated.
    """
    compressor = zlib.compressobj(9, wbits=zlib.MAX_WBITS + 16)
    pieces = [compressor.compress(b" " * 2**20) + compressor.flush(zlib.Z_FULL_FLUSH) for _ in range(2)]
    return pieces[0] + pieces[1] * 399


_ERRORS: Final[dict[int, type[StatusError]]] = {
    400: BadRequestError,
    401: AuthenticationError,
    402: PaymentRequiredError,
    403: PermissionDeniedError,
    404: NotFoundError,
    422: BadRequestError,
    429: RateLimitError,
}
_ROWS: Final = {404: Row.NOT_FOUND, 408: Row.UNCERTAIN, 425: Row.TOO_EARLY, 429: Row.RATE_LIMIT, 499: Row.UNCERTAIN}
_STATUSES: Final = (*range(400, 432), 451, 499, *range(500, 512), *range(520, 531), 599)


def _status(
    name: str, status: int, make_script: Callable[[], Script], message: str | None = None, **more: Any
) -> Fault:
    kind = _ERRORS.get(status) or (ServerError if status >= 500 else StatusError)
    attributes = {"status": status, "message": message, **more.pop("attributes", {})}
    row = more.pop("row", None) or _ROWS.get(status) or (Row.UNCERTAIN if status >= 500 else Row.REFUSED)
    return Fault(name, row, make_script, kind, attributes, status=status, **more)


def _statuses() -> Iterator[Fault]:
    for status in _STATUSES:
        yield _status(
            str(status),
            status,
            partial(error_response, status, ECHO, ECHO_HEADERS),
            REDACTED_ECHO,
            attributes={"code": status, "request_id": REDACTED_ECHO},
        )
    for status in (404, 500, 502, 503, 504):
        yield _status(f"{status}-html", status, partial(http_response, status, HTML, ECHO_HEADERS))
    yield _status("503-closes-in-the-body", 503, scripted(response_head(503, 60) + b'{"error": ', Ending.CLOSE))
    yield _status("401-hangs-in-the-body", 401, scripted(response_head(401, 60), Ending.SILENCE), hangs=True)
    yield _status("502-endless-body", 502, scripted(response_head(502, 10**12) + b" " * LIMIT, Ending.SILENCE))
    yield _status("400-body-is-a-list", 400, partial(json_response, [ECHO], 400))
    yield _status("400-error-is-text", 400, partial(json_response, {"error": ECHO}, 400), REDACTED_ECHO)
    yield _status("400-error-is-a-number", 400, partial(json_response, {"error": 7}, 400))
    yield _status(
        "400-message-is-a-list", 400, partial(json_response, {"error": {"message": [ECHO], "code": "x"}}, 400)
    )
    yield Fault(
        "600", Row.UNREADABLE, partial(error_response, 600, ECHO, ECHO_HEADERS), UnexpectedResponseError, status=600
    )
    yield Fault(
        "999", Row.UNREADABLE, partial(error_response, 999, ECHO, ECHO_HEADERS), UnexpectedResponseError, status=999
    )


def _retry_afters() -> Iterator[Fault]:
    for name, text, seconds in (
        ("seconds", "7", 7.0),
        ("seconds-between-spaces", "  7 ", 7.0),
        # The virtual clock begins at Fri, 15 Jan 2027 08:00:00 GMT, and the first check comes at 08:00:01. So these
        # dates are seven seconds after the first check.
        ("imf-fixdate", "Fri, 15 Jan 2027 08:00:08 GMT", 7.0),
        ("rfc-850", "Friday, 15-Jan-27 08:00:08 GMT", 7.0),
        ("asctime", "Fri Jan 15 08:00:08 2027", 7.0),
        ("past-date", "Fri, 15 Jan 2021 08:00:07 GMT", 0.0),
        ("century", "3153600000", 3_153_600_000.0),
        ("century-as-a-date", "Wed, 15 Jan 2127 08:00:00 GMT", 3_155_673_600.0),
        ("negative", "-5", None),
        ("fraction", "1.5", None),
        ("nonsense", "soon", None),
        ("echo", ECHO, None),
        ("empty", "", None),
    ):
        for status in (429, 503):
            long = seconds is not None and seconds > 3600 and status == 429
            yield _status(
                f"{status}-retry-after-{name}",
                status,
                partial(error_response, status, ECHO, {"retry-after": text}),
                REDACTED_ECHO,
                attributes={} if ":" in text else {"retry_after": seconds},
                retry_after=seconds or 0.0,
                at_start=Row.LONG_RATE_LIMIT if long else None,
            )
    after = {"retry-after": "7"}
    cut = {status: response_head(status, len(CORRECT_BODY), after) + CORRECT_BODY[:20] for status in (200, 502)}
    for fault in (
        Fault(
            "unreadable-retry-after", Row.UNREADABLE, partial(http_response, 200, HTML, after), UnexpectedResponseError
        ),
        Fault("lost-retry-after", Row.LOST, scripted(cut[200], Ending.CLOSE), TransportError),
        Fault(
            "corrupt-retry-after",
            Row.UNREADABLE,
            partial(http_response, 200, b"", {"content-encoding": "gzip", **after}),
            UnexpectedResponseError,
        ),
        _status("502-lost-retry-after", 502, scripted(cut[502], Ending.CLOSE)),
        _status("408-retry-after", 408, partial(error_response, 408, ECHO, after), REDACTED_ECHO),
    ):
        yield replace(fault, status=fault.status or 200, retry_after=7.0)


OTHER_SERVER: Final = "{other-server}"
"""A placeholder for the URL of another server, which is not known before that server runs."""


def _redirects() -> Iterator[Fault]:
    for status in (300, 301, 302, 303, 304, 305, 307, 308):
        for name, location in (
            ("to-the-same-server", "/v1/tools/perform-web-task"),
            ("to-another-server", f"{OTHER_SERVER}/v1/x?q={KEY}"),
        ):
            yield Fault(
                f"{status}-{name}",
                Row.REDIRECT,
                scripted(response_head(status, 0, {"location": location, **ECHO_HEADERS}), Ending.CLOSE),
                UnexpectedResponseError,
                status=status,
            )
    for name, location in (
        ("without-target", ""),
        ("to-an-invalid-port", f"https://{KEY}:port/"),
        ("to-a-host-whose-name-is-the-key", f"https://{KEY}.example/"),
        ("to-a-host-that-cannot-be-decoded", "https://xn--a/"),
        ("to-an-incomplete-host", "http://xn--/"),
        ("to-a-file", "file:///etc/passwd"),
    ):
        yield Fault(
            f"307-{name}",
            Row.REDIRECT,
            partial(http_response, 307, b"", {"location": location}),
            UnexpectedResponseError,
            status=307,
        )


def _shapes() -> Iterator[Fault]:
    def unreadable(name: str, content: object) -> Fault:
        return Fault(name, Row.UNREADABLE, partial(json_response, content), UnexpectedResponseError, status=200)

    for name, content in (
        ("null", None),
        ("text", ECHO),
        ("list", []),
        ("list-of-objects", [{"data": {}}]),
        ("number", 7),
    ):
        yield unreadable(f"body-is-{name}", content)
        yield unreadable(f"data-is-{name}", {"data": content})
    yield unreadable("body-is-empty-object", {})
    yield unreadable("body-is-error", {"error": {"code": 500, "message": ECHO}})
    yield unreadable("data-is-empty-object", {"data": {}})
    yield unreadable("data-is-doubly-nested", {"data": {"data": {"result": "done", "status": "COMPLETED"}}})


def _states() -> Iterator[Fault]:
    def state(
        name: str, row: Row, attributes: Mapping[str, object], data: dict[str, object], at_start: Row = Row.UNREADABLE
    ) -> Fault:
        return Fault(
            name,
            row,
            partial(json_response, {"data": data}),
            UnexpectedResponseError,
            attributes,
            at_start=at_start,
            status=200,
        )

    for name, status, shown in (
        ("unknown", "QUEUED", "QUEUED"),
        ("empty", "", ""),
        ("echo", ECHO, REDACTED_ECHO),
        ("null", None, None),
        ("number", 7, None),
        ("object", {"is": ECHO}, None),
    ):
        yield state(f"status-is-{name}", Row.UNKNOWN_STATUS, {"last_status": shown}, {"status": status})
    for spelling in ("completed", "Completed"):
        yield state(f"status-is-{spelling}", Row.OTHER_CASE, {}, {"status": spelling, "result": "done"}, Row.HARMLESS)
    yield state("completed-without-result", Row.NO_RESULT, {}, {"status": "COMPLETED"})
    for name, more, reason in (
        ("text", {"error": ECHO}, REDACTED_ECHO),
        ("an-object", {"error": {"code": 7, "message": ECHO}}, f'{{"code": 7, "message": "{REDACTED_ECHO}"}}'),
        ("a-list", {"error": ["no", ECHO]}, f'["no", "{REDACTED_ECHO}"]'),
        ("a-number", {"error": 7}, "7"),
        ("an-empty-text", {"error": ""}, ""),
        ("null", {"error": None}, None),
        ("no-error-field", {}, None),
    ):
        yield state(f"failed-with-{name}", Row.FAILED, {"reason": reason}, {"status": "FAILED", **more})
    trailing = response_head(200, len(CORRECT_BODY)) + CORRECT_BODY + HTML
    yield Fault("body-is-longer-than-declared", Row.HARMLESS, scripted(trailing, Ending.CLOSE), status=200)
    nan = CORRECT_BODY.replace(b'"echo"', b'"also": NaN, "echo"')
    yield Fault("nan-beside-the-result", Row.HARMLESS, partial(http_response, 200, nan), status=200)


def _echoes() -> Iterator[Fault]:
    """Yield faults that echo the secrets: in various spellings, and at places where a long text is cut within a secret.

    Rich, a crash reporter, truncates texts after 80 characters, and the package truncates messages after 300.
    """
    for name, spell in SPELLINGS.items():
        spelled = f"{spell(KEY)} {spell(PASSWORD)}"
        yield _status(f"echo-{name}", 403, partial(error_response, 403, spelled), "[redacted] [redacted]")
        in_header = {"x-request-id": spelled.encode().decode("latin-1"), "x-odd": "\xff"}
        yield _status(f"echo-{name}-in-a-header", 502, partial(error_response, 502, "no", in_header), "no")
    yield _status("truncated-echo", 403, partial(error_response, 403, f"you sent {KEY[:12]}"), "you sent [redacted]")
    for length in (80, 300):
        for back in (4, 12):
            text = f"{'.' * (length - back)}{KEY} {'.' * (length - back)}{PASSWORD}"
            shown = f"{'.' * (length - back)}[redacted] {'.' * (length - back)}[redacted]"
            cut = shown if len(shown) <= 300 else f"{shown[:300]}…"
            yield _status(f"echo-{back}-characters-before-{length}", 403, partial(error_response, 403, text), cut)
    yield _status("echo-in-the-status-line", 400, partial(json_response, {}, f"400 {ECHO}"))
    yield _status("echo-in-the-status-line-of-502", 502, partial(json_response, {}, f"502 {ECHO}"))
