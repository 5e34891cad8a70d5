"""`Tasks.map`: how one task of many is started and checked."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Generic

from anchor_webtask._batch.calls import HOLD_POLICY
from anchor_webtask._batch.gate import STOPPED, CallLeftError
from anchor_webtask._batch.items import StartFailed
from anchor_webtask._errors import AnchorError
from anchor_webtask._models import T
from anchor_webtask._polling.wait import Fetch, Sleep
from anchor_webtask._tasks.interruptions import StartRecord, annotate
from anchor_webtask._tasks.stored import ends_place, recorded
from anchor_webtask._tasks.sync_handle import WebTask

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from anchor_webtask._batch.items import Item
    from anchor_webtask._batch.models import TaskRequest
    from anchor_webtask._config import Settings
    from anchor_webtask._models import TaskResult, TaskUpdate
    from anchor_webtask._polling.outcomes import Failure, Reply
    from anchor_webtask._polling.wait import Step, StepResult
    from anchor_webtask._tasks.base import Start
    from anchor_webtask._tasks.stored import RowRecord


class ManyCalls(Generic[T]):
    """Starts tasks; the scheduler calls it in its helper threads."""

    def __init__(
        self,
        settings: Settings,
        prepare: Callable[[TaskRequest], Start[T]],
        start: Callable[[Start[T], StartRecord], WebTask[T]],
        timeout: float | None,
    ) -> None:
        self.clock = settings.clock
        self.prepare = prepare
        self._start = start
        self._timeout = timeout

    def start(self, item: Item[T]) -> TaskWatch[T] | StartFailed:
        """Start the task of an item."""
        record = StartRecord(item.departure.pass_gate, item.departure.return_unsent)
        try:
            task = record.watch(lambda record: self._start(item.prepared or self.prepare(item.request), record))
        except CallLeftError:
            return StartFailed(AnchorError(STOPPED), None)
        except AnchorError as error:
            return StartFailed(error, record.failure)
        except BaseException:
            item.task_id = record.known_id()
            raise
        return TaskWatch(task, self._deadline(item))

    def _deadline(self, item: Item[T]) -> float | None:
        return None if self._timeout is None else item.begun + self._timeout


class TaskWatch(Generic[T]):
    """The wait for one task.

    Args:
        task: The task.
        deadline: When the wait ends; None for never.
        record: Stores in a ledger how the task ends.
        is_held: Whether the outcome is known already, and the task only keeps its place.
    """

    __slots__ = ("_deadline", "_is_held", "_keeps_place", "_record", "_steps", "_task")

    def __init__(
        self, task: WebTask[T], deadline: float | None, record: RowRecord | None = None, *, is_held: bool = False
    ) -> None:
        self._task = task
        self._deadline = deadline
        self._record = record
        self._is_held = is_held
        self._keeps_place = False  # until the deadline, though the task cannot be checked any more
        self._steps: Generator[Step[TaskUpdate], StepResult] | None = None

    @property
    def task_id(self) -> str | None:
        """The task's id."""
        return self._task._state.task_id

    def advance(self) -> float | None:
        """Make the check that is due, and return when the next one is; None if the task has ended."""
        if self._keeps_place:  # its time is over now
            self._end_place()
            return None
        clock = self._task._setup.settings.clock
        reply: Reply | Failure | None = None
        try:
            while (step := self._next_step(now := clock.now(), reply)) is not None:
                if isinstance(step, Sleep):
                    return now + step.seconds
                reply = self._task._fetch(step) if isinstance(step, Fetch) else None
        except BaseException as raised:
            annotate(raised, self.task_id)
            if self._is_held and isinstance(raised, AnchorError):
                if not ends_place(raised):
                    self._keeps_place = True
                    return self._deadline
                self._end_place()
            raise
        if self._is_held:
            with suppress(AnchorError):
                self.result()
        return None

    def _end_place(self) -> None:
        if self._record is not None:
            self._record.gone()

    def _next_step(self, now: float, reply: Reply | Failure | None) -> Step[TaskUpdate] | None:
        try:
            if self._steps is not None:
                return self._steps.send((now, reply))
            self._steps = self._task._steps(self._deadline)
            return next(self._steps)
        except StopIteration:
            return None

    def result(self) -> TaskResult[T]:
        """Return the answer of a task that has ended."""
        with recorded(self._record, self._task._state):
            return self._task._result()

    def held(self, until: float) -> TaskWatch[T]:
        """Return a wait that goes on after this one, with few checks."""
        task = self._task
        task._state.seen = True  # so that 404s end the wait only after a minute, since others may take the place then
        setup = task._setup._replace(policy=HOLD_POLICY)
        held = WebTask(task._sender, setup, task._state, started=task._started)
        return TaskWatch(held, until, self._record, is_held=True)
