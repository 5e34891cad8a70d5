"""`tasks.map`: each request has one outcome, in the order of the tasks' ends, and no limit is exceeded."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from anchor_webtask import (
    Anchor,
    AnchorError,
    AuthenticationError,
    BadRequestError,
    ConfigurationError,
    InvalidOutputError,
    NotFoundError,
    PaymentRequiredError,
    Progress,
    RateLimitError,
    StartOutcomeUnknownError,
    TaskFailedError,
    TaskRequest,
    TaskTimeoutError,
    TransportError,
)
from anchor_webtask.emulator import Fault
from tests.support.many import FEW_CHECKS, loop, states

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from anchor_webtask.emulator import Emulator
    from anchor_webtask.testing import VirtualClock
    from tests.support.runners import Runner

SECRET = "correct horse battery staple"


@attrs.define
class Price:
    amount: float


@pytest.fixture
def tasks(anchor_emulator: Emulator, runner: Runner) -> Iterator[Any]:
    """The tasks of a client of the emulator, whose waits make few checks."""
    assert anchor_emulator.starts == 0
    with runner.anchor(wait=FEW_CHECKS) as anchor:
        yield anchor.tasks


def numbered(count: int) -> list[str]:
    return [f"Read {number}" for number in range(count)]


def number(prompt: str) -> int:
    return int(prompt.rsplit(maxsplit=1)[-1])


def test_outcomes_come_in_the_order_in_which_the_tasks_end(
    tasks: Any, runner: Runner, anchor_emulator: Emulator
) -> None:
    anchor_emulator.on(takes=lambda body: 100 * (4 - number(body["prompt"])), answer={"amount": 3})
    outcomes = runner.call(tasks.map, numbered(4), output=Price)
    assert [outcome.index for outcome in outcomes] == [3, 2, 1, 0]
    assert {outcome.state for outcome in outcomes} == {"completed"}
    assert [outcome.result().value for outcome in outcomes] == [Price(3)] * 4
    assert {outcome.task_id for outcome in outcomes} == {task.id for task in anchor_emulator.tasks}
    assert {(outcome.attempt, outcome.error) for outcome in outcomes} == {(1, None)}


def test_limit_is_reached_and_never_exceeded(tasks: Any, runner: Runner, anchor_emulator: Emulator) -> None:
    anchor_emulator.on(takes=lambda body: 60 + 7 * number(body["prompt"]))
    assert states(runner.call(tasks.map, numbered(12), max_running=4)) == {"completed": 12}
    assert anchor_emulator.max_running_seen == 4


def test_many_tasks_of_an_hour_end(tasks: Any, runner: Runner, anchor_emulator: Emulator) -> None:
    anchor_emulator.on(takes=3600)
    outcomes = runner.call(tasks.map, numbered(200), max_running=200, timeout=7200)
    assert states(outcomes) == {"completed": 200}
    assert anchor_emulator.max_running_seen == 200
    assert 3600 <= anchor_emulator.elapsed < 7200


def test_failures_are_outcomes(tasks: Any, runner: Runner, anchor_emulator: Emulator) -> None:
    anchor_emulator.on(answer={"amount": 3})
    anchor_emulator.on(prompt="Fail", fails="no such page")
    anchor_emulator.on(prompt="Give up", answer="I cannot find a price.")
    anchor_emulator.on(prompt="Never end", takes=math.inf)
    anchor_emulator.on(prompt="Disappear", faults=[404] * 99)
    anchor_emulator.on(prompt="Be cut", start_faults=[Fault(cut=True, accepted=True)])
    anchor_emulator.on(prompt="Be refused", start_faults=[422])
    prompts = ["Fail", "Give up", "Never end", "Disappear", "Be cut", "Be refused", "Succeed"]
    outcomes = runner.call(tasks.map, prompts, output=Price, timeout=900)
    found = {outcome.request.prompt: (outcome.state, type(outcome.error)) for outcome in outcomes}
    assert found == {
        "Fail": ("failed", TaskFailedError),
        "Give up": ("completed", InvalidOutputError),
        "Never end": ("running", TaskTimeoutError),
        "Disappear": ("running", NotFoundError),
        "Be cut": ("unknown", StartOutcomeUnknownError),
        "Be refused": ("refused", BadRequestError),
        "Succeed": ("completed", type(None)),
    }
    assert anchor_emulator.starts == anchor_emulator.start_requests - 1 == 6
    for outcome in outcomes:
        if outcome.error is not None:
            with pytest.raises(type(outcome.error)) as raised:
                outcome.result()
            assert raised.value is outcome.error


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (TaskRequest("Read", url="shop.example"), "url must start with https"),
        (TaskRequest("Read", ulr="https://shop.example"), "TaskRequest has no argument 'ulr': did you mean url"),  # type: ignore[call-arg]  # on purpose
        (TaskRequest("Read", timeout=5), "pass timeout=… to tasks.map"),  # type: ignore[call-arg]  # on purpose
        (TaskRequest("Read", key=" "), "the key of a TaskRequest must be text that is not blank"),
        (TaskRequest("Read", key=7), "the key of a TaskRequest must be text"),  # type: ignore[arg-type]  # on purpose
        ("", "the prompt is blank"),
        (7, "the prompt must be text, not int"),
    ],
)
def test_invalid_request_is_an_outcome_and_is_not_sent(
    tasks: Any, runner: Runner, anchor_emulator: Emulator, request_: Any, message: str
) -> None:
    outcomes = sorted(runner.call(tasks.map, ["Read", request_, "Read more"]), key=lambda outcome: outcome.index)
    assert [outcome.state for outcome in outcomes] == ["completed", "not_started", "completed"]
    assert isinstance(outcomes[1].error, ConfigurationError)
    assert message in str(outcomes[1].error)
    assert (outcomes[1].attempt, outcomes[1].task_id) == (0, None)
    assert anchor_emulator.start_requests == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"requests": "Read"}, "requests must be many TaskRequests or prompts"),
        ({"requests": TaskRequest("Read")}, "requests must be many"),
        ({"requests": 7}, "requests must be an iterable of TaskRequests or prompts, not int"),
        ({"max_running": 0}, "max_running must be a whole number of at least 1"),
        ({"max_running": True}, "max_running must be a whole number"),
        ({"attempts": 1.5}, "attempts must be a whole number"),
        ({"max_starts": 0}, "max_starts must be a whole number of at least 1, or None"),
        ({"timeout": "5"}, "timeout must be a number of seconds"),
        ({"wait": 5}, "wait must be a WaitPolicy"),
        ({"output": 7}, "output"),
        ({"on_progress": 7}, "on_progress must be a function"),
        ({"url": "https://shop.example"}, "map has no argument 'url'"),
    ],
)
def test_invalid_argument_is_refused_at_once(
    tasks: Any, anchor_emulator: Emulator, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        tasks.map(**{"requests": ["Read"], **arguments})
    assert anchor_emulator.requests == ()


def test_second_positional_argument_is_refused(tasks: Any) -> None:
    with pytest.raises(ConfigurationError, match="map accepts only the requests by position"):
        tasks.map(["Read"], Price)


def test_nothing_is_sent_before_the_first_outcome_is_asked_for(tasks: Any, anchor_emulator: Emulator) -> None:
    tasks.map(["Read"])
    assert anchor_emulator.requests == ()


@pytest.mark.parametrize("requests", [[], (), iter(())], ids=["list", "tuple", "iterator"])
def test_no_requests_have_no_outcomes(tasks: Any, runner: Runner, requests: Any) -> None:
    assert runner.call(tasks.map, requests) == []


def test_equal_keys_are_one_task_and_one_outcome_each(tasks: Any, runner: Runner, anchor_emulator: Emulator) -> None:
    anchor_emulator.on(takes=100)
    anchor_emulator.on(prompt="Read b", takes=1)
    requests = [
        TaskRequest("Read a", key="a", data=1),
        TaskRequest("Read a", key="a", data=2),
        TaskRequest("Read b", key="b"),
        TaskRequest("Read something else", key="a", data=3),
        TaskRequest("Read a", key="a", data=4, session_id="another"),
    ]
    outcomes = sorted(runner.call(tasks.map, requests, max_running=1), key=lambda outcome: outcome.index)
    assert [outcome.key for outcome in outcomes] == ["a", "a", "b", "a", "a"]
    assert [outcome.request.data for outcome in outcomes] == [1, 2, None, 3, 4]
    assert {outcomes[at].task_id for at in (0, 1, 4)} == {anchor_emulator.tasks[0].id}
    assert outcomes[0].result() is outcomes[4].result()
    assert isinstance(outcomes[3].error, ConfigurationError)
    assert "another request of this call has the key 'a'" in str(outcomes[3].error)
    assert anchor_emulator.starts == 2


def test_equal_requests_without_a_key_are_different_tasks_with_stable_keys(
    tasks: Any, runner: Runner, anchor_emulator: Emulator
) -> None:
    request = TaskRequest("Read", url="https://shop.example", max_steps=None, secret_values={"PASSWORD": SECRET})
    with Anchor() as anchor:
        session_id = anchor.sessions.open().id
    same = TaskRequest("Read", url="https://shop.example", secret_values={"PASSWORD": "another"}, session_id=session_id)
    outcomes = runner.call(tasks.map, [request, same, request, "Read"], max_running=1)
    first = "484f40804fe2ca0e2f3de05ca6bfd690"
    assert [outcome.key for outcome in outcomes] == [
        first,
        f"{first}-2",
        f"{first}-3",
        "0aae9ee74fdfb36ac6854d24e45327ac",
    ]
    assert anchor_emulator.starts == 4


def test_neither_requests_nor_outcomes_show_secrets(tasks: Any, runner: Runner, anchor_emulator: Emulator) -> None:
    anchor_emulator.on(fails=f"{SECRET} was refused")
    request = TaskRequest(f"Type {SECRET}", key=SECRET, secret_values={"*.shop.example": {"PASSWORD": SECRET}})
    (outcome,) = runner.call(tasks.map, [request])
    assert "secret_values" in repr(request)
    assert SECRET not in f"{request!r} {outcome.request!r} {outcome.error!r} {outcome.error}"


@pytest.mark.parametrize(
    ("fault", "times"),
    [
        (Fault(429), 4),
        (Fault(429, headers={"retry-after": "600"}), 4),
        # Refusals one by one narrow the window to 1, and the next start waits until it is alone: then 402 is final.
        (402, 2),
    ],
    ids=["429", "with Retry-After", "402"],
)
def test_refusals_since_too_many_tasks_run_slow_the_call_down(
    tasks: Any, runner: Runner, anchor_emulator: Emulator, fault: Any, times: int
) -> None:
    anchor_emulator.on(takes=1000)
    anchor_emulator.on(prompt="Read 0", takes=30_000)
    anchor_emulator.on(prompt="Read [4-7]", takes=1000, start_faults=[fault] * times)
    outcomes = runner.call(tasks.map, numbered(12), max_running=8, timeout=40_000)
    assert states(outcomes) == {"completed": 12}
    assert (anchor_emulator.starts, anchor_emulator.start_requests) == (12, 12 + times)
    assert anchor_emulator.max_running_seen <= 8


def test_window_halves_once_for_all_starts_that_were_sent_together(
    tasks: Any, runner: Runner, anchor_emulator: Emulator
) -> None:
    """Eight starts are refused together, so four are sent after that; if each halved the window, it would be one."""
    sent: list[int] = []

    def takes(_: dict[str, Any]) -> float:
        sent.append(int(anchor_emulator.elapsed))
        return 1000.0

    anchor_emulator.on(takes=takes, start_faults=[429] * 8)
    assert states(runner.call(tasks.map, numbered(8), max_running=8)) == {"completed": 8}
    assert anchor_emulator.start_requests == 16
    assert sent.count(sent[0]) >= 4


def test_retry_after_is_kept_by_all_starts(
    tasks: Any, runner: Runner, anchor_emulator: Emulator, anchor_clock: VirtualClock
) -> None:
    begun: list[float] = []

    def takes(_: dict[str, Any]) -> float:
        begun.append(anchor_clock.now())
        return 10.0

    anchor_emulator.on(takes=takes, start_faults=[Fault(429, headers={"retry-after": "500"})])
    assert states(runner.call(tasks.map, numbered(3), max_running=1)) == {"completed": 3}
    assert begun[0] == 500
    assert anchor_emulator.start_requests == 4


@pytest.mark.parametrize(
    ("fault", "error"), [(429, RateLimitError), (Fault(429, headers={"retry-after": "9999"}), RateLimitError)]
)
def test_call_gives_up_if_nothing_but_refusals_comes(
    tasks: Any, runner: Runner, anchor_emulator: Emulator, fault: Any, error: type[AnchorError]
) -> None:
    anchor_emulator.on(start_faults=[fault] * 500)
    outcomes = runner.call(tasks.map, numbered(6), max_running=2, timeout=600)
    assert states(outcomes) == {"not_started": 6}
    assert {type(outcome.error) for outcome in outcomes} == {error}
    assert anchor_emulator.starts == 0
    assert anchor_emulator.elapsed <= 660


def test_requests_without_a_connection_are_repeated_and_given_up(runner: Runner, exact_clock: VirtualClock) -> None:
    with runner.anchor(base_url="http://127.0.0.1:1") as anchor:
        outcomes = runner.call(anchor.tasks.map, numbered(3), max_running=2, timeout=300)
    assert states(outcomes) == {"not_started": 3}
    assert {type(outcome.error) for outcome in outcomes} == {TransportError}
    assert exact_clock.elapsed == pytest.approx(300, abs=60)


@pytest.mark.parametrize(("status", "error"), [(401, AuthenticationError), (402, PaymentRequiredError)])
def test_refusal_of_the_account_stops_all_further_starts(
    tasks: Any, runner: Runner, anchor_emulator: Emulator, status: int, error: type[AnchorError]
) -> None:
    anchor_emulator.on(prompt="Read 1", start_faults=[status] * 9)
    outcomes = sorted(runner.call(tasks.map, numbered(20), max_running=1), key=lambda outcome: outcome.index)
    assert [outcome.state for outcome in outcomes] == ["completed", "refused"] + ["not_started"] * 18
    assert {type(outcome.error) for outcome in outcomes[1:]} == {error}
    assert anchor_emulator.start_requests == 2
    if status == 402:
        assert "either the account is out of credit, or other programs" in str(outcomes[1].error).lower()


@pytest.mark.parametrize("delay", [0, 5], ids=["runs", "is-starting"])
def test_long_pause_that_the_service_wants_is_hopeless_once_nothing_else_runs(
    tasks: Any, runner: Runner, anchor_emulator: Emulator, delay: float
) -> None:
    anchor_emulator.on(takes=30, start_faults=[Fault(delay=delay)])
    anchor_emulator.on(prompt="Read 1", start_faults=[Fault(429, headers={"retry-after": "3500"})] * 9)
    outcomes = runner.call(tasks.map, numbered(2), timeout=60)
    assert states(outcomes) == {"completed": 1, "not_started": 1}
    (error,) = (each.error for each in outcomes if each.state == "not_started")
    assert isinstance(error, RateLimitError)
    assert anchor_emulator.elapsed < 120


@pytest.mark.parametrize("delay", [0, 5], ids=["runs", "is-starting"])
def test_shorter_pause_is_waited_for_once_nothing_else_runs(
    tasks: Any, runner: Runner, anchor_emulator: Emulator, delay: float
) -> None:
    anchor_emulator.on(takes=30, start_faults=[Fault(delay=delay)])
    anchor_emulator.on(prompt="Read 1", start_faults=[Fault(429, headers={"retry-after": "80"})])
    assert states(runner.call(tasks.map, numbered(2), timeout=60)) == {"completed": 2}
    assert 80 < anchor_emulator.elapsed < 200


def test_refusal_of_the_key_ends_an_endless_iterable(tasks: Any, runner: Runner, anchor_emulator: Emulator) -> None:
    anchor_emulator.on(start_faults=[403] * 99)
    outcomes = runner.call(tasks.map, (f"Read {at}" for at in itertools.count()), max_running=1)
    assert states(outcomes) == {"refused": 1}


def test_unknown_start_is_not_repeated_and_keeps_its_place(
    tasks: Any, runner: Runner, anchor_emulator: Emulator
) -> None:
    anchor_emulator.on(takes=500)
    anchor_emulator.on(prompt="Read [01]", takes=500, start_faults=[Fault(cut=True, accepted=True)] * 2)
    outcomes = runner.call(tasks.map, numbered(5), max_running=2, timeout=600)
    assert states(outcomes) == {"unknown": 2, "completed": 3}
    assert (anchor_emulator.starts, anchor_emulator.max_running_seen) == (5, 2)
    assert anchor_emulator.elapsed >= 600


def test_task_that_times_out_keeps_its_place_until_it_ends(
    tasks: Any, runner: Runner, anchor_emulator: Emulator, anchor_clock: VirtualClock
) -> None:
    anchor_emulator.on(takes=60)
    anchor_emulator.on(prompt="Read 0", takes=900)
    (timed_out, ended) = runner.call(tasks.map, numbered(2), max_running=1, timeout=600)
    assert (timed_out.state, ended.state, anchor_emulator.max_running_seen) == ("running", "completed", 1)
    assert anchor_clock.elapsed < 1100  # it does not keep its place for all of the 600 seconds


def test_task_that_was_not_found_keeps_its_place_until_it_is_certainly_gone(
    tasks: Any, runner: Runner, anchor_emulator: Emulator, anchor_clock: VirtualClock
) -> None:
    """The wait for each task ends after a few seconds of 404, though the task runs for 300 seconds."""
    anchor_emulator.on(takes=300, faults=[404] * 3)
    anchor_emulator.on(prompt="Gone", takes=0, faults=[404] * 99)
    outcomes = runner.call(tasks.map, [*numbered(4), "Gone", "Last"], max_running=2)
    assert states(outcomes) == {"running": 6}
    assert {type(outcome.error) for outcome in outcomes} == {NotFoundError}
    assert anchor_emulator.max_running_seen <= 2
    assert anchor_clock.elapsed < 1800  # no place was kept for the whole timeout


def test_failed_task_and_invalid_answer_are_started_again(
    tasks: Any, runner: Runner, anchor_emulator: Emulator
) -> None:
    answers: dict[str, list[Any]] = {"Read 0": ["none", {"amount": 3}], "Read 1": ["none", "none", "none"]}
    anchor_emulator.on(answer=lambda body: answers[body["prompt"]].pop(0))
    anchor_emulator.on(prompt="Fail", fails="no such page")
    outcomes = runner.call(tasks.map, [*numbered(2), "Fail"], output=Price, attempts=2)
    found = {outcome.request.prompt: (outcome.state, outcome.attempt, type(outcome.error)) for outcome in outcomes}
    assert found == {
        "Read 0": ("completed", 2, type(None)),
        "Read 1": ("completed", 2, InvalidOutputError),
        "Fail": ("failed", 2, TaskFailedError),
    }
    assert anchor_emulator.starts == 6


def test_each_attempt_sends_what_the_first_one_has_sent(tasks: Any, runner: Runner, anchor_emulator: Emulator) -> None:
    body: dict[str, Any] = {}

    def requests() -> Iterator[TaskRequest]:
        for at in range(3):
            body["number"] = at
            yield TaskRequest("Read", key=f"{at}", extra_body=body)

    anchor_emulator.on(fails="no such page")
    outcomes = runner.call(tasks.map, requests(), attempts=2)
    assert states(outcomes) == {"failed": 3}
    assert sorted(task.body["number"] for task in anchor_emulator.tasks) == [0, 0, 1, 1, 2, 2]


def test_attempt_that_is_refused_leaves_the_outcome_before(
    tasks: Any, runner: Runner, anchor_emulator: Emulator
) -> None:
    anchor_emulator.on(fails="no such page", start_faults=[Fault(), 422])
    (outcome,) = runner.call(tasks.map, ["Read"], attempts=2)
    assert (outcome.state, outcome.attempt, outcome.task_id) == ("failed", 1, anchor_emulator.tasks[0].id)


@pytest.mark.parametrize("max_running", [1, 3])
def test_max_starts_ends_an_endless_iterable(
    tasks: Any, runner: Runner, anchor_emulator: Emulator, max_running: int
) -> None:
    anchor_emulator.on(prompt="Read 1", start_faults=[Fault(cut=True, accepted=True)])
    anchor_emulator.on(prompt="Read 2", start_faults=[429])
    taken = []

    def requests() -> Iterator[str]:
        for at in itertools.count():
            taken.append(at)
            yield f"Read {at}"

    outcomes = runner.call(tasks.map, requests(), max_running=max_running, max_starts=5, timeout=60)
    assert states(outcomes) == {"completed": 4, "unknown": 1}
    assert (anchor_emulator.starts, len(taken)) == (5, 5)


def test_max_starts_counts_attempts_and_leaves_the_rest_of_a_list_not_started(
    tasks: Any, runner: Runner, anchor_emulator: Emulator
) -> None:
    anchor_emulator.on(fails="no such page")
    outcomes = runner.call(tasks.map, numbered(9), max_running=1, attempts=2, max_starts=3)
    outcomes.sort(key=lambda outcome: outcome.index)
    assert states(outcomes) == {"failed": 2, "not_started": 7}
    assert "max_starts=3" in str(outcomes[-1].error)
    assert anchor_emulator.starts == 3


def test_key_that_is_repeated_without_end_is_not_read_without_end(
    tasks: Any, runner: Runner, anchor_emulator: Emulator
) -> None:
    taken = []
    anchor_emulator.on(takes=1000)

    def requests() -> Iterator[TaskRequest]:
        for at in itertools.count():
            taken.append(at)
            if at == 200:
                return
            yield TaskRequest("Read", key="same")

    outcomes = tasks.map(requests(), max_running=5)
    loop(runner, outcomes, lambda _: True)
    assert len(taken) <= 2 * 5
    assert states(runner.call(lambda: outcomes)) == {"completed": 199}
    assert anchor_emulator.starts == 1


def test_slow_starts_do_not_delay_checks(runner: Runner, anchor_emulator: Emulator, anchor_clock: VirtualClock) -> None:
    ends: list[float] = []

    def report(progress: Progress) -> None:
        if progress.completed and not ends:
            ends.append(anchor_clock.now())

    anchor_emulator.on(start_faults=[Fault(delay=25)] * 999)
    anchor_emulator.on(prompt="Quick", takes=5)
    with runner.anchor() as anchor:
        outcomes = runner.call(anchor.tasks.map, ["Quick", *numbered(219)], max_running=220, on_progress=report)
    assert states(outcomes) == {"completed": 220}
    assert ends[0] < 20


def test_slow_iterable_delays_no_outcome(
    runner: Runner, tasks: Any, anchor_emulator: Emulator, anchor_clock: VirtualClock
) -> None:
    """The second request comes after 1,000 s; the first outcome must come before."""
    ends: list[float] = []
    anchor_emulator.on(takes=100)

    def requests() -> Iterator[str]:
        yield "Read 0"
        anchor_clock.sleep(1000)
        yield "Read 1"

    async def requests_async() -> AsyncIterator[str]:
        yield "Read 0"
        await anchor_clock.sleep_async(1000)
        yield "Read 1"

    def note(progress: Progress) -> None:
        if progress.completed > len(ends):
            ends.append(anchor_clock.now())

    made = requests() if runner.name == "sync" else requests_async()
    outcomes = runner.call(tasks.map, made, on_progress=note)
    assert [outcome.index for outcome in outcomes] == [0, 1]
    assert ends[0] < 1000 < ends[1]


def test_exception_of_the_iterable_is_raised_after_the_outcomes(
    tasks: Any, runner: Runner, anchor_emulator: Emulator
) -> None:
    seen: list[Progress] = []

    def requests() -> Iterator[str]:
        yield "Read 0"
        raise LookupError("no more rows")

    with pytest.raises(LookupError, match="no more rows"):
        runner.call(tasks.map, requests(), on_progress=seen.append)
    assert seen[-1].completed == 1
    anchor_emulator.expect_no_unfinished()


def test_progress_counts_all_requests(tasks: Any, runner: Runner, anchor_emulator: Emulator) -> None:
    anchor_emulator.on(takes=100)
    anchor_emulator.on(prompt="Read 1", fails="no such page")
    anchor_emulator.on(prompt="Read 2", takes=math.inf)
    seen: list[Progress] = []
    runner.call(tasks.map, numbered(4), max_running=2, timeout=600, on_progress=seen.append)
    assert {progress.total for progress in seen} == {4}
    assert all(progress.running <= 2 for progress in seen)
    last = seen[-1]
    assert (last.completed, last.failed, last.timed_out, last.running, last.held) == (2, 1, 1, 0, 1)
    assert last.rate == pytest.approx(4 / anchor_emulator.elapsed)
    assert last.seconds_left == 0
    assert any(progress.seconds_left for progress in seen)


@pytest.mark.parametrize("runner", ["asyncio", "trio"], indirect=True)
def test_async_map_awaits_on_progress(tasks: Any, runner: Runner, anchor_clock: VirtualClock) -> None:
    seen: list[int] = []

    async def report(progress: Progress) -> None:
        await anchor_clock.sleep_async(1)
        seen.append(progress.completed)

    runner.call(tasks.map, ["Read"], on_progress=report)
    assert seen[-1] == 1


@pytest.mark.parametrize("runner", ["sync"], indirect=True)
def test_sync_map_refuses_what_only_the_async_one_can_do(tasks: Any) -> None:
    async def report(_: Progress) -> None: ...

    async def requests() -> AsyncIterator[str]:
        yield "Read"

    with pytest.raises(ConfigurationError, match="on_progress is a coroutine function"):
        tasks.map(["Read"], on_progress=report)
    with pytest.raises(ConfigurationError, match="requests is an async iterable"):
        tasks.map(requests())
