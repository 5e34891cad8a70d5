"""How responses are worded. The API's documents contradict each other about that; each other reading is a dialect."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from anchor_webtask.emulator._http_messages import Response, json_response

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

TASK_DIALECTS: Final[Mapping[str, str]] = {
    "nested-result": "an answer is nested once more: data.result.result",
    "text-result": "an answer that is not text is sent as the text of its JSON",
    "lower-case-status": "a check says running, completed and failed",
    "upper-case-status": "a start says RUNNING",
    "top-level": "there is no data around a response, and a task that has completed has the status success",
    "flat-errors": "an error is a text, not an object with a code and a message",
}
SESSION_DIALECTS: Final[Mapping[str, str]] = {
    "session-ids": "a creation says session_id, and all other responses about a session say id",
    "list-tags": "the tags of one session are a list, not an object",
    "untagged-lists": "a list of sessions has all of them, whatever tags were asked for",
    "used-credits": "the credits of a session are the text used_credits, which is N/A while it runs",
    "counted-steps": "the steps of a session are their number, not a list",
    "question-items": "questions are in items, not in requests",
    "single-question": "there is only the first question, without a list around it",
    "numeric-durations": "the duration of a recording is a number, not a text",
    "relative-links": "a file_link has only a path",
    "long-sessions": "a session lasts 180 minutes unless its creation says otherwise, not 20",
    "idle-tasks": "a running task is no connection: its session ends when the idle time has passed",
    "session-end-cancels": "a task whose session has ended is CANCELED, not FAILED",
    "session-end-is-ignored": "a task whose session has ended stays RUNNING forever",
}
DIALECTS: Final[Mapping[str, str]] = {**TASK_DIALECTS, **SESSION_DIALECTS}
"""The dialects, and what each changes against the composed spec."""


class Wording:
    """Words responses by the spec, or by dialects.

    Args:
        dialects: Names of `DIALECTS`.

    Raises:
        ValueError: A name is unknown.
    """

    def __init__(self, dialects: Collection[str]) -> None:
        if isinstance(dialects, str):
            raise ValueError(f"dialects must be a list, such as [{dialects!r}]")  # noqa: TRY004  as all invalid arguments
        for name in dialects:
            if name not in DIALECTS:
                raise ValueError(f"there is no dialect {name!r}; choose from {', '.join(DIALECTS)}")
        self._dialects = frozenset(dialects)

    def started(self, id_field: str, task_id: str) -> Response:
        """Return the response to an asynchronous start."""
        status = "RUNNING" if "upper-case-status" in self._dialects else "running"
        return self.data({"status": status, id_field: task_id})

    def answered(self, answer: object) -> Response:
        """Return the response to a one-request start whose task has completed."""
        status = {"status": "success", "steps": []} if "top-level" in self._dialects else {}
        return self.data({**status, "result": self._result(answer)})

    def checked(self, state: Mapping[str, Any]) -> Response:
        """Return the response to a check, given the task's state in the spec's words."""
        state = dict(state)
        if "result" in state:
            state["result"] = self._result(state["result"])
        if "top-level" in self._dialects and state["status"] == "COMPLETED":
            state["status"] = "success"
        if "lower-case-status" in self._dialects:
            state["status"] = state["status"].lower()
        return self.data(state)

    def error(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
        """Return a response with the API's error body, which the spec calls `ErrorResponse`."""
        nested = {"code": status, "message": message}
        return json_response(status, {"error": message if "flat-errors" in self._dialects else nested}, headers=headers)

    def has(self, dialect: str) -> bool:
        """Whether responses follow this dialect."""
        return dialect in self._dialects

    def data(self, data: Any) -> Response:
        """Return a successful response."""
        return json_response(200, data if "top-level" in self._dialects else {"data": data})

    def _result(self, answer: object) -> object:
        if "text-result" in self._dialects and not isinstance(answer, str):
            answer = json.dumps(answer)
        return {"result": answer} if "nested-result" in self._dialects else answer
