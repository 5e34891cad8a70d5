"""A start that is interrupted at any point says what is known of its task, and never hides it.

Before the request is sent, the exception says nothing. Then it says that the task may have started; and once the id has
arrived, it says the id. The tests interrupt calls before a line of this package or of the libraries that send its
requests, and at each await. By default they try some of these lines; with `--every-point` they try all of them.
"""

from __future__ import annotations

import json
import sys
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from anchor_webtask import WaitPolicy
from anchor_webtask._http import limiter
from tests.support.interrupting import (
    InterruptionError,
    Progress,
    cancelled_at_await,
    interrupted_at_line,
    observed,
    problem,
    task_cancelled_at_await,
)
from tests.support.patience import PATIENCE
from tests.support.processes import spawn
from tests.support.raw_server import COMPLETED, RUNNING, raw_server

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.support.runners import Runner

OFTEN: Final = WaitPolicy(minimum=0.001, maximum=0.001)
METHODS: Final = ("start", "run", "run_in_one_request")
LINE_STEP: Final = 61
"""By default, every 61st line is tried: a prime number, so that the lines of a loop do not repeat in step with it."""
SIGNALS: Final = 300
INTERRUPT_STARTS: Final = Path(__file__).parent / "programs" / "interrupt_starts.py"


# A call that is interrupted inside another library's code can leave a socket or an async generator of it unfinished.
library_leaks = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(name="every")
def every_point(request: pytest.FixtureRequest) -> bool:
    """Whether all points are tried."""
    return bool(request.config.getoption("--every-point"))


def interrupted_calls(
    interrupt: Callable[[Any, Progress], BaseException | None], step: int, monkeypatch: pytest.MonkeyPatch
) -> list[str | None]:
    """Interrupt calls at one point after the other, and return what is wrong at each; None if nothing is.

    The last call returns before it reaches its point.
    """
    monkeypatch.setattr(limiter, "MAX_IN_FLIGHT", 1)  # a slot that an interruption loses would stop the next start
    problems: list[str | None] = []
    has_arrived = False
    for point in count(1, step):
        progress = Progress(point)
        with raw_server(check=[RUNNING, RUNNING, COMPLETED]) as server, observed(monkeypatch, progress):
            raised = interrupt(server.base_url, progress)
        assert server.starts <= 1
        has_arrived = has_arrived or progress.has_arrived
        if not progress.is_interrupted:
            assert has_arrived  # otherwise the test has not tried what it is about
            return problems
        if raised is not None:
            problems.append(problem(progress, raised))
    raise AssertionError("the points never end")


@library_leaks
@pytest.mark.parametrize("method", METHODS)
def test_start_interrupted_at_a_line_says_what_is_known_of_its_task(
    runner: Runner, method: str, monkeypatch: pytest.MonkeyPatch, *, every: bool
) -> None:
    interruption: type[BaseException] = KeyboardInterrupt if runner.name == "sync" else InterruptionError

    def interrupt(base_url: str, progress: Progress) -> BaseException | None:
        with runner.anchor(base_url=base_url, wait=OFTEN) as anchor:
            call = getattr(anchor.tasks, method)

            async def interrupted() -> BaseException | None:
                try:
                    with interrupted_at_line(progress, interruption()):
                        await call("Read the price", secret_values={"PASSWORD": "Secret-0123456789"})
                except interruption as raised:
                    return raised
                return None

            def interrupted_sync() -> BaseException | None:
                try:
                    with interrupted_at_line(progress, interruption()):
                        call("Read the price", secret_values={"PASSWORD": "Secret-0123456789"})
                except interruption as raised:
                    return raised
                return None

            if runner.name == "sync":
                return interrupted_sync()
            raised: BaseException | None = runner.call(interrupted)
            return raised

    problems = interrupted_calls(interrupt, 1 if every else LINE_STEP, monkeypatch)
    assert [problem for problem in problems if problem] == []


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("runner", "way"),
    [("asyncio", "scope"), ("asyncio", "task"), ("asyncio", "task when ready"), ("trio", "scope")],
    indirect=["runner"],
)
def test_start_cancelled_at_an_await_says_what_is_known_of_its_task(
    runner: Runner, way: str, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(base_url: str, progress: Progress) -> BaseException | None:
        with runner.anchor(base_url=base_url, wait=OFTEN) as anchor:

            def call() -> Awaitable[Any]:
                started: Awaitable[Any] = getattr(anchor.tasks, method)("Read the price")
                return started

            if way == "scope":
                raised: BaseException | None = runner.call(cancelled_at_await, call, progress)
            else:
                raised = runner.call(task_cancelled_at_await, call, progress, when_ready=way != "task")
            return raised

    problems = interrupted_calls(interrupt, 1, monkeypatch)
    assert [problem for problem in problems if problem] == []


@pytest.mark.skipif("coverage" in sys.modules, reason="a signal can leave the lock of coverage locked forever")
def test_start_interrupted_by_a_real_signal_says_what_is_known_of_its_task(*, every: bool) -> None:
    """Signals arrive at random moments: also while a system call waits, and between the operations of a line.

    They arrive in a process of their own, since one can leave a lock of another library locked forever.
    """
    with raw_server() as server:
        starts = SIGNALS * 20 if every else SIGNALS
        with spawn(INTERRUPT_STARTS, str(starts), base_url=server.base_url) as process:
            output, errors = process.communicate(timeout=PATIENCE + starts / 10)
    assert (process.returncode, errors) == (0, "")
    assert json.loads(output) == {"has_arrived": True, "problems": []}
