"""`AsyncTasks.map`: how one task of many is started and checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic

from anchor_webtask._batch.calls import HOLD_POLICY
from anchor_webtask._batch.gate import STOPPED, CallLeftError
from anchor_webtask._batch.items import StartFailed
from anchor_webtask._errors import AnchorError, InvalidOutputError, TaskFailedError
from anchor_webtask._models import T
from anchor_webtask._tasks.async_handle import AsyncWebTask
from anchor_webtask._tasks.interruptions import StartRecord
from anchor_webtask._tasks.stored import ends_place, recorded

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from anchor_webtask._batch.items import Item
    from anchor_webtask._batch.models import TaskRequest
    from anchor_webtask._config import Settings
    from anchor_webtask._models import TaskResult
    from anchor_webtask._tasks.base import Start
    from anchor_webtask._tasks.stored import RowRecord


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
        record = StartRecord(item.departure.pass_gate_async, item.departure.return_unsent)
        try:
            task = await record.watch_async(
                lambda record: self._start(item.prepared or self.prepare(item.request), record)
            )
        except CallLeftError:
            return StartFailed(AnchorError(STOPPED), None)
        except AnchorError as error:
            return StartFailed(error, record.failure)
        except BaseException:
            item.task_id = record.known_id()
            raise
        return AsyncTaskWatch(task, self._deadline(item))

    def _deadline(self, item: Item[T]) -> float | None:
        return None if self._timeout is None else item.begun + self._timeout


class AsyncTaskWatch(Generic[T]):
    """The wait for one task.

    Args:
        task: The task.
        deadline: When the wait ends; None for never.
        record: Stores in a ledger how the task ends.
    """

    __slots__ = ("_deadline", "_record", "_task")

    def __init__(self, task: AsyncWebTask[T], deadline: float | None, record: RowRecord | None = None) -> None:
        self._task = task
        self._deadline = deadline
        self._record = record

    @property
    def task_id(self) -> str | None:
        """The task's id."""
        return self._task._state.task_id

    async def result(self) -> TaskResult[T]:
        """Wait until the task ends, and return its answer."""
        with recorded(self._record, self._task._state):
            return await self._task._result_by(self._deadline, None)

    async def hold(self, until: float) -> None:
        """Wait on after `result`, with few checks."""
        task = self._task
        task._state.seen = True  # so that 404s end the wait only after a minute, since others may take the place then
        setup = task._setup._replace(policy=HOLD_POLICY)
        held = AsyncWebTask(task._sender, setup, task._state, started=task._started)
        try:
            with recorded(self._record, task._state):
                await held._result_by(until, None)
        except (TaskFailedError, InvalidOutputError):
            pass
        except AnchorError as error:
            if not ends_place(error):
                clock = setup.settings.clock
                await clock.sleep_async(max(until - clock.now(), 0.0))
            if self._record is not None:
                self._record.gone()
            raise
