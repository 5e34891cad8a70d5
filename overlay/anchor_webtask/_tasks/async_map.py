"""`AsyncTasks.map`: how a call is put together, with a ledger or without."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anchor_webtask import _importing
from anchor_webtask._batch.async_ import AsyncTaskOutcomes
from anchor_webtask._batch.manager import Manager
from anchor_webtask._tasks.async_many import AsyncManyCalls
from anchor_webtask._tasks.many import checked

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from anchor_webtask._batch.models import TaskRequest
    from anchor_webtask._config import Settings
    from anchor_webtask._output.decode import Output
    from anchor_webtask._polling.policy import WaitPolicy
    from anchor_webtask._tasks.async_handle import AsyncWebTask
    from anchor_webtask._tasks.base import HandleParts, Start
    from anchor_webtask._tasks.interruptions import StartRecord
    from anchor_webtask._tasks.many import MapArguments


def outcomes(
    given: MapArguments,
    settings: Settings,
    prepare: Callable[[TaskRequest, Output[Any], WaitPolicy], Start[Any]],
    start: Callable[[Start[Any], StartRecord], Awaitable[AsyncWebTask[Any]]],
    handle: Callable[[HandleParts[Any]], AsyncWebTask[Any]],
) -> AsyncTaskOutcomes[Any]:
    """Return the iterator of a call of `map`, once its arguments are checked.

    Args:
        given: The arguments.
        settings: The client's settings.
        prepare: Checks a request, and builds its start.
        start: Starts a task.
        handle: Makes the handle of a task that was started before.

    Raises:
        ConfigurationError: An argument is invalid.
    """
    many = checked(given, settings, may_be_async=True)

    def prepare_one(request: TaskRequest) -> Start[Any]:
        return prepare(request, many.output, many.policy)

    reports_progress = given.on_progress is not None
    if many.ledger is None:
        calls = AsyncManyCalls(settings, prepare_one, start, many.timeout)

        def manager() -> Manager[Any]:
            return Manager(many.plan, calls, given.requests, reports_progress=reports_progress)

    else:
        with _importing.lock:
            from anchor_webtask._batch.ledger_manager import LedgerManager
            from anchor_webtask._tasks.async_ledger import AsyncLedgerManyCalls, AsyncLedgerTasks

        plan, items = many.ledger
        ledger_calls = AsyncLedgerManyCalls(
            settings, prepare_one, start, many.timeout, AsyncLedgerTasks(items, start, handle)
        )

        def manager() -> Manager[Any]:
            return LedgerManager(plan, ledger_calls, given.requests, reports_progress=reports_progress)

    return AsyncTaskOutcomes(manager, given.on_progress)
