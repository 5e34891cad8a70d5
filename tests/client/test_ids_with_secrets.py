"""A task's id that contains the key or a long secret value works, and is redacted in all that is shown."""

from __future__ import annotations

import json
import logging
import pickle
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from anchor_webtask import (
    AnchorError,
    ConfigurationError,
    NotFoundError,
    StartOutcomeUnknownError,
    TaskFailedError,
    TaskTimeoutError,
)
from tests.support.errors import raised
from tests.support.raw_server import COMPLETED, RUNNING, error_response, json_response, raw_server
from tests.support.runners import KEY
from tests.support.secret_search import exception_texts, find_secrets, log_texts, secret_parts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.support.raw_server import RawServer, Script
    from tests.support.runners import Runner

VALUE = "a-session-value-of-the-user"
IDS = {
    "the key": f"task-{KEY}-1",
    "the key in upper case": f"TASK-{KEY.upper()}",
    "a secret value": f"web-{VALUE}",
    "the key, in a long id": f"{KEY}-{'x' * 100}-{KEY}",
    "both": f"{VALUE}{KEY}",
}
SECRETS = {"NAME": VALUE, "WORD": "task", "OTHER": "web"}
PARTS = secret_parts(KEY, VALUE)
WARNING = "contains the key or a secret value: texts and tokens show it redacted, .id is complete"


def started(task_id: str, status: int = 200) -> Script:
    return json_response({"data": {"status": "running", "workflow_id": task_id}}, status)


@contextmanager
def client(
    runner: Runner, task_id: str, check: Sequence[Script] = (COMPLETED,), status: int = 200
) -> Iterator[tuple[RawServer, Any]]:
    """Run a server that starts a task with this id, and make a client of the server."""
    with (
        raw_server(start=[started(task_id, status)], check=check) as server,
        runner.anchor(base_url=server.base_url) as anchor,
    ):
        yield server, anchor


@pytest.fixture(autouse=True)
def no_secret_is_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Capture the records of all levels, and search them for secrets after the test."""
    caplog.set_level(logging.DEBUG)
    yield
    texts = [*log_texts(caplog), *(str(vars(record).get("task_id")) for record in caplog.get_records("call"))]
    assert texts
    assert find_secrets(texts, PARTS) == []


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.parametrize("task_id", IDS.values(), ids=IDS)
@pytest.mark.usefixtures("clock")
def test_id_with_a_secret_works_and_is_shown_redacted(
    runner: Runner, task_id: str, caplog: pytest.LogCaptureFixture
) -> None:
    with client(runner, task_id, [RUNNING, COMPLETED]) as (server, anchor):
        task = runner.call(anchor.tasks.start, "Log in", secret_values=SECRETS)
        updates = runner.call(task.updates)
        result = runner.call(task.result)
        assert (task.id, type(task.id), result.task_id, {update.task_id for update in updates}) == (
            task_id,
            str,
            task_id,
            {task_id},
        )
        assert {request.path.split("/")[-2] for request in server.requests if request.method == "GET"} == {task_id}
        shown = [repr(task), task.token(), *map(repr, updates), repr(result)]
        assert find_secrets(shown, PARTS) == []
        assert all("[redacted]" in text for text in shown)
        assert warnings(caplog) == [f"the id of task {json.loads(task.token())['task_id']} {WARNING}"]


@pytest.mark.usefixtures("clock")
def test_short_part_of_a_secret_in_an_id_means_nothing(runner: Runner, caplog: pytest.LogCaptureFixture) -> None:
    task_id = f"task-web-{VALUE[2:17]}-{KEY[2:17]}"
    with client(runner, task_id) as (_, anchor):
        task = runner.call(anchor.tasks.start, "Log in", secret_values={**SECRETS, "SHORT": "fifteen-letters"})
        assert repr(task).startswith(f"<{type(task).__name__} '{task_id}'")
        assert task_id in task.token()
        assert warnings(caplog) == []


FAULTS: dict[str, tuple[type[AnchorError], Script]] = {
    "not found": (NotFoundError, error_response(404, f"no task-{KEY}-1")),
    "failed": (TaskFailedError, json_response({"data": {"status": "FAILED", "error": f"{KEY} {VALUE}"}})),
    "deadline": (TaskTimeoutError, RUNNING),
    "deadline after an error": (TaskTimeoutError, error_response(502, f"{KEY} {VALUE}")),
}


@pytest.mark.parametrize(("kind", "fault"), FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("task_id", IDS.values(), ids=IDS)
@pytest.mark.usefixtures("clock")
def test_error_shows_an_id_with_a_secret_redacted_and_its_attribute_finds_the_task(
    runner: Runner, task_id: str, kind: type[AnchorError], fault: Script
) -> None:
    with client(runner, task_id, [fault]) as (_, anchor):
        task = runner.call(anchor.tasks.start, "Log in", secret_values=SECRETS)
        error = raised(kind, runner, task.result, timeout=10)
        assert find_secrets(exception_texts(error, pickled=False), PARTS) == []
        assert "the id contains the key or a secret value and is redacted here; the attribute task_id has it" in str(
            error
        )
        copied = pickle.loads(pickle.dumps(error))
        assert (error.task_id, copied.task_id, str(copied)) == (task_id, task_id, str(error))
        again = anchor.tasks.get(copied.task_id)
        assert again.id == task_id
        assert find_secrets([repr(again)], PARTS) == []


@pytest.mark.usefixtures("clock")
def test_id_with_a_secret_that_arrives_with_an_error_status_is_in_the_error(runner: Runner) -> None:
    with client(runner, IDS["both"], status=500) as (server, anchor):
        error = raised(
            StartOutcomeUnknownError, runner, anchor.tasks.run, "Log in", secret_values=SECRETS, url="https://a.example"
        )
        assert (error.task_id, server.starts) == (IDS["both"], 1)
        assert find_secrets(exception_texts(error, pickled=False), PARTS) == []


def test_handle_that_is_found_by_an_id_with_the_key_warns_and_shows_it_redacted(
    runner: Runner, caplog: pytest.LogCaptureFixture
) -> None:
    with client(runner, "unused") as (_, anchor):
        task = anchor.tasks.get(IDS["the key"])
        assert warnings(caplog) == [f"the id of task {json.loads(task.token())['task_id']} {WARNING}"]
        assert runner.call(task.result).task_id == IDS["the key"]
        assert find_secrets([repr(task), task.token()], PARTS) == []


def test_token_with_a_redacted_id_is_refused_in_words(runner: Runner) -> None:
    with client(runner, IDS["the key"]) as (server, anchor):
        token = runner.call(anchor.tasks.start, "Log in").token()
        with pytest.raises(
            ConfigurationError, match=r"only a redacted task id.*: pass the handle's \.id to tasks\.get"
        ):
            anchor.tasks.resume(token)
        assert server.checks == 0


@pytest.mark.usefixtures("clock")
def test_exception_of_a_callback_has_an_id_with_a_secret_in_an_attribute_and_a_redacted_note(runner: Runner) -> None:
    class UserError(Exception):
        """An exception of the user's code."""

    def interrupt(_: object) -> None:
        raise UserError

    with client(runner, IDS["both"], [RUNNING]) as (_, anchor), pytest.raises(UserError) as caught:
        runner.call(anchor.tasks.run, "Log in", secret_values=SECRETS, on_update=interrupt)
    error: Any = caught.value
    assert error.task_id == IDS["both"]
    assert find_secrets(error.__notes__, PARTS) == []
    assert error.__notes__ == [
        "this does not stop the task; tasks.get('[redacted][redacted]') finds it again (the id contains the key or a "
        "secret value and is redacted here; the attribute task_id has it)"
    ]


def test_log_handler_that_raises_at_the_warning_does_not_lose_the_id(runner: Runner) -> None:
    class UserError(Exception):
        """An exception of the user's code."""

    class Raising(logging.Handler):
        """A handler that raises at the warning about the id."""

        def emit(self, record: logging.LogRecord) -> None:
            if record.getMessage().endswith(WARNING):
                raise UserError

    logger, handler = logging.getLogger("anchor_webtask"), Raising()
    logger.addHandler(handler)
    try:
        with client(runner, IDS["the key"]) as (server, anchor), pytest.raises(UserError) as caught:
            runner.call(anchor.tasks.start, "Log in")
    finally:
        logger.removeHandler(handler)
    assert vars(caught.value)["task_id"] == IDS["the key"]
    assert server.starts == 1
