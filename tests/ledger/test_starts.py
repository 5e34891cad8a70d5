"""One start with a ledger, step by step: what is confirmed before it is sent, and how long its row is its own."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, cast

import pytest

from anchor_webtask import LedgerError, RateLimitError, TransportError
from anchor_webtask._ledger import capacity, transitions
from anchor_webtask._ledger.claims import is_claim_in, new_claim
from anchor_webtask._ledger.models import Full, Places, Swept
from anchor_webtask._ledger.rows import rows_of
from anchor_webtask._ledger.start import NotSentError
from anchor_webtask._polling.outcomes import Failure, Fault
from tests.ledger.model import clock
from tests.ledger.model.calls import Call, MapCall, RunCall, Spec
from tests.ledger.model.world import Scenario, World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from anchor_webtask._ledger.call import LedgerCall
    from anchor_webtask._ledger.start import LedgerStart

FULL = Failure(Fault.STATUS, RateLimitError("429", status=429), status=429)
NOT_CONNECTED = Failure(Fault.NOT_CONNECTED, TransportError("refused"))


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    clock.install(monkeypatch)
    made = World(Scenario((Spec(0, "a"),)))
    monkeypatch.setattr(made.checks, "check", lambda: None)  # it knows only the model's own starts
    yield made
    made.close()


@pytest.fixture
def call(world: World) -> Call:
    return MapCall(world, world.processes[0], Spec(0, "a"))


def new_start(call: Call, key: str = "a") -> LedgerStart:
    return call.call.new_start(key, "f", wrapped=False, has_secrets=False)


def before_sending(call: Call, start: LedgerStart, *effects: Callable[[], object]) -> int:
    """Do what comes before a start is sent; each effect takes place before one commit. Return how many there were."""
    steps, value, commits, left = start.before_sending(), cast("Any", None), 0, iter(effects)
    while True:
        try:
            future = steps.send(value)
        except StopIteration:
            return commits
        next(left, call.world.rows)()
        call.process.commit()
        value, commits = future.result(0), commits + 1


def states(world: World) -> list[tuple[str, str]]:
    return [(row.claim, row.state) for row in world.rows()]


def test_intent_is_on_disk_before_start_is_sent(call: Call, world: World) -> None:
    start = new_start(call)
    assert before_sending(call, start) == 1
    assert states(world) == [(start.claim, "starting")]


@pytest.mark.parametrize(("pauses", "commits"), [([5.0], 1), ([5.5], 2), ([6.0, 6.0], 3), ([6.0, 6.0, 6.0], 4)])
def test_old_claim_is_confirmed_until_it_is_young(call: Call, world: World, pauses: list[float], commits: int) -> None:
    assert before_sending(call, new_start(call), *(partial(world.elapse, pause) for pause in pauses)) == commits
    assert world.rows()[0].stamped == world.clock.wall()


def test_suspended_machine_makes_claim_old_also_if_its_clock_is_set_back(call: Call, world: World) -> None:
    def sleep() -> None:
        world.clock.suspend(3600)
        world.clock.set_wall(-3600)

    assert before_sending(call, new_start(call), sleep) == 2


def test_suspended_machine_makes_claim_old_also_without_a_clock_that_counts_it(
    call: Call, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(clock.Time, "CLOCK_BOOTTIME")
    assert before_sending(call, new_start(call), partial(world.suspend, 3600)) == 2


def test_claim_that_was_lost_is_not_sent(call: Call, world: World) -> None:
    start = new_start(call)

    def settle() -> None:
        world.db.execute("UPDATE attempts SET state = 'unknown'")

    with pytest.raises(LedgerError, match="nothing was sent") as raised:
        before_sending(call, start, partial(world.elapse, 6), settle)
    assert raised.value.is_temporary
    start.withdrawn()
    call.process.commit()
    assert states(world) == []


@pytest.mark.parametrize("number", [0, 1, 2])
def test_nothing_is_sent_after_call_was_left(call: Call, world: World, number: int) -> None:
    effects: list[Callable[[], object]] = [partial(world.elapse, 6), partial(world.elapse, 1)]
    if number == 0:
        call.call.leave()
    else:
        effects[number - 1] = call.call.leave
    with pytest.raises(NotSentError) as raised:
        before_sending(call, new_start(call), *effects)
    assert raised.value.found is None


def test_start_without_a_place_is_not_sent(call: Call) -> None:
    before_sending(call, new_start(call))
    with pytest.raises(NotSentError) as raised:
        before_sending(call, new_start(call, "b"))
    assert raised.value.found == Full(None)


@pytest.mark.parametrize("failure", [FULL, NOT_CONNECTED])
def test_start_of_run_is_pending_until_it_is_repeated(world: World, failure: Failure) -> None:
    call = RunCall(world, world.processes[0], Spec(0, "a", kind="run"))
    call.call.open()
    start = new_start(call)
    before_sending(call, start)
    first = start.claim
    start.not_started(failure)
    call.process.commit()
    assert states(world) == []
    before_sending(call, start)
    assert states(world) == [(start.claim, "starting")]
    assert start.claim != first


def test_repeated_start_stays_in_its_browser_session(world: World) -> None:
    call = RunCall(world, world.processes[0], Spec(0, "a", kind="run"))
    call.call.open()
    start = call.call.new_start("a", "f", wrapped=False, has_secrets=False, session_id="session-1")
    for _ in range(2):
        assert is_claim_in(start.claim, "session-1")
        before_sending(call, start)
        start.not_started(NOT_CONNECTED)
        call.process.commit()


def test_start_of_map_without_room_is_not_repeated_by_itself(call: Call, world: World) -> None:
    start = new_start(call)
    before_sending(call, start)
    start.not_started(FULL)
    call.process.commit()
    assert states(world) == [(start.claim, "starting")]


@pytest.mark.parametrize("is_locked", [False, True])
def test_owner_lives_until_the_outcome_of_its_start_is_stored(call: Call, world: World, *, is_locked: bool) -> None:
    start = new_start(call)
    before_sending(call, start)
    owner = world.owners[call.call.owner.id]
    call.call.end()
    call.process.commit()
    assert owner.is_alive
    start.withdrawn()
    start.let_go()
    if is_locked:
        call.process.find_locked()
    assert owner.is_alive
    call.process.commit()
    assert (owner.is_alive, states(world)) == (False, [])


def test_owner_dies_with_a_start_that_has_nothing_to_store(call: Call, world: World) -> None:
    start = new_start(call)
    call.call.end()
    call.process.commit()
    start.let_go()
    assert not world.owners[call.call.owner.id].is_alive


def test_id_that_arrives_after_the_end_of_its_call_has_no_owner(call: Call, world: World) -> None:
    start = new_start(call)
    before_sending(call, start)
    call.call.end()
    start.started("t")
    call.process.commit()
    (row,) = world.rows()
    assert (row.state, row.task_id, row.owner) == ("running", "t", None)


def left_task(call: Call, world: World) -> tuple[LedgerStart, LedgerCall]:
    """Return the start of a task that runs and that nobody waits for, and another call, which may adopt it."""
    start = new_start(call)
    before_sending(call, start)
    start.started("t")
    call.process.commit()
    world.db.execute("UPDATE attempts SET owner = NULL")
    return start, MapCall(world, world.processes[0], Spec(0, "b")).call


def test_adoption_whose_result_was_lost_is_found_by_the_next_sweep(call: Call, world: World) -> None:
    start, other = left_task(call, world)
    lost = other.sweep()
    call.process.commit(loses_result=True)
    assert isinstance(lost.exception(), LedgerError)
    for found in ([start.claim], []):
        swept = other.sweep()
        call.process.commit()
        assert [row.claim for row in swept.result(0).adopted] == found


def adopted(other: LedgerCall, call: Call) -> list[str]:
    swept = other.sweep()
    call.process.commit()
    return [row.claim for row in swept.result(0).adopted]


def test_adoption_that_is_given_back_during_another_sweep_is_repeated(
    call: Call, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    start, other = left_task(call, world)
    first = other.sweep()
    call.process.commit()
    counted = capacity.places

    def give_back_meanwhile(*arguments: Any) -> Any:
        other.adopt_again(first.result(0))
        return counted(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(capacity, "places", give_back_meanwhile)
        assert adopted(other, call) == []
    assert [adopted(other, call) for _ in range(2)] == [[start.claim], []]


def test_adoption_may_be_given_back_while_the_ledger_adopts(
    call: Call, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = new_start(call)
    before_sending(call, start)
    start.started("t")
    call.process.commit()
    other = MapCall(world, world.processes[0], Spec(0, "b")).call
    other.adopt_again(Swept([*world.rows()], [], Places(0, 0, None)))

    def give_back_meanwhile(*arguments: Any) -> Any:
        other.adopt_again(Swept([world.rows()[0]._replace(claim=new_claim(None))], [], Places(0, 0, None)))
        return rows_of(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(transitions, "rows_of", give_back_meanwhile)
        assert adopted(other, call) == []


def test_call_that_has_ended_adopts_nothing(call: Call, world: World) -> None:
    start = new_start(call)
    before_sending(call, start)
    start.started("t")
    call.process.commit()
    other, third = (MapCall(world, world.processes[0], Spec(0, key)).call for key in "bc")
    other.owner.hold()  # as does a start that has no response yet
    other.end()
    call.call.end()
    call.process.commit()
    assert (adopted(other, call), adopted(third, call)) == ([], [start.claim])
