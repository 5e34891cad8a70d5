"""A task whose result is in the response to its start, without an id: `.id` raises an error that has the handle."""

from __future__ import annotations

import copy
import inspect
import io
import pickle
import traceback
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console
from rich.pretty import pretty_repr

from anchor_webtask import AnchorError, NoTaskIdError, TaskFailedError, TaskResult
from tests.support.errors import raised
from tests.support.raw_server import RawServer, json_response, raw_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.runners import Runner

RESULT = json_response({"data": {"result": 3}})
MESSAGE = (
    "the task has no id, since the API responded to the start with the task's result: call result() on the handle, "
    "which is this error's .task"
)


@pytest.fixture
def server() -> Iterator[RawServer]:
    with raw_server(start=[RESULT]) as running:
        yield running
        assert (running.starts, running.checks) == (1, 0)


@pytest.fixture
def task(runner: Runner, server: RawServer) -> Iterator[Any]:
    with runner.anchor(base_url=server.base_url) as anchor:
        yield runner.call(anchor.tasks.start, "Read")


def no_id(function: Any) -> NoTaskIdError:
    with pytest.raises(NoTaskIdError) as caught:
        function()
    return caught.value


def test_id_raises_an_error_whose_task_returns_the_answer(runner: Runner, task: Any) -> None:
    error = no_id(lambda: task.id)
    assert isinstance(error, AnchorError)
    assert isinstance(error, AttributeError)
    assert (str(error), error.task_id) == (MESSAGE, None)
    assert error.task is task
    assert runner.call(error.task.result) == TaskResult(value=3, raw=3, task_id=None)


def test_answer_of_a_handle_that_nobody_has_kept_is_in_the_error(runner: Runner, server: RawServer) -> None:
    with runner.anchor(base_url=server.base_url) as anchor:
        error = no_id(lambda: runner.call(anchor.tasks.start, "Read").token())
        assert runner.call(error.task.result).value == 3


def test_handle_yields_no_updates_and_refresh_sends_nothing(runner: Runner, task: Any) -> None:
    assert runner.call(task.updates) == []
    assert runner.call(task.refresh) is task


def test_look_at_the_attributes_of_the_handle_raises_nothing(task: Any) -> None:
    assert repr(task) == f"<{type(task).__name__} without an id: completed>"
    assert (hasattr(task, "id"), getattr(task, "id", None)) == (False, None)
    assert {"id", "status"} <= set(dir(task))
    assert dict(inspect.getmembers(task))["done"] is True
    assert repr(task) == pretty_repr(task)
    output = io.StringIO()
    console = Console(file=output, width=200)
    try:
        _ = task.id
    except NoTaskIdError:
        console.print_exception(show_locals=True)
    assert "NoTaskIdError" in output.getvalue()


def test_traceback_suggests_no_attribute_whose_name_is_spelled_alike(task: Any) -> None:
    error = no_id(lambda: task.id)
    assert traceback.format_exception_only(error)[-1] == f"anchor_webtask.NoTaskIdError: {MESSAGE}\n"
    assert error.__context__ is None


@pytest.mark.parametrize(
    "duplicate",
    [copy.copy, copy.deepcopy, *(lambda e, p=p: pickle.loads(pickle.dumps(e, p)) for p in range(6))],
)
def test_copied_and_unpickled_error_has_no_handle(runner: Runner, task: Any, duplicate: Any) -> None:
    del runner
    restored = duplicate(no_id(lambda: task.id))
    assert (type(restored), str(restored), restored.task) == (NoTaskIdError, MESSAGE, None)


def test_method_run_returns_the_answer_and_calls_neither_callback(runner: Runner, server: RawServer) -> None:
    called: list[object] = []
    with runner.anchor(base_url=server.base_url) as anchor:
        result = runner.call(anchor.tasks.run, "Read", on_start=called.append, on_update=called.append)
    assert (result, called) == (TaskResult(value=3, raw=3, task_id=None), [])


def test_failure_in_the_response_to_the_start_has_no_id(runner: Runner) -> None:
    failed = json_response({"data": {"status": "FAILED", "error": "no page", "result": None}})
    with raw_server(start=[failed]) as server, runner.anchor(base_url=server.base_url) as anchor:
        task = runner.call(anchor.tasks.start, "Read")
        assert repr(task) == f"<{type(task).__name__} without an id: failed>"
        assert no_id(lambda: task.id).task is task
        error = raised(TaskFailedError, runner, task.result)
    assert (error.reason, error.task_id, server.starts, server.checks) == ("no page", None, 1, 0)
