"""A signal's exception can end the sync `map` at any line, and a second one can follow: the call is left all the same.

The tests raise exceptions before lines of the iterator, as a signal could. The lines of the threads are not concerned:
signals only interrupt the main thread.
"""

from __future__ import annotations

import linecache
import math
import signal
import sys
import threading
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING, Any, Final

import pytest

from anchor_webtask import Anchor, WaitPolicy
from anchor_webtask._batch import sync
from anchor_webtask._batch.async_ import AsyncTaskOutcomes
from anchor_webtask.emulator import Fault
from anchor_webtask.testing import install
from tests.support.left import notes, warnings_logged
from tests.support.runners import KEY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from anchor_webtask.emulator import Emulator
    from anchor_webtask.testing import VirtualClock

POLICY: Final = WaitPolicy(minimum=1, maximum=1, jitter=0)
STEPS: Final = {"until_second": 1, "with_block": 11, "and_stop": 11}
SECOND_STEPS: Final = (29, 5)
"""By default, each line is tried once, a few more in each mode, and few pairs of lines."""


class InterruptionError(BaseException):
    """What interrupts a call, as the exception of a signal handler would."""


@contextmanager
def interrupted_at(*points: int) -> Iterator[list[int]]:
    """Raise before the lines of the iterator with these numbers; yield a list of the lines at which that was done.

    Left out are lines at which no signal's exception can appear, and what the caller could as well do itself.
    """
    reached, lines = [], count(1)

    def trace(frame: FrameType, event: str, _: object) -> Any:
        if frame.f_code.co_filename != sync.__file__ or frame.f_code.co_name in {"__iter__", "__del__"}:
            return None
        line = linecache.getline(sync.__file__, frame.f_lineno).strip()
        if event == "line" and line not in {"try:", "outcome = None"} and next(lines) in points:
            reached.append(frame.f_lineno)
            raise InterruptionError
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield reached
    finally:
        sys.settrace(before)


class Attempt:
    """A call that is interrupted, and what is known of it afterwards."""

    def __init__(self, mode: str, emulator: Emulator, *points: int) -> None:
        self.got: list[Any] = []
        self.raised: InterruptionError | None = None
        with Anchor(KEY, wait=POLICY) as anchor, warnings_logged() as (texts, _):
            outcomes = anchor.tasks.map(["Quick 0", "Slow", "Quick 1"], max_running=2)
            with interrupted_at(*points) as self.reached:
                try:
                    getattr(self, mode)(outcomes)
                except InterruptionError as raised:
                    self.raised = raised
            starts = emulator.start_requests
            self.rest = list(outcomes) if self.raised is not None else []
            self.starts_after = emulator.start_requests - starts
        text = " ".join(texts) + ("" if self.raised is None else notes(self.raised))
        self.known = text + " ".join(str(outcome.task_id) for outcome in (*self.got, *self.rest))

    def with_block(self, outcomes: Any) -> None:
        with outcomes as entered:
            self.until_second(entered)

    def until_second(self, outcomes: Any) -> None:
        for outcome in outcomes:
            self.got.append(outcome)
            if len(self.got) == 2:
                break

    def and_stop(self, outcomes: Any) -> None:
        self.until_second(outcomes)
        outcomes.stop()

    def problem(self, emulator: Emulator) -> str | None:
        indices = [outcome.index for outcome in (*self.got, *self.rest)]
        if len(set(indices)) != len(indices):
            return f"an outcome came twice: {indices}"
        if self.starts_after:
            return "the call has gone on"
        lost = {task.id for task in emulator.tasks} - {task.id for task in emulator.tasks if task.id in self.known}
        return f"{len(lost)} ids were lost" if lost else None


@pytest.fixture
def every(request: pytest.FixtureRequest) -> bool:
    """Whether all points are tried."""
    return bool(request.config.getoption("--every-point"))


def attempt(mode: str, *points: int) -> tuple[list[int], str | None]:
    """Return at which lines a call was interrupted, and what was wrong afterwards."""
    with install() as emulator:
        emulator.on(takes=10)
        emulator.on(prompt="Slow", takes=10_000, start_faults=[Fault(delay=2)])
        made = Attempt(mode, emulator, *points)
        too_long = "it has waited for too long" if emulator.elapsed > 40 else None
        return made.reached, made.problem(emulator) or too_long


@pytest.mark.parametrize("mode", ["with_block", "until_second", "and_stop"])
def test_interruption_at_any_line_leaves_the_call(mode: str, every: bool) -> None:
    problems, point = {}, 0
    for point in count(1, 1 if every else STEPS[mode]):
        reached, problem = attempt(mode, point)
        if not reached:
            break
        if problem is not None:
            problems[point] = (reached, problem)
    assert point > 20
    assert problems == {}


@pytest.mark.parametrize("mode", ["with_block", "until_second", "and_stop"])
def test_second_interruption_leaves_the_call(mode: str, every: bool) -> None:
    problems: dict[tuple[int, int], Any] = {}
    point, reached = 0, list[int]()
    first, second = (7, 2) if every else SECOND_STEPS
    for point in count(first, first):
        for later in range(point + 1, point + 20, second):
            reached, problem = attempt(mode, point, later)
            if reached and problem is not None:
                problems[point, later] = (reached, problem)
        if not reached:
            break
    assert point > 20
    assert problems == {}


@pytest.mark.parametrize("outcomes", [sync.TaskOutcomes, AsyncTaskOutcomes])
def test_iterator_whose_creation_was_interrupted_can_be_deleted(outcomes: Any) -> None:
    outcomes.__new__(outcomes).__del__()


def test_thread_that_cannot_be_made_ends_the_call_at_once(
    anchor_emulator: Emulator, anchor_clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with Anchor(KEY) as anchor:
        outcomes = anchor.tasks.map(["Read"])
        monkeypatch.setattr(threading.Thread, "start", start)
        with pytest.raises(RuntimeError, match="can't start new thread"):
            next(outcomes)
        assert list(outcomes) == []
    assert (anchor_clock.elapsed, anchor_emulator.start_requests) == (0, 0)


@pytest.mark.parametrize("with_block", [True, False])
def test_signal_handler_may_stop_the_call(anchor_emulator: Emulator, with_block: bool) -> None:
    stopped: dict[str, str] = {}
    signals = [signal.SIGUSR1]

    def started(_: dict[str, Any]) -> float:
        while signals:
            signal.pthread_kill(threading.main_thread().ident or 0, signals.pop())
        return math.inf

    anchor_emulator.on(takes=started)
    with Anchor(KEY, wait=POLICY) as anchor:
        outcomes = anchor.tasks.map(["Read 0", "Read 1"])
        before = signal.signal(signal.SIGUSR1, lambda *_: stopped.update(outcomes.stop()))
        try:
            if with_block:
                with outcomes:
                    seen = list(outcomes)
            else:
                seen = list(outcomes)
        finally:
            signal.signal(signal.SIGUSR1, before)
    assert stopped == {outcome.key: outcome.task_id for outcome in seen if outcome.task_id is not None} != {}
