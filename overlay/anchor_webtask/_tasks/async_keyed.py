"""`AsyncTasks.run` with a key and a ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread

from anchor_webtask._batch.items import StartFailed
from anchor_webtask._batch.left import flush_async, pass_notes
from anchor_webtask._batch.looked import Looked
from anchor_webtask._models import TaskResult
from anchor_webtask._tasks.async_handle import call as call_user
from anchor_webtask._tasks.async_ledger import AsyncLedgerTasks
from anchor_webtask._tasks.keyed import Later, ToStart
from anchor_webtask._tasks.stored import recorded

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from anchor_webtask._models import TaskUpdate
    from anchor_webtask._tasks.asked import Question
    from anchor_webtask._tasks.async_handle import AsyncWebTask
    from anchor_webtask._tasks.base import HandleParts, Start
    from anchor_webtask._tasks.interruptions import StartRecord
    from anchor_webtask._tasks.keyed import Keyed


async def run_keyed(
    keyed: Keyed,
    start: Callable[[Start[Any], StartRecord], Awaitable[AsyncWebTask[Any]]],
    handle: Callable[[HandleParts[Any]], AsyncWebTask[Any]],
    *,
    on_start: Callable[[AsyncWebTask[Any]], object] | None,
    on_update: Callable[[TaskUpdate], object] | None,
    on_question: Callable[[Question], object] | None,
) -> TaskResult[Any]:
    """Return the answer of a task: start it if it never was, wait for it if it runs.

    Args:
        keyed: The call.
        start: Starts a task.
        handle: Makes the handle of a task that was started before.
        on_start: Called with the handle, before the first check.
        on_update: Called with the result of each check.
        on_question: Called with each question of the agent.

    Raises:
        AnchorError: There is no valid answer, or the ledger cannot be used.
    """
    call = keyed.items.call
    await anyio.to_thread.run_sync(call.open)
    try:
        with keyed.taking():
            result = await _result(
                keyed, AsyncLedgerTasks(keyed.items, start, handle), on_start, on_update, on_question
            )
    except BaseException as raised:
        try:
            await flush_async(call.end())
        except BaseException as again:  # a second cancellation
            pass_notes(raised, again)
            raise
        raise
    await flush_async(call.end())
    return result


async def _result(
    keyed: Keyed,
    tasks: AsyncLedgerTasks[Any],
    on_start: Callable[[AsyncWebTask[Any]], object] | None,
    on_update: Callable[[TaskUpdate], object] | None,
    on_question: Callable[[Question], object] | None,
) -> TaskResult[Any]:
    task = await _task(keyed, tasks)
    if isinstance(task, TaskResult):
        return task
    if on_start is not None and (task_id := task._state.task_id) is not None:
        await call_user(on_start, task, task_id)
    with recorded(keyed.items.record(keyed.item), task._state):
        return await task._result_by(keyed.deadline, on_update, on_question)


async def _task(keyed: Keyed, tasks: AsyncLedgerTasks[Any]) -> AsyncWebTask[Any] | TaskResult[Any]:
    """Return the handle of the task, which was perhaps started only now, or its stored answer."""
    item, looked = keyed.item, await tasks.look(keyed.item)
    while True:
        match keyed.next(looked):
            case Later(seconds):
                await keyed.clock.sleep_async(seconds)
                looked = await tasks.look(item)
            case ToStart():
                started = await tasks.start(item, keyed.start)
                if isinstance(started, StartFailed):
                    await keyed.clock.sleep_async(keyed.failed(started).seconds)
                    looked = await tasks.look(item)
                elif isinstance(started, Looked):
                    looked = started
                else:
                    return started
            case TaskResult() as result:
                return result
            case _:
                return tasks.found(item)
