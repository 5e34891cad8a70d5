"""Ctrl-C and cancellation end a wait at once, leave the task running, and say how to find it again."""

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
import pytest
from httpcore._synchronization import ThreadLock

from anchor_webtask import Anchor, WaitPolicy
from anchor_webtask._http import limiter
from tests.support import secret_search
from tests.support.processes import PASSWORD, spawn
from tests.support.raw_server import COMPLETED, RUNNING, STARTED, TASK_ID, TEST_TIMEOUT, Ending, raw_server
from tests.support.runners import KEY
from tests.support.secret_search import exception_texts, find_secrets, log_texts, secret_parts

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from types import FrameType

    from tests.support.clocks import VirtualClock
    from tests.support.runners import Runner

WAIT: Final = Path(__file__).parent / "programs" / "wait.py"
OFTEN: Final = WaitPolicy(minimum=0.01, maximum=0.05)
NOTE: Final = f"tasks.get({TASK_ID!r}) finds it again"
START_NOTE: Final = "interrupted while starting a task"

async_runners = pytest.mark.parametrize("runner", ["asyncio", "trio"], indirect=True)


@dataclass(frozen=True)
class Moment:
    """When Ctrl-C comes: what the server does then, how often the program looks, how much it sends, what it is told."""

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
    # A wait that is not ended at once goes on for longer than the patience lasts.
    Moment("sleeping", {}, seconds="60", note=NOTE),
)


def interrupt(process: subprocess.Popen[str]) -> str:
    """Press Ctrl-C, and return what the program says to that."""
    process.send_signal(signal.SIGINT)
    try:
        return process.communicate(timeout=TEST_TIMEOUT / 6)[1]
    except subprocess.TimeoutExpired:
        # Python doesn't see a signal that comes just before a system call until that ends; the next one is within it.
        process.send_signal(signal.SIGINT)
        return process.communicate(timeout=TEST_TIMEOUT / 6)[1]


@pytest.mark.parametrize("name", ["sync", "asyncio", "trio"])
@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: moment.name)
def test_ctrl_c_ends_the_wait_with_a_note_and_shows_no_secret(name: str, moment: Moment) -> None:
    with (
        raw_server(**moment.server) as server,
        spawn(WAIT, name, moment.seconds, moment.size, base_url=server.base_url) as process,
    ):
        if moment.requests:
            server.wait_for_requests(moment.requests)
        else:
            assert process.stdout
            assert process.stdout.readline() == "sleeping\n"
        said = interrupt(process)
    assert process.returncode == -signal.SIGINT
    assert "KeyboardInterrupt" in said
    assert moment.note in said
    # All three reports have the frames' variables.
    assert said.count("anchor = <") == 2
    assert '"anchor":"<' in said
    assert find_secrets([said], secret_parts(KEY, PASSWORD)) == []


async def interrupted(wait: Callable[[], Awaitable[object]], has_begun: Callable[[], object]) -> BaseException:
    """Cancel a wait once it has begun, and return what went through it."""
    passed: list[BaseException] = []

    async def waiting() -> None:
        try:
            await wait()
        except anyio.get_cancelled_exc_class() as cancelled:
            passed.append(cancelled)
            raise

    async with anyio.create_task_group() as group:
        group.start_soon(waiting)
        await anyio.to_thread.run_sync(has_begun)
        group.cancel_scope.cancel()
    return passed[0]


@async_runners
def test_a_cancelled_check_leaves_the_handle_and_the_client_usable(runner: Runner) -> None:
    with (
        raw_server(check=[(Ending.SILENCE,), RUNNING, COMPLETED]) as server,
        runner.anchor(base_url=server.base_url, wait=WaitPolicy(minimum=0.01)) as anchor,
    ):
        task = anchor.tasks.get(TASK_ID)
        cancelled = runner.call(interrupted, task.result, lambda: server.wait_for_requests(1))
        assert [NOTE in note for note in cancelled.__notes__] == [True]
        assert task.status is None
        assert runner.call(task.result).value == "done"
    assert server.count("GET") == 3


@async_runners
# httpx sends a body by an async generator, which trio finds unexhausted when it is collected.
@pytest.mark.filterwarnings("ignore:Async generator 'httpx:ResourceWarning")
@pytest.mark.parametrize("cut_off", ["sending", "starting", "checking"])
def test_cancellation_shows_no_secret(
    runner: Runner, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], cut_off: str
) -> None:
    caplog.set_level(logging.DEBUG)
    moment = next(moment for moment in MOMENTS if moment.name == cut_off)
    with raw_server(**moment.server) as server, runner.anchor(base_url=server.base_url, wait=OFTEN) as anchor:
        run = functools.partial(
            anchor.tasks.run,
            "Log in",
            secret_values={"PASSWORD": secret_search.PASSWORD},
            extra_body={"filler": " " * int(moment.size)},
        )
        cancelled = runner.call(interrupted, run, lambda: server.wait_for_requests(moment.requests))
    assert [moment.note in note for note in cancelled.__notes__] == [True]
    assert any(record.name == "httpcore.http11" for record in caplog.records)
    assert find_secrets([*exception_texts(cancelled), repr(anchor), *log_texts(caplog), *capfd.readouterr()]) == []


@async_runners
def test_a_cancelled_sleep_leaves_the_handle_usable(
    runner: Runner, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    sleeps = threading.Event()

    async def sleep(_: float) -> None:
        sleeps.set()
        await anyio.sleep_forever()

    with raw_server(check=[RUNNING, COMPLETED]) as server, runner.anchor(base_url=server.base_url) as anchor:
        task = anchor.tasks.get(TASK_ID)
        with monkeypatch.context() as patch:
            patch.setattr(clock, "sleep_async", sleep)
            cancelled = runner.call(interrupted, task.result, lambda: sleeps.wait(TEST_TIMEOUT))
        assert [NOTE in note for note in cancelled.__notes__] == [True]
        assert (task.status, server.count("GET")) == ("running", 1)
        assert runner.call(task.result).value == "done"


@async_runners
def test_a_cancelled_start_says_that_nobody_knows(runner: Runner) -> None:
    with raw_server(start=[(Ending.SILENCE,), STARTED]) as server, runner.anchor(base_url=server.base_url) as anchor:
        start = functools.partial(anchor.tasks.start, "Read the price")
        cancelled = runner.call(interrupted, start, lambda: server.wait_for_requests(1))
        assert [START_NOTE in note for note in cancelled.__notes__] == [True]
        assert runner.call(start).id == TASK_ID
    assert server.starts == 2


class Interrupting(dict[str, Any]):
    """A mapping that is looked through so many times, and then Ctrl-C comes."""

    def __init__(self, times: int) -> None:
        super().__init__(filler=" ")
        self.times = times

    def __iter__(self) -> Iterator[str]:
        self.look()
        return super().__iter__()

    def items(self) -> Any:
        self.look()
        return super().items()

    def keys(self) -> Any:
        self.look()
        return super().keys()

    def look(self) -> None:
        self.times -= 1
        if self.times == -1:
            raise KeyboardInterrupt


@pytest.mark.parametrize("times", range(3))
def test_an_interruption_while_a_start_is_built_shows_no_secret(runner: Runner, times: int) -> None:
    """Nothing of it has left then, and no note says that it may have."""
    with raw_server() as server, runner.anchor(base_url=server.base_url) as anchor:
        start = functools.partial(
            anchor.tasks.start,
            "Log in",
            secret_values={"PASSWORD": secret_search.PASSWORD},
            extra_body=Interrupting(times),
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
            came: BaseException | None = caught.value
        else:
            came = runner.call(interrupted_start)
        assert came is not None
        assert find_secrets(exception_texts(came)) == []
        assert not hasattr(came, "__notes__")
    assert server.connections == 0


class TimeLimitError(Exception):
    """What a worker's signal handler raises, at any moment."""


@contextmanager
def interrupted_at_a_lock(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.ExceptionInfo[TimeLimitError]]:
    """Interrupt what is done meanwhile between taking a lock and being set to release it: it's held for ever."""
    enter = ThreadLock.__enter__

    def enter_and_be_interrupted(lock: ThreadLock) -> ThreadLock:
        enter(lock)
        raise TimeLimitError

    with monkeypatch.context() as patch:
        patch.setattr(ThreadLock, "__enter__", enter_and_be_interrupted)
        with pytest.raises(TimeLimitError) as caught:
            yield caught


def test_a_client_goes_on_after_an_interruption_that_left_a_lock_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """An async client has no such locks."""
    with raw_server() as server:
        anchor = Anchor(KEY, base_url=server.base_url)
        task = anchor.tasks.get(TASK_ID)
        with interrupted_at_a_lock(monkeypatch) as caught:
            task.result()
        assert [NOTE in note for note in caught.value.__notes__] == [True]
        again = threading.Thread(target=task.refresh, daemon=True)  # which on the old lock waits for ever
        again.start()
        again.join(TEST_TIMEOUT / 6)
        assert task.done
        anchor.close()


def test_an_interrupted_api_keeps_nobody_from_closing(monkeypatch: pytest.MonkeyPatch) -> None:
    with raw_server() as server:
        anchor = Anchor(KEY, base_url=server.base_url)
        with interrupted_at_a_lock(monkeypatch):
            anchor.api.get_httpx_client().get("/v1/other")
        closing = threading.Thread(target=anchor.close, daemon=True)
        closing.start()
        closing.join(TEST_TIMEOUT / 6)
        assert not closing.is_alive()


@pytest.mark.parametrize("moment", range(1, 5))
def test_an_interruption_while_a_turn_is_taken_does_not_lose_it(monkeypatch: pytest.MonkeyPatch, moment: int) -> None:
    """Signals are looked at when a function of C has returned; a profile function is called then, too."""
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
        again = threading.Thread(target=lambda: started.append(anchor.tasks.start("Read")), daemon=True)
        again.start()
        again.join(TEST_TIMEOUT / 6)
        assert len(started) == 1


@async_runners
def test_a_start_that_is_cancelled_in_its_handshake_leaves_no_connection(runner: Runner) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, ExitStack() as connections:
        server.settimeout(TEST_TIMEOUT)
        came: list[socket.socket] = []

        def take_hello() -> None:
            came.append(connections.enter_context(server.accept()[0]))
            came[0].settimeout(TEST_TIMEOUT)
            assert came[0].recv(65_536)

        with runner.anchor(base_url=f"https://127.0.0.1:{server.getsockname()[1]}") as anchor:
            runner.call(interrupted, functools.partial(anchor.tasks.start, "Read the price"), take_hello)
            # The connection is closed at once: neither the garbage collector nor a close of the client is needed.
            while came[0].recv(65_536):
                pass
