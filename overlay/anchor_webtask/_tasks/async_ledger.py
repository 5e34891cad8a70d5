"""`AsyncTasks.map` with a ledger: how one task of many is looked up, started and watched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic

import anyio
import anyio.to_thread

from anchor_webtask._batch import ledger_starts
from anchor_webtask._batch.gate import CallLeftError
from anchor_webtask._batch.items import StartFailed
from anchor_webtask._errors import AnchorError
from anchor_webtask._ledger.loop_waits import LoopWaits
from anchor_webtask._ledger.start import NotSentError
from anchor_webtask._models import T
from anchor_webtask._tasks.async_handle import AsyncWebTask
from anchor_webtask._tasks.async_many import AsyncManyCalls, AsyncTaskWatch
from anchor_webtask._tasks.interruptions import StartRecord

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from anchor_webtask._batch.items import Item
    from anchor_webtask._batch.looked import Looked
    from anchor_webtask._batch.models import TaskRequest
    from anchor_webtask._config import Settings
    from anchor_webtask._ledger.models import Swept
    from anchor_webtask._polling.outcomes import Failure
    from anchor_webtask._tasks.base import HandleParts, Start
    from anchor_webtask._tasks.ledger import LedgerItems


class AsyncLedgerTasks(Generic[T]):
    """Looks tasks up in a ledger, and starts them.

    Args:
        items: The items of the call.
        start: Starts a task.
        handle: Makes the handle of a task that was started before.
    """

    def __init__(
        self,
        items: LedgerItems[T],
        start: Callable[[Start[T], StartRecord], Awaitable[AsyncWebTask[T]]],
        handle: Callable[[HandleParts[T]], AsyncWebTask[T]],
    ) -> None:
        self.items = items
        self._start = start
        self._handle = handle
        self.waits = LoopWaits()

    async def look(self, item: Item[T]) -> Looked[T]:
        """Look an item up in the ledger."""
        found = await self.waits.result_of(self.items.call.find(item.key, item.fingerprint))
        return self.items.looked(item, found)

    async def start(self, item: Item[T], request: Start[T]) -> AsyncWebTask[T] | StartFailed | Looked[T]:
        """Start the task of an item, once its intent is in the ledger; return what that has if nothing was sent."""
        start = self.items.new_start(item, request)

        async def before_sending() -> None:
            await self.waits.run(start.before_sending())
            item.departure.pass_gate()  # last: from now on, whoever leaves the call waits for the response

        def not_started(failure: Failure) -> None:
            start.not_started(failure)
            item.departure.return_unsent(failure)

        record = StartRecord(before_sending, not_started)

        async def conclude(record: StartRecord) -> AsyncWebTask[T] | StartFailed | Looked[T] | None:
            return await self.waits.run(self.items.concluded(item, start, await self._sent(request, record)))

        try:
            task = await record.watch_async(conclude)
        except BaseException:
            item.task_id = record.known_id() or item.task_id
            may_have_started = record.may_have_started or record.has_ended
            ledger_starts.interrupted(start, record.known_id(), may_have_started=may_have_started)
            raise
        finally:
            start.let_go()
        return self.found(item) if task is None else task

    def found(self, item: Item[T]) -> AsyncWebTask[T]:
        """Return the handle of a task that was started before, or by another call."""
        return self._handle(self.items.watched(item))

    async def _sent(self, request: Start[T], record: StartRecord) -> AsyncWebTask[T] | StartFailed | NotSentError:
        try:
            return await self._start(request, record)
        except NotSentError as stopped:
            return stopped
        except CallLeftError:
            return NotSentError(None)
        except AnchorError as error:
            return StartFailed(error, record.failure)


class AsyncLedgerManyCalls(AsyncManyCalls[T]):
    """Looks tasks up in a ledger, starts and watches them for the manager."""

    def __init__(
        self,
        settings: Settings,
        prepare: Callable[[TaskRequest], Start[T]],
        start: Callable[[Start[T], StartRecord], Awaitable[AsyncWebTask[T]]],
        timeout: float | None,
        tasks: AsyncLedgerTasks[T],
    ) -> None:
        super().__init__(settings, prepare, start, timeout)
        self._tasks = tasks
        self._call = tasks.items.call
        self.look = tasks.look
        self.took = tasks.items.took
        self.leave = self._call.leave
        self.end = self._call.end

    async def open(self) -> None:
        """Open the ledger, in a thread, since this waits for the disk."""
        await anyio.to_thread.run_sync(self._call.open)

    async def start_claimed(self, item: Item[T]) -> AsyncTaskWatch[T] | StartFailed | Looked[T]:
        """Start the task of an item, once its intent is in the ledger."""
        item.prepared = request = item.prepared or self.prepare(item.request)
        started = await self._tasks.start(item, request)
        return self._watch(item, started) if isinstance(started, AsyncWebTask) else started

    def watch(self, item: Item[T]) -> AsyncTaskWatch[T]:
        """Return a wait for a task that was started before, or by another call."""
        return self._watch(item, self._tasks.found(item))

    async def sweep(self) -> Swept:
        """Adopt what owners that have died left; return it, and what else has changed."""
        return await self._tasks.waits.result_of(self._call.sweep())

    def _watch(self, item: Item[T], task: AsyncWebTask[T]) -> AsyncTaskWatch[T]:
        return AsyncTaskWatch(task, self._deadline(item), self._tasks.items.record(item))
