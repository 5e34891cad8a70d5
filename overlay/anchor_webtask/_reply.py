"""From an answer to what it says: what the generated parsers return, or raise, made into a reply or a failure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from anchor_webtask import _spec
from anchor_webtask._errors import UnexpectedResponseError
from anchor_webtask._guard import request_id
from anchor_webtask._outcome import Completed, Failed, Failure, Fault, Reply, Running
from anchor_webtask._request import task_id_problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchor_webtask._answer import Answer
    from anchor_webtask._secrets import Redactor

LONGEST_REASON: Final = 100_000

_ID_NAMES: Final = ("workflow_id", "workflowId")
"""What the API has called the id in an answer to a start; upstream's document of 2026-01-08 had the latter."""

_STATUSES: Final = frozenset({"running", "completed", "failed"})

# What the generated parsers raise on JSON of the wrong shape, and the JSON reader on what is none.
_PARSE_ERRORS: Final = (KeyError, TypeError, ValueError, AttributeError, RecursionError)


def read_start(answer: Answer | Failure, redact: Redactor) -> Reply | Failure:
    """Read the answer to a start: the result itself, or the id of a task that runs."""
    if isinstance(answer, Failure):
        return answer
    reply = _start_reply(answer, redact)
    if isinstance(reply, Failure):
        head = answer.response
        return reply._replace(status=head.status_code, request_id=request_id(head, redact))
    return reply


def _start_reply(answer: Answer, redact: Redactor) -> Reply | Failure:
    from anchor_webtask_api.models.perform_web_task_async_response_data import PerformWebTaskAsyncResponseData
    from anchor_webtask_api.models.perform_web_task_response_schema import PerformWebTaskResponseSchema
    from anchor_webtask_api.models.perform_web_task_sync_response_data import PerformWebTaskSyncResponseData

    match _parsed(_spec.parse_start, answer):
        case PerformWebTaskResponseSchema(data=PerformWebTaskSyncResponseData(result=result) as data):
            # The generated parser takes any data with a result for this, also one that is null beside a task's id.
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


def read_status(answer: Answer | Failure, redact: Redactor) -> Reply | Failure:
    """Read the answer to a status check. The API mixes cases, so they count alike."""
    if isinstance(answer, Failure):
        return answer
    from anchor_webtask_api.models.perform_web_task_status_data import PerformWebTaskStatusData
    from anchor_webtask_api.models.perform_web_task_status_response_schema import PerformWebTaskStatusResponseSchema

    match _parsed(_spec.parse_status, answer):
        case PerformWebTaskStatusResponseSchema(data=PerformWebTaskStatusData() as data):
            pass
        case Failure() as failure:
            return failure
        case _:
            return _unreadable("it has no task state")
    status = _text(data.status, redact)
    # What was said decides, not what may be shown of it: a secret value may be a part of the word.
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
    """Return a failed task's reason: its text, or its JSON."""
    if error is None:
        return None
    text = error if isinstance(error, str) else json.dumps(error, ensure_ascii=False)
    return redact(text) if len(text) <= LONGEST_REASON else f"{redact(text[:LONGEST_REASON])}…"


def _parsed(parse: Callable[[int, Any], object], answer: Answer) -> object:
    try:
        content = _with_both_names(json.loads(answer.content()))
        # The generated parsers call dict(), which makes an object of a list of pairs as well, and an answer of that.
        if isinstance(content, dict) and isinstance(content.get("data", {}), dict):
            return parse(answer.response.status_code, content)
    except _PARSE_ERRORS:
        pass
    return _unreadable("it is no JSON of the shape that the spec has")


def _with_both_names(content: Any) -> Any:
    """Let an answer have a task's id under each of its names: one that is lost by its name is paid for all the same."""
    data: Any = content.get("data") if isinstance(content, dict) else None
    found = [data[name] for name in _ID_NAMES if name in data] if isinstance(data, dict) else []
    return {**content, "data": {**dict.fromkeys(_ID_NAMES, found[0]), **data}} if found else content


def _unreadable(why: str) -> Failure:
    return Failure(Fault.UNREADABLE, UnexpectedResponseError(f"an answer that the spec doesn't know: {why}"))


def _text(value: object, redact: Redactor) -> str | None:
    """Return a status as it may be shown."""
    if not isinstance(value, str):
        return None
    return value if value.casefold() in _STATUSES else redact.quote(value)


def _given(value: Any) -> Any:
    """Return a field's value, None where the answer lacks it: the generated models have an object for that."""
    from anchor_webtask_api.types import Unset

    return None if isinstance(value, Unset) else value
