"""The waiting core, led by hand in virtual time."""

from __future__ import annotations

import logging
import math
import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anchor_webtask import (
    AnchorError,
    NotFoundError,
    StatusError,
    TaskStatus,
    TaskTimeoutError,
    TaskUpdate,
    WaitPolicy,
)
from anchor_webtask._polling.outcomes import Completed, Failed, Failure, Fault, Reply, Running
from anchor_webtask._polling.wait import LAST_CHECK_LIMIT, MAX_RETRY_AFTER, Emit, Fetch, TaskState, wait_steps
from benchmarks._durations import lognormal
from benchmarks.schedule import course, course_of_loop
from tests.support.runners import SIMPLE_POLICY
from tests.support.step_driver import StepDriver, drive, drive_together, in_order

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from anchor_webtask._polling.wait import Step, StepResult

RUNNING = Running(raw_status="RUNNING")
COMPLETED = Completed({"amount": 3}, "COMPLETED")
FAILED = Failed("no more steps", "FAILED")
UNKNOWN = Running(raw_status="SLEEPING", known=False)


def started(at: float = 0.0) -> TaskState:
    """Return a task that was started just now: its first check is a second away."""
    return TaskState("task-1", begun=at, due=at + 1.0)


def found(at: float = 0.0, *, age: float = 0.0) -> TaskState:
    """Return a task that was found by its id: it is looked at at once."""
    return TaskState("task-1", begun=at - age, due=at)


def failure(fault: Fault, *, status: int = 0, retry_after: float | None = None) -> Failure:
    if fault is Fault.STATUS:
        kind = NotFoundError if status == 404 else StatusError
        return Failure(fault, kind(f"HTTP {status}", status=status, retry_after=retry_after))
    return Failure(fault, AnchorError(fault.name))


def answered(status: int, *, retry_after: float | None = None) -> Failure:
    return failure(Fault.STATUS, status=status, retry_after=retry_after)


LOST = failure(Fault.LOST)


def steps(
    state: TaskState,
    *,
    now: float = 0.0,
    timeout: float | None = None,
    http_timeout: float = 30.0,
    chance: Callable[[], float] = lambda: 0.5,
    policy: WaitPolicy = SIMPLE_POLICY,
) -> Generator[Step[TaskUpdate], StepResult, None]:
    return wait_steps(
        state,
        policy,
        now=now,
        deadline=None if timeout is None else now + timeout,
        http_timeout=http_timeout,
        chance=chance,
    )


def ends_at(end: float, reply: Reply = COMPLETED) -> Callable[[float], Reply]:
    return lambda time: reply if time >= end else RUNNING


# -- The schedule --------------------------------------------------------------------------------------------------


def test_first_check_of_a_started_task_comes_after_a_second() -> None:
    driver = drive(steps(started()), in_order(COMPLETED))
    assert driver.times == [1.0]


def test_first_check_of_a_found_task_comes_at_once() -> None:
    driver = drive(steps(found(age=7200)), in_order(COMPLETED))
    assert driver.times == [0.0]
    assert driver.sleeps == []


@pytest.mark.parametrize(
    ("age", "delay"), [(0, 1), (5, 1), (10, 1), (11, 1.1), (100, 10), (599, 59.9), (600, 60), (100_000, 60)]
)
def test_next_check_comes_after_a_tenth_of_the_age_within_a_second_and_a_minute(age: float, delay: float) -> None:
    driver = drive(steps(found(age=age)), in_order(RUNNING, COMPLETED))
    assert driver.sleeps == [pytest.approx(delay)]


@pytest.mark.parametrize(("chance", "factor"), [(0.0, 0.9), (0.5, 1.0), (1.0, 1.1)])
@pytest.mark.parametrize(("age", "delay"), [(0, 1), (100, 10), (100_000, 60)])
def test_jitter_is_a_tenth_either_way(age: float, delay: float, chance: float, factor: float) -> None:
    driver = drive(steps(found(age=age), chance=lambda: chance), in_order(RUNNING, COMPLETED))
    assert driver.sleeps == [pytest.approx(delay * factor)]


def test_delay_counts_from_when_the_answer_has_come() -> None:
    driver = drive(steps(found()), in_order(RUNNING, COMPLETED), duration=lambda: 20.0)
    assert driver.times == [0.0, 22.0]


def test_first_quarter_of_an_hour_without_jitter() -> None:
    driver = drive(steps(started()), ends_at(900))
    assert driver.times[:13] == pytest.approx([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12.1, 13.31])
    assert len(driver.times) == 58
    assert driver.now == pytest.approx(902.4, abs=0.1)


@pytest.mark.parametrize(("age", "delay"), [(0, 2), (20, 2), (30, 2.7), (100, 9), (600, 54), (667, 60), (100_000, 60)])
def test_default_is_nine_percent_of_the_age_within_two_seconds_and_a_minute(age: float, delay: float) -> None:
    driver = drive(steps(found(age=age), policy=WaitPolicy()), in_order(RUNNING, COMPLETED))
    assert driver.sleeps == [pytest.approx(delay, abs=0.05)]


def test_default_takes_half_the_checks_of_a_loop_of_two_seconds_over_tasks_of_a_minute() -> None:
    """It is chosen for that, and for five minutes and more for a fifth, with a tenth of their duration as lag."""
    for median, share in ((60, 0.5), (300, 0.2), (1800, 0.2)):
        durations = lognormal(median, 1_000)
        ours, loop = course(WaitPolicy(), durations), course_of_loop(durations)
        assert ours.checks / loop.checks <= share
        assert ours.lag <= 0.1


def test_policy_decides() -> None:
    policy = WaitPolicy(fraction=0.5, minimum=3, maximum=20, jitter=0)
    driver = drive(steps(found(), policy=policy), ends_at(100))
    assert driver.times == [0, 3, 6, 9, 13.5, 20.25, 30.375, 45.5625, 65.5625, 85.5625, 105.5625]


# -- The deadline --------------------------------------------------------------------------------------------------


def test_last_sleep_ends_at_the_deadline_and_one_last_check_follows() -> None:
    driver = drive(steps(found(age=1000), timeout=100), in_order(RUNNING))
    assert driver.times == [0.0, 60.0, 100.0]
    assert isinstance(driver.error, TaskTimeoutError)
    assert driver.error.task_id == "task-1"
    assert driver.error.last_status == "RUNNING"
    assert driver.error.last_error is None


@pytest.mark.parametrize(("http_timeout", "last"), [(30.0, 5.0), (3.0, 3.0)])
def test_requests_get_what_is_left_and_the_last_at_most_five_seconds(http_timeout: float, last: float) -> None:
    driver = drive(steps(found(age=100), timeout=12, http_timeout=http_timeout), in_order(RUNNING))
    assert driver.times == [0.0, 10.0, 12.0]
    assert driver.limits == [min(http_timeout, 12.0), min(http_timeout, 2.0), last]


def test_requests_get_http_timeout_where_there_is_no_deadline() -> None:
    driver = drive(steps(found(), http_timeout=7), in_order(RUNNING, COMPLETED))
    assert driver.limits == [7.0, 7.0]


@pytest.mark.parametrize("state", [started(), found()], ids=["started", "found"])
def test_no_time_is_one_check(state: TaskState) -> None:
    driver = drive(steps(state, timeout=0), in_order(RUNNING))
    assert driver.requests == [(0.0, Fetch(LAST_CHECK_LIMIT))]
    assert isinstance(driver.error, TaskTimeoutError)
    assert state.status is TaskStatus.RUNNING


def test_check_that_lasts_over_the_deadline_is_followed_by_the_last() -> None:
    driver = drive(steps(found(), timeout=10), in_order(LOST), duration=lambda: 11.0)
    assert driver.requests == [(0.0, Fetch(10.0)), (11.0, Fetch(5.0))]
    assert isinstance(driver.error, TaskTimeoutError)


@pytest.mark.parametrize("reply", [COMPLETED, FAILED])
def test_end_that_comes_after_the_deadline_counts(reply: Reply) -> None:
    state = started()
    driver = drive(steps(state, timeout=0.5), in_order(reply), duration=lambda: 4.9)
    assert driver.error is None
    assert state.ended is reply
    assert driver.now == 5.4


def test_wait_without_deadline_goes_on_for_days() -> None:
    driver = drive(steps(started()), ends_at(3 * 86_400))
    assert driver.error is None
    assert driver.now >= 3 * 86_400


def test_nothing_is_looked_at_once_the_end_is_known() -> None:
    state = found()
    drive(steps(state), in_order(COMPLETED))
    again = drive(steps(state, timeout=0), in_order(RUNNING))
    assert again.times == []
    assert state.ended is COMPLETED


def test_timeout_error_says_why_the_last_check_brought_nothing() -> None:
    driver = drive(steps(found(), timeout=0), in_order(LOST))
    assert isinstance(driver.error, TaskTimeoutError)
    assert driver.error.last_error is LOST.error
    assert LOST.error.task_id == "task-1"
    assert driver.error.last_status is None


# -- Retry-After ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("age", "wanted", "delay"), [(0, 7, 7), (100, 7, 10), (0, None, 1), (0, 0, 1), (0, 10**9, MAX_RETRY_AFTER)]
)
def test_retry_after_is_a_floor_of_an_hour_at_most(status: int, age: float, wanted: float | None, delay: float) -> None:
    driver = drive(steps(found(age=age)), in_order(answered(status, retry_after=wanted), COMPLETED))
    assert driver.sleeps == [delay]


def test_retry_after_does_not_move_the_deadline() -> None:
    driver = drive(steps(found(), timeout=60), in_order(answered(429, retry_after=600)))
    assert driver.times == [0.0, 60.0]


# -- What comes of what --------------------------------------------------------------------------------------------

REPEATED_STATUSES = [408, 425, 429, 499, *range(500, 512), *range(520, 531), 598, 599]
FINAL_STATUSES = [
    400,
    401,
    402,
    403,
    405,
    406,
    409,
    410,
    411,
    412,
    413,
    414,
    415,
    418,
    421,
    422,
    423,
    426,
    428,
    431,
    451,
]


@pytest.mark.parametrize(
    "repeated",
    [failure(fault) for fault in (Fault.NOT_CONNECTED, Fault.LOST, Fault.UNREADABLE)]
    + [answered(status) for status in REPEATED_STATUSES],
    ids=lambda it: str(it.error),
)
def test_failure_that_may_pass_is_looked_at_again(repeated: Failure) -> None:
    state = found()
    driver = drive(steps(state), in_order(repeated, repeated, COMPLETED))
    assert driver.error is None
    assert driver.times == [0.0, 1.0, 2.0]
    assert [update.last_error for update in driver.emitted] == [repeated.error, repeated.error, None]
    assert state.ended is COMPLETED


@pytest.mark.parametrize(
    "final",
    [failure(fault) for fault in (Fault.CERTIFICATE, Fault.REDIRECTED, Fault.TOO_LARGE)]
    + [answered(status) for status in FINAL_STATUSES],
    ids=lambda it: str(it.error),
)
def test_failure_that_asking_again_cannot_mend_ends_the_wait(final: Failure) -> None:
    driver = drive(steps(found()), in_order(RUNNING, final, COMPLETED))
    assert driver.error is final.error
    assert final.error.task_id == "task-1"
    assert driver.times == [0.0, 1.0]


def test_every_fault_is_in_one_of_the_two_rows() -> None:
    repeated = {Fault.NOT_CONNECTED, Fault.LOST, Fault.UNREADABLE}
    final = {Fault.CERTIFICATE, Fault.REDIRECTED, Fault.TOO_LARGE}
    assert repeated | final | {Fault.STATUS} == set(Fault)


@pytest.mark.parametrize(
    ("reply", "status", "raw_status"),
    [
        (RUNNING, TaskStatus.RUNNING, "RUNNING"),
        (UNKNOWN, TaskStatus.UNKNOWN, "SLEEPING"),
        (Running(raw_status=None, known=False), TaskStatus.UNKNOWN, None),
        (COMPLETED, TaskStatus.COMPLETED, "COMPLETED"),
        (FAILED, TaskStatus.FAILED, "FAILED"),
    ],
)
def test_status_is_what_the_reply_says(reply: Reply, status: TaskStatus, raw_status: str | None) -> None:
    state = found()
    drive(steps(state, timeout=0), in_order(reply))
    assert (state.status, state.raw_status) == (status, raw_status)


def test_unknown_status_is_running_and_warned_of_once(caplog: pytest.LogCaptureFixture) -> None:
    state = found()
    drive(steps(state, timeout=3), in_order(UNKNOWN))
    driver = drive(steps(state, now=10), in_order(UNKNOWN, UNKNOWN, COMPLETED), now=10)
    assert driver.error is None
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert [(record.getMessage(), record.__dict__["task_id"]) for record in warnings] == [
        ("unknown status, treated as running", "task-1")
    ]


def test_repeated_check_is_warned_of_and_the_end_is_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    drive(steps(found()), in_order(answered(502), FAILED))
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", "check failed (StatusError), checking again later"),
        ("INFO", "task failed"),
    ]


# -- The grace of a 404 --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("begin", [0.0, 1000.0])
def test_404_is_looked_at_again_for_five_seconds_from_the_first_check(begin: float) -> None:
    driver = drive(steps(started(begin), now=begin), in_order(answered(404)), now=begin)
    assert driver.times == [begin + second for second in (1, 2, 3, 4, 5, 6)]
    assert isinstance(driver.error, NotFoundError)


def test_404_that_passes_is_no_end() -> None:
    driver = drive(steps(started()), in_order(answered(404), answered(404), COMPLETED))
    assert driver.error is None


def test_404_after_the_grace_ends_the_wait_at_once() -> None:
    driver = drive(steps(found()), lambda time: RUNNING if time < 6 else answered(404))
    assert driver.times[-1] == 6.0
    assert isinstance(driver.error, NotFoundError)


def test_grace_counts_from_the_handles_first_check_over_all_waits() -> None:
    state = found()
    first = drive(steps(state, timeout=2), in_order(answered(404)))
    assert isinstance(first.error, TaskTimeoutError)
    second = drive(steps(state, now=4, timeout=0), in_order(answered(404)), now=4)
    assert isinstance(second.error, TaskTimeoutError)
    third = drive(steps(state, now=5, timeout=0), in_order(answered(404)), now=5)
    assert isinstance(third.error, NotFoundError)


# -- Updates -------------------------------------------------------------------------------------------------------


def test_each_check_brings_an_update() -> None:
    driver = drive(steps(found(100, age=50), now=100, timeout=8), in_order(RUNNING, LOST, UNKNOWN), now=100)
    assert driver.emitted == [
        TaskUpdate(
            task_id="task-1",
            status=TaskStatus.RUNNING,
            raw_status="RUNNING",
            elapsed=50,
            checks=1,
            next_check=5,
            deadline=8,
            last_error=None,
        ),
        TaskUpdate(
            task_id="task-1",
            status=TaskStatus.RUNNING,
            raw_status="RUNNING",
            elapsed=55,
            checks=2,
            next_check=3,
            deadline=3,
            last_error=LOST.error,
        ),
        TaskUpdate(
            task_id="task-1",
            status=TaskStatus.UNKNOWN,
            raw_status="SLEEPING",
            elapsed=58,
            checks=3,
            next_check=None,
            deadline=0,
            last_error=None,
        ),
    ]


def test_update_of_the_end_has_no_next_check() -> None:
    driver = drive(steps(found()), in_order(COMPLETED))
    (update,) = driver.emitted
    assert (update.status, update.next_check, update.deadline) == (TaskStatus.COMPLETED, None, None)


# -- Several waits -------------------------------------------------------------------------------------------------


def most_checks(length: float) -> int:
    """Return how many checks the schedule allows a task of this length: delays are a tenth short at most."""
    linear = min(length, 10.0) / 0.9
    growing = math.log(max(min(length, 600.0), 10.0) / 10.0) / math.log(1.09)
    level = max(length - 600.0, 0.0) / 54.0
    return math.ceil(linear + growing + level) + 3  # one for each rounding


def test_thousand_waits_at_once_all_end_in_time() -> None:
    chance = random.Random(20260215).random
    lengths = [random.Random(index).lognormvariate(math.log(120), 1.5) for index in range(1000)]
    latency = 0.3
    watches = [started() for _ in lengths]
    drivers = drive_together(
        [
            StepDriver(steps(state, chance=chance), ends_at(length), 0.0)
            for state, length in zip(watches, lengths, strict=True)
        ],
        duration=lambda: latency,
    )
    for state, length, driver in zip(watches, lengths, drivers, strict=True):
        assert state.ended is COMPLETED
        assert len(driver.times) <= most_checks(length)
        assert sum(time >= length for time in driver.times) == 1
        longest_delay = 1.1 * min(max(0.1 * length, 1.0), 60.0)
        assert driver.times[-1] - length <= longest_delay + latency
    assert len({time for driver in drivers for time in driver.times}) > 1000  # they don't knock together


def test_two_waits_on_one_handle_share_what_they_see() -> None:
    state = started()
    drivers = drive_together([StepDriver(steps(state), ends_at(30), 0.0) for _ in range(2)], duration=lambda: 0.1)
    assert [driver.error for driver in drivers] == [None, None]
    assert state.ended is COMPLETED
    alone = drive(steps(started()), ends_at(30), duration=lambda: 0.1)
    assert state.checks <= 2 * len(alone.times)


def test_wait_that_sleeps_while_another_sees_the_end_looks_no_more() -> None:
    state = found(age=1000)
    sleeper = StepDriver(steps(state), in_order(RUNNING), 0.0)
    looker = StepDriver(steps(state, now=30, timeout=0), in_order(COMPLETED), 30.0)
    drive_together([sleeper, looker])
    assert (sleeper.times, looker.times) == ([0.0], [30.0])
    assert (sleeper.now, sleeper.error) == (60.0, None)


@pytest.mark.parametrize("late", [RUNNING, UNKNOWN, FAILED, LOST, answered(410)], ids=repr)
def test_what_one_wait_hears_after_another_saw_the_end_changes_nothing(late: Reply | Failure) -> None:
    state = found()
    quick, slow = steps(state), steps(state)
    assert next(quick) == next(slow) == Fetch(30.0)
    quick.send((0.1, COMPLETED))
    update = slow.send((0.2, late))
    assert isinstance(update, Emit)
    assert (update.value.status, update.value.last_error) == (TaskStatus.COMPLETED, None)
    with pytest.raises(StopIteration):
        slow.send((0.2, None))
    assert (state.ended, state.raw_status) == (COMPLETED, "COMPLETED")


# -- Whatever comes ------------------------------------------------------------------------------------------------

failures = st.one_of(
    st.sampled_from([fault for fault in Fault if fault is not Fault.STATUS]).map(failure),
    st.builds(answered, st.integers(400, 599), retry_after=st.none() | st.floats(0, 1e6)),
)
replies = st.one_of(st.sampled_from([RUNNING, UNKNOWN, COMPLETED, FAILED]), failures)
seconds = st.floats(0, 1e5)


@given(
    sequence=st.lists(replies, max_size=30),
    begin=seconds,
    age=seconds,
    timeout=st.none() | seconds,
    http_timeout=st.floats(0.001, 1e4),
    latency=st.floats(0, 60),
    chances=st.randoms(use_true_random=False),
    watch_of=st.sampled_from([started, found]),
)
def test_every_wait_looks_and_ends(
    sequence: list[Reply | Failure],
    begin: float,
    age: float,
    timeout: float | None,
    http_timeout: float,
    latency: float,
    chances: random.Random,
    watch_of: Callable[[float], TaskState],
) -> None:
    state = watch_of(begin)
    state.begun -= age
    came: list[Reply | Failure] = []

    def fetch(_: float) -> Reply | Failure:
        came.append(sequence[len(came)] if len(came) < len(sequence) else COMPLETED if timeout is None else RUNNING)
        return came[-1]

    driver = drive(
        steps(state, now=begin, timeout=timeout, http_timeout=http_timeout, chance=chances.random),
        fetch,
        now=begin,
        duration=lambda: latency,
    )
    ends = [reply for reply in came if isinstance(reply, Completed | Failed)]
    assert len(came) >= 1
    assert ends == ([] if state.ended is None else [came[-1]])
    assert (driver.error is None) == (state.ended is not None)
    assert all(sleep > 0 for sleep in driver.sleeps)
    assert all(0 < limit <= http_timeout for limit in driver.limits)
    assert len(driver.emitted) == len(came) - (
        driver.error is not None and not isinstance(driver.error, TaskTimeoutError)
    )
    if timeout is not None:
        deadline = begin + timeout
        assert all(wake <= deadline for wake in driver.wakes)
        assert sum(time >= deadline for time in driver.times) <= 1
        assert all(fetch.limit <= LAST_CHECK_LIMIT for time, fetch in driver.requests if time >= deadline)
        assert isinstance(driver.error, TaskTimeoutError) <= (driver.times[-1] >= deadline)
