"""Reads responses: a reply (what the API says about a task), or a failure if the response does not fit the spec."""

from __future__ import annotations

import functools
import json
import re
from typing import TYPE_CHECKING, Any, Final

from anchor_webtask import _importing
from anchor_webtask._api import generated
from anchor_webtask._api.requests import task_id_problem
from anchor_webtask._errors import UnexpectedResponseError
from anchor_webtask._http.body import unzipped
from anchor_webtask._http.failures import request_id
from anchor_webtask._output.embedded_json import STRICT, exact
from anchor_webtask._polling.outcomes import Completed, Failed, Failure, Fault, Reply, Running, Source
from anchor_webtask._signals import reraise_from_handler

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from anchor_webtask._http.body import BoundedResponse
    from anchor_webtask._redaction.secrets import Redactor

MAX_REASON: Final = 100_000

_ID_NAMES: Final = ("workflow_id", "workflowId")
"""The API's names for a task's id in the response to a start; the API's document of 2026-01-08 uses the second name."""

_ENDED_STATUSES: Final = frozenset({"aborted", "canceled", "cancelled", "expired", "terminated", "timed_out"})
"""Statuses with which a workflow ends without an answer; the service runs on workflows that can end so."""

_COMPLETED: Final = frozenset({"completed", "success"})
"""The statuses of a task with an answer; versions of the API without `data` around a response use the second one."""

_STATUSES: Final = frozenset({"running", "failed", *_COMPLETED, *_ENDED_STATUSES})

_LARGE: Final = 16_384
"""From this size in bytes, msgspec reads JSON: it is so much faster that its import pays."""

_LENIENT: Final = json.JSONDecoder(strict=False)
_ID_FIELD: Final = (
    r'"workflow(?:_id|Id)"\s*+:\s*+"([^"\\]{1,300}+)"'  # compiled on first use: most programs never need it
)
_MAX_PLACES: Final = 8
"""In a body that is not JSON, at most this many places are tried at which JSON may begin."""

# The generated parsers raise these errors for JSON of another shape; `json.loads` raises some of them, too.
_PARSE_ERRORS: Final = (KeyError, TypeError, ValueError, AttributeError, RecursionError)


def read_start(response: BoundedResponse | Failure, redact: Redactor) -> Reply | Failure:
    """Read the response to a start: the task's id, or its result.

    An id that has arrived is never lost: it is found whatever the status, the framing or another field's encoding.
    """
    if isinstance(response, Failure):
        task_id, status = arrived_id(response.bodies())
        if task_id is None:
            return response
        if 200 <= (response.status or 0) < 300:
            return Running(redact.task_id(task_id), _text(status, redact), retry_after=response.retry_after)
        return response._replace(task_id=redact.task_id(task_id))
    content, is_finite = read_json(response)
    task_id, status = _named_id(content) if isinstance(content, dict) else arrived_id(response.bodies())
    if task_id is not None:
        return Running(redact.task_id(task_id), _text(status, redact), retry_after=response.retry_after)
    reply = _start_reply(content, redact)
    if isinstance(reply, Completed):
        reply.source = _source(response, is_finite=is_finite)
    if isinstance(reply, Failure):
        return reply._replace(status=response.head.status_code, request_id=request_id(response.head, redact))
    return reply


def arrived_id(bodies: Iterable[bytes]) -> tuple[str | None, object]:
    """Return the id of a task and its status, from the first body that has an id; else None."""
    for body in bodies:
        for reading in (body, *unzipped(body)):
            for encoding in dict.fromkeys(("utf-8", json.detect_encoding(reading))):
                task_id, status = _id_in(reading.decode(encoding, "replace"))
                if task_id is not None:
                    return task_id, status
    return None, None


def _id_in(text: str) -> tuple[str | None, object]:
    """Return the id of a task and its status from a text: from its JSON, or else from the JSON objects in it.

    Where no complete object begins, the next one is looked for at the beginning of a line: an object inside an
    incomplete one may say anything. If there is no complete object with an id, the id's field alone is enough, since a
    task whose id is lost may be started and paid for twice.
    """
    try:
        return _named_id(_LENIENT.decode(text.lstrip("\ufeff")))
    except (ValueError, RecursionError) as error:
        reraise_from_handler(error)
    at = text.find("{")
    incomplete = max(at, 0)  # without a brace, the beginning of the body is missing
    for _ in range(_MAX_PLACES):
        if at < 0:
            break
        try:
            content, end = _LENIENT.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            reraise_from_handler(error)
            at = text.find("\n{", at) + 1 or -1
            continue
        task_id, status = _named_id(content)
        if task_id is not None:
            return task_id, status
        at = incomplete = text.find("{", end)
    field = re.compile(_ID_FIELD).search(text, incomplete) if incomplete >= 0 else None
    return (field[1], None) if field is not None and task_id_problem(field[1]) is None else (None, None)


def _named_id(content: Any) -> tuple[str | None, object]:
    """Return the id of a task and its status, from the places where JSON of the API may have them; else None."""
    places: list[Any] = [content.get("data"), content] if isinstance(content, dict) else []
    for fields in places:
        for value in map(fields.get, _ID_NAMES) if isinstance(fields, dict) else ():
            task_id = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
            if isinstance(task_id, str) and task_id_problem(task_id) is None:
                return task_id, fields.get("status")
    return None, None


def _start_reply(content: Any, redact: Redactor) -> Reply | Failure:
    models = generated.start_models()
    match _parsed(generated.parse_start, content):
        case models.PerformWebTaskResponseSchema(data=models.PerformWebTaskSyncResponseData(result=result) as data):
            fields = data.additional_properties
            return _ended(fields.get("status"), fields.get("error"), redact) or Completed(result)
        case models.PerformWebTaskResponseSchema(data=models.PerformWebTaskAsyncResponseData(workflow_id=task_id)):
            return _unreadable(f"its workflow_id {task_id_problem(task_id)}")
        case Failure() as failure:
            return failure
        case _:
            return _unreadable("it has neither a result nor a workflow_id")


def read_status(response: BoundedResponse | Failure, redact: Redactor) -> Reply | Failure:
    """Read the response to a status check; the API spells statuses in upper and lower case, so case is ignored."""
    if isinstance(response, Failure):
        return response
    reply = _status_reply(response, redact)
    return reply._replace(retry_after=response.retry_after) if isinstance(reply, Failure) else reply


def _status_reply(response: BoundedResponse, redact: Redactor) -> Reply | Failure:
    models = generated.check_models()
    content, is_finite = read_json(response)
    match _parsed(generated.parse_status, content):
        case models.PerformWebTaskStatusResponseSchema(data=models.PerformWebTaskStatusData() as data):
            pass
        case Failure() as failure:
            return failure
        case _:
            return _unreadable("it has no task status")
    status = _text(data.status, redact)
    # The received status decides, not its redacted text: a secret value may be a part of the word.
    match data.status.casefold() if isinstance(data.status, str) else None:
        case word if word in _COMPLETED:
            return Completed(_given(data.result), status, _source(response, is_finite=is_finite))
        case "running":
            return Running(raw_status=status, retry_after=response.retry_after)
        case _:
            running = Running(raw_status=status, known=False, retry_after=response.retry_after)
            return _ended(data.status, _given(data.error), redact) or running


def _ended(status: object, error: Any, redact: Redactor) -> Failed | None:
    """Return the failure that a status reports; None if it reports none."""
    if not isinstance(status, str) or status.casefold() not in {"failed", *_ENDED_STATUSES}:
        return None
    reason = _reason(error, redact)
    if status.casefold() in _ENDED_STATUSES:
        reason = status if reason is None else f"{status}: {reason}"
    return Failed(reason, _text(status, redact))


def _reason(error: Any, redact: Redactor) -> str | None:
    """Return the reason why a task failed, without secrets; a reason that is not text is written as JSON."""
    if error is None:
        return None
    text = error if isinstance(error, str) else json.dumps(error, ensure_ascii=False)
    return redact(text) if len(text) <= MAX_REASON else f"{redact(text[:MAX_REASON])}…"


def read_json(response: BoundedResponse) -> tuple[Any, bool]:
    """Return the JSON of a response, None if it has none; and whether all numbers in it are finite."""
    body = response.content()
    if len(body) >= _LARGE:
        try:
            with _importing.lock:
                import msgspec
        except (ImportError, OSError) as error:  # such as if too many files are open, and the task has been paid for
            reraise_from_handler(error)
        else:
            try:
                return msgspec.json.decode(body), True
            except (msgspec.DecodeError, RecursionError):
                pass  # it also refuses lone surrogates, which the spec's JSON may have
    try:
        return STRICT.decode(_decoded(body)), True
    except (ValueError, RecursionError) as error:
        reraise_from_handler(error)
    try:
        return json.loads(body), False
    except (ValueError, RecursionError) as error:
        reraise_from_handler(error)
        return None, True


def _decoded(body: bytes) -> str:
    """Return the text of a body, as `json.loads` reads it."""
    return body.decode(json.detect_encoding(body), "surrogatepass")


def _source(response: BoundedResponse, *, is_finite: bool) -> Source:
    return Source(is_finite, functools.partial(_exact_answer, response.content()))


def _exact_answer(body: bytes) -> Any:
    """Return the answer in a body, which the spec has in the same place of the response to a start and to a check."""
    return _with_data(exact().decode(_decoded(body)))["data"]["result"]


def _with_data(content: Any) -> Any:
    """Return the content of a response as the spec has it: what is known of the task is in `data`.

    Some versions of the API have the same fields without `data` around them. But the error page of a proxy may have a
    `status` too. So content without `data` is taken as the data only if its status is a word of the API, and if a task
    that has ended also has what it ended with: a `result` or an `error`.
    """
    if not isinstance(content, dict) or "data" in content or not isinstance(content.get("status"), str):
        return content
    word = content["status"].casefold()
    end = "result" if word in _COMPLETED else "error"
    is_of_task = word == "running" or (word in _STATUSES and end in content)
    return {"data": content} if is_of_task else content


def _parsed(parse: Callable[[int, Any], object], content: Any) -> object:
    content = _with_data(content)
    # The generated parsers call dict(), which would also accept a list of pairs and make an answer of it.
    if isinstance(content, dict) and isinstance(content.get("data", {}), dict):
        try:
            # The spec has 200 only, but a proxy or a later version of the API may respond with another 2xx status.
            return parse(200, content)
        except _PARSE_ERRORS as error:
            reraise_from_handler(error)
    return _unreadable("it is not JSON of the shape that the spec describes")


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
