"""The class tree of the errors, and the attributes, texts, pickles and copies of every error."""

from __future__ import annotations

import copy
import inspect
import pickle
import re
from typing import Any

import pytest

import anchor_webtask
from anchor_webtask import (
    AnchorError,
    AuthenticationError,
    BadRequestError,
    ConfigurationError,
    InvalidOutputError,
    LedgerBusyError,
    LedgerError,
    LedgerUnusableError,
    NoTaskIdError,
    NotFoundError,
    PaymentRequiredError,
    PermissionDeniedError,
    RateLimitError,
    RequestTimeoutError,
    ServerError,
    SessionError,
    SessionNotEndedWarning,
    SessionOutcomeUnknownError,
    StartOutcomeUnknownError,
    StatusError,
    TaskFailedError,
    TaskTimeoutError,
    TransportError,
    UnexpectedResponseError,
    _errors,
)
from tests.support.errors import contents

STATUS: dict[str, Any] = {"status": 418, "api_message": "no", "code": 7, "request_id": "req-1", "retry_after": 2.5}
ARGUMENTS: dict[type[AnchorError], dict[str, Any]] = {
    AnchorError: {},
    ConfigurationError: {},
    TransportError: {},
    RequestTimeoutError: {},
    StatusError: STATUS,
    BadRequestError: STATUS,
    AuthenticationError: STATUS,
    PaymentRequiredError: STATUS,
    PermissionDeniedError: STATUS,
    NotFoundError: STATUS,
    RateLimitError: STATUS,
    ServerError: STATUS,
    UnexpectedResponseError: {},
    StartOutcomeUnknownError: {"status": 502, "api_message": "no", "request_id": "req-1"},
    TaskFailedError: {"reason": "no more steps"},
    TaskTimeoutError: {"last_status": "RUNNING", "last_error": ServerError("HTTP 502", **STATUS, task_id="task-1")},
    InvalidOutputError: {"raw": {"amount": "3"}, "path": "$.amount"},
    NoTaskIdError: {},
    SessionError: {},
    SessionOutcomeUnknownError: {"tag": "awt-1"},
    LedgerError: {"is_temporary": True},
    LedgerBusyError: {"is_temporary": True},
    LedgerUnusableError: {},
}
KINDS = list(ARGUMENTS)
ADVICE = {
    NotFoundError: "the API does not know task 'task-1': check the id, the base URL and the key's account",
    TaskFailedError: "task 'task-1' has ended; starting it again creates a new task, which costs again",
    TaskTimeoutError: "as far as is known, the task is still running; tasks.get('task-1').result() continues to wait",
    InvalidOutputError: "task 'task-1' has ended; the error's .raw is its answer as received",
}


def make(kind: type[AnchorError], task_id: str | None = "task-1") -> AnchorError:
    error = kind("what happened", **ARGUMENTS[kind], task_id=task_id)
    error.add_note("a note")
    return error


def all_kinds(kind: type[AnchorError] = AnchorError) -> list[type[AnchorError]]:
    return [kind, *(below for each in kind.__subclasses__() for below in all_kinds(each))]


def test_class_tree_of_the_errors_matches_the_tree_in_the_docstring_of_their_module() -> None:
    drawn: dict[str, str] = {}
    path: list[str] = []
    for indent, name, base in re.findall(
        r"^    ([ │├└─]*)(\w+Error)(?: \((\w+)\))?", inspect.getdoc(_errors) or "", re.MULTILINE
    ):
        path[len(indent) // 4 :] = [name]
        drawn[name] = ", ".join([path[-2] if len(path) > 1 else "Exception", *([base] if base else [])])
    assert drawn == {kind.__name__: ", ".join(base.__name__ for base in kind.__bases__) for kind in all_kinds()}
    assert len(drawn) == 23


def test_every_error_is_exported_by_the_package_and_tested_in_this_file() -> None:
    kinds = all_kinds()
    assert set(kinds) == set(KINDS)
    assert {getattr(anchor_webtask, kind.__name__) for kind in kinds} == set(kinds)
    assert {kind.__module__ for kind in kinds} == {"anchor_webtask"}


def test_configuration_error_is_a_value_error_and_task_timeout_error_is_a_timeout_error() -> None:
    assert issubclass(ConfigurationError, ValueError)
    assert issubclass(TaskTimeoutError, TimeoutError)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("kind", KINDS)
def test_pickled_error_keeps_all_its_contents(kind: type[AnchorError], protocol: int) -> None:
    error = make(kind)
    restored = pickle.loads(pickle.dumps(error, protocol))
    assert restored is not error
    assert contents(restored) == contents(error)
    assert restored.__notes__ == ["a note"]


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy])
@pytest.mark.parametrize("kind", KINDS)
def test_copied_error_keeps_all_its_contents(kind: type[AnchorError], duplicate: Any) -> None:
    error = make(kind)
    restored = duplicate(error)
    assert restored is not error
    assert contents(restored) == contents(error)
    assert restored.__notes__ == ["a note"]


@pytest.mark.parametrize("kind", KINDS)
def test_error_has_its_arguments_as_attributes(kind: type[AnchorError]) -> None:
    error = make(kind)
    assert error.task_id == "task-1"
    for name, value in ARGUMENTS[kind].items():
        assert getattr(error, "message" if name == "api_message" else name) == value


@pytest.mark.parametrize("kind", KINDS)
def test_error_with_a_task_id_says_what_to_do_about_the_task(kind: type[AnchorError]) -> None:
    advice = ADVICE.get(kind, "the task keeps running; tasks.get('task-1') finds it again")
    assert str(make(kind)) == f"what happened [{advice}]"


@pytest.mark.parametrize("kind", KINDS)
def test_error_without_a_task_id_says_only_what_happened(kind: type[AnchorError]) -> None:
    assert str(make(kind, task_id=None)) == "what happened"


@pytest.mark.parametrize("kind", KINDS)
def test_task_id_that_is_set_later_appears_in_the_error(kind: type[AnchorError]) -> None:
    error = make(kind, task_id=None)
    error.task_id = "task-2"
    assert "'task-2'" in str(error)
    assert "'task-2'" in str(pickle.loads(pickle.dumps(error)))


def test_error_of_a_session_says_its_id_and_keeps_it_in_copies() -> None:
    error = SessionError("what happened", session_id="s-1")
    assert str(error) == "what happened [browser session 's-1']"
    for copied in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert (copied.session_id, str(copied)) == ("s-1", str(error))
    other = TransportError("the connection was lost")
    other.session_id = "s-1"
    assert pickle.loads(pickle.dumps(other)).session_id == "s-1"
    assert issubclass(SessionNotEndedWarning, UserWarning)
