"""Log records of starts, ends and failed requests of tasks: they contain the task's id, but no prompt and no answer."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from anchor_webtask import TaskFailedError
from anchor_webtask.emulator import Fault
from tests.support.errors import raised
from tests.support.patience import PATIENCE
from tests.support.processes import spawn
from tests.support.raw_server import COMPLETED, TASK_ID, error_response, raw_server

if TYPE_CHECKING:
    from anchor_webtask.emulator import Emulator
    from tests.support.runners import Runner

FIND_TASK: Final = Path(__file__).parent / "programs" / "find_task.py"


@pytest.fixture(autouse=True)
def capture_all_levels(caplog: pytest.LogCaptureFixture) -> None:
    """Capture the log records of this package at all levels."""
    caplog.set_level(logging.DEBUG, logger="anchor_webtask")


def package_records(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str, str | None]]:
    """Return the level, the message and the task's id of each record that this package has logged."""
    ours = [record for record in caplog.records if record.name == "anchor_webtask"]
    return [(record.levelname, record.getMessage(), vars(record)["task_id"]) for record in ours]


def test_start_and_failed_checks_and_end_of_a_task_are_logged_without_its_prompt_and_answer(
    runner: Runner, anchor: Any, emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    emulator.on(answer="an answer", takes=4, faults=[502, Fault(cut=True)])
    task_id = runner.call(anchor.tasks.run, "a prompt", url="https://shop.example/").task_id
    assert package_records(caplog) == [
        ("INFO", f"task {task_id} started", task_id),
        ("WARNING", f"check of task {task_id} failed (ServerError, HTTP 502), checking again later", task_id),
        ("WARNING", f"check of task {task_id} failed (TransportError), checking again later", task_id),
        ("INFO", f"task {task_id} completed", task_id),
    ]


def test_failed_task_is_logged_without_the_reason_of_the_failure(
    runner: Runner, anchor: Any, emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    emulator.on(fails="a reason")
    task_id = raised(TaskFailedError, runner, anchor.tasks.run, "a prompt").task_id
    assert package_records(caplog) == [
        ("INFO", f"task {task_id} started", task_id),
        ("INFO", f"task {task_id} failed", task_id),
    ]


def test_retry_of_a_start_is_logged(
    runner: Runner, anchor: Any, emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    emulator.on(start_faults=[429])
    runner.call(anchor.tasks.run, "a prompt")
    level, text, _ = package_records(caplog)[0]
    assert level == "WARNING"
    assert text.startswith("start not accepted, trying again later: HTTP 429")


def test_nothing_is_printed_if_the_application_has_not_set_up_logging() -> None:
    with (
        raw_server(check=[error_response(502), COMPLETED]) as server,
        spawn(FIND_TASK, "sync", "get", TASK_ID, base_url=server.base_url) as process,
    ):
        output, errors = process.communicate(timeout=2 * PATIENCE)
    assert (process.returncode, output, errors) == (0, '"done"\n', "")
    assert server.count("GET") == 2
