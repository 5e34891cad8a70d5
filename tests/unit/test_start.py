"""When a start is sent again, led by hand in virtual time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from anchor_webtask import (
    AnchorError,
    RateLimitError,
    StartOutcomeUnknownError,
    StatusError,
    TransportError,
)
from anchor_webtask._polling.outcomes import Completed, Failure, Fault, Reply, Running
from anchor_webtask._polling.start import start_steps
from anchor_webtask._polling.wait import Fetch
from tests.support.runners import SIMPLE_POLICY
from tests.support.step_driver import drive, in_order

if TYPE_CHECKING:
    from collections.abc import Generator

    from anchor_webtask._polling.wait import Step, StepResult

STARTED = Running("task-1", "running")
NOT_CONNECTED = Failure(Fault.NOT_CONNECTED, TransportError("no connection"))
HTTP_TIMEOUT = 30.0
UNCERTAIN_STATUSES = [408, 499, *range(500, 512), *range(520, 531), 598, 599]
REFUSALS = [400, 401, 402, 403, 404, 405, 406, 409, 410, 411, 413, 414, 415, 421, 422, 423, 425, 426, 431, 451]


def steps(
    *, until_deadline: bool, now: float = 0.0, timeout: float | None = None
) -> Generator[Step[Reply], StepResult, None]:
    return start_steps(
        SIMPLE_POLICY,
        now=now,
        deadline=None if timeout is None else now + timeout,
        http_timeout=HTTP_TIMEOUT,
        until_deadline=until_deadline,
        chance=lambda: 0.5,
    )


def answered(status: int) -> Failure:
    error = StatusError(f"HTTP {status}", status=status, api_message="no", request_id="req-1")
    return Failure(Fault.STATUS, error)


def too_many(retry_after: float | None) -> Failure:
    return Failure(Fault.STATUS, RateLimitError("HTTP 429", status=429, retry_after=retry_after))


def failed(fault: Fault) -> Failure:
    return Failure(fault, AnchorError(fault.name))


@pytest.mark.parametrize("until_deadline", [True, False])
@pytest.mark.parametrize("reply", [STARTED, Completed("at once")])
def test_reply_is_shown_and_ends_it(reply: Reply, *, until_deadline: bool) -> None:
    driver = drive(steps(until_deadline=until_deadline), in_order(reply))
    assert driver.emitted == [reply]
    assert driver.requests == [(0.0, Fetch(HTTP_TIMEOUT))]
    assert driver.error is None


@pytest.mark.parametrize(("timeout", "connect"), [(None, None), (600, 600), (10, 10), (1, 1), (0.2, 1), (0, 1)])
def test_deadline_shortens_the_connecting_and_nothing_else(timeout: float | None, connect: float | None) -> None:
    driver = drive(steps(until_deadline=True, timeout=timeout), in_order(STARTED))
    assert driver.requests == [(0.0, Fetch(HTTP_TIMEOUT, connect))]


@pytest.mark.parametrize("until_deadline", [True, False])
@pytest.mark.parametrize(
    "uncertain",
    [failed(fault) for fault in (Fault.LOST, Fault.TOO_LARGE, Fault.UNREADABLE)]
    + [answered(status) for status in UNCERTAIN_STATUSES],
    ids=lambda it: str(it.error),
)
def test_start_that_may_have_happened_is_sent_once(uncertain: Failure, *, until_deadline: bool) -> None:
    driver = drive(steps(until_deadline=until_deadline, timeout=600), in_order(uncertain, STARTED))
    assert len(driver.requests) == 1
    assert isinstance(driver.error, StartOutcomeUnknownError)
    assert str(uncertain.error) in str(driver.error)
    assert "dashboard" in str(driver.error)


def test_unknown_outcome_tells_what_is_known() -> None:
    known = drive(steps(until_deadline=False), in_order(answered(502))).error
    assert isinstance(known, StartOutcomeUnknownError)
    assert (known.status, known.message, known.request_id, known.task_id) == (502, "no", "req-1", None)
    lost = drive(steps(until_deadline=False), in_order(failed(Fault.LOST))).error
    assert isinstance(lost, StartOutcomeUnknownError)
    assert (lost.status, lost.message, lost.request_id, lost.task_id) == (None, None, None, None)


@pytest.mark.parametrize("until_deadline", [True, False])
@pytest.mark.parametrize(
    "refusal",
    [failed(fault) for fault in (Fault.CERTIFICATE, Fault.REDIRECTED)] + [answered(status) for status in REFUSALS],
    ids=lambda it: str(it.error),
)
def test_start_that_was_refused_raises_its_error_at_once(refusal: Failure, *, until_deadline: bool) -> None:
    driver = drive(steps(until_deadline=until_deadline, timeout=600), in_order(refusal, STARTED))
    assert len(driver.requests) == 1
    assert driver.error is refusal.error


def test_every_fault_is_in_one_of_the_rows() -> None:
    uncertain = {Fault.LOST, Fault.TOO_LARGE, Fault.UNREADABLE}
    assert uncertain | {Fault.CERTIFICATE, Fault.REDIRECTED, Fault.NOT_CONNECTED, Fault.STATUS} == set(Fault)


def test_unreachable_server_is_tried_three_times() -> None:
    driver = drive(steps(until_deadline=False), in_order(NOT_CONNECTED))
    assert driver.times == [0.0, 1.0, 2.0]
    assert driver.error is NOT_CONNECTED.error


def test_patient_start_goes_on_until_the_deadline_and_tries_once_more_there() -> None:
    driver = drive(steps(until_deadline=True, now=50, timeout=20), in_order(NOT_CONNECTED), now=50)
    assert driver.times[:12] == pytest.approx([50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61])
    assert driver.times[-1] == 70
    assert driver.error is NOT_CONNECTED.error


def test_patient_start_without_deadline_goes_on_for_hours() -> None:
    driver = drive(steps(until_deadline=True), lambda time: NOT_CONNECTED if time < 7200 else STARTED)
    assert driver.emitted == [STARTED]


@pytest.mark.parametrize("refusal", [NOT_CONNECTED, too_many(None)], ids=lambda it: str(it.error))
def test_patient_start_without_time_is_tried_once(refusal: Failure) -> None:
    driver = drive(steps(until_deadline=True, timeout=0), in_order(refusal, STARTED))
    assert driver.times == [0.0]
    assert driver.error is refusal.error


def test_429_is_not_repeated_without_patience() -> None:
    refusal = too_many(1)
    driver = drive(steps(until_deadline=False), in_order(refusal, STARTED))
    assert driver.times == [0.0]
    assert driver.error is refusal.error


@pytest.mark.parametrize(("retry_after", "delay"), [(None, 1), (0, 1), (7, 7), (3600, 3600)])
def test_429_is_repeated_after_what_it_asks_for(retry_after: float | None, delay: float) -> None:
    driver = drive(steps(until_deadline=True, timeout=4000), in_order(too_many(retry_after), STARTED))
    assert driver.times == [0.0, delay]
    assert driver.emitted == [STARTED]


@pytest.mark.parametrize(("retry_after", "timeout"), [(10, 10), (11, 10), (3601, None)])
def test_429_that_asks_for_more_than_there_is_ends_it(retry_after: float, timeout: float | None) -> None:
    refusal = too_many(retry_after)
    driver = drive(steps(until_deadline=True, timeout=timeout), in_order(refusal, STARTED))
    assert driver.times == [0.0]
    assert driver.sleeps == []
    assert driver.error is refusal.error


def test_certain_and_uncertain_failures_in_a_row_end_with_the_uncertain_one() -> None:
    driver = drive(
        steps(until_deadline=True, timeout=600), in_order(NOT_CONNECTED, too_many(2), answered(503), STARTED)
    )
    assert driver.times == [0.0, 1.0, 3.0]
    assert isinstance(driver.error, StartOutcomeUnknownError)


def test_repeated_start_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    drive(steps(until_deadline=False), in_order(NOT_CONNECTED, STARTED))
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", "start not accepted (TransportError), repeating it later")
    ]
