"""Ctrl-C and cancellation end a wait at once, leave the task running, and say how to find it again."""

from __future__ import annotations

import functools
import signal
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import anyio
import anyio.to_thread
import pytest

from anchor_webtask import WaitPolicy
from tests.support import hunt
from tests.support.faces import KEY
from tests.support.hunt import found, parts, told
from tests.support.processes import PASSWORD, spawn
from tests.support.raw_server import COMPLETED, PATIENCE, RUNNING, STARTED, TASK_ID, Ending, raw_server

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.support.clocks import VirtualClock
    from tests.support.faces import Face

WAIT: Final = Path(__file__).parent / "programs" / "wait.py"
NOTE: Final = f"tasks.get({TASK_ID!r}) finds it again"
START_NOTE: Final = "interrupted while a task was being started"

async_faces = pytest.mark.parametrize("face", ["asyncio", "trio"], indirect=True)


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
    Moment("sending", {"start": SILENCE, "longest_body": 1_000_000}, size="20_000_000", requests=1),
    Moment("starting", {"start": SILENCE}, requests=1),
    Moment("checking", {"check": SILENCE}, requests=2, note=NOTE),
    # A wait that is not ended at once goes on for longer than the patience lasts.
    Moment("sleeping", {}, seconds="60", note=NOTE),
)


def interrupt(process: subprocess.Popen[str]) -> str:
    """Press Ctrl-C, and return what the program says to that."""
    process.send_signal(signal.SIGINT)
    try:
        return process.communicate(timeout=PATIENCE / 6)[1]
    except subprocess.TimeoutExpired:
        # Python doesn't see a signal that comes just before a system call until that ends; the next one is within it.
        process.send_signal(signal.SIGINT)
        return process.communicate(timeout=PATIENCE / 6)[1]


@pytest.mark.parametrize("name", ["sync", "asyncio", "trio"])
@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: moment.name)
def test_ctrl_c_ends_the_wait_with_a_note_and_shows_no_secret(name: str, moment: Moment) -> None:
    with (
        raw_server(**moment.server) as server,
        spawn(WAIT, name, moment.seconds, moment.size, base_url=server.base_url) as process,
    ):
        if moment.requests:
            server.wait_for(moment.requests)
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
    assert found([said], parts(KEY, PASSWORD)) == []


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


@async_faces
def test_a_cancelled_check_leaves_the_handle_and_the_client_usable(face: Face) -> None:
    with (
        raw_server(check=[(Ending.SILENCE,), RUNNING, COMPLETED]) as server,
        face.anchor(base_url=server.base_url, wait=WaitPolicy(minimum=0.01)) as anchor,
    ):
        task = anchor.tasks.get(TASK_ID)
        cancelled = face.call(interrupted, task.result, lambda: server.wait_for(1))
        assert [NOTE in note for note in cancelled.__notes__] == [True]
        assert found(told(cancelled)) == []
        assert task.status is None
        assert face.call(task.result).value == "done"
    assert server.count("GET") == 3


@async_faces
def test_a_cancelled_sleep_leaves_the_handle_usable(
    face: Face, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    sleeps = threading.Event()

    async def sleep(_: float) -> None:
        sleeps.set()
        await anyio.sleep_forever()

    with raw_server(check=[RUNNING, COMPLETED]) as server, face.anchor(base_url=server.base_url) as anchor:
        task = anchor.tasks.get(TASK_ID)
        with monkeypatch.context() as patch:
            patch.setattr(clock, "sleep_async", sleep)
            cancelled = face.call(interrupted, task.result, lambda: sleeps.wait(PATIENCE))
        assert [NOTE in note for note in cancelled.__notes__] == [True]
        assert (task.status, server.count("GET")) == ("running", 1)
        assert face.call(task.result).value == "done"


@async_faces
def test_a_cancelled_start_says_that_nobody_knows(face: Face) -> None:
    with raw_server(start=[(Ending.SILENCE,), STARTED]) as server, face.anchor(base_url=server.base_url) as anchor:
        start = functools.partial(anchor.tasks.start, "Log in", secret_values={"PASSWORD": hunt.PASSWORD})
        cancelled = face.call(interrupted, start, lambda: server.wait_for(1))
        assert [START_NOTE in note for note in cancelled.__notes__] == [True]
        assert found(told(cancelled)) == []
        assert face.call(start).id == TASK_ID
    assert server.starts == 2
