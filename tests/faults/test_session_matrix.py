"""The fault matrix of sessions: each fault at each request about a session, in both clients, and no secret is shown.

`faults.py` lists the faults, and the table `OUTCOMES` has the expected outcome for each row of faults and each kind of
request. Sockets are real and time is virtual, as in `test_matrix.py`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Final

import pytest
import trustme

from anchor_webtask import AnchorError, SessionError, SessionOutcomeUnknownError, TaskTimeoutError
from tests.faults.faults import LIMIT, OTHER_SERVER, Fault, Row, faults
from tests.support.certificates import server_certificates
from tests.support.errors import raised
from tests.support.raw_server import STARTED, RawServer, Script, http_response, json_response, raw_server
from tests.support.runners import KEY
from tests.support.secret_search import PASSWORD, exception_texts, find_secrets, log_texts
from tests.support.time_limits import with_time_enough

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.support.clocks import InstantClock
    from tests.support.runners import Runner

TOKEN: Final = "the-token-of-the-live-view"
SESSION: Final = "5f7fbd2b-8b39-4f0e-a9a5-3b3b2f0e3a11"
CREATED: Final = json_response(
    {
        "data": {
            "id": SESSION,
            "cdp_url": f"wss://connect.example?apiKey={KEY}&sessionId={SESSION}",
            "live_view_url": f"https://live.example?sessionId={SESSION}&token={TOKEN}",
        }
    }
)
USED: Final = json_response({"data": {"session_id": SESSION, "status": "running", "steps": [], "credits_used": 1}})
FILES: Final = json_response(
    {"data": {"items": [{"id": "1", "file_link": "/v1/file", "suggested_file_name": "a.txt"}]}}
)
NO_SESSIONS: Final = json_response({"data": {"count": 0, "items": []}})
QUESTION: Final = json_response({"data": {"requests": [{"requestId": "q-1", "message": "Sure?"}]}})
RUNNING: Final = json_response({"data": {"status": "RUNNING"}})
BYTES: Final = http_response(200, b"content")


class Expected(Enum):
    """What a method does if the fault occurs at its request."""

    RETRIED = auto()  # the request is repeated until it succeeds, or until time has run out; then there is an error
    ERROR = auto()  # the fault's error is raised at once
    UNKNOWN = auto()  # the session is looked for by its tag; then SessionOutcomeUnknownError is raised
    SUCCESS = auto()  # the method succeeds


_AT_ONCE: Final[dict[Row, Expected]] = dict.fromkeys(
    (
        Row.NO_CONNECTION,
        Row.CERTIFICATE,
        Row.RATE_LIMIT,
        Row.LONG_RATE_LIMIT,
        Row.REFUSED,
        Row.TOO_EARLY,
        Row.NOT_FOUND,
        Row.REDIRECT,
        Row.UNCERTAIN,
        Row.LOST,
        Row.TOO_LARGE,
    ),
    Expected.ERROR,
)
_REPEATED: Final[dict[Row, Expected]] = _AT_ONCE | dict.fromkeys(
    (Row.NO_CONNECTION, Row.RATE_LIMIT, Row.TOO_EARLY, Row.UNCERTAIN, Row.LOST), Expected.RETRIED
)
OUTCOMES: Final[Mapping[str, Mapping[Row, Expected]]] = {
    "create": {
        **_AT_ONCE,
        Row.NO_CONNECTION: Expected.RETRIED,
        **dict.fromkeys((Row.UNCERTAIN, Row.LOST, Row.TOO_LARGE), Expected.UNKNOWN),
    },
    "end": {**_REPEATED, Row.NOT_FOUND: Expected.SUCCESS},
    "recording": _REPEATED | dict.fromkeys((Row.LONG_RATE_LIMIT, Row.NOT_FOUND), Expected.RETRIED),
    **dict.fromkeys(("list", "usage", "screenshot", "downloads", "file"), _REPEATED),
    **dict.fromkeys(("questions", "answer"), dict.fromkeys([*_AT_ONCE], Expected.SUCCESS)),
}
"""The expected outcome of each request for each row of faults; faults of other rows are those of tasks alone."""

ONE_ATTEMPT: Final = 0.05


@dataclass(frozen=True)
class Cell:
    """One fault at one kind of request."""

    fault: Fault
    request: str

    @property
    def expected(self) -> Expected:
        """The outcome that the table expects."""
        if str(self) == "410-end":
            return Expected.SUCCESS  # the session is gone
        return OUTCOMES[self.request][self.fault.row_at(start=self.is_post)]

    @property
    def is_post(self) -> bool:
        """Whether the request is a POST."""
        return self.request in {"create", "answer"}

    def __str__(self) -> str:
        return f"{self.fault}-{self.request}"


def is_of_connections(fault: Fault) -> bool:
    """Return whether the first request of a client has the fault, whatever it is."""
    return fault.row in {Row.NO_CONNECTION, Row.CERTIFICATE} or fault.handshake is not None


def cells() -> Iterator[tuple[str, Cell]]:
    """Yield pairs of a runner's name and a cell.

    Creations and ends, which cost, are tested with every fault; other requests with the first fault of each row. Under
    trio, only the first fault of each row is tested.
    """
    tried: set[tuple[str, Row]] = set()
    for fault in faults():
        for request, table in OUTCOMES.items():
            cell = Cell(fault, request)
            row = fault.row_at(start=cell.is_post)
            if row not in table or (fault.hangs and request != "create"):  # a hanging server takes real time
                continue
            if request in {"file", "questions", "answer"} and is_of_connections(fault):
                continue  # another request comes first, and has the fault
            is_first = (request, row) not in tried
            tried.add((request, row))
            if not is_first and request not in {"create", "end"}:
                continue
            if fault.sync:
                yield "sync", cell
            yield "asyncio", cell
            if is_first:
                yield "trio", cell


@pytest.fixture(scope="module")
def other_server() -> Iterator[RawServer]:
    """A second server, to which faulty responses redirect; the test fails if a client connects to it."""
    with raw_server() as server:
        yield server
        assert server.connections == 0


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, ssl.SSLContext]]:
    """The TLS contexts of servers whose certificate the clients of these tests trust, or refuse for a reason."""
    authority, folder = trustme.CA(), tmp_path_factory.mktemp("certificates")
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(folder / "ca.pem"))
        yield server_certificates(authority, folder)


def scripts(cell: Cell, faulty: list[Script]) -> dict[str, Any]:
    """Return the scripts of the server for a cell."""
    match cell.request:
        case "create":
            return {"start": faulty, "check": [NO_SESSIONS]}
        case "end":
            return {"start": [CREATED], "end": faulty, "check": [RUNNING]}
        case "file":
            return {"start": [CREATED], "check": [FILES, *faulty]}
        case "questions":
            return {"start": [CREATED, STARTED], "check": [RUNNING, *faulty, RUNNING]}
        case "answer":
            return {"start": [CREATED, STARTED, *faulty], "check": [RUNNING, QUESTION, RUNNING]}
        case _:
            return {"start": [CREATED], "check": faulty}


Call = Callable[..., Any]


def call_of(cell: Cell, runner: Runner, anchor: Any, folder: Path) -> tuple[Call, tuple[Any, ...], dict[str, Any]]:
    """Return the call whose request has the fault; what must precede it is done."""
    options = {"proxy": {"active": True, "type": "custom", "password": PASSWORD}}
    if cell.request == "create":
        return anchor.sessions.open, (), options
    if cell.request == "list":
        return anchor.sessions.list, (), {}
    is_first = is_of_connections(cell.fault)
    session = anchor.sessions.get(SESSION) if is_first else runner.call(anchor.sessions.open, **options)
    match cell.request:
        case "file":
            (file,) = runner.call(session.downloads)
            return file.save, (folder,), {"max_bytes": LIMIT}
        case "recording":
            return session.recording, (10,), {}
        case "questions" | "answer":
            arguments = {"timeout": 3, "on_question": lambda _: "yes", "secret_values": {"PASSWORD": PASSWORD}}
            return session.tasks.run, ("Log in",), arguments
        case name:
            return getattr(session, name), (), {}


@pytest.mark.parametrize(("runner", "cell"), [*cells()], ids=str, indirect=["runner"])
def test_fault_has_the_outcome_in_the_table(
    runner: Runner,
    clock: InstantClock,
    cell: Cell,
    other_server: RawServer,
    certificates: Mapping[str, ssl.SSLContext],
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
) -> None:
    caplog.set_level(logging.DEBUG)
    fault, expected = cell.fault, cell.expected
    is_retried = expected is Expected.RETRIED
    script = fault.make_script() if fault.make_script else ()
    faulty: list[Script] = [
        tuple(
            each.replace(OTHER_SERVER.encode(), other_server.base_url.encode()) if isinstance(each, bytes) else each
            for each in script
        )
    ]
    tls: list[Any] | None = [certificates["trusted"]] if fault.tls else None
    if fault.handshake is not None:
        tls = [certificates[fault.handshake] if isinstance(fault.handshake, str) else fault.handshake]
    listening = fault.row is not Row.NO_CONNECTION or fault.handshake is not None
    shown: list[str] = []  # with any limit
    servers: list[RawServer] = []

    def check_limit(http_timeout: float) -> None:
        clock.restart()
        with (
            raw_server(tls=tls, listening=listening, **scripts(cell, faulty if script else [()])) as server,
            runner.anchor(base_url=server.base_url, http_timeout=http_timeout, max_response_bytes=LIMIT) as anchor,
        ):
            servers.append(server)
            call, arguments, options = call_of(cell, runner, anchor, tmp_path)
            creations = server.starts
            if expected is Expected.SUCCESS and cell.request == "end":
                shown.append(repr(runner.call(call)))
            elif expected is Expected.SUCCESS:
                shown.extend(exception_texts(raised(TaskTimeoutError, runner, call, *arguments, **options)))
                assert server.count("POST") <= creations + 2 + (fault.row_at(start=True) is Row.RATE_LIMIT) * 5
            else:
                kind: type[AnchorError] = fault.error
                if expected is Expected.UNKNOWN:
                    kind = SessionOutcomeUnknownError
                elif is_retried and cell.request == "recording":
                    kind = SessionError
                error = raised(kind, runner, call, *arguments, **options)
                shown.extend(exception_texts(error))
                if cell.request not in {"create", "list"}:
                    assert error.session_id == SESSION
                if cell.request == "create":
                    assert clock.time >= 30 or expected is not Expected.UNKNOWN
                if is_retried and cell.request in {"list", "usage", "screenshot", "downloads", "file"}:
                    assert clock.time >= 3
                if is_retried and cell.request == "end":
                    assert clock.time > 20 or fault.retry_after > 60
        assert [*tmp_path.iterdir()] == []

    with_time_enough(check_limit, *fault.http_timeouts)
    knows_password = cell.request != "list"
    secrets = find_secrets([*shown, *log_texts(caplog)])
    assert [each for each in secrets if knows_password or each[0] in KEY.lower()] == []
    assert not any(TOKEN in text for text in shown)
    assert cell.request != "create" or expected is Expected.SUCCESS or max(each.starts for each in servers) <= 1
