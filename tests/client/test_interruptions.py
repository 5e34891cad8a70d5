"""Ctrl-C and cancellation end a wait immediately, and add a note that says how to find the task again."""

from __future__ import annotations

import functools
import logging
import signal
import socket
import subprocess
import sys
import threading
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import anyio
import anyio.to_thread
import httpx
import pytest
from httpcore._backends import anyio as anyio_backend
from httpcore._backends import sync as sync_backend

from anchor_webtask import Anchor, WaitPolicy
from anchor_webtask._http import limiter, transport
from tests.support import secret_search
from tests.support.patience import PATIENCE
from tests.support.processes import PASSWORD, spawn
from tests.support.raw_server import COMPLETED, RUNNING, STARTED, TASK_ID, Ending, raw_server
from tests.support.runners import KEY
from tests.support.secret_search import exception_texts, find_secrets, log_texts, secret_parts

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from types import FrameType

    from tests.support.clocks import InstantClock
    from tests.support.runners import Runner

RUN_UNTIL_INTERRUPTED: Final = Path(__file__).parent / "programs" / "run_until_interrupted.py"
OFTEN: Final = WaitPolicy(minimum=0.01, maximum=0.05)
NOTE: Final = f"tasks.get({TASK_ID!r}) finds it again"
START_NOTE: Final = "interrupted while starting a task"

async_runners = pytest.mark.parametrize("runner", ["asyncio", "trio"], indirect=True)


@dataclass(frozen=True)
class Moment:
    """The moment of an interruption.

    Attributes:
        name: What the client does at that moment.
        server: The arguments of `raw_server`.
        seconds: The delay between checks.
        size: The number of bytes that are added to the start, to make it long.
        requests: The number of requests that the server receives before the interruption; 0 if the client is
            interrupted while it sleeps.
        note: A part of the note that the exception must have.
    """

    name: str
    server: dict[str, Any]
    seconds: str = "0.01"
    size: str = "0"
    requests: int = 0
    note: str = START_NOTE


SILENCE: Final = ((Ending.SILENCE,),)
MOMENTS: Final = (
    Moment("sending", {"start": SILENCE, "max_body_bytes": 1_000_000}, size="20_000_000", requests=1),
    Moment("starting", {"start": SILENCE}, requests=1),
    Moment("checking", {"check": SILENCE}, requests=2, note=NOTE),
    # The sleep takes longer than PATIENCE, so the test fails if the interruption does not end the sleep.
    Moment("sleeping", {}, seconds="600", note=NOTE),
)


def interrupt(process: subprocess.Popen[str]) -> str:
    """Interrupt a program as Ctrl-C does, and return what the program writes to standard error."""
    process.send_signal(signal.SIGINT)
    try:
        return process.communicate(timeout=PATIENCE / 6)[1]
    except subprocess.TimeoutExpired:
        # A signal that arrives just before a system call begins does not interrupt the call, and Python handles the
        # signal only after the call. A second signal interrupts the call.
        process.send_signal(signal.SIGINT)
        return process.communicate(timeout=PATIENCE)[1]


@pytest.mark.parametrize("name", ["sync", "asyncio", "trio"])
@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: moment.name)
def test_ctrl_c_ends_run_with_a_note_and_shows_no_secret(name: str, moment: Moment) -> None:
    with (
        raw_server(**moment.server) as server,
        spawn(RUN_UNTIL_INTERRUPTED, name, moment.seconds, moment.size, base_url=server.base_url) as process,
    ):
        if moment.requests:
            server.wait_for_requests(moment.requests)
        else:
            assert process.stdout
            assert process.stdout.readline() == "sleeping\n"
        errors = interrupt(process)
    assert process.returncode == -signal.SIGINT
    assert "KeyboardInterrupt" in errors
    assert moment.note in errors
    # The search for secrets means something only if the three reports show the variables of the frames.
    assert errors.count("anchor = <") == 2
    assert '"anchor":"<' in errors
    assert find_secrets([errors], secret_parts(KEY, PASSWORD)) == []


async def cancelled_error(
    call: Callable[[], Awaitable[object]], wait_for_moment: Callable[[], object]
) -> BaseException:
    """Cancel an async call after `wait_for_moment` has returned, and return the call's cancellation exception."""
    caught: list[BaseException] = []

    async def catch() -> None:
        try:
            await call()
        except anyio.get_cancelled_exc_class() as cancelled:
            caught.append(cancelled)
            raise

    async with anyio.create_task_group() as group:
        group.start_soon(catch)
        await anyio.to_thread.run_sync(wait_for_moment)
        group.cancel_scope.cancel()
    return caught[0]


@async_runners
def test_handle_and_client_are_usable_after_a_cancelled_check(runner: Runner) -> None:
    with (
        raw_server(check=[(Ending.SILENCE,), RUNNING, COMPLETED]) as server,
        runner.anchor(base_url=server.base_url, wait=WaitPolicy(minimum=0.01)) as anchor,
    ):
        task = anchor.tasks.get(TASK_ID)
        cancelled = runner.call(cancelled_error, task.result, lambda: server.wait_for_requests(1))
        assert [NOTE in note for note in cancelled.__notes__] == [True]
        assert task.status is None
        assert runner.call(task.result).value == "done"
    assert server.count("GET") == 3


@async_runners
# httpx sends a body with an async generator. A cancelled request does not finish the generator, and trio warns of it.
@pytest.mark.filterwarnings("ignore:Async generator 'httpx:ResourceWarning")
@pytest.mark.parametrize("moment_name", ["sending", "starting", "checking"])
def test_cancellation_shows_no_secret(
    runner: Runner, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], moment_name: str
) -> None:
    caplog.set_level(logging.DEBUG)
    moment = next(moment for moment in MOMENTS if moment.name == moment_name)
    with raw_server(**moment.server) as server, runner.anchor(base_url=server.base_url, wait=OFTEN) as anchor:
        run = functools.partial(
            anchor.tasks.run,
            "Log in",
            secret_values={"PASSWORD": secret_search.PASSWORD},
            extra_body={"filler": " " * int(moment.size)},
        )
        cancelled = runner.call(cancelled_error, run, lambda: server.wait_for_requests(moment.requests))
    assert [moment.note in note for note in cancelled.__notes__] == [True]
    assert find_secrets([*exception_texts(cancelled), repr(anchor), *log_texts(caplog), *capfd.readouterr()]) == []


@async_runners
def test_handle_is_usable_after_a_cancelled_sleep(
    runner: Runner, clock: InstantClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    sleeps = threading.Event()

    async def sleep(_: float) -> None:
        sleeps.set()
        await anyio.sleep_forever()

    with raw_server(check=[RUNNING, COMPLETED]) as server, runner.anchor(base_url=server.base_url) as anchor:
        task = anchor.tasks.get(TASK_ID)
        with monkeypatch.context() as patch:
            patch.setattr(clock, "sleep_async", sleep)
            cancelled = runner.call(cancelled_error, task.result, lambda: sleeps.wait(PATIENCE))
        assert [NOTE in note for note in cancelled.__notes__] == [True]
        assert (task.status, server.count("GET")) == ("running", 1)
        assert runner.call(task.result).value == "done"


@async_runners
def test_cancelled_start_has_a_note_that_its_outcome_is_unknown(runner: Runner) -> None:
    with raw_server(start=[(Ending.SILENCE,), STARTED]) as server, runner.anchor(base_url=server.base_url) as anchor:
        start = functools.partial(anchor.tasks.start, "Read the price")
        cancelled = runner.call(cancelled_error, start, lambda: server.wait_for_requests(1))
        assert [START_NOTE in note for note in cancelled.__notes__] == [True]
        assert runner.call(start).id == TASK_ID
    assert server.starts == 2


class Interrupting(dict[str, Any]):
    """A mapping that can be read `reads` times, and raises KeyboardInterrupt when it is read once more."""

    def __init__(self, reads: int) -> None:
        super().__init__(filler=" ")
        self.reads = reads

    def __iter__(self) -> Iterator[str]:
        self.count_read()
        return super().__iter__()

    def items(self) -> Any:
        self.count_read()
        return super().items()

    def keys(self) -> Any:
        self.count_read()
        return super().keys()

    def count_read(self) -> None:
        self.reads -= 1
        if self.reads == -1:
            raise KeyboardInterrupt


@pytest.mark.parametrize("reads", range(3))
def test_interruption_before_a_start_is_sent_adds_no_note_and_shows_no_secret(runner: Runner, reads: int) -> None:
    """The start is interrupted while its request is built: no task can have started, so the exception needs no note."""
    with raw_server() as server, runner.anchor(base_url=server.base_url) as anchor:
        start = functools.partial(
            anchor.tasks.start,
            "Log in",
            secret_values={"PASSWORD": secret_search.PASSWORD},
            extra_body=Interrupting(reads),
        )

        async def interrupted_start() -> BaseException | None:
            try:
                await start()
            except KeyboardInterrupt as interruption:
                return interruption
            return None

        if runner.name == "sync":
            with pytest.raises(KeyboardInterrupt) as caught:
                start()
            interruption: BaseException | None = caught.value
        else:
            interruption = runner.call(interrupted_start)
        assert interruption is not None
        assert find_secrets(exception_texts(interruption)) == []
        assert not hasattr(interruption, "__notes__")
    assert server.connections == 0


class TimeLimitError(Exception):
    """An exception that a signal handler raises at any moment, as in a job queue when a job exceeds its time limit."""


@contextmanager
def interrupted_while_receiving(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.ExceptionInfo[TimeLimitError]]:
    """Interrupt the code of this context when it starts to read a response."""

    def interrupt(*_: Any) -> None:
        raise TimeLimitError

    with monkeypatch.context() as patch:
        patch.setattr(transport, "_receive", interrupt)
        with pytest.raises(TimeLimitError) as caught:
            yield caught


def test_interrupted_check_closes_its_connection_and_leaves_the_client_usable(monkeypatch: pytest.MonkeyPatch) -> None:
    """A signal's exception interrupts the sync client only; the async client is cancelled, which other tests do."""
    with raw_server() as server, Anchor(KEY, base_url=server.base_url) as anchor:
        task = anchor.tasks.get(TASK_ID)
        with interrupted_while_receiving(monkeypatch) as caught:
            task.result()
        assert [NOTE in note for note in caught.value.__notes__] == [True]
        server.wait_for_open_connections(0)
        assert task.refresh().done


def test_client_is_usable_after_an_interrupted_request_of_its_api(monkeypatch: pytest.MonkeyPatch) -> None:
    with raw_server() as server, Anchor(KEY, base_url=server.base_url) as anchor:
        with interrupted_while_receiving(monkeypatch):
            anchor.api.get_httpx_client().get("/v1/other")
        server.wait_for_open_connections(0)
        assert anchor.tasks.get(TASK_ID).refresh().done


STREAMS: Final = {"sync": sync_backend.SyncStream, "asyncio": anyio_backend.AnyIOStream}


@pytest.mark.parametrize("runner", STREAMS, indirect=True)
def test_interrupted_request_of_the_api_shows_no_secret(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    """The frame that writes a request has its bytes, with the key, in a variable."""

    def interrupt(*_: Any, **__: Any) -> None:
        raise TimeLimitError

    monkeypatch.setattr(STREAMS[runner.name], "write", interrupt)
    with raw_server() as server, runner.anchor(base_url=server.base_url) as anchor:
        client = anchor.api.get_httpx_client() if runner.name == "sync" else anchor.api.get_async_httpx_client()
        with pytest.raises(TimeLimitError) as caught:
            runner.call(client.get, "/v1/other")
    assert find_secrets(exception_texts(caught.value)) == []


class InterruptedTransport(httpx.HTTPTransport):
    """A transport of httpx, whose pool an interruption can leave locked forever."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        del request
        raise TimeLimitError


def test_client_is_replaced_after_an_interruption_only_if_its_transport_is_that_of_httpx(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with raw_server() as server, Anchor(KEY, base_url=server.base_url) as anchor:
        client = anchor.api.get_httpx_client()
        with interrupted_while_receiving(monkeypatch):
            client.get("/v1/other")
        assert anchor.api.get_httpx_client() is client
    with Anchor(KEY, transport=InterruptedTransport()) as anchor:
        client = anchor.api.get_httpx_client()
        with pytest.raises(TimeLimitError):
            client.get("/v1/other")
        assert anchor.api.get_httpx_client() is not client


@pytest.mark.parametrize("moment", range(1, 5))
def test_slot_is_not_lost_if_an_exception_interrupts_its_acquisition(
    monkeypatch: pytest.MonkeyPatch, moment: int
) -> None:
    """A signal handler may raise when a C function returns.

    Python calls a profile function at the same moments, so here the profile function raises the exception. `moment` is
    the number of the return at which it does.
    """
    monkeypatch.setattr(limiter, "MAX_IN_FLIGHT", 1)
    returned = 0

    def interrupt(frame: FrameType, event: str, _: object) -> None:
        nonlocal returned
        if event == "c_return" and frame.f_code is limiter.Limiter.exchange.__code__:
            returned += 1
            if returned == moment:
                raise TimeLimitError

    with raw_server() as server, Anchor(KEY, base_url=server.base_url) as anchor:
        with suppress(TimeLimitError):
            sys.setprofile(interrupt)
            anchor.tasks.start("Read the price")
        sys.setprofile(None)
        started: list[object] = []
        starting = threading.Thread(target=lambda: started.append(anchor.tasks.start("Read")), daemon=True)
        starting.start()
        starting.join(PATIENCE)
        assert len(started) == 1


@async_runners
def test_connection_is_closed_if_a_start_is_cancelled_during_the_tls_handshake(runner: Runner) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, ExitStack() as stack:
        server.settimeout(PATIENCE)
        connections: list[socket.socket] = []

        def receive_client_hello() -> None:
            connections.append(stack.enter_context(server.accept()[0]))
            connections[0].settimeout(PATIENCE)
            assert connections[0].recv(65_536)

        with runner.anchor(base_url=f"https://127.0.0.1:{server.getsockname()[1]}") as anchor:
            runner.call(cancelled_error, functools.partial(anchor.tasks.start, "Read the price"), receive_client_hello)
            # The connection must be closed at once, not only by a garbage collection or when the client is closed.
            while connections[0].recv(65_536):
                pass
