"""Task handles: how a task is started, checked, waited for and found again. The emulator is served over TCP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from anchor_webtask import NoTaskIdError, NotFoundError, ServerError, TaskFailedError, TaskResult, TaskTimeoutError
from tests.support.errors import raised
from tests.support.raw_server import COMPLETED, json_response, raw_server

if TYPE_CHECKING:
    from anchor_webtask.emulator import Emulator
    from tests.support.clocks import InstantClock
    from tests.support.runners import Runner


def test_method_start_returns_immediately_without_a_check(
    runner: Runner, anchor: Any, emulator: Emulator, clock: InstantClock
) -> None:
    task = runner.call(anchor.tasks.start, "Read the price")
    assert (task.status, task.done, clock.time) == (None, False, 0.0)
    assert repr(task) == f"<{type(task).__name__} {task.id!r}: not checked yet>"
    assert [request.method for request in emulator.requests] == ["POST"]


def test_method_refresh_makes_one_check_and_returns_the_handle(
    runner: Runner, anchor: Any, emulator: Emulator, clock: InstantClock
) -> None:
    emulator.on(takes=10, answer="done")
    task = runner.call(anchor.tasks.start, "Read the price")
    assert runner.call(task.refresh) is task
    assert (task.status, task.done, len(emulator.requests)) == ("running", False, 2)
    assert repr(task).endswith(f"{task.id!r}: running>")
    clock.sleep(10)
    assert runner.call(task.refresh).done
    assert (task.status, len(emulator.requests)) == ("completed", 3)
    assert repr(task).endswith(f"{task.id!r}: completed>")


def test_ended_task_is_not_checked_again(runner: Runner, anchor: Any, emulator: Emulator) -> None:
    emulator.on(takes=0, answer="done")
    task = runner.call(anchor.tasks.start, "Read the price")
    assert runner.call(task.result).value == "done"
    assert runner.call(runner.call(task.refresh).result).value == "done"
    assert runner.call(task.updates) == []
    assert len(emulator.requests) == 2


def test_method_refresh_raises_the_error_of_a_failed_check(runner: Runner, anchor: Any, emulator: Emulator) -> None:
    emulator.on(faults=[502])
    task = runner.call(anchor.tasks.start, "Read the price")
    assert raised(ServerError, runner, task.refresh).task_id == task.id
    assert runner.call(task.refresh).status == "running"


def test_method_updates_yields_one_update_per_check_until_the_task_ends(
    runner: Runner, anchor: Any, emulator: Emulator
) -> None:
    emulator.on(takes=2.5)
    task = runner.call(anchor.tasks.start, "Read the price")
    updates = runner.call(task.updates)
    assert [(update.status, update.elapsed) for update in updates] == [("running", 1), ("running", 2), ("completed", 3)]
    assert task.done


def test_method_updates_reports_a_failed_task_without_raising_an_error(
    runner: Runner, anchor: Any, emulator: Emulator
) -> None:
    emulator.on(takes=0, fails={"code": 7})
    task = runner.call(anchor.tasks.start, "Read the price")
    assert [update.status for update in runner.call(task.updates)] == ["failed"]
    assert raised(TaskFailedError, runner, task.result).reason == '{"code": 7}'


def test_method_updates_raises_timeout_error_at_the_deadline(runner: Runner, anchor: Any, clock: InstantClock) -> None:
    task = runner.call(anchor.tasks.start, "Read the price")
    assert raised(TaskTimeoutError, runner, task.updates, timeout=1.5).task_id == task.id
    assert clock.time == 1.5


def test_method_result_with_zero_timeout_makes_exactly_one_check(
    runner: Runner, anchor: Any, emulator: Emulator, clock: InstantClock
) -> None:
    emulator.on(takes=10, answer="done")
    task = runner.call(anchor.tasks.start, "Read the price")
    caught = raised(TaskTimeoutError, runner, task.result, timeout=0)
    assert (caught.last_status, len(emulator.requests), clock.time) == ("RUNNING", 2, 0.0)
    clock.sleep(10)
    assert runner.call(task.result, timeout=0).value == "done"


@pytest.mark.parametrize("runner", ["asyncio", "trio"], indirect=True)
def test_async_handle_can_be_awaited(runner: Runner, anchor: Any) -> None:
    async def main() -> TaskResult[Any]:
        result: TaskResult[Any] = await (await anchor.tasks.start("Read the price"))
        return result

    assert runner.call(main).value == "The emulator's answer."


@pytest.mark.parametrize("runner", ["asyncio", "trio"], indirect=True)
def test_async_handle_can_be_iterated_again_after_a_loop_that_ended_early(runner: Runner, anchor: Any) -> None:
    async def main() -> list[str]:
        task = await anchor.tasks.start("Read the price")
        async for _ in task:
            break
        return [update.status async for update in task]

    assert runner.call(main) == ["completed"]


def test_method_get_makes_no_request_and_the_first_check_of_its_handle_is_immediate(
    runner: Runner, anchor: Any, emulator: Emulator, clock: InstantClock
) -> None:
    task_id = runner.call(anchor.tasks.start, "Read the price").id
    clock.sleep(10)
    task = anchor.tasks.get(task_id)
    assert len(emulator.requests) == 1
    assert runner.call(task.result).task_id == task_id
    assert clock.sleeps == [10]


def test_method_resume_restores_the_age_of_the_task_from_its_token(
    runner: Runner, anchor: Any, emulator: Emulator, clock: InstantClock
) -> None:
    emulator.on(takes=110)
    token = runner.call(anchor.tasks.start, "Read the price").token()
    clock.sleep(100)
    task = anchor.tasks.resume(token)
    assert len(emulator.requests) == 1
    updates = runner.call(task.updates)
    assert [(update.status, update.elapsed) for update in updates] == [("running", 100), ("completed", 110)]


def test_token_records_that_the_sent_schema_has_a_wrapper(runner: Runner, anchor: Any, emulator: Emulator) -> None:
    nested = {"result": {"result": {"result": [1, 2]}}}
    emulator.on(takes=0, answer=nested)
    task = runner.call(anchor.tasks.start, "Count", output={"type": "array", "items": {"type": "integer"}})
    result = runner.call(anchor.tasks.resume(task.token()).result)
    assert (result.value, result.raw) == ([1, 2], nested)


def test_method_result_raises_not_found_error_for_an_unknown_id(runner: Runner, anchor: Any) -> None:
    caught = raised(NotFoundError, runner, anchor.tasks.get("task-of-another-account").result)
    assert caught.task_id == "task-of-another-account"


def test_id_with_special_characters_is_one_segment_of_the_url_path(runner: Runner) -> None:
    with raw_server(check=[COMPLETED]) as server, runner.anchor(base_url=f"{server.base_url}/proxy/") as anchor:
        runner.call(anchor.tasks.get("../a b?c#d%2e/ü").result)
    assert [request.path for request in server.requests] == [
        "/proxy/v1/tools/perform-web-task/..%2Fa%20b%3Fc%23d%252e%2F%C3%BC/status"
    ]


def test_handle_is_done_if_the_response_to_the_start_has_the_result(runner: Runner) -> None:
    with (
        raw_server(start=[json_response({"data": {"result": 3}})]) as server,
        runner.anchor(base_url=server.base_url) as anchor,
    ):
        task = runner.call(anchor.tasks.start, "Read the price")
        assert (task.done, task.status) == (True, "completed")
        raised(NoTaskIdError, runner, task.token)
        assert runner.call(task.result) == TaskResult(value=3, raw=3, task_id=None)
    assert server.count("GET") == 0
