"""What the sync and the async `map` share: it checks the arguments and makes the plan, without I/O."""

from __future__ import annotations

from collections.abc import Sized
from typing import TYPE_CHECKING, Any, Generic, NamedTuple

from anchor_webtask import _importing
from anchor_webtask._batch.limits import check_requests, checked_limits
from anchor_webtask._batch.plan import Plan
from anchor_webtask._config import check_callbacks, checked_timeout, checked_wait
from anchor_webtask._misuse import refuse_positional, refuse_unknown
from anchor_webtask._models import T
from anchor_webtask._output.schema import output_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchor_webtask._batch.ledger_plan import LedgerPlan
    from anchor_webtask._batch.models import Progress
    from anchor_webtask._config import Settings
    from anchor_webtask._output.decode import Output
    from anchor_webtask._polling.policy import WaitPolicy
    from anchor_webtask._redaction.secrets import Sealed
    from anchor_webtask._tasks.ledger import LedgerItems


class MapArguments(NamedTuple):
    """The arguments of `map`, as the user passed them."""

    requests: Any
    positional: Sealed[tuple[Any, ...]]
    unknown: tuple[str, ...]
    output: Any
    max_running: int
    timeout: float | None
    attempts: int
    max_starts: int | None
    wait: WaitPolicy | None
    on_progress: Callable[[Progress], object] | None
    ledger: Sealed[object]


_NAMES = MapArguments._fields[3:]


class Many(NamedTuple, Generic[T]):
    """A checked call of `map`: its plan, and how each task is asked for and waited for; its items, with a ledger."""

    plan: Plan[T]
    output: Output[T]
    policy: WaitPolicy
    timeout: float | None
    ledger: tuple[LedgerPlan[T], LedgerItems[T]] | None


def checked(given: MapArguments, settings: Settings, *, may_be_async: bool) -> Many[Any]:
    """Check the arguments of `map`, and make the plan.

    Raises:
        ConfigurationError: An argument is invalid.
    """
    refuse_positional("map", "requests", given.positional)
    refuse_unknown("map", given.unknown, _NAMES)
    check_requests(given.requests, may_be_async=may_be_async)
    check_callbacks(on_progress=given.on_progress, may_be_async=may_be_async)
    timeout = checked_timeout(given.timeout)
    limits = checked_limits(given.max_running, timeout, given.attempts, given.max_starts)
    policy = checked_wait(given.wait, settings.wait)
    total = len(given.requests) if isinstance(given.requests, Sized) else None
    output, chance = output_of(given.output), settings.clock.chance
    if given.ledger.open() is None:
        return Many(Plan(limits, policy, total, chance), output, policy, timeout, None)
    with _importing.lock:
        from anchor_webtask._tasks.ledger import planned

    ledger = planned(given.ledger, settings, limits, policy, output, total)
    return Many(ledger[0], output, policy, timeout, ledger)
