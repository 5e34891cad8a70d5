"""What comes of a start: the first table of the design, row by row, over real sockets and in virtual time."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import pytest

from anchor_webtask import (
    AnchorError,
    AuthenticationError,
    BadRequestError,
    NotFoundError,
    PaymentRequiredError,
    PermissionDeniedError,
    RateLimitError,
    RequestTimeoutError,
    StartOutcomeUnknownError,
    StatusError,
    TransportError,
    UnexpectedResponseError,
)
from tests.support.errors import raised
from tests.support.raw_server import (
    STARTED,
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

METHODS: Final = ("start", "run", "run_in_one_request")


@dataclass(frozen=True)
class Case:
    """What a start is answered with for ever, and what comes of it."""

    row: str
    name: str
    play: Play
    raises: type[AnchorError]
    known: Mapping[str, object] = field(default_factory=dict)
    http_timeout: float = 30

    def __str__(self) -> str:
        return f"{self.row}-{self.name}"


def refused(status: int, kind: type[AnchorError]) -> Case:
    play = error(status, "no", {"x-request-id": "request-7"})
    known = {"status": status, "message": "no", "code": status, "request_id": "request-7"}
    return Case("refused", str(status), play, kind, known)


def uncertain(status: int) -> Case:
    play = error(status, "oh", {"x-request-id": "request-7"})
    known = {"status": status, "message": "oh", "request_id": "request-7"}
    return Case("uncertain", str(status), play, StartOutcomeUnknownError, known)


def lost(name: str, play: Play, *, status: int | None = None, http_timeout: float = 30) -> Case:
    known = {"status": status, "message": None, "request_id": None}
    return Case("uncertain", name, play, StartOutcomeUnknownError, known, http_timeout)


def unexpected(name: str, play: Play, status: int = 200) -> Case:
    known = {"status": status, "message": None, "request_id": None}
    return Case("uncertain", name, play, StartOutcomeUnknownError, known)


HALF: Final = head(200, 60) + b'{"data": {"status": "run'
SEEN_ONCE: Final = (
    # Any 4xx but 408, 429 and 499: its error, at once.
    refused(400, BadRequestError),
    refused(401, AuthenticationError),
    refused(402, PaymentRequiredError),
    refused(403, PermissionDeniedError),
    refused(404, NotFoundError),
    refused(409, StatusError),
    refused(410, StatusError),
    refused(422, BadRequestError),
    # The API or a gateway says that something went wrong, and the task may run all the same.
    *(uncertain(status) for status in (408, 499, 500, 502, 503, 504, 520, 524)),
    # The connection is lost, or the time is over, once a byte may have left.
    lost("closed-before-the-answer", (Ending.CLOSE,)),
    lost("reset-before-the-answer", (Ending.RESET,)),
    lost("no-answer", (Ending.SILENCE,), http_timeout=0.5),
    lost("closed-in-the-head", (HALF[:20], Ending.CLOSE)),
    lost("closed-in-the-body", (HALF, Ending.CLOSE), status=200),
    lost("reset-in-the-body", (HALF, Ending.RESET), status=200),
    lost("half-a-body", (HALF, Ending.SILENCE), status=200, http_timeout=0.5),
    lost("no-http", (b"SSH-2.0-OpenSSH_9.6\r\n", Ending.CLOSE)),
    # A success that isn't what the spec says.
    unexpected("html", http(200, b"<html>", {"content-type": "text/html"})),
    unexpected("empty", http(200, b"")),
    unexpected("204", (b"HTTP/1.1 204 No Content\r\n\r\n",), 204),
    unexpected("list", answer([])),
    unexpected("no-id", answer({"data": {"status": "running"}})),
    unexpected("id-is-a-number", answer({"data": {"status": "running", "workflow_id": 7}})),
    unexpected("id-is-blank", answer({"data": {"status": "running", "workflow_id": " "}})),
    unexpected("too-large", http(200, b" " * 5000)),
)


def begin(method: str, http_timeout: float = 30) -> dict[str, Any]:
    """Return the arguments of a start; the one-request form has a time-out of its own."""
    own = {"http_timeout": http_timeout} if method == "run_in_one_request" else {}
    return {"prompt": "Read the price", **own}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("case", SEEN_ONCE, ids=str)
def test_what_the_server_may_have_seen_is_sent_once(face: Face, clock: VirtualClock, case: Case, method: str) -> None:
    with (
        raw_server(start=[case.play, STARTED]) as server,
        face.anchor(base_url=server.base_url, http_timeout=case.http_timeout, max_response_bytes=4096) as anchor,
    ):
        caught = raised(case.raises, face, getattr(anchor.tasks, method), **begin(method, case.http_timeout))
    assert (server.starts, server.heard, clock.sleeps) == (1, 1, [])
    assert caught.task_id is None
    assert {name: getattr(caught, name) for name in case.known} == case.known


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_refused_and_nothing_is_sent_there(
    face: Face, clock: VirtualClock, status: int, method: str
) -> None:
    with raw_server() as target:
        location = {"location": f"{target.base_url}/v1/elsewhere?q=1"}
        with (
            raw_server(start=[http(status, b"", location), STARTED]) as server,
            face.anchor(base_url=server.base_url) as anchor,
        ):
            caught = raised(UnexpectedResponseError, face, getattr(anchor.tasks, method), **begin(method))
    assert f"redirects to {target.base_url};" in str(caught)
    assert (server.starts, target.connections, clock.sleeps) == (1, 0, [])


def unknown_host(monkeypatch: pytest.MonkeyPatch) -> str:
    def getaddrinfo(*_: object, **__: object) -> object:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return "https://api.invalid"


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("case", ["refused", "dns", "tls"])
def test_without_a_connection_start_tries_twice_more_and_run_until_its_deadline(
    face: Face, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch, case: str, method: str
) -> None:
    own = {"timeout": 5.5} if method == "run" else {}
    # A TLS server without a certificate has no cipher in common with anybody.
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if case == "tls" else None
    with raw_server(listening=case != "refused", tls=tls) as server:
        base_url = unknown_host(monkeypatch) if case == "dns" else server.base_url
        with face.anchor(base_url=base_url) as anchor:
            raised(TransportError, face, getattr(anchor.tasks, method), **begin(method), **own)
    # A second apart, since a tenth of the time that has passed is less; the last attempt is at the deadline.
    assert clock.sleeps == ([1.0] * 5 + [0.5] if method == "run" else [1.0] * 2)
    assert server.starts == 0


def test_a_connection_that_takes_too_long_is_none(face: Face, clock: VirtualClock) -> None:
    with raw_server() as server:
        # To a handshake the server says nothing, since it's no HTTP.
        base_url = server.base_url.replace("http:", "https:")
        with face.anchor(base_url=base_url, http_timeout=1) as anchor:
            raised(RequestTimeoutError, face, anchor.tasks.start, "Read the price")
    assert (server.starts, server.connections, clock.sleeps) == (0, 3, [1.0] * 2)


@pytest.mark.parametrize(
    "play", [(b"no HTTP at all\r\n\r\n",), (Ending.CLOSE,), (Ending.RESET,)], ids=["garbage", "close", "reset"]
)
def test_a_proxy_that_breaks_off_has_not_passed_the_start_on(
    face: Face, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch, play: Any
) -> None:
    with raw_server(check=[play]) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.base_url)
        with face.anchor(base_url="https://api.example") as anchor:
            raised(TransportError, face, anchor.tasks.start, "Read the price")
    assert (proxy.starts, clock.sleeps) == (0, [1.0] * 2)


@pytest.mark.parametrize("method", METHODS)
def test_a_server_that_comes_up_is_found(
    face: Face, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    with raw_server(listening=False) as server, face.anchor(base_url=server.base_url) as anchor:
        plain_sleep, changes = clock.sleep, [server.listen]

        def sleep(seconds: float) -> None:
            plain_sleep(seconds)
            if changes:
                changes.pop()()

        monkeypatch.setattr(clock, "sleep", sleep)
        face.call(getattr(anchor.tasks, method), **begin(method))
    assert server.starts == 1


def test_run_repeats_a_429_after_its_retry_after(face: Face, clock: VirtualClock) -> None:
    plays = [error(429, headers={"retry-after": "7"}), error(429), STARTED]
    with raw_server(start=plays) as server, face.anchor(base_url=server.base_url) as anchor:
        assert face.call(anchor.tasks.run, "Read the price").value == "done"
    assert clock.sleeps[:2] == [7.0, 1.0]
    assert server.starts == 3


def test_run_gives_up_on_a_429_that_its_deadline_comes_before(face: Face, clock: VirtualClock) -> None:
    plays = [error(429, headers={"retry-after": "7"}), STARTED]
    with raw_server(start=plays) as server, face.anchor(base_url=server.base_url) as anchor:
        caught = raised(RateLimitError, face, anchor.tasks.run, "Read the price", timeout=7)
    assert caught.retry_after == 7
    assert (server.starts, clock.sleeps) == (1, [])


@pytest.mark.parametrize("method", ["start", "run_in_one_request"])
def test_only_run_repeats_a_429(face: Face, clock: VirtualClock, method: str) -> None:
    plays = [error(429, headers={"retry-after": "7"}), STARTED]
    with raw_server(start=plays) as server, face.anchor(base_url=server.base_url) as anchor:
        caught = raised(RateLimitError, face, getattr(anchor.tasks, method), **begin(method))
    assert (caught.status, caught.retry_after) == (429, 7)
    assert (server.starts, clock.sleeps) == (1, [])
