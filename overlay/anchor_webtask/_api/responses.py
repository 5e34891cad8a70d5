"""Reads responses: a reply (what the API says about a task), or a failure if the response does not fit the spec."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from anchor_webtask._api import generated
from anchor_webtask._api.requests import task_id_problem
from anchor_webtask._errors import UnexpectedResponseError
from anchor_webtask._http.failures import request_id
from anchor_webtask._polling.outcomes import Completed, Failed, Failure, Fault, Reply, Running

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchor_webtask._http.body import BoundedResponse
    from anchor_webtask._redaction.secrets import Redactor

MAX_REASON: Final = 100_000

_ID_NAMES: Final = ("workflow_id", "workflowId")
"""The API's names for a task's id in the response to a start; the API's document of 2026-01-08 uses the second name."""

_STATUSES: Final = frozenset({"running", "completed", "failed"})

# The generated parsers raise these errors for JSON of another shape; `json.loads` raises some of them, too.
_PARSE_ERRORS: Final = (KeyError, TypeError, ValueError, AttributeError, RecursionError)


def read_start(response: BoundedResponse | Failure, redact: Redactor) -> Reply | Failure:
    """Read the response to a start: the task's id, or its result."""
    if isinstance(response, Failure):
        return response
    reply = _start_reply(response, redact)
    if isinstance(reply, Failure):
        head = response.head
        return reply._replace(status=head.status_code, request_id=request_id(head, redact))
    return reply


def _start_reply(response: BoundedResponse, redact: Redactor) -> Reply | Failure:
    from anchor_webtask_api.models.perform_web_task_async_response_data import PerformWebTaskAsyncResponseData
    from anchor_webtask_api.models.perform_web_task_response_schema import PerformWebTaskResponseSchema
    from anchor_webtask_api.models.perform_web_task_sync_response_data import PerformWebTaskSyncResponseData

    match _parsed(generated.parse_start, response):
        case PerformWebTaskResponseSchema(data=PerformWebTaskSyncResponseData(result=result) as data):
            # The generated parser chooses this class for any data with a `result`, even a null `result` beside an id.
            task_id, status = (data.additional_properties.get(name) for name in (_ID_NAMES[0], "status"))
            if task_id_problem(task_id) is None:
                return Running(task_id, _text(status, redact))
            if isinstance(status, str) and status.casefold() == "failed":
                return Failed(_reason(data.additional_properties.get("error"), redact), _text(status, redact))
            return Completed(result)
        case PerformWebTaskResponseSchema(data=PerformWebTaskAsyncResponseData(workflow_id=task_id, status=status)):
            if problem := task_id_problem(task_id):
                return _unreadable(f"its workflow_id {problem}")
            return Running(task_id, _text(status, redact))
        case Failure() as failure:
            return failure
        case _:
            return _unreadable("it has neither a result nor a workflow_id")


def read_status(response: BoundedResponse | Failure, redact: Redactor) -> Reply | Failure:
    """Read the response to a status check; the API spells statuses in upper and lower case, so case is ignored."""
    if isinstance(response, Failure):
        return response
    from anchor_webtask_api.models.perform_web_task_status_data import PerformWebTaskStatusData
    from anchor_webtask_api.models.perform_web_task_status_response_schema import PerformWebTaskStatusResponseSchema

    match _parsed(generated.parse_status, response):
        case PerformWebTaskStatusResponseSchema(data=PerformWebTaskStatusData() as data):
            pass
        case Failure() as failure:
            return failure
        case _:
            return _unreadable("it has no task status")
    status = _text(data.status, redact)
    # The received status decides, not its redacted text: a secret value may be a part of the word.
    match data.status.casefold() if isinstance(data.status, str) else None:
        case "completed":
            return Completed(_given(data.result), status)
        case "failed":
            return Failed(_reason(_given(data.error), redact), status)
        case "running":
            return Running(raw_status=status)
        case _:
            return Running(raw_status=status, known=False)


def _reason(error: Any, redact: Redactor) -> str | None:
    """Return the reason why a task failed, without secrets; a reason that is not text is written as JSON."""
    if error is None:
        return None
    text = error if isinstance(error, str) else json.dumps(error, ensure_ascii=False)
    return redact(text) if len(text) <= MAX_REASON else f"{redact(text[:MAX_REASON])}…"


def _parsed(parse: Callable[[int, Any], object], response: BoundedResponse) -> object:
    try:
        content = _with_both_id_names(json.loads(response.content()))
        # The generated parsers call dict(), which would also accept a list of pairs and turn it into an answer.
        if isinstance(content, dict) and isinstance(content.get("data", {}), dict):
            return parse(response.head.status_code, content)
    except _PARSE_ERRORS:
        pass
    return _unreadable("it is not JSON of the shape that the spec describes")


def _with_both_id_names(content: Any) -> Any:
    """Return the content with the task's id under both names, so that no paid task is lost because of a name."""
    data: Any = content.get("data") if isinstance(content, dict) else None
    found = [data[name] for name in _ID_NAMES if name in data] if isinstance(data, dict) else []
    return {**content, "data": {**dict.fromkeys(_ID_NAMES, found[0]), **data}} if found else content


def _unreadable(why: str) -> Failure:
    return Failure(Fault.UNREADABLE, UnexpectedResponseError(f"the response is not what the spec describes: {why}"))


def _text(value: object, redact: Redactor) -> str | None:
    """Return a status without secrets; None if it is not text."""
    if not isinstance(value, str):
        return None
    return value if value.casefold() in _STATUSES else redact.quote(value)


def _given(value: Any) -> Any:
    """Return a field's value; None instead of `UNSET`, by which the generated code marks a field that is missing."""
    from anchor_webtask_api.types import Unset

    return None if isinstance(value, Unset) else value
