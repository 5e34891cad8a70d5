"""`Tasks.map`: how one task of many is started and checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Generic

from anchor_webtask._batch.calls import HOLD_POLICY
from anchor_webtask._batch.items import StartFailed
from anchor_webtask._batch.scheduler import Scheduler
from anchor_webtask._batch.sync import TaskOutcomes
from anchor_webtask._errors import AnchorError
from anchor_webtask._http.limiter import MAX_IN_FLIGHT
from anchor_webtask._models import T
from anchor_webtask._polling.wait import Fetch, Sleep
from anchor_webtask._tasks.interruptions import StartRecord, annotate
from anchor_webtask._tasks.many import checked
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
    from anchor_webtask._tasks.many import Many, MapArguments

MAX_HELPERS: Final = 2 * MAX_IN_FLIGHT
"""As many starts and checks as can be in flight. More threads only compete for the interpreter: 1,000 took three times
as long."""


def outcomes(
    given: MapArguments,
    settings: Settings,
    prepare: Callable[[TaskRequest, Many[Any]], Start[Any]],
    start: Callable[[Start[Any], StartRecord], WebTask[Any]],
) -> TaskOutcomes[Any]:
    """Return the iterator of a call of `map`, once its arguments are checked.

    Args:
        given: The arguments.
        settings: The client's settings.
        prepare: Checks a request, and builds its start.
        start: Starts a task.

    Raises:
        ConfigurationError: An argument is invalid.
    """
    many = checked(given, settings, may_be_async=False)
    calls = ManyCalls(settings, lambda request: prepare(request, many), start, many.timeout)
    helpers = min(given.max_running, MAX_HELPERS)
    reports_progress = given.on_progress is not None
    scheduler = Scheduler(many.plan, calls, given.requests, helpers, reports_progress=reports_progress)
    return TaskOutcomes(scheduler, settings.clock, given.on_progress)


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
        record = StartRecord()
        try:
            task = record.watch(lambda record: self._start(item.prepared or self.prepare(item.request), record))
        except AnchorError as error:
            return StartFailed(error, record.failure)
        return TaskWatch(task, None if self._timeout is None else item.begun + self._timeout)


class TaskWatch(Generic[T]):
    """The wait for one task."""

    __slots__ = ("_deadline", "_steps", "_task")

    def __init__(self, task: WebTask[T], deadline: float | None) -> None:
        self._task = task
        self._deadline = deadline
        self._steps: Generator[Step[TaskUpdate], StepResult] | None = None

    @property
    def task_id(self) -> str | None:
        """The task's id."""
        return self._task._state.task_id

    def advance(self) -> float | None:
        """Make the check that is due, and return when the next one is; None if the task has ended."""
        clock = self._task._setup.settings.clock
        reply: Reply | Failure | None = None
        try:
            while True:
                now = clock.now()
                if self._steps is None:
                    self._steps = self._task._steps(self._deadline)
                    step = next(self._steps)
                else:
                    step = self._steps.send((now, reply))
                if isinstance(step, Sleep):
                    return now + step.seconds
                reply = self._task._fetch(step) if isinstance(step, Fetch) else None
        except StopIteration:
            return None
        except BaseException as raised:
            annotate(raised, self.task_id)
            raise

    def result(self) -> TaskResult[T]:
        """Return the answer of a task that has ended."""
        return self._task._result()

    def held(self, until: float) -> TaskWatch[T]:
        """Return a wait that goes on after this one, with few checks."""
        task = self._task
        setup = task._setup._replace(policy=HOLD_POLICY)
        return TaskWatch(WebTask(task._sender, setup, task._state, started=task._started), until)
