"""Waits in which several checks fail or return an unknown status: their updates, errors, log records and delays."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Final

import pytest

from anchor_webtask import NotFoundError, ServerError, TaskTimeoutError
from tests.faults.faults import LIMIT, Row, faults
from tests.support.errors import raised
from tests.support.raw_server import COMPLETED, RUNNING, TASK_ID, Script, error_response, json_response, raw_server

if TYPE_CHECKING:
    from tests.support.clocks import InstantClock
    from tests.support.runners import Runner


RETRIED_ROWS: Final = (Row.UNCERTAIN, Row.LOST, Row.UNREADABLE, Row.RATE_LIMIT, Row.TOO_EARLY, Row.UNKNOWN_STATUS)
"""The rows of faults after which a check is repeated until the deadline."""


def reply(**data: object) -> Script:
    return json_response({"data": data})


def test_wait_raises_not_found_error_after_five_seconds_of_404(runner: Runner, clock: InstantClock) -> None:
    with raw_server(check=[error_response(404)]) as server, runner.anchor(base_url=server.base_url) as anchor:
        caught = raised(NotFoundError, runner, anchor.tasks.get(TASK_ID).result)
    assert (caught.task_id, caught.status) == (TASK_ID, 404)
    assert clock.sleeps == [1.0] * 5


@pytest.mark.parametrize("unknown", ["QUEUED", "", None, 7], ids=json.dumps)
def test_unknown_status_is_treated_as_running_and_logged_only_once(
    runner: Runner, clock: InstantClock, caplog: pytest.LogCaptureFixture, unknown: object
) -> None:
    scripts = [reply(status=unknown), reply(status=unknown), COMPLETED]
    with raw_server(check=scripts) as server, runner.anchor(base_url=server.base_url) as anchor:
        updates = runner.call(anchor.tasks.get(TASK_ID).updates)
    assert [update.status for update in updates] == ["unknown", "unknown", "completed"]
    assert updates[0].raw_status == (unknown if isinstance(unknown, str) else None)
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert warnings == [f"task {TASK_ID} has the unknown status {updates[0].raw_status!r}, treated as running"]
    assert clock.sleeps == [1.0, 1.0]


def test_timeout_error_has_the_last_status_even_if_the_last_check_failed(runner: Runner, clock: InstantClock) -> None:
    with raw_server(check=[RUNNING, error_response(502)]) as server, runner.anchor(base_url=server.base_url) as anchor:
        caught = raised(TaskTimeoutError, runner, anchor.tasks.get(TASK_ID).result, timeout=3)
    assert (caught.last_status, type(caught.last_error), clock.time) == ("RUNNING", ServerError, 3.0)


def test_wait_succeeds_after_twenty_faults_in_a_row(runner: Runner, clock: InstantClock) -> None:
    faulty = [
        fault.make_script()
        for fault in faults()
        if fault.make_script and fault.row in RETRIED_ROWS and not (fault.hangs or fault.tls)
    ]
    scripts = random.Random(7).sample(faulty, 20)
    with (
        raw_server(check=[*scripts, COMPLETED]) as server,
        runner.anchor(base_url=server.base_url, max_response_bytes=LIMIT) as anchor,
    ):
        assert runner.call(anchor.tasks.get(TASK_ID).result, timeout=None).value == "done"
    assert len(clock.sleeps) == 20


@pytest.mark.parametrize("jump", [-1e9, -3600, 3600, 1e9])
def test_jump_of_the_wall_clock_does_not_change_the_times_of_checks(
    runner: Runner, clock: InstantClock, jump: float
) -> None:
    with raw_server(check=[RUNNING]) as server, runner.anchor(base_url=server.base_url) as anchor:
        task = runner.call(anchor.tasks.start, "Read the price")

        def set_wall_clock() -> None:
            clock.epoch += jump

        clock.during_next_sleep(set_wall_clock)
        raised(TaskTimeoutError, runner, task.result, timeout=4)
        assert clock.sleeps == [1.0] * 4
        clock.epoch -= 2 * jump
        resumed = anchor.tasks.resume(task.token())
        raised(TaskTimeoutError, runner, resumed.result, timeout=1)
    assert clock.time == pytest.approx(5)
