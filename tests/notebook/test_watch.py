"""`watch` in a notebook and elsewhere: what it shows, returns and raises, for both kinds of handle."""

from __future__ import annotations

import html
import logging
import math
import re
import threading
from typing import TYPE_CHECKING, Any

import anyio
import attrs
import pytest

from anchor_webtask import (
    Anchor,
    AsyncAnchor,
    ConfigurationError,
    InvalidOutputError,
    NotFoundError,
    TaskFailedError,
    TaskTimeoutError,
)
from anchor_webtask.emulator import Fault
from anchor_webtask.notebook import watch
from anchor_webtask.notebook._board import MAX_ROWS, duration
from tests.support.patience import PATIENCE
from tests.support.runners import KEY, SIMPLE_POLICY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from anchor_webtask.emulator import Emulator
    from tests.notebook.conftest import Cell
    from tests.support.runners import Runner


@attrs.define
class Price:
    amount: float


@attrs.define
class Title:
    text: str


@pytest.fixture
def anchor(runner: Runner, anchor_emulator: Emulator) -> Iterator[Any]:
    """A client of the emulator."""
    assert anchor_emulator.starts == 0
    with runner.anchor() as made:
        yield made


@pytest.fixture
def started(runner: Runner, anchor: Any) -> Callable[..., Any]:
    """A function that starts a task, and returns its handle."""
    return lambda prompt="Read the price", **options: runner.call(anchor.tasks.start, prompt, **options)


# -- In a notebook -------------------------------------------------------------------------------------------------


def test_one_output_shows_the_elapsed_time_and_the_end(
    runner: Runner, anchor_emulator: Emulator, started: Callable[..., Any], cell: Cell
) -> None:
    anchor_emulator.on(takes=65, answer={"amount": 3})
    task = started(output=Price)
    assert runner.call(watch, task).value == Price(3)
    first, *others = cell.messages
    assert {message["update"] for message in others} == {True}
    assert {message["transient"]["display_id"] for message in cell.messages} == {first["transient"]["display_id"]}
    texts = cell.texts()
    assert [text.splitlines()[0] for text in (texts[0], texts[10], texts[-1])] == [
        "1 task: not checked yet",
        "1 task: running",
        "1 task: completed",
    ]
    seconds = [line.rpartition("(")[2] for text in texts for line in text.splitlines()[1:]]
    assert {"0 s)", "1 s)", "59 s)", "1 min 00 s)"} <= {*seconds}
    assert re.search(r">in \d s<", "".join(cell.htmls()))
    assert f"…{task.id[-19:]}" in cell.htmls()[-1]
    assert "tasks.get" not in cell.htmls()[-1]


def test_checks_of_many_tasks_do_not_send_a_message_each(
    runner: Runner, anchor_emulator: Emulator, started: Callable[..., Any], cell: Cell
) -> None:
    anchor_emulator.on(takes=6)
    tasks = []
    for _ in range(20):
        tasks.append(started())
        anchor_emulator.clock.sleep(0.04)  # so that no two checks are due at the same moment
    runner.call(watch, tasks)
    checks = [request.method for request in anchor_emulator.requests].count("GET")
    assert checks > 100
    assert len(cell.messages) < 40


def test_no_thread_is_left(anchor_emulator: Emulator, cell: Cell, monkeypatch: pytest.MonkeyPatch) -> None:
    anchor_emulator.on(takes=20)
    interrupted(monkeypatch, cell, InterruptionError(), at=10)
    with Anchor(KEY) as anchor:
        tasks = [anchor.tasks.start("Read the price") for _ in range(3)]
        with pytest.raises(InterruptionError):
            watch(tasks)
        watch(tasks)
    left = [thread for thread in threading.enumerate() if thread.name == "anchor_webtask watch"]
    for thread in left:
        thread.join(PATIENCE)
    assert [thread for thread in left if thread.is_alive()] == []


def test_several_tasks_are_rows_of_one_output(
    runner: Runner, anchor_emulator: Emulator, started: Callable[..., Any], cell: Cell
) -> None:
    anchor_emulator.on(prompt="Slow", takes=100, answer={"amount": 3})
    anchor_emulator.on(prompt="Quick", takes=10, answer={"text": "Shop"})
    slow, quick = runner.call(watch, started("Slow", output=Price), started("Quick", output=Title))
    assert (slow.value, quick.value) == (Price(3), Title("Shop"))
    titles = [text.splitlines()[0] for text in cell.texts()]
    assert (titles[0], titles[-1]) == ("2 tasks: 2 not checked yet", "2 tasks: 2 completed")
    assert {"2 tasks: 2 running", "2 tasks: 1 running, 1 completed"} <= {*titles}
    assert {message["transient"]["display_id"] for message in cell.messages} == {
        cell.messages[0]["transient"]["display_id"]
    }
    assert anchor_emulator.elapsed < 120


def test_a_list_returns_a_list_in_its_order(
    runner: Runner, anchor_emulator: Emulator, started: Callable[..., Any], cell: Cell
) -> None:
    anchor_emulator.on(takes=lambda body: 60 - int(body["prompt"]), answer=lambda body: int(body["prompt"]))
    results = runner.call(watch, iter([started(str(number)) for number in range(40)]))
    assert [result.value for result in results] == [*range(40)]
    assert runner.call(watch, [started("7")])[0].value == 7
    assert f"… and {40 - MAX_ROWS} more" in cell.htmls()[0]
    assert isinstance(results, list)


def test_tasks_that_run_or_failed_are_shown_before_those_with_answers(
    runner: Runner, anchor_emulator: Emulator, started: Callable[..., Any], cell: Cell
) -> None:
    anchor_emulator.on(answer=1)
    anchor_emulator.on(prompt="Last", takes=60, fails="no such page")
    tasks = [*(started() for _ in range(MAX_ROWS)), started("Last")]
    with pytest.raises(TaskFailedError):
        runner.call(watch, tasks)
    assert "no such page" not in cell.htmls()[0]
    assert "failed: no such page" in cell.htmls()[-1]
    assert f"{MAX_ROWS} completed, 1 failed" in cell.htmls()[-1]


def test_task_that_has_ended_is_shown_at_once(
    runner: Runner, anchor_emulator: Emulator, started: Callable[..., Any], cell: Cell
) -> None:
    anchor_emulator.on(takes=30, answer=3)
    task = started()
    runner.call(task.result)
    checks = len(anchor_emulator.requests)
    assert runner.call(watch, task).value == 3
    assert len(anchor_emulator.requests) == checks
    assert cell.texts()[-1].splitlines()[0] == "1 task: completed"


def test_check_that_fails_is_shown_and_repeated(
    runner: Runner, anchor_emulator: Emulator, started: Callable[..., Any], cell: Cell
) -> None:
    anchor_emulator.on(takes=30, faults=[502] * 4)
    runner.call(watch, started())
    assert any("the last check failed, and is repeated: HTTP 502" in html for html in cell.htmls())
    assert "502" not in cell.htmls()[-1]


@pytest.mark.parametrize(
    ("scenario", "kind", "shown"),
    [
        ({"fails": "no such page"}, TaskFailedError, "failed: no such page"),
        ({"answer": "cheap"}, InvalidOutputError, "completed: "),
        ({"takes": math.inf}, TaskTimeoutError, "running: the deadline passed"),
        ({"faults": [Fault(404)] * 30}, NotFoundError, "not checked yet: HTTP 404"),
    ],
    ids=["failed", "invalid", "timed out", "not found"],
)
def test_first_error_is_raised_after_all_tasks_have_ended(
    runner: Runner,
    anchor_emulator: Emulator,
    started: Callable[..., Any],
    cell: Cell,
    scenario: dict[str, Any],
    kind: type[Exception],
    shown: str,
) -> None:
    anchor_emulator.on(takes=50, answer={"amount": 3})
    anchor_emulator.on(prompt="Wrong", **scenario)
    good, wrong, other = (started(prompt, output=Price) for prompt in ("Good", "Wrong", "Wrong"))
    with pytest.raises(kind) as caught:
        runner.call(watch, good, wrong, other, timeout=100)
    assert getattr(caught.value, "task_id", None) == wrong.id
    assert "2 of 3 watched tasks have no answer" in "".join(caught.value.__notes__)
    assert shown in cell.htmls()[-1]
    assert runner.call(good.result, 0).value == Price(3)
    is_left = wrong.id in cell.htmls()[-1]
    assert is_left == (kind in {TaskTimeoutError, NotFoundError})


def test_single_error_has_no_note(runner: Runner, anchor_emulator: Emulator, started: Callable[..., Any]) -> None:
    anchor_emulator.on(fails="no such page")
    with pytest.raises(TaskFailedError) as caught:
        runner.call(watch, started())
    assert not hasattr(caught.value, "__notes__")


@pytest.mark.usefixtures("cell")
def test_timeout_of_zero_makes_one_check(
    runner: Runner, anchor_emulator: Emulator, started: Callable[..., Any]
) -> None:
    anchor_emulator.on(takes=50)
    with pytest.raises(TaskTimeoutError):
        runner.call(watch, started(), started(), timeout=0)
    assert [request.method for request in anchor_emulator.requests].count("GET") == 2


# -- Interruptions -------------------------------------------------------------------------------------------------


class InterruptionError(Exception):
    """What a signal's handler raises; test_kernel.py interrupts a real notebook."""


def raise_interruption(_: object) -> bool:
    raise InterruptionError


def interrupted(monkeypatch: pytest.MonkeyPatch, cell: Cell, raised: BaseException, at: int) -> None:
    """Raise an exception while the output is updated, as Ctrl-C can at any moment."""
    publish, left = cell.publisher.publish, [at]

    def interrupting(*arguments: Any, **named: Any) -> None:
        publish(*arguments, **named)
        left[0] -= 1
        if left[0] == 0:
            raise raised

    monkeypatch.setattr(cell.publisher, "publish", interrupting)


def test_interruption_leaves_an_output_that_says_how_to_get_the_tasks_back(
    runner: Runner,
    anchor_emulator: Emulator,
    started: Callable[..., Any],
    cell: Cell,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    anchor_emulator.on(takes=1000)
    anchor_emulator.on(prompt="Quick", takes=3)
    interrupted(monkeypatch, cell, InterruptionError(), at=12)
    quick, *slow = started("Quick"), started(), started()
    with pytest.raises(InterruptionError) as caught:
        runner.call(watch, quick, *slow)
    last, notes = cell.texts()[-1], "".join(caught.value.__notes__)
    assert "Not watched any more; the API goes on with 2 tasks. To get one back:" in last
    assert [f"anchor.tasks.get({task.id!r})" in last for task in (quick, *slow)] == [False, True, True]
    assert [f"tasks.get({task.id!r}) finds it again" in notes for task in (quick, *slow)] == [False, True, True]
    checks = len(anchor_emulator.requests)
    assert anchor_emulator.elapsed < 30
    assert len(anchor_emulator.requests) == checks


def test_exception_of_the_users_code_in_a_check_is_raised_as_it_is(
    runner: Runner,
    anchor_emulator: Emulator,
    started: Callable[..., Any],
    cell: Cell,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    anchor_emulator.on(takes=math.inf)
    anchor_emulator.on(prompt="Quick", takes=3)
    quick, slow = started("Quick"), started()
    caplog.set_level("INFO", "anchor_webtask")
    monkeypatch.setattr(logging.getLogger("anchor_webtask"), "filters", [raise_interruption])
    with pytest.raises(InterruptionError) as caught:
        runner.call(watch, quick, slow)
    assert f"anchor.tasks.get({slow.id!r})" in cell.texts()[-1]
    assert f"tasks.get({slow.id!r})" in "".join(caught.value.__notes__)


def test_ids_of_many_tasks_that_go_on_are_complete(
    runner: Runner, anchor_emulator: Emulator, started: Callable[..., Any], cell: Cell
) -> None:
    anchor_emulator.on(takes=math.inf)
    tasks = [started() for _ in range(MAX_ROWS + 2)]
    with pytest.raises(TaskTimeoutError):
        runner.call(watch, tasks, timeout=0)
    shown = html.unescape(cell.htmls()[-1])
    assert [f"anchor.tasks.get({task.id!r})" in shown for task in tasks] == [True] * MAX_ROWS + [False] * 2
    assert "… and 2 more: .id of each handle" in shown


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_cancellation_leaves_such_an_output_too(backend: str, anchor_emulator: Emulator, cell: Cell) -> None:
    anchor_emulator.on(takes=math.inf)

    async def main() -> str:
        async with AsyncAnchor(KEY, wait=SIMPLE_POLICY) as anchor:
            task = await anchor.tasks.start("Read the price")
            with anchor_emulator.clock.move_on_after(20) as scope:
                await watch(task, task)
            assert scope.cancelled_caught
            return task.id

    task_id = anyio.run(main, backend=backend)
    assert f"anchor.tasks.get({task_id!r})" in cell.texts()[-1]


# -- Outside of notebooks ------------------------------------------------------------------------------------------


def test_each_change_is_a_line_on_standard_error(
    runner: Runner, anchor_emulator: Emulator, started: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    anchor_emulator.on(takes=65, faults=[502])
    task = started()
    runner.call(watch, task)
    printed = capsys.readouterr()
    words = [line.removeprefix(f"…{task.id[-19:]}: ") for line in printed.err.splitlines()]
    assert [word.partition(":")[0] for word in words] == [
        "not checked yet (0 s)",
        "not checked yet; the last check failed, and is repeated",
        "running (2 s)",
        "completed (1 min 07 s)",
    ]
    assert printed.out == ""


@pytest.mark.usefixtures("shell")
def test_shell_without_a_kernel_is_not_a_notebook(
    runner: Runner, anchor_emulator: Emulator, started: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    anchor_emulator.on(takes=math.inf)
    task = started()
    with pytest.raises(TaskTimeoutError):
        runner.call(watch, task, timeout=20)
    lines = capsys.readouterr().err.splitlines()
    assert lines[-2:] == [
        "Not watched any more; the API goes on with the task. To get it back:",
        f"anchor.tasks.get({task.id!r})",
    ]


def test_program_without_standard_error_can_watch(
    runner: Runner, started: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    task = started()
    monkeypatch.setattr("sys.stderr", None)
    assert runner.call(watch, task).task_id == task.id


# -- Arguments -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "there is no task to watch"),
        (([],), "there is no task to watch"),
        (("task-1",), 'watch needs handles, not str: of an id, pass tasks.get("…")'),
        (([3],), "watch needs handles, not int: tasks.start and tasks.get return one"),
    ],
    ids=["nothing", "empty list", "id", "number"],
)
def test_what_is_not_a_handle_is_refused(arguments: Any, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        watch(*arguments)
    assert str(caught.value).startswith(message)


def test_handles_of_both_kinds_are_refused(started: Callable[..., Any]) -> None:
    with Anchor(KEY) as other:
        task = started()
        both = [task, other.tasks.get("task-1")]
        if isinstance(task, type(both[1])):
            both[1] = AsyncAnchor(KEY).tasks.get("task-1")
        with pytest.raises(ConfigurationError, match="of one kind"):
            watch(*both)


@pytest.mark.parametrize("timeout", [-1, math.nan, "30"])
def test_invalid_timeout_is_refused_at_once(started: Callable[..., Any], timeout: Any) -> None:
    with pytest.raises(ConfigurationError, match="timeout must be a number of seconds"):
        watch(started(), timeout=timeout)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-1, "0 s"), (0.9, "0 s"), (59.9, "59 s"), (60, "1 min 00 s"), (3661, "1 h 01 min"), (36e5, "1,000 h 00 min")],
)
def test_durations_are_short(seconds: float, text: str) -> None:
    assert duration(seconds) == text
