"""Waits: when a task is checked and what ends a wait; the tests execute the steps in virtual time, without a server."""

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
    """Return the state of a task that has just started; its first check is due a second later."""
    return TaskState("task-1", begun=at, due=at + 1.0)


def found(at: float = 0.0, *, age: float = 0.0) -> TaskState:
    """Return the state of a task that was found by its id; its first check is due immediately."""
    return TaskState("task-1", begun=at - age, due=at)


def failure(fault: Fault, *, status: int = 0, retry_after: float | None = None) -> Failure:
    if fault is Fault.STATUS:
        kind = NotFoundError if status == 404 else StatusError
        return Failure(fault, kind(f"HTTP {status}", status=status), retry_after=retry_after)
    return Failure(fault, AnchorError(fault.name), retry_after=retry_after)


def error_status(status: int, *, retry_after: float | None = None) -> Failure:
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


def completes_at(end: float, reply: Reply = COMPLETED) -> Callable[[float], Reply]:
    return lambda time: reply if time >= end else RUNNING


# -- The schedule --------------------------------------------------------------------------------------------------


def test_first_check_of_a_started_task_is_made_one_second_after_its_start() -> None:
    driver = drive(steps(started()), in_order(COMPLETED))
    assert driver.times == [1.0]


def test_first_check_of_a_found_task_is_made_immediately() -> None:
    driver = drive(steps(found(age=7200)), in_order(COMPLETED))
    assert driver.times == [0.0]
    assert driver.sleeps == []


@pytest.mark.parametrize(
    ("age", "delay"), [(0, 1), (5, 1), (10, 1), (11, 1.1), (100, 10), (599, 59.9), (600, 60), (100_000, 60)]
)
def test_delay_is_the_policys_fraction_of_the_tasks_age_limited_by_minimum_and_maximum(
    age: float, delay: float
) -> None:
    driver = drive(steps(found(age=age)), in_order(RUNNING, COMPLETED))
    assert driver.sleeps == [pytest.approx(delay)]


@pytest.mark.parametrize(("chance", "factor"), [(0.0, 0.9), (0.5, 1.0), (1.0, 1.1)])
@pytest.mark.parametrize(("age", "delay"), [(0, 1), (100, 10), (100_000, 60)])
def test_jitter_changes_a_delay_by_at_most_a_tenth(age: float, delay: float, chance: float, factor: float) -> None:
    driver = drive(steps(found(age=age), chance=lambda: chance), in_order(RUNNING, COMPLETED))
    assert driver.sleeps == [pytest.approx(delay * factor)]


def test_delay_before_the_next_check_starts_at_the_response() -> None:
    driver = drive(steps(found()), in_order(RUNNING, COMPLETED), duration=lambda: 20.0)
    assert driver.times == [0.0, 22.0]


def test_task_of_15_minutes_needs_58_checks_without_jitter() -> None:
    driver = drive(steps(started()), completes_at(900))
    assert driver.times[:13] == pytest.approx([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12.1, 13.31])
    assert len(driver.times) == 58
    assert driver.now == pytest.approx(902.4, abs=0.1)


@pytest.mark.parametrize(("age", "delay"), [(0, 2), (20, 2), (30, 2.7), (100, 9), (600, 54), (667, 60), (100_000, 60)])
def test_default_delay_is_9_percent_of_the_tasks_age_but_between_2_and_60_seconds(age: float, delay: float) -> None:
    driver = drive(steps(found(age=age), policy=WaitPolicy()), in_order(RUNNING, COMPLETED))
    assert driver.sleeps == [pytest.approx(delay, abs=0.05)]


def test_default_policy_needs_at_most_half_the_checks_of_a_loop_that_checks_every_two_seconds() -> None:
    """With a median of 5 or 30 minutes, tasks need at most a fifth of the loop's checks.

    The end of 95% of the tasks is noticed within a tenth of the task's duration.
    """
    for median, share in ((60, 0.5), (300, 0.2), (1800, 0.2)):
        durations = lognormal(median, 1_000)
        ours, loop = course(WaitPolicy(), durations), course_of_loop(durations)
        assert ours.checks / loop.checks <= share
        assert ours.lag <= 0.1


def test_custom_policy_sets_the_delays() -> None:
    policy = WaitPolicy(fraction=0.5, minimum=3, maximum=20, jitter=0)
    driver = drive(steps(found(), policy=policy), completes_at(100))
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
def test_check_may_take_the_time_until_the_deadline_and_the_last_check_at_most_five_seconds(
    http_timeout: float, last: float
) -> None:
    driver = drive(steps(found(age=100), timeout=12, http_timeout=http_timeout), in_order(RUNNING))
    assert driver.times == [0.0, 10.0, 12.0]
    assert driver.limits == [min(http_timeout, 12.0), min(http_timeout, 2.0), last]


def test_check_without_a_deadline_may_take_http_timeout() -> None:
    driver = drive(steps(found(), http_timeout=7), in_order(RUNNING, COMPLETED))
    assert driver.limits == [7.0, 7.0]


@pytest.mark.parametrize("state", [started(), found()], ids=["started", "found"])
def test_wait_with_timeout_0_makes_one_check(state: TaskState) -> None:
    driver = drive(steps(state, timeout=0), in_order(RUNNING))
    assert driver.requests == [(0.0, Fetch(LAST_CHECK_LIMIT))]
    assert isinstance(driver.error, TaskTimeoutError)
    assert state.status is TaskStatus.RUNNING


def test_check_that_ends_after_the_deadline_is_followed_by_one_last_check() -> None:
    driver = drive(steps(found(), timeout=10), in_order(LOST), duration=lambda: 11.0)
    assert driver.requests == [(0.0, Fetch(10.0)), (11.0, Fetch(5.0))]
    assert isinstance(driver.error, TaskTimeoutError)


@pytest.mark.parametrize("reply", [COMPLETED, FAILED], ids=["completed", "failed"])
def test_end_of_a_task_is_accepted_if_the_last_check_reports_it_after_the_deadline(reply: Reply) -> None:
    state = started()
    driver = drive(steps(state, timeout=0.5), in_order(reply), duration=lambda: 4.9)
    assert driver.error is None
    assert state.ended is reply
    assert driver.now == 5.4


def test_wait_without_a_deadline_continues_for_days() -> None:
    driver = drive(steps(started()), completes_at(3 * 86_400))
    assert driver.error is None
    assert driver.now >= 3 * 86_400


def test_task_that_is_known_to_have_ended_is_not_checked_again() -> None:
    state = found()
    drive(steps(state), in_order(COMPLETED))
    again = drive(steps(state, timeout=0), in_order(RUNNING))
    assert again.times == []
    assert state.ended is COMPLETED


def test_timeout_error_has_the_error_of_the_last_check() -> None:
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
def test_next_check_is_not_made_before_retry_after_unless_retry_after_exceeds_an_hour(
    status: int, age: float, wanted: float | None, delay: float
) -> None:
    driver = drive(steps(found(age=age)), in_order(error_status(status, retry_after=wanted), COMPLETED))
    assert driver.sleeps == [delay]


def test_retry_after_does_not_move_the_deadline() -> None:
    driver = drive(steps(found(), timeout=60), in_order(error_status(429, retry_after=600)))
    assert driver.times == [0.0, 60.0]


# -- Replies and failures -------------------------------------------------------------------------------------------

RETRIED_STATUSES = [408, 425, 429, 499, *range(500, 512), *range(520, 531), 598, 599]
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
    + [error_status(status) for status in RETRIED_STATUSES],
    ids=lambda it: str(it.error),
)
def test_task_is_checked_again_after_a_temporary_failure(repeated: Failure) -> None:
    state = found()
    driver = drive(steps(state), in_order(repeated, repeated, COMPLETED))
    assert driver.error is None
    assert driver.times == [0.0, 1.0, 2.0]
    assert [update.last_error for update in driver.emitted] == [repeated.error, repeated.error, None]
    assert state.ended is COMPLETED


@pytest.mark.parametrize(
    "final",
    [failure(fault) for fault in (Fault.CERTIFICATE, Fault.REDIRECTED, Fault.TOO_LARGE)]
    + [error_status(status) for status in FINAL_STATUSES],
    ids=lambda it: str(it.error),
)
def test_permanent_failure_ends_the_wait(final: Failure) -> None:
    driver = drive(steps(found()), in_order(RUNNING, final, COMPLETED))
    assert driver.error is final.error
    assert final.error.task_id == "task-1"
    assert driver.times == [0.0, 1.0]


def test_every_kind_of_failure_is_covered_by_the_tests_of_waits() -> None:
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
    ids=["running", "unknown status", "no status", "completed", "failed"],
)
def test_status_of_a_task_is_the_status_in_the_reply(reply: Reply, status: TaskStatus, raw_status: str | None) -> None:
    state = found()
    drive(steps(state, timeout=0), in_order(reply))
    assert (state.status, state.raw_status) == (status, raw_status)


def test_unknown_status_counts_as_running_and_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    state = found()
    drive(steps(state, timeout=3), in_order(UNKNOWN))
    driver = drive(steps(state, now=10), in_order(UNKNOWN, UNKNOWN, COMPLETED), now=10)
    assert driver.error is None
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert [(record.getMessage(), record.__dict__["task_id"]) for record in warnings] == [
        ("task task-1 has the unknown status 'SLEEPING', treated as running", "task-1")
    ]


def test_failed_check_is_logged_as_a_warning_and_the_tasks_end_as_info(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    drive(steps(found()), in_order(error_status(502), FAILED))
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", "check of task task-1 failed (StatusError, HTTP 502), checking again later"),
        ("INFO", "task task-1 failed"),
    ]


def test_last_check_does_not_promise_another(caplog: pytest.LogCaptureFixture) -> None:
    driver = drive(steps(found(), timeout=0), in_order(error_status(502)))
    assert isinstance(driver.error, TaskTimeoutError)
    assert caplog.records == []


# -- 404 in the first five seconds ---------------------------------------------------------------------------------


@pytest.mark.parametrize("begin", [0.0, 1000.0])
def test_unseen_task_is_checked_again_until_five_seconds_after_the_first_404(begin: float) -> None:
    driver = drive(steps(started(begin), now=begin), in_order(error_status(404)), now=begin)
    assert driver.times == [begin + second for second in (1, 2, 3, 4, 5, 6)]
    assert isinstance(driver.error, NotFoundError)


def test_wait_continues_after_404_within_the_first_five_seconds() -> None:
    driver = drive(steps(started()), in_order(error_status(404), error_status(404), COMPLETED))
    assert driver.error is None


def test_404_for_a_minute_after_the_task_was_seen_ends_the_wait() -> None:
    driver = drive(steps(found()), lambda time: RUNNING if time < 6 else error_status(404))
    first, last = (next(time for time in times if time >= 6) for times in (driver.times, driver.times[-1:]))
    assert last - first >= 60 > driver.times[-2] - first
    assert isinstance(driver.error, NotFoundError)


@pytest.mark.parametrize("interruption", [RUNNING, error_status(502), LOST], ids=["running", "502", "lost"])
def test_minute_of_404_begins_again_after_any_other_outcome(interruption: Reply | Failure) -> None:
    outcomes: list[Reply | Failure] = [
        RUNNING,
        *[error_status(404)] * 5,
        interruption,
        *[error_status(404)] * 5,
        COMPLETED,
    ]
    policy = WaitPolicy(fraction=0, minimum=11, maximum=11, jitter=0)
    driver = drive(steps(found(), policy=policy), in_order(*outcomes))
    assert driver.error is None


def test_five_seconds_for_404_count_from_the_first_404_of_all_waits_on_a_handle() -> None:
    state = found()
    first = drive(steps(state, timeout=2), in_order(error_status(404)))
    assert isinstance(first.error, TaskTimeoutError)
    second = drive(steps(state, now=4, timeout=0), in_order(error_status(404)), now=4)
    assert isinstance(second.error, TaskTimeoutError)
    third = drive(steps(state, now=5, timeout=0), in_order(error_status(404)), now=5)
    assert isinstance(third.error, NotFoundError)


# -- Updates -------------------------------------------------------------------------------------------------------


def test_each_check_emits_an_update() -> None:
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


def test_update_about_the_tasks_end_has_no_next_check() -> None:
    driver = drive(steps(found()), in_order(COMPLETED))
    (update,) = driver.emitted
    assert (update.status, update.next_check, update.deadline) == (TaskStatus.COMPLETED, None, None)


# -- Several waits -------------------------------------------------------------------------------------------------


def max_checks(length: float) -> int:
    """Return the maximum number of checks for a task of this length: jitter shortens a delay by at most a tenth."""
    linear = min(length, 10.0) / 0.9
    growing = math.log(max(min(length, 600.0), 10.0) / 10.0) / math.log(1.09)
    level = max(length - 600.0, 0.0) / 54.0
    return math.ceil(linear + growing + level) + 3  # rounding may add one check for each of the three terms


def test_thousand_simultaneous_waits_all_end_soon_after_their_tasks() -> None:
    chance = random.Random(20260215).random
    lengths = [random.Random(index).lognormvariate(math.log(120), 1.5) for index in range(1000)]
    latency = 0.3
    states = [started() for _ in lengths]
    drivers = drive_together(
        [
            StepDriver(steps(state, chance=chance), completes_at(length), 0.0)
            for state, length in zip(states, lengths, strict=True)
        ],
        duration=lambda: latency,
    )
    for state, length, driver in zip(states, lengths, drivers, strict=True):
        assert state.ended is COMPLETED
        assert len(driver.times) <= max_checks(length)
        assert sum(time >= length for time in driver.times) == 1
        longest_delay = 1.1 * min(max(0.1 * length, 1.0), 60.0)
        assert driver.times[-1] - length <= longest_delay + latency
    assert len({time for driver in drivers for time in driver.times}) > 1000  # jitter spreads the checks over time


def test_two_waits_on_one_handle_share_its_state() -> None:
    state = started()
    drivers = drive_together([StepDriver(steps(state), completes_at(30), 0.0) for _ in range(2)], duration=lambda: 0.1)
    assert [driver.error for driver in drivers] == [None, None]
    assert state.ended is COMPLETED
    alone = drive(steps(started()), completes_at(30), duration=lambda: 0.1)
    assert state.checks <= 2 * len(alone.times)


def test_wait_makes_no_check_after_another_wait_has_seen_the_end() -> None:
    state = found(age=1000)
    sleeper = StepDriver(steps(state), in_order(RUNNING), 0.0)
    checker = StepDriver(steps(state, now=30, timeout=0), in_order(COMPLETED), 30.0)
    drive_together([sleeper, checker])
    assert (sleeper.times, checker.times) == ([0.0], [30.0])
    assert (sleeper.now, sleeper.error) == (60.0, None)


@pytest.mark.parametrize("late", [RUNNING, UNKNOWN, FAILED, LOST, error_status(410)], ids=repr)
def test_reply_changes_nothing_if_another_wait_has_already_seen_the_end(late: Reply | Failure) -> None:
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


# -- Any sequence of replies ---------------------------------------------------------------------------------------

failures = st.one_of(
    st.sampled_from([fault for fault in Fault if fault is not Fault.STATUS]).map(failure),
    st.builds(error_status, st.integers(400, 599), retry_after=st.none() | st.floats(0, 1e6)),
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
    make_state=st.sampled_from([started, found]),
)
def test_every_wait_makes_a_check_and_ends(
    sequence: list[Reply | Failure],
    begin: float,
    age: float,
    timeout: float | None,
    http_timeout: float,
    latency: float,
    chances: random.Random,
    make_state: Callable[[float], TaskState],
) -> None:
    state = make_state(begin)
    state.begun -= age
    outcomes: list[Reply | Failure] = []

    def fetch(_: float) -> Reply | Failure:
        at_the_end = COMPLETED if timeout is None else RUNNING
        outcomes.append(sequence[len(outcomes)] if len(outcomes) < len(sequence) else at_the_end)
        return outcomes[-1]

    driver = drive(
        steps(state, now=begin, timeout=timeout, http_timeout=http_timeout, chance=chances.random),
        fetch,
        now=begin,
        duration=lambda: latency,
    )
    ends = [reply for reply in outcomes if isinstance(reply, Completed | Failed)]
    assert len(outcomes) >= 1
    assert ends == ([] if state.ended is None else [outcomes[-1]])
    assert (driver.error is None) == (state.ended is not None)
    assert all(sleep > 0 for sleep in driver.sleeps)
    assert all(0 < limit <= http_timeout for limit in driver.limits)
    assert len(driver.emitted) == len(outcomes) - (
        driver.error is not None and not isinstance(driver.error, TaskTimeoutError)
    )
    if timeout is not None:
        deadline = begin + timeout
        assert all(wake <= deadline for wake in driver.wakes)
        assert sum(time >= deadline for time in driver.times) <= 1
        assert all(fetch.limit <= LAST_CHECK_LIMIT for time, fetch in driver.requests if time >= deadline)
        assert isinstance(driver.error, TaskTimeoutError) <= (driver.times[-1] >= deadline)
