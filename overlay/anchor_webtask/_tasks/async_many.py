"""`AsyncTasks.map`: how one task of many is started and checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic

from anchor_webtask._batch.async_ import AsyncTaskOutcomes
from anchor_webtask._batch.calls import HOLD_POLICY
from anchor_webtask._batch.items import StartFailed
from anchor_webtask._batch.manager import Manager
from anchor_webtask._errors import AnchorError
from anchor_webtask._models import T
from anchor_webtask._tasks.async_handle import AsyncWebTask
from anchor_webtask._tasks.interruptions import StartRecord
from anchor_webtask._tasks.many import checked

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from anchor_webtask._batch.items import Item
    from anchor_webtask._batch.models import TaskRequest
    from anchor_webtask._config import Settings
    from anchor_webtask._models import TaskResult
    from anchor_webtask._tasks.base import Start
    from anchor_webtask._tasks.many import Many, MapArguments


def outcomes(
    given: MapArguments,
    settings: Settings,
    prepare: Callable[[TaskRequest, Many[Any]], Start[Any]],
    start: Callable[[Start[Any], StartRecord], Awaitable[AsyncWebTask[Any]]],
) -> AsyncTaskOutcomes[Any]:
    """Return the iterator of a call of `map`, once its arguments are checked.

    Args:
        given: The arguments.
        settings: The client's settings.
        prepare: Checks a request, and builds its start.
        start: Starts a task.

    Raises:
        ConfigurationError: An argument is invalid.
    """
    many = checked(given, settings, may_be_async=True)
    calls = AsyncManyCalls(settings, lambda request: prepare(request, many), start, many.timeout)
    reports_progress = given.on_progress is not None
    return AsyncTaskOutcomes(
        lambda: Manager(many.plan, calls, given.requests, reports_progress=reports_progress), given.on_progress
    )


class AsyncManyCalls(Generic[T]):
    """Starts tasks for the manager."""

    def __init__(
        self,
        settings: Settings,
        prepare: Callable[[TaskRequest], Start[T]],
        start: Callable[[Start[T], StartRecord], Awaitable[AsyncWebTask[T]]],
        timeout: float | None,
    ) -> None:
        self.clock = settings.clock
        self.prepare = prepare
        self._start = start
        self._timeout = timeout

    async def start(self, item: Item[T]) -> AsyncTaskWatch[T] | StartFailed:
        """Start the task of an item."""
        record = StartRecord()
        try:
            task = await record.watch_async(
                lambda record: self._start(item.prepared or self.prepare(item.request), record)
            )
        except AnchorError as error:
            return StartFailed(error, record.failure)
        return AsyncTaskWatch(task, None if self._timeout is None else item.begun + self._timeout)


class AsyncTaskWatch(Generic[T]):
    """The wait for one task."""

    __slots__ = ("_deadline", "_task")

    def __init__(self, task: AsyncWebTask[T], deadline: float | None) -> None:
        self._task = task
        self._deadline = deadline

    @property
    def task_id(self) -> str | None:
        """The task's id."""
        return self._task._state.task_id

    async def result(self) -> TaskResult[T]:
        """Wait until the task ends, and return its answer."""
        return await self._task._result_by(self._deadline, None)

    async def hold(self, until: float) -> None:
        """Wait on after `result`, with few checks."""
        task = self._task
        setup = task._setup._replace(policy=HOLD_POLICY)
        async for _ in AsyncWebTask(task._sender, setup, task._state, started=task._started)._updates(until):
            pass
