"""Handles on tasks against the emulator over TCP: started, looked at, waited for, found again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from anchor_webtask import ConfigurationError, NotFoundError, ServerError, TaskFailedError, TaskResult, TaskTimeoutError
from tests.support.errors import raised
from tests.support.raw_server import COMPLETED, answer, raw_server

if TYPE_CHECKING:
    from anchor_webtask.emulator import Emulator
    from tests.support.clocks import VirtualClock
    from tests.support.faces import Face


def test_start_returns_at_once_and_looks_at_nothing(
    face: Face, anchor: Any, emulator: Emulator, clock: VirtualClock
) -> None:
    task = face.call(anchor.tasks.start, "Read the price")
    assert (task.status, task.done, clock.time) == (None, False, 0.0)
    assert repr(task) == f"<{type(task).__name__} {task.id!r}: not looked at yet>"
    assert [request.method for request in emulator.requests] == ["POST"]


def test_refresh_looks_once_and_returns_the_handle(
    face: Face, anchor: Any, emulator: Emulator, clock: VirtualClock
) -> None:
    emulator.on(takes=10, answer="done")
    task = face.call(anchor.tasks.start, "Read the price")
    assert face.call(task.refresh) is task
    assert (task.status, task.done, len(emulator.requests)) == ("running", False, 2)
    assert repr(task).endswith(f"{task.id!r}: running>")
    clock.sleep(10)
    assert face.call(task.refresh).done
    assert (task.status, len(emulator.requests)) == ("completed", 3)
    assert repr(task).endswith(f"{task.id!r}: completed>")


def test_a_task_that_has_ended_is_not_looked_at_again(face: Face, anchor: Any, emulator: Emulator) -> None:
    emulator.on(takes=0, answer="done")
    task = face.call(anchor.tasks.start, "Read the price")
    assert face.call(task.result).value == "done"
    assert face.call(face.call(task.refresh).result).value == "done"
    assert face.call(task.updates) == []
    assert len(emulator.requests) == 2


def test_refresh_says_why_it_brought_nothing(face: Face, anchor: Any, emulator: Emulator) -> None:
    emulator.on(faults=[502])
    task = face.call(anchor.tasks.start, "Read the price")
    assert raised(ServerError, face, task.refresh).task_id == task.id
    assert face.call(task.refresh).status == "running"


def test_updates_show_each_check_and_end_with_the_task(face: Face, anchor: Any, emulator: Emulator) -> None:
    emulator.on(takes=2.5)
    task = face.call(anchor.tasks.start, "Read the price")
    updates = face.call(task.updates)
    assert [(update.status, update.elapsed) for update in updates] == [("running", 1), ("running", 2), ("completed", 3)]
    assert task.done


def test_updates_show_a_failure_and_do_not_raise_it(face: Face, anchor: Any, emulator: Emulator) -> None:
    emulator.on(takes=0, fails={"code": 7})
    task = face.call(anchor.tasks.start, "Read the price")
    assert [update.status for update in face.call(task.updates)] == ["failed"]
    assert raised(TaskFailedError, face, task.result).reason == '{"code": 7}'


def test_updates_end_with_an_error_at_the_deadline(face: Face, anchor: Any, clock: VirtualClock) -> None:
    task = face.call(anchor.tasks.start, "Read the price")
    assert raised(TaskTimeoutError, face, task.updates, timeout=1.5).task_id == task.id
    assert clock.time == 1.5


def test_a_wait_without_time_is_one_check(face: Face, anchor: Any, emulator: Emulator, clock: VirtualClock) -> None:
    emulator.on(takes=10, answer="done")
    task = face.call(anchor.tasks.start, "Read the price")
    caught = raised(TaskTimeoutError, face, task.result, timeout=0)
    assert (caught.last_status, len(emulator.requests), clock.time) == ("RUNNING", 2, 0.0)
    clock.sleep(10)
    assert face.call(task.result, timeout=0).value == "done"


@pytest.mark.parametrize("face", ["asyncio", "trio"], indirect=True)
def test_a_handle_can_be_awaited(face: Face, anchor: Any) -> None:
    async def main() -> TaskResult[Any]:
        result: TaskResult[Any] = await (await anchor.tasks.start("Read the price"))
        return result

    assert face.call(main).value == "The emulator's answer."


@pytest.mark.parametrize("face", ["asyncio", "trio"], indirect=True)
def test_a_handle_can_be_iterated_and_left_half_way(face: Face, anchor: Any) -> None:
    async def main() -> list[str]:
        task = await anchor.tasks.start("Read the price")
        async for _ in task:
            break
        return [update.status async for update in task]

    assert face.call(main) == ["completed"]


def test_a_task_is_found_again_by_its_id(face: Face, anchor: Any, emulator: Emulator, clock: VirtualClock) -> None:
    task_id = face.call(anchor.tasks.start, "Read the price").id
    clock.sleep(10)
    found = anchor.tasks.get(task_id)
    assert len(emulator.requests) == 1
    assert face.call(found.result).task_id == task_id
    assert clock.sleeps == [10]


def test_a_task_is_found_again_by_its_token_with_its_age(
    face: Face, anchor: Any, emulator: Emulator, clock: VirtualClock
) -> None:
    emulator.on(takes=110)
    token = face.call(anchor.tasks.start, "Read the price").token()
    clock.sleep(100)
    found = anchor.tasks.resume(token)
    assert len(emulator.requests) == 1
    updates = face.call(found.updates)
    assert [(update.status, update.elapsed) for update in updates] == [("running", 100), ("completed", 110)]


def test_a_token_says_that_the_answer_is_wrapped(face: Face, anchor: Any, emulator: Emulator) -> None:
    nested = {"result": {"result": {"result": [1, 2]}}}
    emulator.on(takes=0, answer=nested)
    task = face.call(anchor.tasks.start, "Count", output={"type": "array", "items": {"type": "integer"}})
    result = face.call(anchor.tasks.resume(task.token()).result)
    assert (result.value, result.raw) == ([1, 2], nested)


def test_an_id_that_nobody_knows_is_not_found(face: Face, anchor: Any) -> None:
    caught = raised(NotFoundError, face, anchor.tasks.get("task-of-another-account").result)
    assert caught.task_id == "task-of-another-account"


def test_an_id_is_one_segment_of_the_path(face: Face) -> None:
    with raw_server(check=[COMPLETED]) as server, face.anchor(base_url=f"{server.base_url}/proxy/") as anchor:
        face.call(anchor.tasks.get("../a b?c#d%2e/ü").result)
    assert [request.path for request in server.seen] == [
        "/proxy/v1/tools/perform-web-task/..%2Fa%20b%3Fc%23d%252e%2F%C3%BC/status"
    ]


def test_a_start_that_is_answered_with_the_result_is_done(face: Face) -> None:
    with raw_server(start=[answer({"data": {"result": 3}})]) as server, face.anchor(base_url=server.base_url) as anchor:
        task = face.call(anchor.tasks.start, "Read the price")
        assert (task.id, task.done, task.status) == (None, True, "completed")
        raised(ConfigurationError, face, task.token)
        assert face.call(task.result) == TaskResult(value=3, raw=3, task_id=None)
    assert server.count("GET") == 0
