"""Tasks that the test lists, finishes and fails, also while a one-request start is held for them."""

from __future__ import annotations

import math
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest

from anchor_webtask.emulator import EmulatedTask, Emulator
from anchor_webtask.testing import SystemClock
from tests.support.patience import PATIENCE
from tests.unit.emulator.support import KEY, TASKS, Api, client_of, data, error

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.clocks import InstantClock


def test_tasks_are_listed_in_the_order_of_their_starts(api: Api, emulator: Emulator, clock: InstantClock) -> None:
    ids = [api.start_async("a"), api.start_async("b")]
    assert [task.id for task in emulator.tasks] == ids
    assert [task.body["prompt"] for task in emulator.tasks] == ["a", "b"]
    assert [task.status for task in emulator.tasks] == ["RUNNING", "RUNNING"]
    assert emulator.tasks == emulator.tasks
    clock.time += 2
    assert repr(emulator.tasks[0]) == f"<EmulatedTask {ids[0]}: COMPLETED>"


@pytest.mark.parametrize(
    ("end", "state"),
    [
        (lambda task: task.finish(), {"status": "COMPLETED", "result": "planned"}),
        (lambda task: task.finish({"amount": 3}), {"status": "COMPLETED", "result": {"amount": 3}}),
        (lambda task: task.finish(None), {"status": "COMPLETED", "result": None}),
        (lambda task: task.fail("no such page"), {"status": "FAILED", "error": "no such page"}),
        (lambda task: task.fail(), {"status": "FAILED", "error": "the test ended this task"}),
    ],
)
def test_task_ends_at_once_as_the_test_says(
    api: Api, emulator: Emulator, clock: InstantClock, end: Callable[[EmulatedTask], None], state: dict[str, Any]
) -> None:
    emulator.on(takes=math.inf, answer="planned")
    task_id = api.start_async()
    other = api.start_async()
    (task, _) = emulator.tasks
    end(task)
    assert api.state(task_id) == state
    assert task.status == state["status"]
    assert api.state(other) == {"status": "RUNNING"}
    with pytest.raises(ValueError, match=f"has ended already, as {state['status']}"):
        task.finish()
    with pytest.raises(ValueError, match="has ended already"):
        task.fail()
    assert api.state(task_id) == state
    assert clock.now() == 0


def test_task_that_has_ended_in_time_cannot_be_ended_again(api: Api, emulator: Emulator, clock: InstantClock) -> None:
    task_id = api.start_async()
    clock.time += 2
    with pytest.raises(ValueError, match="has ended already, as COMPLETED"):
        emulator.tasks[0].fail()
    assert api.state(task_id)["status"] == "COMPLETED"


def test_task_that_fails_by_its_scenario_finishes_only_with_an_answer(api: Api, emulator: Emulator) -> None:
    emulator.on(fails="planned")
    task_id = api.start_async()
    with pytest.raises(ValueError, match="pass an answer"):
        emulator.tasks[0].finish()
    assert api.state(task_id) == {"status": "RUNNING"}
    emulator.tasks[0].finish(1)
    assert api.state(task_id) == {"status": "COMPLETED", "result": 1}


@pytest.mark.parametrize("value", [math.nan, {1}, object()])
def test_what_a_task_ends_with_must_be_json(api: Api, emulator: Emulator, value: object) -> None:
    api.start_async()
    with pytest.raises(ValueError, match="answer must be JSON"):
        emulator.tasks[0].finish(value)
    with pytest.raises(ValueError, match="reason must be JSON"):
        emulator.tasks[0].fail(value)
    assert emulator.tasks[0].status == "RUNNING"


class AnnouncingClock(SystemClock):
    """The system's clock; `is_held` is set when a request is held."""

    def __init__(self) -> None:
        self.is_held = threading.Event()

    def get(self, *arguments: Any) -> Any:
        self.is_held.set()
        return SystemClock.get(*arguments)

    def move_on_after(self, seconds: float) -> Any:  # type: ignore[override]
        self.is_held.set()
        return SystemClock.move_on_after(seconds)


ENDS: list[tuple[Callable[[EmulatedTask], None], object]] = [
    (lambda task: task.finish({"amount": 3}), {"result": {"amount": 3}}),
    (lambda task: task.fail("no such page"), (500, "no such page")),
]


def outcome(response: httpx.Response) -> object:
    return data(response) if response.status_code == 200 else error(response)


@pytest.mark.parametrize(("end", "expected"), ENDS)
@pytest.mark.parametrize("way", ["transport", "server"])
def test_held_one_request_start_ends_with_its_task(
    way: str, end: Callable[[EmulatedTask], None], expected: object
) -> None:
    clock = AnnouncingClock()
    emulator = Emulator(takes=math.inf, clock=clock)
    with emulator.serve() as server, ThreadPoolExecutor(1) as pool:
        transport = emulator.transport() if way == "transport" else None
        with httpx.Client(
            transport=transport, base_url=server.base_url, headers={"anchor-api-key": KEY}, timeout=60
        ) as client:
            response = pool.submit(Api(client).start)
            assert clock.is_held.wait(PATIENCE)
            assert emulator.requests[0].status is None
            end(emulator.tasks[0])
            assert outcome(response.result(PATIENCE)) == expected
    assert emulator.requests[0].status is not None


@pytest.mark.anyio
@pytest.mark.parametrize(("end", "expected"), ENDS)
@pytest.mark.parametrize("from_thread", [False, True])
async def test_held_one_request_start_of_an_async_client_ends_with_its_task(
    end: Callable[[EmulatedTask], None], expected: object, from_thread: bool
) -> None:
    emulator = Emulator(takes=math.inf, clock=SystemClock())
    outcomes: list[object] = []
    async with httpx.AsyncClient(
        transport=emulator.transport(), base_url="https://api.example", headers={"anchor-api-key": KEY}, timeout=60
    ) as client:

        async def start() -> None:
            outcomes.append(outcome(await client.post(TASKS, json={"prompt": "a"})))

        async with anyio.create_task_group() as group:
            group.start_soon(start)
            await anyio.wait_all_tasks_blocked()
            (task,) = emulator.tasks
            if from_thread:
                await anyio.to_thread.run_sync(end, task)
            else:
                end(task)
    assert outcomes == [expected]


def test_task_of_a_client_that_gave_up_can_still_be_ended(emulator: Emulator, clock: InstantClock) -> None:
    emulator.on(takes=90)
    with client_of(emulator) as api:
        with pytest.raises(httpx.ReadTimeout):
            api.http.post(TASKS, json={"prompt": "a"}, timeout=30)
        (task,) = emulator.tasks
        task.finish("late")
        assert api.state(task.id) == {"status": "COMPLETED", "result": "late"}
    assert clock.now() == 30


class TestExpectNoUnfinished:
    def test_passes_without_tasks_and_with_ended_tasks(self, api: Api, emulator: Emulator, clock: InstantClock) -> None:
        emulator.expect_no_unfinished()
        api.start_async()
        api.start_async()
        emulator.tasks[0].fail()
        clock.time += 2
        assert emulator.expect_no_unfinished() is None  # type: ignore[func-returns-value]

    def test_names_each_running_task_in_one_line(self, api: Api, emulator: Emulator) -> None:
        ids = [api.start_async("Read\nthe price", secret_values={"A": "hunter2"}), api.start_async("b" * 5000)]
        api.start_async("ended")
        emulator.tasks[2].finish()
        with pytest.raises(AssertionError) as caught:
            emulator.expect_no_unfinished()
        title, *lines = str(caught.value).splitlines()
        assert title == "unfinished tasks: 2"
        assert lines[0] == f"  {ids[0]}: 'Read\\nthe price'"
        assert lines[1].startswith(f"  {ids[1]}: 'bbb")
        assert len(lines) == 2
        assert len(lines[1]) < 300
        assert "hunter2" not in str(caught.value)
