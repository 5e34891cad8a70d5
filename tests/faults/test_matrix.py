"""The fault matrix: each fault at each kind of request has the expected outcome, and no start is sent too often.

`faults.py` lists the faults. The table `OUTCOMES` here has the expected outcome for each row of faults. A cell is one
fault at one kind of request; it is tested with the sync client and with the async client. Sockets are real and time is
virtual: a test takes real time only if its server hangs, and then as long as the client's timeout, which is tried anew
with more time if a busy machine needs it. Each test also checks that no secret is shown.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum, auto
from types import NoneType
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

import pytest
import trustme

from anchor_webtask import (
    AnchorError,
    StartOutcomeUnknownError,
    TaskFailedError,
    TaskTimeoutError,
)
from tests.faults.faults import LIMIT, OTHER_SERVER, Fault, Row, faults
from tests.support.certificates import server_certificates
from tests.support.errors import raised
from tests.support.raw_server import COMPLETED, STARTED, TASK_ID, Handshake, RawServer, Script, raw_server
from tests.support.runners import KEY
from tests.support.secret_search import PASSWORD, exception_texts, find_secrets, log_texts
from tests.support.time_limits import with_time_enough

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator, Mapping

    from tests.support.clocks import InstantClock
    from tests.support.runners import Runner


ErrorT = TypeVar("ErrorT", bound=AnchorError)


class AtStart(Enum):
    """What a method that starts a task does if the fault occurs at the start."""

    RETRIED = auto()  # run repeats it until its deadline, the other methods twice; then they raise the fault's error
    RETRIED_BY_RUN = auto()  # only run repeats the start; the other methods raise the fault's error immediately
    ERROR = auto()  # the method raises the fault's error immediately
    UNKNOWN = auto()  # the method raises StartOutcomeUnknownError immediately
    ANSWER = auto()  # the method succeeds, and the answer is correct


class AtCheck(Enum):
    """What a wait does if the fault occurs at its checks."""

    RETRIED = auto()  # checks continue until the deadline; then TaskTimeoutError is raised, with the fault's error
    RETRIED_FOR_5_S = auto()  # checks continue for five seconds; then the fault's error is raised
    RUNNING = auto()  # checks continue until the deadline; then TaskTimeoutError is raised, without the fault's error
    ERROR = auto()  # the wait raises the fault's error immediately
    FAILED = auto()  # the wait raises TaskFailedError
    NO_ANSWER = auto()  # the wait succeeds, and the task has no answer
    ANSWER = auto()  # the wait succeeds, and the answer is correct


OUTCOMES: Final = {
    Row.NO_CONNECTION: (AtStart.RETRIED, AtCheck.RETRIED),
    Row.CERTIFICATE: (AtStart.ERROR, AtCheck.ERROR),
    Row.RATE_LIMIT: (AtStart.RETRIED_BY_RUN, AtCheck.RETRIED),
    Row.LONG_RATE_LIMIT: (AtStart.ERROR, None),
    Row.REFUSED: (AtStart.ERROR, AtCheck.ERROR),
    Row.TOO_EARLY: (AtStart.ERROR, AtCheck.RETRIED),
    Row.NOT_FOUND: (AtStart.ERROR, AtCheck.RETRIED_FOR_5_S),
    Row.REDIRECT: (AtStart.ERROR, AtCheck.ERROR),
    Row.UNCERTAIN: (AtStart.UNKNOWN, AtCheck.RETRIED),
    Row.LOST: (AtStart.UNKNOWN, AtCheck.RETRIED),
    Row.UNREADABLE: (AtStart.UNKNOWN, AtCheck.RETRIED),
    Row.TOO_LARGE: (AtStart.UNKNOWN, AtCheck.ERROR),
    Row.UNKNOWN_STATUS: (None, AtCheck.RUNNING),
    Row.OTHER_CASE: (None, AtCheck.ANSWER),
    Row.NO_RESULT: (None, AtCheck.NO_ANSWER),
    Row.FAILED: (None, AtCheck.FAILED),
    Row.HARMLESS: (AtStart.ANSWER, AtCheck.ANSWER),
}
"""The expected outcomes for each row of faults, at a start and at a check. None if no fault of the row occurs there."""

FAULTS: Final = tuple(faults())
STARTS: Final = ("start", "run", "run_in_one_request")
REPEATING_OUTCOMES: Final = (
    AtStart.RETRIED,
    AtStart.RETRIED_BY_RUN,
    AtCheck.RETRIED,
    AtCheck.RETRIED_FOR_5_S,
    AtCheck.RUNNING,
)
"""The outcomes in which requests are repeated: only here does it matter whether a fault occurs once or lasts."""


@dataclass(frozen=True)
class Cell:
    """One fault at one kind of request, a check or a start by one of the methods. The fault occurs once, or lasts."""

    fault: Fault
    method: str
    lasts: bool

    @property
    def is_start(self) -> bool:
        """Whether the fault occurs at a start, not at a check."""
        return self.method != "check"

    @property
    def outcome(self) -> AtStart | AtCheck:
        """The outcome that the table expects for this cell."""
        at_start, at_check = OUTCOMES[self.fault.row_at(start=self.is_start)]
        outcome = at_start if self.is_start else at_check
        assert outcome is not None
        return outcome

    def __str__(self) -> str:
        return f"{self.fault}-{self.method}-{'lasting' if self.lasts else 'once'}"


def cells() -> Iterator[tuple[str, Cell]]:
    """Yield pairs of a runner's name and a cell that this runner tests.

    Faults are tested with the sync client and with the async client under asyncio; under trio, only the first fault of
    each row is tested.
    """
    tried: set[tuple[str, Row]] = set()
    for fault in FAULTS:
        for method in (*STARTS, "check"):
            row = fault.row_at(start=method != "check")
            is_first = (method, row) not in tried
            tried.add((method, row))
            for lasts in (False, True):
                cell = Cell(fault, method, lasts)
                if lasts and cell.outcome not in REPEATING_OUTCOMES:
                    continue
                yield from ((name, cell) for name in ("sync",) if fault.sync)
                yield "asyncio", cell
                if is_first:
                    yield "trio", cell


CELLS: Final = tuple(cells())


def test_each_fault_has_an_outcome_and_each_outcome_has_a_fault_and_fault_names_are_unique() -> None:
    rows = {(fault.row_at(start=start), start) for fault in FAULTS for start in (True, False)}
    assert rows == {(row, start) for row, table in OUTCOMES.items() for start in (True, False) if table[not start]}
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)


@pytest.fixture(scope="module")
def other_server() -> Iterator[RawServer]:
    """A second server, to which faulty responses redirect; the test fails if a client connects to it."""
    with raw_server() as server:
        yield server
        assert server.connections == 0


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, ssl.SSLContext]]:
    """The TLS contexts of servers whose certificate the clients of these tests trust, or refuse for a reason."""
    authority = trustme.CA()
    folder = tmp_path_factory.mktemp("certificates")
    trusted = folder / "ca.pem"
    authority.cert_pem.write_to_path(str(trusted))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(trusted))
        yield server_certificates(authority, folder)


@dataclass
class Trial:
    """The test of one cell: a server with the fault, a client, and the texts that the client has shown.

    Attributes:
        http_timeout: The time limit of the client's requests.
        shown: The texts that the client has shown; they must not contain secrets.
    """

    cell: Cell
    runner: Runner
    clock: InstantClock
    server: RawServer
    anchor: Any
    http_timeout: float
    shown: list[str]

    def call(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call a method that must succeed, and return its result."""
        result = self.runner.call(function, *args, **kwargs)
        self.shown += [repr(result), repr(self.anchor), repr(self.anchor.tasks), repr(self.anchor.api)]
        return result

    def error(self, kind: type[ErrorT], function: Callable[..., Any], *args: Any, **kwargs: Any) -> ErrorT:
        """Call a method that must raise an error of exactly this class, and return the error."""
        error = raised(kind, self.runner, function, *args, **kwargs)
        self.shown += exception_texts(error)
        return error


TryCell: TypeAlias = Callable[[Callable[[Trial], None]], None]


@pytest.fixture
def try_cell(
    runner: Runner,
    clock: InstantClock,
    cell: Cell,
    other_server: RawServer,
    certificates: Mapping[str, ssl.SSLContext],
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> TryCell:
    """A function that calls a check with a trial of the cell; after the check, no secret must have been shown."""
    caplog.set_level(logging.DEBUG)
    fault = cell.fault
    faulty = [_insert_url(fault.make_script(), other_server.base_url)] if fault.make_script else []
    correct = STARTED if cell.is_start else COMPLETED
    is_refused = fault.row is Row.NO_CONNECTION and fault.handshake is None
    scripts: list[Script] = faulty if cell.lasts else [*faulty, correct]
    is_retried = cell.outcome in {AtStart.RETRIED, AtStart.RETRIED_BY_RUN}
    shown: list[str] = []  # with any limit
    starts: list[int] = []

    @contextmanager
    def new_trial(http_timeout: float) -> Iterator[Trial]:
        clock.restart()
        with (
            raw_server(
                start=scripts if cell.is_start else [STARTED],
                check=[COMPLETED] if cell.is_start else scripts,
                tls=_handshakes(cell, certificates),
                listening=not is_refused,
            ) as server,
            runner.anchor(base_url=server.base_url, http_timeout=http_timeout, max_response_bytes=LIMIT) as anchor,
        ):
            if is_refused and not cell.lasts:
                clock.during_next_sleep(server.listen)
            try:
                yield Trial(cell, runner, clock, server, anchor, http_timeout, shown)
            finally:
                starts.append(server.starts)
        # The search means something only if the secrets were sent, and if log records of all levels were captured.
        for request in server.requests:
            assert request.headers["anchor-api-key"] == KEY
            assert request.method != "POST" or request.json()["secret_values"] == {"PASSWORD": PASSWORD}
        assert not server.requests or logging.getLogger("httpx").isEnabledFor(logging.DEBUG)

    def try_with(check: Callable[[Trial], None]) -> None:
        def check_limit(http_timeout: float) -> None:
            with new_trial(http_timeout) as trial:
                check(trial)

        with_time_enough(check_limit, *fault.http_timeouts)
        assert find_secrets([*shown, *log_texts(caplog), *capfd.readouterr()]) == []
        assert is_retried or max(starts) <= 1

    return try_with


def _handshakes(cell: Cell, certificates: Mapping[str, ssl.SSLContext]) -> list[Handshake] | None:
    """Return how the server begins its connections; None without TLS."""
    fault = cell.fault
    if fault.handshake is None:
        return [certificates["trusted"]] if fault.tls else None
    faulty = certificates[fault.handshake] if isinstance(fault.handshake, str) else fault.handshake
    return [faulty] if cell.lasts else [faulty, certificates["trusted"]]


def _insert_url(script: Script, base_url: str) -> Script:
    """Return the script with the second server's URL in place of `OTHER_SERVER`."""
    return tuple(
        action.replace(OTHER_SERVER.encode(), base_url.encode()) if isinstance(action, bytes) else action
        for action in script
    )


def has_attributes(error: AnchorError, expected: Mapping[str, object]) -> bool:
    """Return whether an error's attributes have the expected values; missing attributes are not compared."""
    return {name: getattr(error, name, value) for name, value in expected.items()} == expected


@pytest.mark.parametrize(("runner", "cell"), [each for each in CELLS if each[1].is_start], ids=str, indirect=["runner"])
def test_fault_at_start_has_the_outcome_in_the_table(try_cell: TryCell) -> None:
    try_cell(check_fault_at_start)


def check_fault_at_start(trial: Trial) -> None:
    cell, clock, server = trial.cell, trial.clock, trial.server
    fault, outcome = cell.fault, cell.outcome
    start = functools.partial(getattr(trial.anchor.tasks, cell.method), "Log in", secret_values={"PASSWORD": PASSWORD})
    if cell.method == "run":
        start = functools.partial(start, timeout=30, on_update=lambda update: trial.shown.append(repr(update)))
    if cell.method == "run_in_one_request":
        start = functools.partial(start, http_timeout=trial.http_timeout)
    is_retried = outcome is AtStart.RETRIED or (outcome is AtStart.RETRIED_BY_RUN and cell.method == "run")
    # The number of starts that reach the server and fail by the fault; without a connection, no start reaches it.
    faulty_starts = 0 if fault.row in {Row.NO_CONNECTION, Row.CERTIFICATE} else 1

    if outcome is AtStart.ANSWER or (is_retried and not cell.lasts):
        result = trial.call(start)
        assert (trial.call(result.result) if cell.method == "start" else result).value == "done"
        assert server.starts == (faulty_starts + 1 if is_retried else 1)
        assert not is_retried or clock.sleeps[0] >= max(fault.retry_after, 1.0)
        return
    caught = trial.error(StartOutcomeUnknownError if outcome is AtStart.UNKNOWN else fault.error, start)
    assert has_attributes(caught, {**fault.attributes, "status": fault.status})
    assert fault.reason in str(caught)
    assert caught.task_id is None
    if not is_retried:
        assert (server.starts, clock.sleeps) == (faulty_starts, [])
    elif cell.method == "run" and faulty_starts == 0:
        assert sum(clock.sleeps) == pytest.approx(30)
    elif cell.method == "run":
        assert server.starts == len(clock.sleeps) + 1 > 4
    else:
        assert (server.starts, clock.sleeps) == (0, [1.0, 1.0])


@pytest.mark.parametrize(
    ("runner", "cell"), [each for each in CELLS if not each[1].is_start], ids=str, indirect=["runner"]
)
def test_fault_at_check_has_the_outcome_in_the_table(try_cell: TryCell) -> None:
    try_cell(check_fault_at_check)


def check_fault_at_check(trial: Trial) -> None:
    cell, clock, server = trial.cell, trial.clock, trial.server
    fault, outcome = cell.fault, cell.outcome
    if fault.row in {Row.NO_CONNECTION, Row.CERTIFICATE}:
        task = trial.anchor.tasks.get(TASK_ID)  # the start needs a connection too
    else:
        task = trial.call(trial.anchor.tasks.start, "Log in", secret_values={"PASSWORD": PASSWORD})
        trial.shown.append(task.token())
    starts = server.starts

    if outcome is AtCheck.ANSWER or (outcome in REPEATING_OUTCOMES and not cell.lasts):
        assert trial.call(task.result, timeout=10_000).value == "done"
        # The server receives two checks if the first one fails. The delay is at least Retry-After, up to an hour.
        assert server.checks == (1 if outcome is AtCheck.ANSWER or fault.row is Row.NO_CONNECTION else 2)
        assert clock.sleeps[-1] >= min(fault.retry_after, 3600)
    elif outcome is AtCheck.NO_ANSWER:
        assert trial.call(task.result).raw is None
        assert server.checks == 1
    elif outcome in {AtCheck.ERROR, AtCheck.FAILED}:
        caught = trial.error(TaskFailedError if outcome is AtCheck.FAILED else fault.error, task.result)
        assert has_attributes(caught, fault.attributes)
        assert fault.reason in str(caught)
        assert (caught.task_id, TASK_ID in str(caught)) == (TASK_ID, True)
        assert server.checks == (fault.row is not Row.CERTIFICATE)
    elif outcome is AtCheck.RETRIED_FOR_5_S:
        caught = trial.error(fault.error, task.result)
        assert (caught.task_id, sum(clock.sleeps)) == (TASK_ID, 6.0)  # one second before the first check, then five
    else:
        ended = trial.error(TaskTimeoutError, task.result, timeout=1.5)
        assert (ended.task_id, TASK_ID in str(ended), clock.time) == (TASK_ID, True, 1.5)
        assert type(ended.last_error) is (fault.error if outcome is AtCheck.RETRIED else NoneType)
        assert has_attributes(ended.last_error or ended, fault.attributes)
        assert fault.reason in str(ended.last_error)
    trial.shown.append(repr(task))
    assert server.starts == starts
