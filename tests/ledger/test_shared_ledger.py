"""Several calls of one ledger, at once and after each other: they share its limit, and each yields all of its keys."""

from __future__ import annotations

import asyncio
import gc
import random
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from anchor_webtask import Anchor, AsyncAnchor, Ledger, TaskRequest
from anchor_webtask._ledger.patience import Patience
from anchor_webtask.emulator import Fault
from tests.support.many import FEW_CHECKS, loop, states

if TYPE_CHECKING:
    from anchor_webtask.emulator import Emulator
    from tests.support.postgres_server import Place
    from tests.support.runners import Runner


def shuffled(keys: list[str], seed: int) -> list[TaskRequest]:
    mixed = random.Random(seed).sample(keys, len(keys))
    return [TaskRequest(f"Read {key}", key=key) for key in mixed]


def all_at_once(runner: Runner, calls: list[Any]) -> list[list[Any]]:
    """Read the outcomes of several calls at the same time."""
    if runner.name == "sync":
        with ThreadPoolExecutor(len(calls)) as threads:
            return list(threads.map(list, calls))

    async def read_all() -> list[list[Any]]:
        read: list[list[Any]] = [[] for _ in calls]

        async def read_one(index: int) -> None:
            read[index] = [outcome async for outcome in calls[index]]

        async with anyio.create_task_group() as group:
            for index in range(len(calls)):
                group.start_soon(read_one, index)
        return read

    result: list[list[Any]] = runner.call(read_all)
    return result


@pytest.mark.parametrize("limit", [1, 3])
def test_calls_at_once_start_each_task_once_and_yield_each_key(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, place: Place, limit: int
) -> None:
    anchor_emulator.on(takes=20, answer=1)
    anchor_emulator.on(prompt="Read 7", fails="no")
    keys = [str(number) for number in range(8)]
    calls = [tasks.map(shuffled(keys, seed), max_running=limit, ledger=place) for seed in range(3)]
    for outcomes in all_at_once(runner, calls):
        assert sorted(each.key for each in outcomes) == keys
        assert states(outcomes) == {"completed": 7, "failed": 1}
    assert anchor_emulator.starts == 8
    assert anchor_emulator.max_running_seen <= limit


def test_calls_with_different_keys_share_the_limit(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, place: Place
) -> None:
    anchor_emulator.on(takes=20, answer=1)
    calls = [
        tasks.map(shuffled([f"{name}{number}" for number in range(5)], 0), max_running=2, ledger=place)
        for name in ("a", "b")
    ]
    for outcomes in all_at_once(runner, calls):
        assert states(outcomes) == {"completed": 5}
    assert (anchor_emulator.starts, anchor_emulator.max_running_seen) == (10, 2)


def test_one_ledger_object_serves_several_calls(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, place: Place
) -> None:
    anchor_emulator.on(takes=20, answer=1)
    with Ledger(place) as ledger:
        calls = [tasks.map(shuffled(["a", "b"], seed), ledger=ledger) for seed in range(2)]
        for outcomes in all_at_once(runner, calls):
            assert states(outcomes) == {"completed": 2}
        assert ledger.counts()["completed"] == 2
    assert anchor_emulator.starts == 2


def test_break_and_map_again_in_one_process(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, place: Place
) -> None:
    anchor_emulator.on(takes=50, answer=1)
    keys = [str(number) for number in range(6)]
    yielded: set[str] = set()
    for _ in range(20):
        before = len(yielded)
        loop(
            runner,
            tasks.map(shuffled(keys, before), max_running=2, ledger=place),
            lambda outcome: yielded.add(outcome.key) or True,  # type: ignore[func-returns-value]  # `add` returns None
            with_block=True,
        )
    outcomes = runner.call(tasks.map, shuffled(keys, 0), max_running=2, ledger=place)
    assert states(outcomes) == {"completed": 6}
    assert (anchor_emulator.starts, anchor_emulator.max_running_seen) == (6, 2)


def test_failed_task_is_started_again_by_one_of_two_calls(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, place: Place
) -> None:
    anchor_emulator.on(takes=20, fails="no")
    calls = [tasks.map(shuffled(["a"], 0), attempts=3, ledger=place) for _ in range(2)]
    for outcomes in all_at_once(runner, calls):
        assert [(each.state, each.attempt) for each in outcomes] == [("failed", 3)]
    assert anchor_emulator.starts == 3


@pytest.mark.parametrize("jump", [-10_000.0, 10_000.0])
def test_no_pause_is_waited_for_longer_than_it_is_long_though_the_clock_jumps(jump: float) -> None:
    now, wall = 100.0, 1_800_000_000.0
    times = [now, wall]
    patience = Patience(lambda: times[0], lambda: times[1])
    assert patience.seconds_left("pause", wall, 60) == 60
    times[:] = [now + 10, wall + 10 + jump]
    left = patience.seconds_left("pause", wall, 60)
    assert left == (50 if jump < 0 else 0)
    times[:] = [now + 60, wall + 60 + jump]
    assert patience.seconds_left("pause", wall, 60) == 0


def test_a_call_that_lives_for_days_does_not_know_of_all_pauses_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("anchor_webtask._ledger.patience.MOST_SEEN", 2)
    times = [0.0]
    patience = Patience(lambda: times[0], lambda: 0.0)
    for what in ("a", "b", "a", "c"):
        patience.age(what, 0.0)
    times[0] = 10
    assert [patience.age(what, 0.0) for what in ("a", "c", "b")] == [10, 10, 0]


def test_threads_of_a_call_may_forget_the_same_pause_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    class Raced(dict[Any, float]):
        def __delitem__(self, what: object) -> None:
            self.pop(what)  # another thread was faster
            super().__delitem__(what)

    monkeypatch.setattr("anchor_webtask._ledger.patience.MOST_SEEN", 2)
    patience = Patience(lambda: 0.0, lambda: 0.0)
    patience._first_seen = Raced()
    for what in "abcd":
        assert patience.age(what, 0.0) == 0
    assert [*patience._first_seen] == ["c", "d"]


def test_unknown_start_of_a_call_that_ended_holds_its_place_for_the_next_call_too(
    anchor_emulator: Emulator, place: Place
) -> None:
    anchor_emulator.on(takes=10, answer=1)
    anchor_emulator.on(prompt="Read lost", start_faults=[Fault(502, accepted=True)], takes=10)
    with Anchor(wait=FEW_CHECKS) as anchor:
        list(anchor.tasks.map(shuffled(["lost"], 0), max_running=1, timeout=100, ledger=place))
        for number in range(3):  # each call waits for what is left of the hold, and no longer
            list(anchor.tasks.map(shuffled([str(number)], 0), max_running=1, timeout=100, ledger=place))
    assert 100 <= anchor_emulator.elapsed < 250


def test_loop_that_ends_with_looks_under_way_has_nothing_to_warn_about(anchor_emulator: Emulator, place: Place) -> None:
    anchor_emulator.on(takes=1, answer=1)

    async def main() -> None:
        async with AsyncAnchor(wait=FEW_CHECKS) as anchor:
            assert len([each async for each in anchor.tasks.map(requests, ledger=place, max_running=8)]) == len(
                requests
            )
            async for _ in anchor.tasks.map(requests, ledger=place, max_running=8):
                break

    requests = shuffled([str(number) for number in range(20)], 1)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        asyncio.run(main())
        gc.collect()
    assert not [str(each.message) for each in caught if "never awaited" in str(each.message)]
