"""`tasks.map` with a ledger: the program can be run again, and continues; nothing is paid for twice."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from anchor_webtask import (
    BadRequestError,
    ConfigurationError,
    InvalidOutputError,
    Ledger,
    LedgerUnusableError,
    NotFoundError,
    PaymentRequiredError,
    Progress,
    StartOutcomeUnknownError,
    TaskFailedError,
    TaskRequest,
    TaskTimeoutError,
)
from anchor_webtask.emulator import Fault
from tests.support.many import loop, states

if TYPE_CHECKING:
    from anchor_webtask.emulator import Emulator
    from tests.support.postgres_server import Place
    from tests.support.runners import Runner

HOLD = 1800


@attrs.define
class Price:
    amount: float


def keyed(*keys: str, prompt: str = "Read {}", **options: Any) -> list[TaskRequest]:
    return [TaskRequest(prompt.format(key), key=key, **options) for key in keys]


def by_key(outcomes: list[Any]) -> dict[str, Any]:
    assert len({each.key for each in outcomes}) == len(outcomes)
    return {each.key: each for each in outcomes}


def test_second_run_returns_the_stored_answers_and_sends_nothing(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, place: Place
) -> None:
    anchor_emulator.on(takes=100, answer={"amount": 3.10})
    requests = keyed(*"abcdef")
    first = runner.call(tasks.map, requests, output=Price, max_running=2, ledger=place)
    sent = len(anchor_emulator.requests)
    second = runner.call(tasks.map, requests[::-1], output=Price, max_running=2, ledger=place)
    assert [each.result().value for each in (*first, *second)] == [Price(3.10)] * 12
    assert {each.stored for each in first} == {False}
    assert {(each.stored, each.attempt, each.error) for each in second} == {(True, 1, None)}
    assert {each.key: each.task_id for each in first} == {each.key: each.task_id for each in second}
    assert len(anchor_emulator.requests) == sent


def test_what_runs_when_a_run_ends_is_waited_for_by_the_next(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, place: Place, ledger: Ledger
) -> None:
    anchor_emulator.on(takes=1000, answer=1)
    anchor_emulator.on(prompt="Read a", takes=10, answer=1)
    loop(runner, tasks.map(keyed(*"abcd"), max_running=3, ledger=place), lambda _: True, with_block=True)
    left = ledger.counts()
    assert (left["completed"], left["starting"]) == (1, 0)
    assert left["running"] == anchor_emulator.starts - 1
    outcomes = by_key(runner.call(tasks.map, keyed(*"dcba"), max_running=3, ledger=place))
    assert states(list(outcomes.values())) == {"completed": 4}
    assert [outcomes[key].stored for key in "abcd"] == [True, False, False, False]
    assert anchor_emulator.starts == 4
    assert anchor_emulator.max_running_seen == 3


def test_tasks_of_other_keys_are_settled_and_not_yielded(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, place: Place, ledger: Ledger
) -> None:
    anchor_emulator.on(takes=500, answer=1)
    loop(runner, tasks.map(keyed("quick", *"ab", prompt="Read {}"), max_running=3, ledger=place), lambda _: True)
    runner.call(tasks.map, keyed("c"), max_running=1, ledger=place)
    assert ledger.counts()["completed"] == 4
    assert (anchor_emulator.starts, anchor_emulator.max_running_seen) == (4, 3)


def test_stored_answers_are_read_with_the_output_of_today(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, place: Place, ledger: Ledger
) -> None:
    anchor_emulator.on(answer={"amount": "?"})
    first = runner.call(tasks.map, keyed("a"), output=Price, ledger=place)[0]
    assert (first.state, type(first.error)) == ("completed", InvalidOutputError)
    row = ledger.get("a")
    assert row is not None
    assert (row.valid, row.answer) == (False, {"amount": "?"})
    other = runner.call(tasks.map, keyed("a"), output=dict[str, str], ledger=place)[0]
    assert (other.result().value, other.stored) == ({"amount": "?"}, True)
    assert anchor_emulator.starts == 1


def test_digits_of_stored_answers_are_kept(anchor_emulator: Emulator, runner: Runner, tasks: Any, place: Place) -> None:
    exact = "0.10000000000000000000000000000000000001"
    anchor_emulator.on(faults=[Fault(body=f'{{"data": {{"status": "COMPLETED", "result": {exact}}}}}')])
    for _ in range(2):
        outcome = runner.call(tasks.map, keyed("a"), output=Decimal, ledger=place)[0]
        assert outcome.result().value == Decimal(exact)


def test_failed_task_is_started_again_only_if_attempts_allow_it(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, place: Place
) -> None:
    anchor_emulator.on(fails="there is no price")
    for stored in (False, True):
        outcome = runner.call(tasks.map, keyed("a"), ledger=place)[0]
        assert (outcome.state, outcome.attempt, outcome.stored) == ("failed", 1, stored)
        assert isinstance(outcome.error, TaskFailedError)
        assert outcome.error.reason == "there is no price"
    for _ in range(2):
        outcome = runner.call(tasks.map, keyed("a"), ledger=place, attempts=3)[0]
        assert (outcome.state, outcome.attempt) == ("failed", 3)
    assert anchor_emulator.starts == 3


def test_unknown_start_is_started_again_only_by_the_users_word(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, place: Place, ledger: Ledger
) -> None:
    anchor_emulator.on(answer=1, start_faults=[Fault(502, accepted=True)])
    for stored in (False, True):
        outcome = runner.call(tasks.map, keyed("a"), ledger=place, attempts=3)[0]
        assert (outcome.state, outcome.attempt, outcome.stored) == ("unknown", 1, stored)
        assert isinstance(outcome.error, StartOutcomeUnknownError)
    assert "retry('a')" in str(outcome.error)
    assert anchor_emulator.starts == 1
    ledger.retry("a")
    outcome = runner.call(tasks.map, keyed("a"), ledger=place)[0]
    assert (outcome.state, outcome.attempt) == ("completed", 2)
    assert anchor_emulator.starts == 2
    assert [(row.attempt, row.state) for row in ledger.rows()] == [(1, "retried"), (2, "completed")]


def test_id_that_the_user_has_found_is_waited_for(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, place: Place, ledger: Ledger
) -> None:
    anchor_emulator.on(takes=100, answer=1, start_faults=[Fault(502, accepted=True)])
    runner.call(tasks.map, keyed("a"), ledger=place)
    task = tasks.get(anchor_emulator.tasks[0].id)
    with pytest.raises(ConfigurationError, match="refresh"):
        ledger.attach("a", task)
    runner.call(task.refresh)
    ledger.attach("a", task)
    outcome = runner.call(tasks.map, keyed("a"), ledger=place)[0]
    assert (outcome.result().value, outcome.task_id) == (1, task.id)
    assert anchor_emulator.starts == 1


@pytest.mark.parametrize("way", ["hold", "free"])
def test_unknown_start_holds_its_place(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, place: Place, ledger: Ledger, way: str
) -> None:
    anchor_emulator.on(takes=10, answer=1)
    anchor_emulator.on(prompt="Read lost", takes=10, start_faults=[Fault(502, accepted=True)])
    assert runner.call(tasks.map, keyed("lost"), max_running=1, ledger=place)[0].state == "unknown"
    before = anchor_emulator.elapsed
    if way == "free":
        ledger.free("lost")
    reports: list[Progress] = []
    outcome = runner.call(tasks.map, keyed("next"), max_running=1, ledger=place, on_progress=reports.append)[0]
    assert outcome.state == "completed"
    waited = anchor_emulator.elapsed - before
    if way == "free":
        assert waited < 60
        assert {each.held for each in reports} == {0}
    else:
        assert HOLD <= waited < HOLD + 700
        assert {(each.held, each.held_until is None) for each in reports} >= {(1, False)}


def test_refused_start_is_tried_again_by_the_next_run_with_its_new_request(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, place: Place, ledger: Ledger
) -> None:
    anchor_emulator.on(answer=1)
    anchor_emulator.on(prompt="Wrong", start_faults=[400, 400])
    outcome = runner.call(tasks.map, [TaskRequest("Wrong", key="a")], ledger=place)[0]
    assert (outcome.state, type(outcome.error)) == ("refused", BadRequestError)
    row = ledger.get("a")
    assert row is not None
    assert (row.state, row.has_place) == ("refused", False)
    assert row.error == str(outcome.error)
    outcome = runner.call(tasks.map, [TaskRequest("Right", key="a")], ledger=place)[0]
    assert (outcome.state, outcome.attempt) == ("completed", 1)


def test_key_belongs_to_one_request(anchor_emulator: Emulator, runner: Runner, tasks: Any, place: Place) -> None:
    anchor_emulator.on(answer=1)
    runner.call(tasks.map, keyed("a"), ledger=place)
    outcome = runner.call(tasks.map, [TaskRequest("Another task", key="a")], ledger=place)[0]
    assert (outcome.state, type(outcome.error)) == ("not_started", ConfigurationError)
    assert "'a'" in str(outcome.error)
    assert anchor_emulator.starts == 1


def test_requests_without_keys_are_recognized_in_the_next_run(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, place: Place
) -> None:
    anchor_emulator.on(answer=1)
    requests = ["Read", "Read", TaskRequest("Read", url="https://shop.example"), "Read"]
    first = runner.call(tasks.map, requests, ledger=place)
    second = runner.call(tasks.map, requests, ledger=place)
    assert anchor_emulator.starts == 4
    assert by_key(first).keys() == by_key(second).keys()


@pytest.mark.parametrize(
    ("requests", "says"),
    [
        ([TaskRequest("Read", session_id="s-1")], "session_id needs a key"),
        ([TaskRequest("Read", data=1), TaskRequest("Read", data=2)], "different data need keys"),
    ],
)
def test_requests_that_no_ledger_can_recognize_need_keys(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, place: Place, requests: list[TaskRequest], says: str
) -> None:
    anchor_emulator.on(answer=1)
    *_, last = sorted(runner.call(tasks.map, requests, ledger=place), key=lambda each: each.index)
    assert (last.state, type(last.error)) == ("not_started", ConfigurationError)
    assert says in str(last.error)
    assert anchor_emulator.starts == len(requests) - 1


@pytest.mark.parametrize("wrong", [TaskRequest("Read", data=2), TaskRequest("Read", session_id="s-1")])
def test_request_that_needs_a_key_changes_no_key_of_another_one(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, place: Place, wrong: TaskRequest
) -> None:
    anchor_emulator.on(answer=1)
    good = TaskRequest("Read", data=1)
    assert states(runner.call(tasks.map, [good, wrong, good], ledger=place)) == {"completed": 2, "not_started": 1}
    assert states(runner.call(tasks.map, [good, good], ledger=place)) == {"completed": 2}
    assert anchor_emulator.starts == 2


def test_equal_requests_with_an_equal_key_are_one_task(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, place: Place
) -> None:
    anchor_emulator.on(answer=1)
    for _ in range(2):
        outcomes = runner.call(tasks.map, keyed(*"aab"), ledger=place)
        assert sorted(each.index for each in outcomes) == [0, 1, 2]
    assert anchor_emulator.starts == 2


def test_task_past_its_deadline_is_adopted_by_the_next_run(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, place: Place
) -> None:
    anchor_emulator.on(takes=1000, answer=1)
    outcome = runner.call(tasks.map, keyed("a"), timeout=100, ledger=place)[0]
    assert (outcome.state, type(outcome.error)) == ("running", TaskTimeoutError)
    outcome = runner.call(tasks.map, keyed("a"), timeout=1000, ledger=place)[0]
    assert outcome.result().value == 1
    assert anchor_emulator.starts == 1


@pytest.mark.parametrize(("answer", "starts"), [("1.50", 1), (["1.50"], 2)], ids=["fits", "does not fit"])
def test_answer_that_another_program_has_waited_for_is_judged_by_who_asked_for_it(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, place: Place, ledger: Ledger, answer: object, starts: int
) -> None:
    def ask(timeout: float | None = None) -> Any:
        return runner.call(tasks.map, keyed("a"), output=str, attempts=2, ledger=place, timeout=timeout)[0]

    anchor_emulator.on(takes=100, answer=answer)
    assert ask(timeout=5).state == "running"
    anchor_emulator.on(prompt="Wait", takes=1000, answer=1)
    runner.call(tasks.map, [TaskRequest("Wait")], output=int, ledger=place)
    row = ledger.get("a")
    assert row is not None
    assert (row.state, row.valid) == ("completed", None)
    assert isinstance(ask().error, InvalidOutputError) == (starts == 2)
    assert anchor_emulator.starts == starts + 1


def test_out_of_credit_leaves_the_rest_for_the_next_run(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, place: Place, ledger: Ledger
) -> None:
    anchor_emulator.on(answer=1)
    anchor_emulator.limit(starts=3, status=402)
    outcomes = by_key(runner.call(tasks.map, keyed(*"abcdef"), max_running=1, ledger=place))
    assert states(list(outcomes.values())) == {"completed": 3, "refused": 1, "not_started": 2}
    assert {type(outcomes[key].error) for key in "def"} == {PaymentRequiredError}
    assert (ledger.counts()["completed"], ledger.counts()["starting"]) == (3, 0)


def test_service_that_is_full_gets_fewer_tasks_at_once_and_each_once(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, place: Place
) -> None:
    anchor_emulator.on(takes=50, answer=1)
    anchor_emulator.limit(running=3, status=429, retry_after=5)
    outcomes = runner.call(tasks.map, keyed(*map(str, range(20))), max_running=10, ledger=place)
    assert states(outcomes) == {"completed": 20}
    assert (anchor_emulator.starts, anchor_emulator.max_running_seen) == (20, 3)


def test_no_more_is_paid_for_than_max_starts(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, place: Place
) -> None:
    anchor_emulator.on(answer=1)
    for started in (2, 4):
        outcomes = runner.call(tasks.map, keyed(*"abcd"), max_starts=2, ledger=place)
        assert states(outcomes)["completed"] == started
        assert anchor_emulator.starts == started


def test_endless_requests_are_taken_as_places_become_free(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, place: Place
) -> None:
    anchor_emulator.on(takes=10, answer=1)
    taken: list[int] = []

    def requests() -> Any:
        for number in range(10**9):
            taken.append(number)
            yield TaskRequest("Read", key=str(number))

    read: list[Any] = []

    def is_fifth(outcome: Any) -> bool:
        read.append(outcome)
        return len(read) == 5

    loop(runner, tasks.map(requests(), max_running=2, ledger=place), is_fifth)
    assert len(taken) < 12


def test_no_more_requests_are_looked_up_at_once_than_can_start_or_be_read(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, place: Place
) -> None:
    anchor_emulator.on(takes=10, answer=1)
    taken: list[int] = []

    def requests(count: int = 10**9) -> Any:
        for number in range(count):
            taken.append(number)
            yield TaskRequest("Read", key=str(number))

    assert states(runner.call(tasks.map, requests(), max_starts=3, ledger=place)) == {"completed": 3}
    assert (anchor_emulator.starts, len(taken)) == (3, 3)
    runner.call(tasks.map, requests(50), ledger=place)
    taken.clear()
    loop(runner, tasks.map(requests(), max_running=4, ledger=place), lambda _: True)
    assert len(taken) <= 2 * 4


def test_ledger_of_another_api_is_refused(anchor_emulator: Emulator, runner: Runner, tasks: Any, place: Place) -> None:
    runner.call(tasks.map, keyed("a"), ledger=place)
    with (
        runner.anchor(base_url="http://127.0.0.1:9") as other,
        pytest.raises(LedgerUnusableError, match=r"127\.0\.0\.1:9"),
    ):
        runner.call(other.tasks.map, keyed("b"), ledger=place)
    assert anchor_emulator.starts == 1


def test_task_that_never_ends_stays_for_the_next_run(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, place: Place, ledger: Ledger
) -> None:
    anchor_emulator.on(takes=math.inf)
    anchor_emulator.on(prompt="Read b", answer=1)
    outcomes = by_key(runner.call(tasks.map, keyed(*"ab"), max_running=1, timeout=100, ledger=place))
    assert (outcomes["a"].state, outcomes["b"].state) == ("running", "completed")
    row = ledger.get("a")
    assert row is not None
    assert (row.state, row.has_place, row.task_id) == ("running", False, outcomes["a"].task_id)


def test_dropped_answers_are_removed_once_the_loop_has_gone_on_and_fetched_again(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, place: Place
) -> None:
    anchor_emulator.on(answer={"amount": 3})
    stored: list[set[str]] = []
    with Ledger(place, answers="drop") as ledger:

        def look(_: object) -> None:
            stored.append({row.key for row in ledger.rows("completed") if row.answer is not None})

        loop(runner, tasks.map(keyed(*"abc"), output=Price, max_running=1, ledger=ledger), look)
        assert [len(each) for each in stored] == [1, 1, 1]
        assert {row.answer for row in ledger.rows("completed")} == {None}
        starts, sent = anchor_emulator.starts, len(anchor_emulator.requests)
        outcomes = runner.call(tasks.map, keyed(*"abc"), output=Price, ledger=ledger)
        assert [each.result().value for each in outcomes] == [Price(3)] * 3
    assert anchor_emulator.starts == starts
    assert len(anchor_emulator.requests) == sent + 3


@pytest.mark.parametrize("key", ["", " ", 3, "half of a pair: \ud83d"])
def test_bad_key_spoils_no_other_task(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, place: Place, key: Any
) -> None:
    anchor_emulator.on(answer=1)
    outcomes = runner.call(tasks.map, [TaskRequest("Read", key=key), *keyed(*"ab")], ledger=place)
    assert states(outcomes) == {"not_started": 1, "completed": 2}
    with pytest.raises(ConfigurationError, match="must be text that is not blank"):
        runner.call(tasks.run, "Read", key=key, ledger=place)


def test_call_that_is_stopped_says_what_the_ledger_knows_of_each_request_that_it_has_read(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, place: Place, ledger: Ledger
) -> None:
    anchor_emulator.on(takes=1000, answer=1)
    anchor_emulator.on(prompt="Read quick", answer=1)
    requests = keyed("quick", *"abcdef")
    for _ in range(2):
        outcomes = tasks.map(requests, max_running=4, ledger=place)
        read: list[Any] = []
        loop(runner, outcomes, lambda each, read=read: read.append(each) or True)  # type: ignore[misc]  # append returns None
        runner.call(outcomes.stop)
        read += runner.call(lambda outcomes=outcomes: outcomes)
        for outcome in read:
            row = ledger.get(outcome.key)
            assert outcome.state == ("not_started" if row is None else row.state)
            assert row is None or outcome.task_id == row.task_id
    assert anchor_emulator.starts == len([*ledger.rows()])


def test_task_that_the_api_does_not_know_any_more_can_be_started_again(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, place: Place, ledger: Ledger
) -> None:
    anchor_emulator.on(takes=10, answer=1, faults=[404] * 200)
    outcome = runner.call(tasks.map, keyed("a"), ledger=place)[0]
    assert (outcome.state, type(outcome.error)) == ("running", NotFoundError)
    with pytest.raises(ConfigurationError, match="free its place first"):
        ledger.retry("a")
    ledger.free("a")
    ledger.retry("a")
    anchor_emulator.on(answer=2)
    outcome = runner.call(tasks.map, keyed("a"), ledger=place)[0]
    assert (outcome.result().value, outcome.attempt) == (2, 2)


def test_places_that_stop_all_starts_are_warned_of_once(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    anchor_emulator.on(answer=1)
    anchor_emulator.on(prompt="Read lost", start_faults=[Fault(502, accepted=True)])
    runner.call(tasks.map, keyed("lost"), max_running=1, ledger=place)
    runner.call(tasks.map, keyed(*"ab"), max_running=1, ledger=place)
    assert caplog.text.count("hold 1, until 2027-01-15T08:30") == 1
