"""The places of a ledger's limit: who has one, until when, and what the progress says of them."""

from __future__ import annotations

import gc
import math
import weakref
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from anchor_webtask import (
    AnchorError,
    InvalidOutputError,
    Ledger,
    LedgerBusyError,
    LedgerError,
    LedgerUnusableError,
    NotFoundError,
    Progress,
    StartOutcomeUnknownError,
    TaskRequest,
    TaskStatus,
)
from anchor_webtask._batch.items import Item, StartFailed
from anchor_webtask._batch.ledger_plan import LedgerPlan
from anchor_webtask._batch.limits import Limits
from anchor_webtask._batch.looked import Looked
from anchor_webtask._ledger.models import Free, Full, Places, Swept
from anchor_webtask.emulator import Fault
from tests.support.many import FEW_CHECKS, loop, states

if TYPE_CHECKING:
    from anchor_webtask.emulator import Emulator
    from tests.support.postgres_server import Place
    from tests.support.runners import Runner


class Checked(NamedTuple):
    """A handle of a task that was checked."""

    id: str
    status: TaskStatus = TaskStatus.RUNNING


def keyed(*keys: str) -> list[TaskRequest]:
    return [TaskRequest(f"Read {key}", key=key) for key in keys]


def wait_until_stored(ledger: Ledger) -> None:
    """Wait until the ledger's thread has stored the outcome of the start of `u`; each look waits for the disk."""
    while (row := ledger.get("u")) is None or row.state == "starting":
        pass


@pytest.mark.parametrize("way", ["free", "attach"])
def test_decision_about_an_unknown_start_helps_the_call_that_runs(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, place: Place, ledger: Ledger, way: str
) -> None:
    anchor_emulator.on(takes=10, answer=1)
    anchor_emulator.on(prompt="Read u", takes=200, answer=1, start_faults=[Fault(502, accepted=True)])
    read: list[Any] = []

    def decide(outcome: Any) -> None:
        read.append(outcome)
        if outcome.state != "unknown":
            return
        wait_until_stored(ledger)
        if way == "free":
            ledger.free("u")
        else:
            ledger.attach("u", Checked(anchor_emulator.tasks[0].id))

    loop(runner, tasks.map(keyed("u", "next"), max_running=1, ledger=place), decide)
    assert states(read) == {"unknown": 1, "completed": 1}
    assert anchor_emulator.elapsed < (60 if way == "free" else 700)


def test_attached_task_has_one_place(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, place: Place, ledger: Ledger
) -> None:
    anchor_emulator.on(takes=100, answer=1)
    anchor_emulator.on(prompt="Read u", takes=math.inf, start_faults=[Fault(502, accepted=True)])

    def attach(outcome: Any) -> None:
        if outcome.state == "unknown":
            wait_until_stored(ledger)
            (task_id,) = [task.id for task in anchor_emulator.tasks if task.body["prompt"] == "Read u"]
            ledger.attach("u", Checked(task_id))

    loop(runner, tasks.map(keyed("u", *"abcd"), max_running=2, ledger=place), attach)
    assert anchor_emulator.elapsed < 600


def test_id_is_attached_though_the_retry_was_refused(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, place: Place, ledger: Ledger
) -> None:
    anchor_emulator.on(takes=10, answer=1, start_faults=[Fault(502, accepted=True), 400])
    assert states(runner.call(tasks.map, keyed("u"), ledger=place)) == {"unknown": 1}
    ledger.retry("u")
    assert states(runner.call(tasks.map, keyed("u"), ledger=place, max_running=2)) == {"refused": 1}
    ledger.attach("u", Checked(anchor_emulator.tasks[0].id))
    assert states(runner.call(tasks.map, keyed("u"), ledger=place)) == {"completed": 1}
    assert anchor_emulator.starts == 1


def test_running_task_whose_place_was_freed_stops_no_later_call(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, place: Place, ledger: Ledger
) -> None:
    anchor_emulator.on(takes=math.inf)
    anchor_emulator.on(prompt="Read b", takes=10, answer=1)
    loop(runner, tasks.map(keyed("never", "quick"), timeout=100, max_running=1, ledger=place), lambda _: True)
    ledger.free("never")
    before = anchor_emulator.elapsed
    outcome = runner.call(tasks.map, keyed("b"), max_running=1, ledger=place)[0]
    assert outcome.state == "completed"
    assert anchor_emulator.elapsed - before < 60


def test_freed_place_of_a_running_task_is_used_by_its_own_call(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, place: Place, ledger: Ledger
) -> None:
    anchor_emulator.on(takes=100, answer=1)
    anchor_emulator.on(prompt="Read never", takes=math.inf)

    def free(outcome: Any) -> None:
        if outcome.key == "a":
            ledger.free("never")

    loop(runner, tasks.map(keyed("never", *"abcdefgh"), max_running=2, timeout=3000, ledger=place), free)
    assert anchor_emulator.max_running_seen == 3


@pytest.mark.parametrize("has_ledger", [False, True])
def test_task_that_cannot_be_checked_any_more_keeps_its_place_until_its_time_is_over(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, place: Place, *, has_ledger: bool
) -> None:
    anchor_emulator.on(takes=190)
    anchor_emulator.on(prompt="Read a", takes=190, faults=[*[Fault()] * 6, 403])  # the first check after the deadline
    requests = keyed(*"abc")
    outcomes = runner.call(tasks.map, requests, max_running=1, timeout=100, ledger=place if has_ledger else None)
    assert states(outcomes) == {"running": 3}
    assert anchor_emulator.max_running_seen == 1
    assert 403 in {request.status for request in anchor_emulator.requests}
    assert anchor_emulator.starts == 3


def test_place_that_an_unknown_start_of_this_call_holds_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    """The next start finds no place before the call has asked the ledger who holds it."""
    plan: LedgerPlan[Any] = LedgerPlan(Limits(1, None, 1, None), FEW_CHECKS, 2, lambda: 0.5)
    assert plan.next_sweep(0.0)
    plan.swept(Swept([], [], Places(0, 0, None)), 0.0)

    def start(key: str) -> Item[Any]:
        plan.take(TaskRequest(key, key=key), object())
        item = plan.next_look(0.0)
        assert item is not None
        plan.looked(item, Looked(Free(1, None)), 0.0)
        assert plan.next_start(0.0) is item
        return item

    plan.start_failed(start("lost"), StartFailed(StartOutcomeUnknownError("lost"), None), 0.0)
    plan.read()
    assert plan.next_sweep(0.0)
    second = start("next")
    plan.not_claimed(second, Looked(Full(None)), 0.0)
    assert "of its places" not in caplog.text
    plan.swept(Swept([], [], Places(1, 1, 1_800_001_000.0, 1000)), 0.0)
    for now in (10.0, 20.0):
        assert plan.next_start(now) is second
        plan.not_claimed(second, Looked(Full(None)), now)
    assert caplog.text.count("running tasks have 0 of its places, and ") == 1
    assert "hold 1, until 2027-01-15T08:16:40+00:00" in caplog.text


def test_unknown_start_is_looked_for_though_an_earlier_look_ends_only_then() -> None:
    plan: LedgerPlan[Any] = LedgerPlan(Limits(1, None, 1, None), FEW_CHECKS, 1, lambda: 0.5)
    nothing = Swept([], [], Places(0, 0, None))
    assert plan.next_sweep(0.0)
    plan.swept(nothing, 0.0)
    plan.take(TaskRequest("Read", key="a"), object())
    item = plan.next_look(0.0)
    assert item is not None
    plan.looked(item, Looked(Free(1, None)), 0.0)
    assert plan.next_start(0.0) is item
    assert plan.next_sweep(30.0)
    plan.start_failed(item, StartFailed(StartOutcomeUnknownError("lost"), None), 30.0)
    plan.swept(nothing, 30.0)
    assert plan.next_sweep(30.0)
    assert not plan.next_sweep(30.0)


def test_place_that_a_sweep_finds_free_is_used_at_once() -> None:
    plan: LedgerPlan[Any] = LedgerPlan(Limits(1, None, 1, None), FEW_CHECKS, 1, lambda: 0.5)
    assert plan.next_sweep(0.0)
    plan.swept(Swept([], [], Places(1, 1, 1_800_001_000.0, 1000)), 0.0)
    plan.take(TaskRequest("Read", key="a"), object())
    item = plan.next_look(0.0)
    assert item is not None
    plan.looked(item, Looked(Free(1, None)), 0.0)
    assert plan.next_start(29.0) is item
    plan.not_claimed(item, Looked(Full(None)), 29.0)
    assert plan.next_start(30.0) is None
    assert plan.next_sweep(30.0)
    plan.swept(Swept([], [], Places(0, 0, None)), 30.0)  # the user has freed it
    assert plan.next_start(30.0) is item


def test_rate_counts_what_this_call_has_done(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, place: Place
) -> None:
    anchor_emulator.on(takes=100, answer=1)
    keys = [str(number) for number in range(20)]
    runner.call(tasks.map, keyed(*keys), ledger=place)
    reports: list[Progress] = []
    runner.call(tasks.map, keyed(*keys, "a", "b"), ledger=place, max_running=1, on_progress=reports.append)
    assert max(each.rate for each in reports) <= 0.01
    estimates = [each.seconds_left for each in reports if each.completed == 21]
    assert estimates
    assert all(each is None or each >= 100 for each in estimates)


def test_rate_begins_with_the_adoption(anchor_emulator: Emulator, runner: Runner, tasks: Any, place: Place) -> None:
    anchor_emulator.on(takes=1000, answer=1)
    anchor_emulator.on(prompt="Read quick", takes=10, answer=1)
    loop(runner, tasks.map(keyed("quick", *"ab"), max_running=3, ledger=place), lambda _: True, with_block=True)
    reports: list[Progress] = []
    runner.call(tasks.map, keyed(*"ab"), ledger=place, on_progress=reports.append)
    assert (reports[-1].completed, reports[-1].seconds_left) == (2, 0)
    assert 0 < reports[-1].rate < 0.01


class Array:
    """Compares its elements, as arrays of numpy do."""

    def __init__(self, *, raises: bool) -> None:
        self._raises = raises

    __hash__ = None  # type: ignore[assignment]  # as arrays

    def __eq__(self, _: object) -> Any:
        return self

    def __ne__(self, _: object) -> Any:
        return self

    def __bool__(self) -> bool:
        if self._raises:
            raise ValueError("the truth value of an array is ambiguous")
        return False


@pytest.mark.parametrize("raises", [True, False])
def test_data_that_cannot_be_compared_is_different(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, place: Place, *, raises: bool
) -> None:
    anchor_emulator.on(answer=1)
    requests = [TaskRequest("Read", data=Array(raises=raises)) for _ in range(2)]
    outcomes = runner.call(tasks.map, requests, ledger=place)
    assert states(outcomes) == {"completed": 1, "not_started": 1}
    assert "different data need keys" in str(next(each.error for each in outcomes if each.error))


def test_outcome_whose_invalid_answer_was_dropped_has_an_error(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, place: Place
) -> None:
    anchor_emulator.on(answer="no number")
    with Ledger(place, answers="drop") as ledger:
        runner.call(tasks.map, keyed("a"), output=int, ledger=ledger)
        anchor_emulator.on(start_faults=[400])
        outcome = runner.call(tasks.map, keyed("a"), output=int, attempts=2, ledger=ledger)[0]
    assert (outcome.state, outcome.attempt) == ("completed", 1)
    assert "has dropped the answer" in str(outcome.error)
    with pytest.raises(AnchorError, match="has dropped the answer"):
        outcome.result()


def test_dropped_answer_that_the_api_does_not_have_any_more_is_completed(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, place: Place
) -> None:
    done = Fault(body='{"data": {"status": "COMPLETED", "result": 1}}')
    anchor_emulator.on(faults=[done, *[404] * 200])
    with Ledger(place, answers="drop") as ledger:
        assert runner.call(tasks.map, keyed("a"), ledger=ledger)[0].state == "completed"
        outcome = runner.call(tasks.map, keyed("a"), ledger=ledger)[0]
    assert (outcome.state, type(outcome.error)) == ("completed", NotFoundError)
    assert "the API does not have it any more" in str(outcome.error)


def test_dropped_answer_is_never_started_again_because_the_output_differs(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, place: Place
) -> None:
    anchor_emulator.on(answer="no number")
    with Ledger(place, answers="drop") as ledger:
        runner.call(tasks.map, keyed("a"), ledger=ledger)
        outcome = runner.call(tasks.map, keyed("a"), output=int, attempts=2, ledger=ledger)[0]
    assert (outcome.state, type(outcome.error)) == ("completed", InvalidOutputError)
    assert anchor_emulator.starts == 1


class WeakRequest(TaskRequest):
    """A request of which a test can see that nothing keeps it."""


def test_finished_items_are_neither_looked_up_nor_kept() -> None:
    plan: LedgerPlan[Any] = LedgerPlan(Limits(1, None, 1, None), FEW_CHECKS, 2, lambda: 0.5)
    plan.swept(Swept([], [], Places(0, 0, None)), 0.0)
    first = WeakRequest("Read a")
    plan.take(first, object())
    item = plan.next_look(0.0)
    assert item is not None
    plan.look_failed(item, LedgerBusyError("busy", is_temporary=True), 0.0)
    plan.take(TaskRequest("Read b"), object())
    plan.leave(1.0)
    plan.give_up(math.inf)
    assert [each.state for each in plan.outcomes] == ["not_started"] * 2
    assert plan.next_look(math.inf) is None
    kept = weakref.ref(first)
    del first, item
    plan.outcomes.clear()
    gc.collect()
    assert kept() is None


def test_held_place_gives_no_hope_after_its_hold_though_the_ledger_cannot_be_asked() -> None:
    plan: LedgerPlan[Any] = LedgerPlan(Limits(2, 100, 1, None), FEW_CHECKS, 1, lambda: 0.5)
    assert plan.next_sweep(0.0)
    plan.swept(Swept([], [], Places(1, 1, 1_800_000_050.0, 50)), 0.0)
    plan.take(TaskRequest("Read", key="a"), object())
    item = plan.next_look(0.0)
    assert item is not None
    plan.looked(item, Looked(Free(1, None)), 0.0)
    now = 0.0
    while not plan.outcomes:
        if plan.next_sweep(now):
            assert not plan.sweep_failed(LedgerBusyError("locked", is_temporary=True), now)
        if plan.next_start(now) is item:
            plan.start_failed(item, StartFailed(LedgerBusyError("locked", is_temporary=True), None), now)
        now += 1
        assert now < 1000
    assert (plan.outcomes[0].state, type(plan.outcomes[0].error)) == ("not_started", LedgerBusyError)
    assert 150 <= now < 180


@pytest.mark.parametrize(
    ("error", "tries"),
    [
        (LedgerUnusableError("away", is_temporary=True), 3),
        (LedgerUnusableError("a later version"), 1),
        (LedgerBusyError("locked", is_temporary=True), 1),
    ],
    ids=["away", "unusable", "busy"],
)
def test_connection_that_is_lost_while_a_call_begins_is_opened_again(error: LedgerError, tries: int) -> None:
    plan: LedgerPlan[Any] = LedgerPlan(Limits(2, 100, 1, None), FEW_CHECKS, 1, lambda: 0.5)
    tried = []
    for now in range(30):
        if plan.next_sweep(float(now)):
            tried.append(now)
            if plan.sweep_failed(error, float(now)):
                break
    assert tried == [*range(tries)]
    plan.swept(Swept([], [], Places(0, 0, None, 0)), 3.0)
    assert not plan.sweep_failed(error, 40.0)
