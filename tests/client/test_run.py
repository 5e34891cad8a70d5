"""The methods `tasks.run` and `tasks.run_in_one_request`; the emulator is served over TCP."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

import pytest

from anchor_webtask import (
    RateLimitError,
    StartOutcomeUnknownError,
    TaskFailedError,
    TaskTimeoutError,
    WaitPolicy,
)
from anchor_webtask._http.prepared_request import PreparedRequest
from anchor_webtask.emulator import Fault
from tests.support.errors import raised
from tests.support.raw_server import COMPLETED, RUNNING, TASK_ID, raw_server

if TYPE_CHECKING:
    from anchor_webtask import TaskUpdate
    from anchor_webtask.emulator import Emulator
    from tests.support.clocks import InstantClock
    from tests.support.runners import Runner

PRICE = {"type": "object", "properties": {"amount": {"type": "number"}}, "required": ["amount"]}


def test_method_run_starts_one_task_and_waits_for_it_and_returns_its_answer(
    runner: Runner, anchor: Any, emulator: Emulator, clock: InstantClock
) -> None:
    emulator.on(url="https://shop.example/*", takes=1200, answer={"amount": 3}, faults=[502, Fault(cut=True)])
    result = runner.call(anchor.tasks.run, "Read the price", url="https://shop.example/p/1", output=PRICE)
    assert (result.value, result.raw) == ({"amount": 3}, {"amount": 3})
    assert result.task_id in emulator.requests[1].path
    assert emulator.starts == 1
    # The task ends after 1200 s. The delay between checks is a tenth of that, so the end is noticed at most 120 s late.
    assert 1200 <= clock.time <= 1320


def test_method_run_sends_the_prompt_and_the_schema_and_the_options(
    runner: Runner, anchor: Any, emulator: Emulator
) -> None:
    runner.call(
        anchor.tasks.run,
        "Read the price",
        output=PRICE,
        url="https://shop.example/",
        max_steps=7,
        secret_values={"USER": "me", "*.shop.example": {"PASSWORD": "pw"}},
        extra_body={"not_in_the_spec": True},
    )
    body = dict(emulator.requests[0].body or {})
    secrets = body.pop("secret_values")
    assert body == {
        "prompt": "Read the price",
        "async": True,
        "output_schema": PRICE,
        "url": "https://shop.example/",
        "max_steps": 7,
        "not_in_the_spec": True,
    }
    assert secrets["USER"].reveal() == "me"
    assert secrets["*.shop.example"]["PASSWORD"].reveal() == "pw"


def test_callback_on_start_gets_the_handle_before_the_wait_begins(
    runner: Runner, anchor: Any, emulator: Emulator, clock: InstantClock
) -> None:
    seen: list[Any] = []
    result = runner.call(
        anchor.tasks.run, "Read the price", on_start=lambda task: seen.append((task.id, task.done, clock.time))
    )
    assert seen == [(result.task_id, False, 0.0)]
    assert emulator.starts == 1


def test_callback_on_update_gets_the_result_of_each_check(runner: Runner, anchor: Any, emulator: Emulator) -> None:
    emulator.on(takes=2.5, faults=[Fault(503, headers={"retry-after": "1"})])
    seen: list[TaskUpdate] = []
    result = runner.call(anchor.tasks.run, "Read the price", on_update=seen.append, timeout=60)
    assert [update.status for update in seen] == ["unknown", "running", "completed"]
    assert [update.raw_status for update in seen] == [None, "RUNNING", "COMPLETED"]
    assert [type(update.last_error).__name__ for update in seen] == ["ServerError", "NoneType", "NoneType"]
    assert [update.checks for update in seen] == [1, 2, 3]
    assert [update.elapsed for update in seen] == [1, 2, 3]
    assert [update.next_check for update in seen] == [1, 1, None]
    assert [update.deadline for update in seen] == [59, 58, 57]
    assert {update.task_id for update in seen} == {result.task_id}


def test_delays_between_checks_of_method_run_come_from_its_wait_policy(
    runner: Runner, anchor: Any, emulator: Emulator, clock: InstantClock
) -> None:
    emulator.on(takes=50)
    runner.call(anchor.tasks.run, "Read the price", wait=WaitPolicy(minimum=20))
    assert clock.sleeps == [20.0] * 3


@pytest.mark.parametrize("callback", ["on_start", "on_update"])
def test_exception_of_a_callback_is_raised_with_a_note_that_has_the_task_id(
    runner: Runner, anchor: Any, emulator: Emulator, callback: str
) -> None:
    def fail(_: object) -> None:
        raise LookupError("no such job")

    with pytest.raises(LookupError, match="no such job") as caught:
        runner.call(anchor.tasks.run, "Read the price", **{callback: fail})
    (note,) = caught.value.__notes__
    task_id = note.split("'")[1]
    assert runner.call(anchor.tasks.get(task_id).result).value
    assert emulator.starts == 1


@pytest.mark.parametrize("runner", ["asyncio", "trio"], indirect=True)
def test_callbacks_of_the_async_client_may_be_coroutine_functions(runner: Runner, anchor: Any) -> None:
    seen: list[str] = []

    async def on_start(task: Any) -> None:
        await task.refresh()
        seen.append(task.status)

    async def on_update(update: TaskUpdate) -> None:
        seen.append(update.status)

    runner.call(anchor.tasks.run, "Read the price", on_start=on_start, on_update=on_update)
    assert seen == ["running", "running", "completed"]


def test_method_run_raises_task_failed_error_with_the_reason(runner: Runner, anchor: Any, emulator: Emulator) -> None:
    emulator.on(fails="Maximum number of steps exceeded")
    caught = raised(TaskFailedError, runner, anchor.tasks.run, "Read the price")
    assert caught.reason == "Maximum number of steps exceeded"
    assert str(caught.task_id) in emulator.requests[1].path


def test_task_that_keeps_running_after_the_deadline_can_be_found_again(
    runner: Runner, anchor: Any, emulator: Emulator, clock: InstantClock
) -> None:
    emulator.on(takes=100, answer="done")
    caught = raised(TaskTimeoutError, runner, anchor.tasks.run, "Read the price", timeout=30)
    assert (caught.last_status, caught.last_error, clock.time) == ("RUNNING", None, 30.0)
    assert runner.call(anchor.tasks.get(caught.task_id).result).value == "done"
    assert emulator.starts == 1


def test_timeout_of_method_run_includes_the_time_of_the_start(
    runner: Runner, anchor: Any, emulator: Emulator, clock: InstantClock
) -> None:
    emulator.on(takes=100, start_faults=[Fault(429, headers={"retry-after": "20"})])
    raised(TaskTimeoutError, runner, anchor.tasks.run, "Read the price", timeout=30)
    assert (emulator.starts, clock.sleeps[0], clock.time) == (1, 20.0, 30.0)


def test_start_is_not_repeated_if_the_server_accepts_it_and_the_response_is_lost(
    runner: Runner, anchor: Any, emulator: Emulator
) -> None:
    emulator.on(start_faults=[Fault(cut=True, accepted=True)])
    raised(StartOutcomeUnknownError, runner, anchor.tasks.run, "Read the price")
    assert (emulator.starts, emulator.start_requests) == (1, 1)


def test_method_start_raises_rate_limit_error_and_does_not_retry_the_start(
    runner: Runner, anchor: Any, emulator: Emulator
) -> None:
    emulator.on(start_faults=[429])
    raised(RateLimitError, runner, anchor.tasks.start, "Read the price")
    assert (emulator.starts, emulator.start_requests) == (0, 1)


def test_method_run_in_one_request_returns_the_answer_after_a_single_request(
    runner: Runner, anchor: Any, emulator: Emulator, clock: InstantClock
) -> None:
    emulator.on(takes=600, answer={"amount": 3})
    result = runner.call(anchor.tasks.run_in_one_request, "Read the price", output=PRICE)
    assert (result.value, result.raw, result.task_id) == ({"amount": 3}, {"amount": 3}, None)
    assert (len(emulator.requests), clock.time) == (1, 600)


def test_method_run_in_one_request_reports_the_api_message_of_a_failed_task(
    runner: Runner, anchor: Any, emulator: Emulator
) -> None:
    emulator.on(fails="Maximum number of steps exceeded")
    caught = raised(StartOutcomeUnknownError, runner, anchor.tasks.run_in_one_request, "Read the price")
    assert (caught.status, caught.message) == (500, "Maximum number of steps exceeded")
    assert emulator.start_requests == 1


def test_method_run_in_one_request_waits_for_the_task_if_the_response_has_only_its_id(
    runner: Runner, clock: InstantClock
) -> None:
    with raw_server(check=[RUNNING, RUNNING, COMPLETED]) as server, runner.anchor(base_url=server.base_url) as anchor:
        result = runner.call(anchor.tasks.run_in_one_request, "Read the price")
    assert (result.value, result.task_id, clock.sleeps) == ("done", TASK_ID, [1.0] * 3)
    assert "async" not in server.requests[0].json()


def test_request_is_not_kept_in_memory_during_the_wait(runner: Runner, anchor: Any, emulator: Emulator) -> None:
    kept: list[int] = []

    def count_requests(_: TaskUpdate) -> None:
        gc.collect()
        tuples = (each for each in gc.get_objects() if isinstance(each, PreparedRequest))
        kept.append(sum(b"Read a unique page" in each.content for each in tuples))

    emulator.on(answer={"amount": 3})
    runner.call(anchor.tasks.run, "Read a unique page", on_update=count_requests)
    assert {*kept} == {0}
