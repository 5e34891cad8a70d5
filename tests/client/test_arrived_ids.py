"""An id that has arrived is never lost, and a start whose response has an id is never sent again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from anchor_webtask import StartOutcomeUnknownError
from tests.support.errors import raised
from tests.support.raw_server import COMPLETED, RUNNING, STARTED, json_response, raw_server
from tests.support.runners import KEY

if TYPE_CHECKING:
    from tests.support.clocks import VirtualClock
    from tests.support.runners import Runner

ID = "perform-web-task-7"
BODY = {"data": {"workflow_id": ID, "status": "running"}}


@pytest.mark.parametrize("status", [200, 201, 202, 203])
def test_every_success_status_starts_a_task(runner: Runner, status: int) -> None:
    with (
        raw_server(start=[json_response(BODY, status)]) as server,
        runner.anchor(base_url=server.base_url) as anchor,
    ):
        assert runner.call(anchor.tasks.start, "Read").id == ID
    assert server.starts == 1


@pytest.mark.parametrize(
    ("data", "task_id"),
    [
        ({"workflow_id": ID}, ID),
        ({"workflow_id": None, "workflowId": ID, "status": "running"}, ID),
        ({"workflowId": ID}, ID),
        ({"workflow_id": 17, "status": "running"}, "17"),
        ({"workflow_id": ID, "result": None}, ID),
    ],
    ids=["no status", "null beside the former name", "former name", "number", "null result"],
)
def test_id_is_found_whatever_is_beside_it(runner: Runner, data: dict[str, Any], task_id: str) -> None:
    with (
        raw_server(start=[json_response({"data": data})]) as server,
        runner.anchor(base_url=server.base_url) as anchor,
    ):
        assert runner.call(anchor.tasks.start, "Read").id == task_id


@pytest.mark.parametrize("method", ["start", "run"])
@pytest.mark.parametrize("status", [301, 400, 404, 408, 429, 500, 502, 504, 524])
def test_error_status_with_an_id_raises_an_error_with_the_id_and_sends_nothing_again(
    runner: Runner, clock: VirtualClock, status: int, method: str
) -> None:
    del clock
    with (
        raw_server(start=[json_response(BODY, status)]) as server,
        runner.anchor(base_url=server.base_url) as anchor,
    ):
        error = raised(StartOutcomeUnknownError, runner, getattr(anchor.tasks, method), "Read")
    assert (error.task_id, error.status, server.starts) == (ID, status, 1)
    assert str(error).endswith(f"[the task keeps running; tasks.get({ID!r}) finds it again]")
    assert KEY not in str(error)


@pytest.mark.parametrize("status", [201, 202, 203])
def test_completed_task_ends_the_wait_with_every_success_status(runner: Runner, status: int) -> None:
    completed = json_response({"data": {"status": "COMPLETED", "result": 3}}, status)
    with raw_server(check=[completed]) as server, runner.anchor(base_url=server.base_url) as anchor:
        assert runner.call(anchor.tasks.get(ID).result).value == 3


def test_retry_after_beside_a_running_status_delays_the_next_check(runner: Runner, clock: VirtualClock) -> None:
    running = json_response({"data": {"status": "RUNNING"}}, headers={"Retry-After": "30"})
    with (
        raw_server(start=[STARTED], check=[running, RUNNING, COMPLETED]) as server,
        runner.anchor(base_url=server.base_url) as anchor,
    ):
        runner.call(anchor.tasks.get(ID).result)
    assert clock.sleeps[0] == 30
    assert clock.sleeps[1] < 30
