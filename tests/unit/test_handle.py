"""Handles of the sync and the async client: their status, result, age and token."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from anchor_webtask import NoTaskIdError, TaskFailedError, TaskResult, TaskStatus
from anchor_webtask.emulator import Emulator
from anchor_webtask.testing import install
from tests.support.errors import raised

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.runners import Runner

BASE_URL = "https://api.example"
NAMES = {"type": "array", "items": {"type": "string"}}


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with install(Emulator(takes=20)) as installed:
        yield installed


@pytest.fixture
def anchor(runner: Runner, emulator: Emulator) -> Iterator[Any]:  # noqa: ARG001  all clients lead to the emulator
    with runner.anchor(base_url=BASE_URL) as made:
        yield made


def token(**fields: Any) -> str:
    return json.dumps(
        {"version": 1, "task_id": "task-1", "base_url": BASE_URL, "started": None, "wrapped": False, **fields}
    )


def test_method_start_returns_a_handle_and_does_not_check_the_task(
    runner: Runner, anchor: Any, emulator: Emulator
) -> None:
    task = runner.call(anchor.tasks.start, "Read")
    assert (task.status, task.done) == (None, False)
    assert repr(task) == f"<{type(task).__name__} {task.id!r}: not checked yet>"
    assert len(emulator.requests) == 1


def test_first_check_of_a_started_task_is_made_after_the_minimum_delay_of_the_policy(
    runner: Runner, anchor: Any
) -> None:
    task = runner.call(anchor.tasks.start, "Read")
    updates = runner.call(task.updates)
    assert [update.elapsed for update in updates[:3]] == [1.0, 2.0, 3.0]


def test_method_refresh_checks_a_found_task_immediately(runner: Runner, anchor: Any, emulator: Emulator) -> None:
    task_id = runner.call(anchor.tasks.start, "Read").id
    found = anchor.tasks.get(task_id)
    runner.call(found.refresh)
    assert emulator.elapsed == 0
    assert found.status is TaskStatus.RUNNING
    assert repr(found) == f"<{type(found).__name__} {task_id!r}: running>"
    assert len(emulator.requests) == 2


def test_method_refresh_checks_a_started_task_immediately(runner: Runner, anchor: Any, emulator: Emulator) -> None:
    task = runner.call(anchor.tasks.start, "Read")
    assert runner.call(task.refresh) is task
    assert emulator.elapsed == 0
    assert task.status is TaskStatus.RUNNING


@pytest.mark.parametrize(
    ("started", "age"),
    [
        ("2027-01-15T07:58:20+00:00", 100),
        ("2027-01-15T08:00:00+00:00", 0),
        ("2027-01-15T09:00:00+00:00", 0),  # a start seems to be in the future if the clocks of two machines differ
        (None, 0),
    ],
)
def test_age_of_a_resumed_task_counts_from_its_start(
    started: str | None, age: float, runner: Runner, anchor: Any, emulator: Emulator
) -> None:
    task_id = runner.call(anchor.tasks.start, "Read").id
    task = anchor.tasks.resume(token(task_id=task_id, started=started))
    updates = runner.call(task.updates)
    assert updates[0].elapsed == age
    assert updates[0].next_check == max(age / 10, 1)
    assert len(updates) == len(emulator.requests) - 1


def test_token_has_task_id_and_base_url_and_start_time_and_says_whether_the_schema_is_wrapped(
    runner: Runner, anchor: Any
) -> None:
    task = runner.call(anchor.tasks.start, "Read", output=NAMES, secret_values={"password": "hunter2"})
    assert json.loads(task.token()) == {
        "version": 1,
        "task_id": task.id,
        "base_url": BASE_URL,
        "started": "2027-01-15T08:00:00+00:00",
        "wrapped": True,
    }
    assert anchor.tasks.resume(task.token()).token() == task.token()
    assert json.loads(anchor.tasks.get("task-1").token())["started"] is None


def test_slash_at_the_end_of_a_base_url_does_not_change_the_token(runner: Runner, anchor: Any) -> None:
    task = runner.call(anchor.tasks.start, "Read")
    with runner.anchor(base_url=f"{BASE_URL}/") as other:
        resumed = other.tasks.resume(task.token())
        assert runner.call(resumed.refresh).status is TaskStatus.RUNNING
        assert resumed.token() == task.token()


def test_second_call_of_method_result_returns_the_same_result_and_sends_nothing(
    runner: Runner, anchor: Any, emulator: Emulator
) -> None:
    emulator.on(answer={"result": {"names": ["a"]}})
    task = runner.call(anchor.tasks.start, "Read")
    first = runner.call(task.result)
    assert first == TaskResult(value={"names": ["a"]}, raw={"result": {"names": ["a"]}}, task_id=task.id)
    requests = len(emulator.requests)
    assert runner.call(task.result, 0) == first
    assert runner.call(task.updates) == []
    assert runner.call(task.refresh).status is TaskStatus.COMPLETED
    assert (len(emulator.requests), task.done) == (requests, True)


@pytest.mark.parametrize("error", ["no more steps", {"code": 7}], ids=["text", "object"])
def test_error_of_a_failed_task_has_the_reason_of_the_api(
    error: object, runner: Runner, anchor: Any, emulator: Emulator
) -> None:
    emulator.on(fails=error)
    task = runner.call(anchor.tasks.start, "Read")
    reason = error if isinstance(error, str) else '{"code": 7}'
    for _ in range(2):
        failure = raised(TaskFailedError, runner, task.result)
        assert str(failure).startswith(f"the task failed: {reason} [task ")
        assert (failure.reason, failure.task_id) == (reason, task.id)
    assert runner.call(task.refresh).status is TaskStatus.FAILED


def test_error_of_a_failed_task_without_a_reason_says_that_the_api_gave_no_reason(runner: Runner) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json={"data": {"status": "FAILED"}}))
    with runner.anchor(transport=transport) as anchor:
        failure = raised(TaskFailedError, runner, anchor.tasks.get("task-1").result)
    assert str(failure).startswith("the task failed, and the API gave no reason [task 'task-1' has ended")
    assert failure.reason is None


def test_task_that_completes_in_the_response_to_its_start_has_a_result_and_no_token(runner: Runner) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json={"data": {"result": "3"}}))
    with runner.anchor(transport=transport) as anchor:
        task = runner.call(anchor.tasks.start, "Read")
        assert (task.done, task.status) == (True, TaskStatus.COMPLETED)
        assert runner.call(task.result) == TaskResult(value="3", raw="3", task_id=None)
        error = raised(NoTaskIdError, runner, task.token)
    assert error.task is task
