"""`Tasks.map`: how a call is put together, with a ledger or without."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anchor_webtask import _importing
from anchor_webtask._batch.scheduler import Scheduler
from anchor_webtask._batch.sync import TaskOutcomes
from anchor_webtask._http import limiter
from anchor_webtask._tasks.many import checked
from anchor_webtask._tasks.sync_many import ManyCalls

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchor_webtask._batch.models import TaskRequest
    from anchor_webtask._config import Settings
    from anchor_webtask._output.decode import Output
    from anchor_webtask._polling.policy import WaitPolicy
    from anchor_webtask._tasks.base import HandleParts, Start
    from anchor_webtask._tasks.interruptions import StartRecord
    from anchor_webtask._tasks.many import MapArguments
    from anchor_webtask._tasks.sync_handle import WebTask


def outcomes(
    given: MapArguments,
    settings: Settings,
    prepare: Callable[[TaskRequest, Output[Any], WaitPolicy], Start[Any]],
    start: Callable[[Start[Any], StartRecord], WebTask[Any]],
    handle: Callable[[HandleParts[Any]], WebTask[Any]],
) -> TaskOutcomes[Any]:
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
    many = checked(given, settings, may_be_async=False)

    def prepare_one(request: TaskRequest) -> Start[Any]:
        return prepare(request, many.output, many.policy)

    # As many starts and checks as can be in flight; the plan keeps starts from taking more than half of the helpers.
    # More threads only compete for the interpreter: 1,000 took three times as long.
    helpers = 2 * min(given.max_running, limiter.MAX_IN_FLIGHT)
    reports_progress = given.on_progress is not None
    if many.ledger is None:
        calls = ManyCalls(settings, prepare_one, start, many.timeout)
        scheduler = Scheduler(many.plan, calls, given.requests, helpers, reports_progress=reports_progress)
    else:
        with _importing.lock:
            from anchor_webtask._batch.ledger_scheduler import LedgerScheduler
            from anchor_webtask._tasks.sync_ledger import LedgerManyCalls, LedgerTasks

        plan, items = many.ledger
        ledger_calls = LedgerManyCalls(settings, prepare_one, start, many.timeout, LedgerTasks(items, start, handle))
        scheduler = LedgerScheduler(plan, ledger_calls, given.requests, helpers, reports_progress=reports_progress)
    return TaskOutcomes(scheduler, settings.clock, given.on_progress)
