"""`Tasks.run` with a key and a ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anchor_webtask._batch.items import StartFailed
from anchor_webtask._batch.left import flush, pass_notes
from anchor_webtask._batch.looked import Looked
from anchor_webtask._models import TaskResult
from anchor_webtask._tasks.interruptions import AddingTaskId
from anchor_webtask._tasks.keyed import Later, ToStart
from anchor_webtask._tasks.stored import recorded
from anchor_webtask._tasks.sync_ledger import LedgerTasks

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchor_webtask._models import TaskUpdate
    from anchor_webtask._tasks.asked import Question
    from anchor_webtask._tasks.base import HandleParts, Start
    from anchor_webtask._tasks.interruptions import StartRecord
    from anchor_webtask._tasks.keyed import Keyed
    from anchor_webtask._tasks.sync_handle import WebTask


def run_keyed(
    keyed: Keyed,
    start: Callable[[Start[Any], StartRecord], WebTask[Any]],
    handle: Callable[[HandleParts[Any]], WebTask[Any]],
    *,
    on_start: Callable[[WebTask[Any]], object] | None,
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
    call.open()
    try:
        with keyed.taking():
            result = _result(keyed, LedgerTasks(keyed.items, start, handle), on_start, on_update, on_question)
    except BaseException as raised:
        try:
            flush(call.end(), lambda: False)
        except BaseException as again:  # a second Ctrl-C
            pass_notes(raised, again)
            raise
        raise
    flush(call.end(), lambda: False)
    return result


def _result(
    keyed: Keyed,
    tasks: LedgerTasks[Any],
    on_start: Callable[[WebTask[Any]], object] | None,
    on_update: Callable[[TaskUpdate], object] | None,
    on_question: Callable[[Question], object] | None,
) -> TaskResult[Any]:
    task = _task(keyed, tasks)
    if isinstance(task, TaskResult):
        return task
    if on_start is not None and (task_id := task._state.task_id) is not None:
        with AddingTaskId(task_id):
            on_start(task)
    with recorded(keyed.items.record(keyed.item), task._state):
        return task._result_by(keyed.deadline, on_update, on_question)


def _task(keyed: Keyed, tasks: LedgerTasks[Any]) -> WebTask[Any] | TaskResult[Any]:
    """Return the handle of the task, which was perhaps started only now, or its stored answer."""
    item, looked = keyed.item, tasks.look(keyed.item)
    while True:
        match keyed.next(looked):
            case Later(seconds):
                keyed.clock.sleep(seconds)
                looked = tasks.look(item)
            case ToStart():
                started = tasks.start(item, keyed.start)
                if isinstance(started, StartFailed):
                    keyed.clock.sleep(keyed.failed(started).seconds)
                    looked = tasks.look(item)
                elif isinstance(started, Looked):
                    looked = started
                else:
                    return started
            case TaskResult() as result:
                return result
            case _:
                return tasks.found(item)
