"""Retries of a start: whether, when and how often a start is retried. Steps run in virtual time, without a server."""

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
    """Return the steps of a start: by `tasks.run` if `until_deadline` is true, by `tasks.start` if it is false."""
    return start_steps(
        SIMPLE_POLICY,
        now=now,
        deadline=None if timeout is None else now + timeout,
        http_timeout=HTTP_TIMEOUT,
        until_deadline=until_deadline,
        chance=lambda: 0.5,
    )


def error_status(status: int) -> Failure:
    error = StatusError(f"HTTP {status}", status=status, api_message="no", request_id="req-1")
    return Failure(Fault.STATUS, error)


def rate_limited(retry_after: float | None) -> Failure:
    return Failure(Fault.STATUS, RateLimitError("HTTP 429", status=429), retry_after=retry_after)


def failure(fault: Fault) -> Failure:
    return Failure(fault, AnchorError(fault.name))


@pytest.mark.parametrize("until_deadline", [True, False])
@pytest.mark.parametrize("reply", [STARTED, Completed("at once")], ids=repr)
def test_start_ends_with_the_first_reply(reply: Reply, *, until_deadline: bool) -> None:
    driver = drive(steps(until_deadline=until_deadline), in_order(reply))
    assert driver.emitted == [reply]
    assert driver.requests == [(0.0, Fetch(HTTP_TIMEOUT))]
    assert driver.error is None


@pytest.mark.parametrize(("timeout", "connect"), [(None, None), (600, 600), (10, 10), (1, 1), (0.2, 1), (0, 1)])
def test_deadline_of_a_start_limits_only_the_time_to_connect(timeout: float | None, connect: float | None) -> None:
    driver = drive(steps(until_deadline=True, timeout=timeout), in_order(STARTED))
    assert driver.requests == [(0.0, Fetch(HTTP_TIMEOUT, connect))]


@pytest.mark.parametrize("until_deadline", [True, False])
@pytest.mark.parametrize(
    "uncertain",
    [failure(fault) for fault in (Fault.LOST, Fault.TOO_LARGE, Fault.UNREADABLE)]
    + [error_status(status) for status in UNCERTAIN_STATUSES],
    ids=lambda it: str(it.error),
)
def test_start_that_the_server_may_have_received_is_not_retried(uncertain: Failure, *, until_deadline: bool) -> None:
    driver = drive(steps(until_deadline=until_deadline, timeout=600), in_order(uncertain, STARTED))
    assert len(driver.requests) == 1
    assert isinstance(driver.error, StartOutcomeUnknownError)
    assert str(uncertain.error) in str(driver.error)
    assert "dashboard" in str(driver.error)


def test_error_for_an_unknown_start_outcome_has_the_status_and_the_message_and_the_request_id() -> None:
    with_response = drive(steps(until_deadline=False), in_order(error_status(502))).error
    assert isinstance(with_response, StartOutcomeUnknownError)
    assert (with_response.status, with_response.message, with_response.request_id, with_response.task_id) == (
        502,
        "no",
        "req-1",
        None,
    )
    lost = drive(steps(until_deadline=False), in_order(failure(Fault.LOST))).error
    assert isinstance(lost, StartOutcomeUnknownError)
    assert (lost.status, lost.message, lost.request_id, lost.task_id) == (None, None, None, None)


@pytest.mark.parametrize("until_deadline", [True, False])
@pytest.mark.parametrize(
    "refusal",
    [failure(fault) for fault in (Fault.CERTIFICATE, Fault.REDIRECTED)] + [error_status(status) for status in REFUSALS],
    ids=lambda it: str(it.error),
)
def test_refused_start_is_not_retried_and_raises_the_error_of_the_refusal(
    refusal: Failure, *, until_deadline: bool
) -> None:
    driver = drive(steps(until_deadline=until_deadline, timeout=600), in_order(refusal, STARTED))
    assert len(driver.requests) == 1
    assert driver.error is refusal.error


def test_every_kind_of_failure_is_covered_by_the_tests_of_starts() -> None:
    uncertain = {Fault.LOST, Fault.TOO_LARGE, Fault.UNREADABLE}
    assert uncertain | {Fault.CERTIFICATE, Fault.REDIRECTED, Fault.NOT_CONNECTED, Fault.STATUS} == set(Fault)


def test_method_start_tries_an_unreachable_server_three_times() -> None:
    driver = drive(steps(until_deadline=False), in_order(NOT_CONNECTED))
    assert driver.times == [0.0, 1.0, 2.0]
    assert driver.error is NOT_CONNECTED.error


def test_method_run_retries_a_start_for_the_last_time_at_the_deadline() -> None:
    driver = drive(steps(until_deadline=True, now=50, timeout=20), in_order(NOT_CONNECTED), now=50)
    assert driver.times[:12] == pytest.approx([50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61])
    assert driver.times[-1] == 70
    assert driver.error is NOT_CONNECTED.error


def test_method_run_retries_a_start_for_hours_if_there_is_no_deadline() -> None:
    driver = drive(steps(until_deadline=True), lambda time: NOT_CONNECTED if time < 7200 else STARTED)
    assert driver.emitted == [STARTED]


@pytest.mark.parametrize("refusal", [NOT_CONNECTED, rate_limited(None)], ids=lambda it: str(it.error))
def test_method_run_tries_a_start_once_if_its_timeout_is_0(refusal: Failure) -> None:
    driver = drive(steps(until_deadline=True, timeout=0), in_order(refusal, STARTED))
    assert driver.times == [0.0]
    assert driver.error is refusal.error


def test_method_start_does_not_retry_a_start_after_status_429() -> None:
    refusal = rate_limited(1)
    driver = drive(steps(until_deadline=False), in_order(refusal, STARTED))
    assert driver.times == [0.0]
    assert driver.error is refusal.error


@pytest.mark.parametrize(("retry_after", "delay"), [(None, 1), (0, 1), (7, 7), (3600, 3600)])
def test_method_run_retries_a_start_after_status_429_but_not_before_the_delay_in_header_retry_after_ends(
    retry_after: float | None, delay: float
) -> None:
    driver = drive(steps(until_deadline=True, timeout=4000), in_order(rate_limited(retry_after), STARTED))
    assert driver.times == [0.0, delay]
    assert driver.emitted == [STARTED]


@pytest.mark.parametrize(("retry_after", "timeout"), [(10, 10), (11, 10), (3601, None)])
def test_method_run_does_not_retry_a_start_if_header_retry_after_reaches_the_deadline_or_exceeds_an_hour(
    retry_after: float, timeout: float | None
) -> None:
    refusal = rate_limited(retry_after)
    driver = drive(steps(until_deadline=True, timeout=timeout), in_order(refusal, STARTED))
    assert driver.times == [0.0]
    assert driver.sleeps == []
    assert driver.error is refusal.error


def test_retries_end_when_the_server_may_have_received_the_start() -> None:
    driver = drive(
        steps(until_deadline=True, timeout=600), in_order(NOT_CONNECTED, rate_limited(2), error_status(503), STARTED)
    )
    assert driver.times == [0.0, 1.0, 3.0]
    assert isinstance(driver.error, StartOutcomeUnknownError)


def test_retry_of_a_start_is_logged_as_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    drive(steps(until_deadline=False), in_order(NOT_CONNECTED, STARTED))
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", f"start not accepted, trying again later: {NOT_CONNECTED.error}")
    ]
