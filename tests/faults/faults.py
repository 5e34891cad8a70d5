"""All that a server, or the way to it, may do wrong, each with the row of the tables that it belongs to.

Where a fault has a place for it, it echoes the key and a secret value, so that each is also a hunt for them.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass, field
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
    """What the tables tell apart."""

    NO_CONNECTION = auto()
    CERTIFICATE = auto()
    RATE_LIMIT = auto()
    LONG_RATE_LIMIT = auto()  # Retry-After is more than the hour that is waited for at most
    REFUSED = auto()  # a 4xx that has no row of its own
    EARLY = auto()  # 425
    NOT_FOUND = auto()  # 404
    REDIRECT = auto()
    UNCERTAIN = auto()  # 408, 499, 5xx, 52x
    LOST = auto()  # the connection broke, or the time was over, once a byte may have left
    UNREADABLE = auto()  # a success by its status that isn't what the spec says
    TOO_LARGE = auto()
    UNKNOWN_STATUS = auto()
    OTHER_CASE = auto()
    NO_RESULT = auto()
    FAILED = auto()
    HARMLESS = auto()  # the right answer, and something else that is wrong


LIMIT: Final = 100_000
"""The clients' max_response_bytes."""
HTTP_TIMEOUT: Final = 0.4
"""The clients' http_timeout where a server says nothing, or too little."""
EPOCH: Final = 1_800_000_000.0
"""When the tests' clock begins: Fri, 15 Jan 2027 08:00:00 GMT."""


@dataclass(frozen=True)
class Fault:
    """One fault.

    Attributes:
        name: What it is, for a test's id.
        row: What it means while waiting.
        play: What the server does; made when it's needed, since some are large. None where it comes to no request.
        error: What is raised, or kept as `.last_error`, where the fault itself is what is told.
        known: What that error knows.
        at_start: What it means at a start, if something else.
        status: The HTTP status of the answer; None if there is no head.
        retry_after: The seconds that the answer asks for.
        hangs: Whether only the clients' time-out ends it.
        tls: Whether it's about a TLS connection, which holds until then.
        sync: Whether the sync face is held to it here: it can't cut a dripped head, and looks at the clock, which is
            virtual here, to cut a dripped body.
    """

    name: str
    row: Row
    play: Callable[[], Script] | None
    error: type[AnchorError] = AnchorError
    known: Mapping[str, object] = field(default_factory=dict)
    at_start: Row | None = None
    status: int | None = None
    retry_after: float = 0.0
    hangs: bool = False
    tls: bool = False
    sync: bool = True

    def __str__(self) -> str:
        return self.name

    def row_at(self, *, start: bool) -> Row:
        """Return what it means at a start, or while waiting."""
        return self.at_start or self.row if start else self.row


ECHO: Final = f"you sent {KEY} and {PASSWORD}"
QUOTED: Final = "you sent [redacted] and [redacted]"
IN_HEADERS: Final = {"x-request-id": ECHO, "x-echo": ECHO}
HTML: Final = f"<html><title>{ECHO}</title></html>".encode()
DONE: Final = json.dumps({"data": {"status": "COMPLETED", "result": "done"}}).encode()
RIGHT: Final = json.dumps(
    {"data": {"status": "COMPLETED", "workflow_id": "task-1", "result": "done"}, "echo": ECHO}
).encode()


def just(*steps: Action) -> Callable[[], Script]:
    """Script these steps."""
    return lambda: steps


def faults() -> Iterator[Fault]:
    """Make all of them."""
    yield from _connections()
    yield from _lost()
    yield from _bodies()
    yield from _packed()
    yield from _statuses()
    yield from _retry_afters()
    yield from _redirects()
    yield from _shapes()
    yield from _states()
    yield from _echoes()


def _connections() -> Iterator[Fault]:
    yield Fault("refuses", Row.NO_CONNECTION, None, TransportError)
    yield Fault("has-nobodys-certificate", Row.CERTIFICATE, None, TransportError)


def _lost() -> Iterator[Fault]:
    half = response_head(200, len(RIGHT), IN_HEADERS)

    def lost(name: str, *play: Action, status: int | None = None) -> Fault:
        return Fault(name, Row.LOST, just(*play), TransportError, status=status)

    yield lost("closes-at-the-first-byte", ReadUntil.FIRST_BYTE, Ending.CLOSE)
    yield lost("closes-after-the-head", ReadUntil.HEAD, Ending.CLOSE)
    yield lost("closes-without-a-byte", Ending.CLOSE)
    yield lost("resets-at-the-first-byte", ReadUntil.FIRST_BYTE, Ending.RESET)
    yield lost("resets-after-the-head", ReadUntil.HEAD, Ending.RESET)
    yield lost("resets-after-the-body", Ending.RESET)
    yield lost("closes-in-its-status-line", half[:9], Ending.CLOSE)
    yield lost("closes-in-its-head", half[:-30], Ending.CLOSE)
    yield lost("closes-in-its-body", half + RIGHT[:20], Ending.CLOSE, status=200)
    yield lost("resets-in-its-body", half + RIGHT[:20], Ending.RESET, status=200)
    yield lost("body-is-shorter-than-declared", response_head(200, len(RIGHT) + 1) + RIGHT, Ending.CLOSE, status=200)
    yield lost("no-http", f"SSH-2.0-{ECHO}\r\n".encode("latin-1"), Ending.CLOSE)
    yield lost("echo-in-a-broken-status-line", f"HTTP/1.1 {ECHO}\r\n\r\n".encode("latin-1"), Ending.CLOSE)
    yield lost("echo-in-a-broken-header", f"HTTP/1.1 200 OK\r\n{ECHO}\r\n\r\n".encode("latin-1"), Ending.CLOSE)
    yield lost("length-is-no-number", b"HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n", Ending.CLOSE)

    def torn(name: str, *play: Action, status: int | None = None) -> Fault:
        return Fault(name, Row.LOST, just(*play), TransportError, status=status, tls=True)

    record = b"\x17\x03\x03\x00\x20" + b"x" * 32
    yield torn("plain-text-within-tls", WithoutTls(half + RIGHT), Ending.CLOSE)
    yield torn("broken-record", WithoutTls(record), Ending.CLOSE)
    yield torn("broken-record-in-its-body", half + RIGHT[:20], WithoutTls(record), Ending.CLOSE, status=200)
    yield torn("closes-in-its-body-within-tls", half + RIGHT[:20], Ending.CLOSE, status=200)
    yield torn("resets-within-tls", Ending.RESET)

    def slow(name: str, *play: Action, status: int | None = None, sync: bool = True) -> Fault:
        return Fault(name, Row.LOST, just(*play), RequestTimeoutError, status=status, hangs=True, sync=sync)

    yield slow("says-nothing", Ending.SILENCE)
    yield slow("says-nothing-and-reads-nothing", ReadUntil.FIRST_BYTE, Ending.SILENCE)
    yield slow("half-a-head", half[:-30], Ending.SILENCE)
    yield slow("half-a-body", half + RIGHT[:20], Ending.SILENCE, status=200)
    yield slow("no-body", half, Ending.SILENCE, status=200)
    yield slow("dripping-head", Drip(half), RIGHT, sync=False)
    yield slow("dripping-body", half, Drip(RIGHT), status=200, sync=False)


def _bodies() -> Iterator[Fault]:
    def unreadable(name: str, body: bytes, status: int = 200) -> Fault:
        return Fault(
            name,
            Row.UNREADABLE,
            partial(http_response, status, body, IN_HEADERS),
            UnexpectedResponseError,
            status=status,
        )

    yield unreadable("html", HTML)
    yield unreadable("201-html", HTML, 201)
    yield unreadable("empty", b"")
    yield unreadable("blank", b" \r\n")
    yield unreadable("half-of-the-json", RIGHT[:-2])
    yield unreadable("json-twice", RIGHT + RIGHT)
    yield unreadable("bad-utf-8", RIGHT.replace(b"done", b"d\xff\xfene"))
    yield unreadable("utf-16-cut-off", RIGHT.decode().encode("utf-16")[:-1])
    yield unreadable("100000-deep", b"[" * (LIMIT // 2 - 1) + b"]" * (LIMIT // 2 - 1))
    yield unreadable("a-number-of-10000-digits", RIGHT.replace(b'"done"', b"7" * 10_000))
    for status in (204, 205):
        bare = f"HTTP/1.1 {status} Whatever\r\n\r\n".encode()
        yield Fault(f"{status}", Row.UNREADABLE, just(bare, Ending.CLOSE), UnexpectedResponseError, status=status)

    endless = response_head(200, 10**12) + b" " * (LIMIT + 1)
    yield Fault("endless-body", Row.TOO_LARGE, just(endless, Ending.SILENCE), UnexpectedResponseError, status=200)
    chunk = b"%x\r\n%s\r\n" % (LIMIT + 1, b" " * (LIMIT + 1))
    chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + chunk
    yield Fault("endless-chunks", Row.TOO_LARGE, just(chunked, Ending.SILENCE), UnexpectedResponseError, status=200)


def _packed() -> Iterator[Fault]:
    packed = {"content-encoding": "gzip"}
    yield Fault(
        "gzip-that-does-not-unpack",
        Row.UNREADABLE,
        partial(http_response, 200, RIGHT, packed),
        UnexpectedResponseError,
        status=200,
    )
    yield Fault(
        "gzip-of-400-mib",
        Row.TOO_LARGE,
        lambda: http_response(200, _bomb(), packed),
        UnexpectedResponseError,
        status=200,
    )


@cache
def _bomb() -> bytes:
    """Pack 400 MiB of blanks, in a moment: after a full flush each MiB is packed alike."""
    packer = zlib.compressobj(9, wbits=zlib.MAX_WBITS + 16)
    pieces = [packer.compress(b" " * 2**20) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2)]
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
_ROWS: Final = {404: Row.NOT_FOUND, 408: Row.UNCERTAIN, 425: Row.EARLY, 429: Row.RATE_LIMIT, 499: Row.UNCERTAIN}
_STATUSES: Final = (*range(400, 432), 451, 499, *range(500, 512), *range(520, 531), 599)


def _status(name: str, status: int, play: Callable[[], Script], message: str | None = None, **more: Any) -> Fault:
    kind = _ERRORS.get(status) or (ServerError if status >= 500 else StatusError)
    known = {"status": status, "message": message, **more.pop("known", {})}
    row = more.pop("row", None) or _ROWS.get(status) or (Row.UNCERTAIN if status >= 500 else Row.REFUSED)
    return Fault(name, row, play, kind, known, status=status, **more)


def _statuses() -> Iterator[Fault]:
    for status in _STATUSES:
        yield _status(
            str(status),
            status,
            partial(error_response, status, ECHO, IN_HEADERS),
            QUOTED,
            known={"code": status, "request_id": QUOTED},
        )
    for status in (404, 500, 502, 503, 504):
        yield _status(f"{status}-html", status, partial(http_response, status, HTML, IN_HEADERS))
    yield _status("503-closes-in-its-body", 503, just(response_head(503, 60) + b'{"error": ', Ending.CLOSE))
    yield _status("401-hangs-in-its-body", 401, just(response_head(401, 60), Ending.SILENCE), hangs=True)
    yield _status("502-endless", 502, just(response_head(502, 10**12) + b" " * LIMIT, Ending.SILENCE))
    yield _status("400-list", 400, partial(json_response, [ECHO], 400))
    yield _status("400-error-is-text", 400, partial(json_response, {"error": ECHO}, 400), QUOTED)
    yield _status("400-error-is-a-number", 400, partial(json_response, {"error": 7}, 400))
    yield _status(
        "400-message-is-a-list", 400, partial(json_response, {"error": {"message": [ECHO], "code": "x"}}, 400)
    )
    yield Fault(
        "600", Row.UNREADABLE, partial(error_response, 600, ECHO, IN_HEADERS), UnexpectedResponseError, status=600
    )
    yield Fault(
        "999", Row.UNREADABLE, partial(error_response, 999, ECHO, IN_HEADERS), UnexpectedResponseError, status=999
    )


def _retry_afters() -> Iterator[Fault]:
    for name, text, seconds in (
        ("seconds", "7", 7.0),
        ("seconds-with-blanks", "  7 ", 7.0),
        # Dates are eight seconds after the beginning: seven after the first check of a task.
        ("imf-fixdate", "Fri, 15 Jan 2027 08:00:08 GMT", 7.0),
        ("rfc-850", "Friday, 15-Jan-27 08:00:08 GMT", 7.0),
        ("asctime", "Fri Jan 15 08:00:08 2027", 7.0),
        ("past-date", "Fri, 15 Jan 2021 08:00:07 GMT", 0.0),
        ("a-century", "3153600000", 3_153_600_000.0),
        ("a-century-as-a-date", "Wed, 15 Jan 2127 08:00:00 GMT", 3_155_673_600.0),
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
                QUOTED,
                known={} if ":" in text else {"retry_after": seconds},
                retry_after=seconds or 0.0,
                at_start=Row.LONG_RATE_LIMIT if long else None,
            )


OTHER_SERVER: Final = "{elsewhere}"
"""Stands for another server's address, which is known only when it runs."""


def _redirects() -> Iterator[Fault]:
    for status in (300, 301, 302, 303, 304, 305, 307, 308):
        for name, location in (
            ("to-itself", "/v1/tools/perform-web-task"),
            ("elsewhere", f"{OTHER_SERVER}/v1/x?q={KEY}"),
        ):
            yield Fault(
                f"{status}-{name}",
                Row.REDIRECT,
                just(response_head(status, 0, {"location": location, **IN_HEADERS}), Ending.CLOSE),
                UnexpectedResponseError,
                status=status,
            )
    for name, location in (
        ("nowhere", ""),
        ("to-nonsense", f"https://{KEY}:port/"),
        ("to-a-host-named-as-the-key", f"https://{KEY}.example/"),
        ("to-a-host-that-cannot-be-decoded", "https://xn--a/"),
        ("to-half-a-host", "http://xn--/"),
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

    for name, content in (("null", None), ("text", ECHO), ("list", []), ("list-of-it", [{"data": {}}]), ("number", 7)):
        yield unreadable(f"top-is-{name}", content)
        yield unreadable(f"data-is-{name}", {"data": content})
    yield unreadable("top-is-empty", {})
    yield unreadable("top-is-the-error", {"error": {"code": 500, "message": ECHO}})
    yield unreadable("data-is-empty", {"data": {}})
    yield unreadable("data-is-doubly-nested", {"data": {"data": {"result": "done", "status": "COMPLETED"}}})


def _states() -> Iterator[Fault]:
    def state(
        name: str, row: Row, known: Mapping[str, object], data: dict[str, object], at_start: Row = Row.UNREADABLE
    ) -> Fault:
        return Fault(
            name,
            row,
            partial(json_response, {"data": data}),
            UnexpectedResponseError,
            known,
            at_start=at_start,
            status=200,
        )

    for name, status, shown in (
        ("unknown", "QUEUED", "QUEUED"),
        ("empty", "", ""),
        ("echo", ECHO, QUOTED),
        ("null", None, None),
        ("number", 7, None),
        ("object", {"is": ECHO}, None),
    ):
        yield state(f"status-is-{name}", Row.UNKNOWN_STATUS, {"last_status": shown}, {"status": status})
    for spelling in ("completed", "Completed"):
        yield state(f"status-is-{spelling}", Row.OTHER_CASE, {}, {"status": spelling, "result": "done"}, Row.HARMLESS)
    yield state("completed-without-result", Row.NO_RESULT, {}, {"status": "COMPLETED"})
    for name, more, reason in (
        ("text", {"error": ECHO}, QUOTED),
        ("an-object", {"error": {"code": 7, "message": ECHO}}, f'{{"code": 7, "message": "{QUOTED}"}}'),
        ("a-list", {"error": ["no", ECHO]}, f'["no", "{QUOTED}"]'),
        ("a-number", {"error": 7}, "7"),
        ("an-empty-text", {"error": ""}, ""),
        ("null", {"error": None}, None),
        ("nothing", {}, None),
    ):
        yield state(f"failed-with-{name}", Row.FAILED, {"reason": reason}, {"status": "FAILED", **more})
    trailing = response_head(200, len(RIGHT)) + RIGHT + HTML
    yield Fault("body-is-longer-than-declared", Row.HARMLESS, just(trailing, Ending.CLOSE), status=200)
    nan = RIGHT.replace(b'"echo"', b'"also": NaN, "echo"')
    yield Fault("nan-beside-the-answer", Row.HARMLESS, partial(http_response, 200, nan), status=200)


def _echoes() -> Iterator[Fault]:
    """Yield echoes that a slice would cut in the middle of a secret: at 80 characters, or where we cut ourselves."""
    for name, spell in SPELLINGS.items():
        spelled = f"{spell(KEY)} {spell(PASSWORD)}"
        yield _status(f"echo-{name}", 403, partial(error_response, 403, spelled), "[redacted] [redacted]")
        in_header = {"x-request-id": spelled.encode().decode("latin-1"), "x-odd": "\xff"}
        yield _status(f"echo-{name}-in-a-header", 502, partial(error_response, 502, "no", in_header), "no")
    yield _status("echo-cut-off", 403, partial(error_response, 403, f"you sent {KEY[:12]}"), "you sent [redacted]")
    for length in (80, 300):
        for back in (4, 12):
            text = f"{'.' * (length - back)}{KEY} {'.' * (length - back)}{PASSWORD}"
            shown = f"{'.' * (length - back)}[redacted] {'.' * (length - back)}[redacted]"
            cut = shown if len(shown) <= 300 else f"{shown[:300]}…"
            yield _status(f"echo-across-{length}-{back}", 403, partial(error_response, 403, text), cut)
    yield _status("echo-in-the-status-line", 400, partial(json_response, {}, f"400 {ECHO}"))
    yield _status("echo-in-the-status-line-of-502", 502, partial(json_response, {}, f"502 {ECHO}"))
