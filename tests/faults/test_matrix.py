"""Every fault at every request, in both faces: what comes of it, how many starts the server saw, and what is shown.

What comes of a fault is said by one table, by row; `faults.py` has the faults. Real sockets, virtual time: only a
server that hangs takes as long as the clients' time-out. Each cell is a hunt for the key and a secret value as well.
"""

from __future__ import annotations

import functools
import logging
import ssl
from dataclasses import dataclass
from enum import Enum, auto
from types import NoneType
from typing import TYPE_CHECKING, Any, Final, TypeVar

import pytest
import trustme

from anchor_webtask import (
    AnchorError,
    StartOutcomeUnknownError,
    TaskFailedError,
    TaskTimeoutError,
)
from anchor_webtask._http import clients
from tests.faults.faults import HTTP_TIMEOUT, LIMIT, OTHER_SERVER, Fault, Row, faults
from tests.support.errors import raised
from tests.support.raw_server import COMPLETED, STARTED, TASK_ID, RawServer, Script, raw_server
from tests.support.runners import KEY
from tests.support.secret_search import PASSWORD, exception_texts, find_secrets, log_texts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tests.support.clocks import VirtualClock
    from tests.support.runners import Runner


ErrorT = TypeVar("ErrorT", bound=AnchorError)


class AtStart(Enum):
    """What comes of a fault at a start."""

    AGAIN = auto()  # run sends it again until its deadline, the others twice more; then the fault's error
    AGAIN_IN_RUN = auto()  # only run sends it again
    ERROR = auto()  # the fault's error, at once
    UNKNOWN = auto()  # StartOutcomeUnknownError, at once
    VALUE = auto()  # the right answer


class AtCheck(Enum):
    """What comes of a fault while waiting."""

    AGAIN = auto()  # until the deadline, then TaskTimeoutError with the fault's error
    AGAIN_FOR_5_S = auto()  # then the fault's error
    RUNNING = auto()  # until the deadline, then TaskTimeoutError without an error
    ERROR = auto()  # the fault's error, at once
    FAILED = auto()  # TaskFailedError
    NONE = auto()  # completed, and no answer
    VALUE = auto()  # the right answer


TABLE: Final = {
    Row.NO_CONNECTION: (AtStart.AGAIN, AtCheck.AGAIN),
    Row.CERTIFICATE: (AtStart.ERROR, AtCheck.ERROR),
    Row.RATE_LIMIT: (AtStart.AGAIN_IN_RUN, AtCheck.AGAIN),
    Row.LONG_RATE_LIMIT: (AtStart.ERROR, None),
    Row.REFUSED: (AtStart.ERROR, AtCheck.ERROR),
    Row.EARLY: (AtStart.ERROR, AtCheck.AGAIN),
    Row.NOT_FOUND: (AtStart.ERROR, AtCheck.AGAIN_FOR_5_S),
    Row.REDIRECT: (AtStart.ERROR, AtCheck.ERROR),
    Row.UNCERTAIN: (AtStart.UNKNOWN, AtCheck.AGAIN),
    Row.LOST: (AtStart.UNKNOWN, AtCheck.AGAIN),
    Row.UNREADABLE: (AtStart.UNKNOWN, AtCheck.AGAIN),
    Row.TOO_LARGE: (AtStart.UNKNOWN, AtCheck.ERROR),
    Row.UNKNOWN_STATUS: (None, AtCheck.RUNNING),
    Row.OTHER_CASE: (None, AtCheck.VALUE),
    Row.NO_RESULT: (None, AtCheck.NONE),
    Row.FAILED: (None, AtCheck.FAILED),
    Row.HARMLESS: (AtStart.VALUE, AtCheck.VALUE),
}
"""What comes of a fault, by its row: at a start, and while waiting. None where no fault means that."""

FAULTS: Final = tuple(faults())
STARTS: Final = ("start", "run", "run_in_one_request")
REPEATED: Final = (AtStart.AGAIN, AtStart.AGAIN_IN_RUN, AtCheck.AGAIN, AtCheck.AGAIN_FOR_5_S, AtCheck.RUNNING)
"""Where it makes a difference whether a fault passes or stays."""


@dataclass(frozen=True)
class Cell:
    """One fault at one request: at a start by this method, or at a check; and whether it stays."""

    fault: Fault
    method: str
    stays: bool

    @property
    def is_start(self) -> bool:
        """Whether the fault is at a start."""
        return self.method != "check"

    @property
    def outcome(self) -> AtStart | AtCheck:
        """What has to come of it."""
        at_start, at_check = TABLE[self.fault.row_at(start=self.is_start)]
        outcome = at_start if self.is_start else at_check
        assert outcome is not None
        return outcome

    def __str__(self) -> str:
        return f"{self.fault}-{self.method}-{'stays' if self.stays else 'passes'}"


def cells() -> Iterator[tuple[str, Cell]]:
    """Make all of them, each with its face: the sync one, asyncio, and trio for the first fault of each row."""
    tried: set[tuple[str, Row]] = set()
    for fault in FAULTS:
        for method in (*STARTS, "check"):
            row = fault.row_at(start=method != "check")
            is_first = (method, row) not in tried
            tried.add((method, row))
            for stays in (False, True):
                cell = Cell(fault, method, stays)
                if stays and cell.outcome not in REPEATED:
                    continue
                yield from ((name, cell) for name in ("sync",) if fault.sync)
                yield "asyncio", cell
                if is_first:
                    yield "trio", cell


CELLS: Final = tuple(cells())


def test_every_fault_has_a_row_and_every_row_a_fault() -> None:
    rows = {(fault.row_at(start=start), start) for fault in FAULTS for start in (True, False)}
    assert rows == {(row, start) for row, table in TABLE.items() for start in (True, False) if table[not start]}
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[RawServer]:
    """Another server, to which nothing is ever sent."""
    with raw_server() as server:
        yield server
        assert server.connections == 0


def served_by(authority: trustme.CA) -> ssl.SSLContext:
    """Return a server's side of TLS, with a certificate by an authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.fixture(scope="module")
def nobodys_certificate() -> ssl.SSLContext:
    """A certificate by an authority that no client trusts."""
    return served_by(trustme.CA())


@pytest.fixture(scope="module")
def trusted_certificate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ssl.SSLContext]:
    """A certificate that clients trust that are made meanwhile."""
    authority = trustme.CA()
    file = tmp_path_factory.mktemp("authority") / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(file))
        patch.setattr(clients, "ssl_context", functools.cache(clients.ssl_context.__wrapped__))
        yield served_by(authority)


@dataclass
class Trial:
    """A cell with all that it takes: a server with the fault, a client, and what is shown."""

    cell: Cell
    runner: Runner
    server: RawServer
    anchor: Any
    shown: list[str]

    def call(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call a method that has to go well, and return what comes of it."""
        came = self.runner.call(function, *args, **kwargs)
        self.shown += [repr(came), repr(self.anchor), repr(self.anchor.tasks), repr(self.anchor.api)]
        return came

    def error(self, kind: type[ErrorT], function: Callable[..., Any], *args: Any, **kwargs: Any) -> ErrorT:
        """Call a method that has to raise exactly this, and return it."""
        error = raised(kind, self.runner, function, *args, **kwargs)
        self.shown += exception_texts(error)
        return error


@pytest.fixture
def trial(
    runner: Runner,
    clock: VirtualClock,
    cell: Cell,
    elsewhere: RawServer,
    nobodys_certificate: ssl.SSLContext,
    trusted_certificate: ssl.SSLContext,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> Iterator[Trial]:
    """Serve a cell's fault, once or for ever, at the request that it is about; then hunt for secrets."""
    caplog.set_level(logging.DEBUG)
    fault = cell.fault
    faulty = [_pointed(fault.play(), elsewhere.base_url)] if fault.play else []
    right = STARTED if cell.is_start else COMPLETED
    plays: list[Script] = faulty if cell.stays else [*faulty, right]
    with (
        raw_server(
            start=plays if cell.is_start else [STARTED],
            check=[COMPLETED] if cell.is_start else plays,
            tls=trusted_certificate if fault.tls else nobodys_certificate if fault.row is Row.CERTIFICATE else None,
            listening=fault.row is not Row.NO_CONNECTION,
        ) as server,
        runner.anchor(
            base_url=server.base_url, http_timeout=HTTP_TIMEOUT if fault.hangs else 30, max_response_bytes=LIMIT
        ) as anchor,
    ):
        if fault.row is Row.NO_CONNECTION and not cell.stays:
            clock.during_next_sleep(server.listen)
        trial = Trial(cell, runner, server, anchor, [])
        yield trial
    shown = [*trial.shown, *log_texts(caplog), *capfd.readouterr()]
    assert find_secrets(shown) == []
    # The secrets were there to be found, and the loggers below were heard.
    for request in server.requests:
        assert request.headers["anchor-api-key"] == KEY
        assert request.method != "POST" or request.json()["secret_values"] == {"PASSWORD": PASSWORD}
    assert not server.requests or any(record.name == "httpcore.http11" for record in caplog.get_records("call"))


def _pointed(play: Script, base_url: str) -> Script:
    """Put another server's address into a play."""
    return tuple(
        step.replace(OTHER_SERVER.encode(), base_url.encode()) if isinstance(step, bytes) else step for step in play
    )


def knows(error: AnchorError, known: Mapping[str, object]) -> bool:
    """Whether an error has these attributes, as far as its kind has them."""
    return {name: getattr(error, name, value) for name, value in known.items()} == known


@pytest.mark.parametrize(("runner", "cell"), [each for each in CELLS if each[1].is_start], ids=str, indirect=["runner"])
def test_fault_at_a_start(trial: Trial, clock: VirtualClock, cell: Cell) -> None:
    fault, outcome, server = cell.fault, cell.outcome, trial.server
    start = functools.partial(getattr(trial.anchor.tasks, cell.method), "Log in", secret_values={"PASSWORD": PASSWORD})
    if cell.method == "run":
        start = functools.partial(start, timeout=30, on_update=lambda update: trial.shown.append(repr(update)))
    if cell.method == "run_in_one_request":
        start = functools.partial(start, http_timeout=HTTP_TIMEOUT if fault.hangs else 30)
    is_repeated = outcome is AtStart.AGAIN or (outcome is AtStart.AGAIN_IN_RUN and cell.method == "run")
    # A refused connection is no start, a 429 is one that the server has seen and not begun.
    seen = 0 if fault.row in {Row.NO_CONNECTION, Row.CERTIFICATE} else 1

    if outcome is AtStart.VALUE or (is_repeated and not cell.stays):
        came = trial.call(start)
        assert (trial.call(came.result) if cell.method == "start" else came).value == "done"
        assert server.starts == (seen + 1 if is_repeated else 1)
        assert not is_repeated or clock.sleeps[0] >= max(fault.retry_after, 1.0)
        return
    caught = trial.error(StartOutcomeUnknownError if outcome is AtStart.UNKNOWN else fault.error, start)
    assert knows(caught, {**fault.known, "status": fault.status})
    assert caught.task_id is None
    if not is_repeated:
        assert (server.starts, clock.sleeps) == (seen, [])
    elif cell.method == "run":
        assert sum(clock.sleeps) == pytest.approx(30) if seen == 0 else server.starts == len(clock.sleeps) + 1 > 4
    else:
        assert (server.starts, clock.sleeps) == (0, [1.0, 1.0])


@pytest.mark.parametrize(
    ("runner", "cell"), [each for each in CELLS if not each[1].is_start], ids=str, indirect=["runner"]
)
def test_fault_while_waiting(trial: Trial, clock: VirtualClock, cell: Cell) -> None:
    fault, outcome, server = cell.fault, cell.outcome, trial.server
    if fault.row in {Row.NO_CONNECTION, Row.CERTIFICATE}:
        task = trial.anchor.tasks.get(TASK_ID)  # such a server can't start one
    else:
        task = trial.call(trial.anchor.tasks.start, "Log in", secret_values={"PASSWORD": PASSWORD})
        trial.shown.append(task.token())
    begun = server.starts

    if outcome is AtCheck.VALUE or (outcome in REPEATED and not cell.stays):
        assert trial.call(task.result, timeout=10_000).value == "done"
        # The first answer counted, or a second one that came no sooner than the server wanted.
        assert server.checks == (1 if outcome is AtCheck.VALUE or fault.row is Row.NO_CONNECTION else 2)
        assert clock.sleeps[-1] >= min(fault.retry_after, 3600)
    elif outcome is AtCheck.NONE:
        assert trial.call(task.result).raw is None
        assert server.checks == 1
    elif outcome in {AtCheck.ERROR, AtCheck.FAILED}:
        caught = trial.error(TaskFailedError if outcome is AtCheck.FAILED else fault.error, task.result)
        assert knows(caught, fault.known)
        assert (caught.task_id, TASK_ID in str(caught)) == (TASK_ID, True)
        assert server.checks == (fault.row is not Row.CERTIFICATE)
    elif outcome is AtCheck.AGAIN_FOR_5_S:
        caught = trial.error(fault.error, task.result)
        assert (caught.task_id, sum(clock.sleeps)) == (TASK_ID, 6.0)  # the first check is after a second
    else:
        ended = trial.error(TaskTimeoutError, task.result, timeout=1.5)
        assert (ended.task_id, TASK_ID in str(ended), clock.time) == (TASK_ID, True, 1.5)
        assert type(ended.last_error) is (fault.error if outcome is AtCheck.AGAIN else NoneType)
        assert knows(ended.last_error or ended, fault.known)
    trial.shown.append(repr(task))
    assert server.starts == begun
