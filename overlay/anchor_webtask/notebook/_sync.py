"""`watch` for sync handles: the calling thread shows them, and helper threads check them.

No thread waits for a check to be due, so that an interruption ends all checks but those that are under way.
"""

from __future__ import annotations

import heapq
import queue
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Generic

from anchor_webtask._batch.helpers import Helpers, Message
from anchor_webtask._errors import AnchorError
from anchor_webtask._http import limiter
from anchor_webtask._models import T
from anchor_webtask._polling.wait import Emit, Fetch, Sleep
from anchor_webtask._tasks.interruptions import add_running_note, annotate
from anchor_webtask.notebook._board import Board
from anchor_webtask.notebook._output import output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anchor_webtask._models import TaskResult, TaskUpdate
    from anchor_webtask._polling.outcomes import Failure, Reply
    from anchor_webtask._polling.wait import Step
    from anchor_webtask._tasks.sync_handle import WebTask


def watch_sync(tasks: Sequence[WebTask[T]], timeout: float | None) -> list[TaskResult[T]]:
    """Wait until all tasks have ended, and return their results.

    Args:
        tasks: The handles; at least one.
        timeout: Seconds to wait for each; None for no deadline.

    Raises:
        AnchorError: A task has no answer.
    """
    board, shown, clock = Board(tasks), output(), tasks[0]._setup.settings.clock
    checks = Checks(tasks, timeout, board)
    try:
        checks.begin()
        while not board.is_over:
            checks.submit()
            shown.show(board, clock.now())
            checks.receive(shown.tick)
        shown.show(board, clock.now())
    except BaseException as raised:
        board.leave()
        for task_id in board.left_ids():
            add_running_note(raised, task_id)
        with suppress(Exception):  # the interruption counts
            shown.show(board, clock.now())
        raise
    finally:
        checks.dismiss()
    return board.results()


class Checks(Generic[T]):
    """Checks each task when that is due.

    Args:
        tasks: The handles.
        timeout: Seconds to wait for each; None for no deadline.
        board: What the checks find out is recorded there, by the thread that calls `receive`.
    """

    def __init__(self, tasks: Sequence[WebTask[T]], timeout: float | None, board: Board[T]) -> None:
        self._board = board
        self._clock = tasks[0]._setup.settings.clock
        self._waits = [Wait(task, task._deadline(timeout)) for task in tasks]
        self._due: list[tuple[float, int]] = []  # a heap
        self._messages: SimpleQueue[Message] = SimpleQueue()
        self._helpers = Helpers("anchor_webtask watch", min(len(tasks), limiter.MAX_IN_FLIGHT), self._messages.put)

    def begin(self) -> None:
        """Find out when the first check of each task is due, if the task is not known to have ended."""
        for index, wait in enumerate(self._waits):
            self._advanced(index, wait.begin(), None)

    def submit(self) -> None:
        """Let helpers make the checks that are due."""
        now = self._clock.now()
        while self._due and self._due[0][0] <= now:
            self._helpers.submit(partial(self._advance, heapq.heappop(self._due)[1]))

    def receive(self, tick: float | None) -> None:
        """Record what checks have found out; wait for that, but not beyond the next check or the tick.

        Raises:
            BaseException: The user's code, such as a log filter, has raised it in a check.
        """
        waits = [] if tick is None else [tick]
        if self._due:
            waits.append(max(self._due[0][0] - self._clock.now(), 0.0))
        try:
            message = self._clock.get(self._messages, True, min(waits)) if waits else self._messages.get()
            while True:
                self._helpers.done()
                message()
                message = self._messages.get_nowait()
        except queue.Empty:
            return

    def dismiss(self) -> None:
        """Make no more checks."""
        self._helpers.dismiss()

    def _advance(self, index: int) -> Message:
        try:
            due, update = self._waits[index].advance()
        except BaseException as raised:  # noqa: BLE001  the user's thread raises it
            return partial(self._broke, index, raised)
        return partial(self._advanced, index, due, update)

    def _advanced(self, index: int, due: float | None, update: TaskUpdate | None) -> None:
        if update is not None:
            self._board.update(index, update)
        if due is None:
            self._board.end(index)
        else:
            heapq.heappush(self._due, (due, index))

    def _broke(self, index: int, raised: BaseException) -> None:
        if not isinstance(raised, AnchorError):
            raise raised
        self._board.fail(index, raised)


class Wait(Generic[T]):
    """The wait for one task.

    Args:
        task: The task.
        deadline: When the wait ends; None for never.
    """

    def __init__(self, task: WebTask[T], deadline: float | None) -> None:
        self._task = task
        self._steps = task._steps(deadline)
        self._step: Step[TaskUpdate] | None = None  # what `advance` does first

    def begin(self) -> float | None:
        """Return when the first check is due; None if the task is known to have ended."""
        now = self._task._setup.settings.clock.now()
        step = next(self._steps, None)
        if isinstance(step, Sleep):
            return now + step.seconds
        self._step = step
        return None if step is None else now

    def advance(self) -> tuple[float | None, TaskUpdate | None]:
        """Make the check that is due; return when the next one is, None after the last, and what this one has found."""
        clock = self._task._setup.settings.clock
        reply: Reply | Failure | None = None
        update: TaskUpdate | None = None
        step, self._step = self._step, None
        try:
            while True:
                now = clock.now()
                step = self._steps.send((now, reply)) if step is None else step
                reply = None
                match step:
                    case Sleep(seconds=seconds):
                        return now + seconds, update
                    case Fetch():
                        reply = self._task._fetch(step)
                    case Emit(value=value):
                        update = value
                step = None
        except StopIteration:
            return None, update
        except BaseException as raised:
            annotate(raised, self._task._state.task_id)
            raise
