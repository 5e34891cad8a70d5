"""The emulator: tasks over time, without I/O. `transport` and `serve` are its doors."""

from __future__ import annotations

import json
import threading
import uuid
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

import attrs

from anchor_webtask import _clock
from anchor_webtask._version import __version__
from anchor_webtask.emulator._answers import NoAnswerError, make_answer
from anchor_webtask.emulator._extra import needs_extra
from anchor_webtask.emulator._http import Reply, error_reply, json_reply
from anchor_webtask.emulator._scenarios import NO_BODY, Answer, Fault, Scenario, as_faults, as_json, seconds
from anchor_webtask.emulator._validation import InvalidRequestError, id_name, operations

if TYPE_CHECKING:
    from collections.abc import Iterable
    from contextlib import AbstractContextManager

    import httpx

    from anchor_webtask._clock import Clock
    from anchor_webtask.emulator._http import EmulatorServer, Request

START = "perform_web_task"
CHECK = "get_perform_web_task_status"
KEY_HEADER = "anchor-api-key"
TEXT_ANSWER = "The emulator's answer."
WARNING_LENGTH = 1000  # clients limit the size of headers


class LoggedRequest(NamedTuple):
    """One request that the emulator received; the status is None if the connection was cut before an answer."""

    method: str
    path: str
    status: int | None


@attrs.frozen
class Task:
    """A task that runs until a time and then is in the state `end`."""

    ends_at: float
    end: dict[str, object]
    faults: deque[Fault]

    def state(self, now: float) -> dict[str, object]:
        """Return the data of a status check's answer."""
        return self.end if now >= self.ends_at else {"status": "RUNNING"}


class Emulator:
    """A stand-in for the web-task API, with scenarios to play.

    Requests are held against the composed spec, and answers have the shapes that the API documents for both operations.
    Every answer says in the header `x-emulator` where it comes from; what the spec doesn't know but the API may (a new
    field, agent or provider) is accepted, and named in the header `x-emulator-warning`.

    Tasks go on by the clock only: RUNNING for as long as they take, then COMPLETED or FAILED. A request that must be
    held (the one-request form, a late answer) is held by the door that it came through, by the clock's sleeps.

    Args:
        api_key: The one key that is accepted; by default any is.
        takes: Seconds that a task takes unless its scenario says otherwise.
        clock: Tells the time, and waits; by default the clock that clients have too.

    Raises:
        ValueError: The key is empty, or `takes` no number of seconds.
    """

    def __init__(
        self,
        api_key: str | None = None,
        *,
        takes: float = 2.0,
        clock: Clock | None = None,
    ) -> None:
        if api_key == "":
            raise ValueError("an empty api_key can't be sent; None accepts any key")
        self._api_key = api_key
        self._takes = seconds("takes", takes)
        self._clock = _clock.default if clock is None else clock
        self._operations = operations(START, CHECK)
        self._id_name = id_name()
        self._lock = threading.Lock()
        self._scenarios: list[Scenario] = []
        self._tasks: dict[str, Task] = {}
        self._requests: list[LoggedRequest] = []
        self._starts = 0
        self._otherwise = Scenario(takes=self._takes)

    def __repr__(self) -> str:
        return f"<Emulator: {len(self._scenarios)} scenarios, {self._starts} starts>"

    @property
    def starts(self) -> int:
        """How many tasks were made, those of the one-request form and those whose answer was lost included."""
        return self._starts

    @property
    def start_requests(self) -> int:
        """How many requests for a start came in, also those that were refused or came to nothing by a fault."""
        start = self._operations[START]
        return sum(start.is_for(request.method, request.path) for request in self.requests)

    @property
    def requests(self) -> tuple[LoggedRequest, ...]:
        """Every request in order: method, path and status, without query, headers and body."""
        with self._lock:
            return tuple(self._requests)

    def on(
        self,
        *,
        prompt: str | None = None,
        url: str | None = None,
        takes: float | None = None,
        answer: object = Answer.MADE_UP,
        fails: object = None,
        faults: Iterable[int | Fault] = (),
        start_faults: Iterable[int | Fault] = (),
    ) -> None:
        """Say what becomes of the tasks whose prompt and URL match; the latest scenario that matches counts.

        A fault that is a plain integer is an answer with that status and the API's error body.

        Args:
            prompt: A shell-style pattern (`fnmatch.fnmatchcase`) for the whole prompt; by default any.
            url: The same for the URL; a task without URL matches only without a pattern.
            takes: Seconds that the task takes, `math.inf` for ever; by default the emulator's `takes`.
            answer: The answer, any JSON, which needn't fit `output_schema`: the API doesn't promise that either. A
                callable is called once at the start with the request's JSON body and returns the answer. By default the
                answer is made up to fit `output_schema`.
            fails: The reason, any JSON, for which the task ends FAILED; the one-request form answers it with a 500.
            faults: What happens to the status checks of each task, one fault a check, in order; then all is well.
            start_faults: What happens to the starts that match, one fault a start, in order; then all is well.

        Raises:
            ValueError: An argument is out of range, isn't JSON, or contradicts another.
        """
        if not all(pattern is None or isinstance(pattern, str) for pattern in (prompt, url)):
            raise ValueError("prompt and url are patterns, and must be text")
        if answer is not Answer.MADE_UP and fails is not None:
            raise ValueError("a task either answers or fails: give answer or fails")
        check_faults = as_faults(faults)
        if any(fault.accepted for fault in check_faults):
            raise ValueError("accepted is about starts: give the fault in start_faults")
        scenario = Scenario(
            prompt=prompt,
            url=url,
            takes=self._takes if takes is None else seconds("takes", takes),
            answer=answer if answer is Answer.MADE_UP or callable(answer) else as_json("answer", answer),
            fails=as_json("fails", fails),
            faults=check_faults,
            start_faults=deque(as_faults(start_faults)),
        )
        with self._lock:
            self._scenarios.insert(0, scenario)

    def transport(self) -> httpx.MockTransport:
        """Return a transport for `httpx.Client` and `httpx.AsyncClient`; many clients may share it."""
        from anchor_webtask.emulator._mock import EmulatorTransport

        return EmulatorTransport(self._handle, self._clock)

    def serve(self) -> AbstractContextManager[EmulatorServer]:
        """Serve on a free port of 127.0.0.1 until the context is left; requests that are held then are cut off.

        Raises:
            ImportError: Starlette or uvicorn are missing.
        """
        with needs_extra():
            from anchor_webtask.emulator._server import serve

        return serve(self._handle, self._clock)

    def _handle(self, request: Request) -> Reply:
        """Return the reply to a request; the doors call this, and do the waiting and the cutting."""
        reply = self._reply(request)
        status = None if reply.cut is True else reply.status
        with self._lock:
            self._requests.append(LoggedRequest(request.method, request.path, status))
        headers = {**reply.headers, "x-emulator": f"anchor-webtask/{__version__}"}
        if reply.status not in NO_BODY:
            headers["content-length"] = str(len(reply.body))
        return attrs.evolve(reply, headers=headers)

    def _reply(self, request: Request) -> Reply:
        for play, operation in ((self._start, self._operations[START]), (self._check, self._operations[CHECK])):
            arguments = operation.path_arguments(request.path)
            if arguments is None:
                continue
            if request.method != operation.method:
                allowed = {"allow": operation.method}
                return error_reply(405, f"this path takes {operation.method} only", headers=allowed)
            key = request.headers.get(KEY_HEADER)
            if not key:
                return error_reply(401, f"the header {KEY_HEADER} is missing")
            if self._api_key not in (None, key):
                return error_reply(401, "the API key is not the one that the emulator was given")
            try:
                return play(request, *arguments)
            except InvalidRequestError as error:
                return error_reply(400, str(error))
        return error_reply(404, "the emulator has no such path")

    def _start(self, request: Request) -> Reply:
        operation = self._operations[START]
        warnings = operation.check_query(request)
        body, more_warnings = operation.check_body(request)
        with self._lock:
            scenario = next((each for each in self._scenarios if each.matches(body)), self._otherwise)
            fault = scenario.start_faults.popleft() if scenario.start_faults else None
        if fault and fault.hides_answer and not fault.accepted:
            return fault.apply(json_reply(200, {}))
        reply = self._make_task(body, scenario, warnings + more_warnings)
        return fault.apply(reply) if fault else reply

    def _make_task(self, body: dict[str, Any], scenario: Scenario, warnings: list[str]) -> Reply:
        end = _end(body, scenario)
        task = Task(self._clock.now() + scenario.takes, end, deque(scenario.faults))
        task_id = f"perform-web-task-execution-{uuid.uuid4()}-{uuid.uuid4()}"
        with self._lock:
            self._starts += 1
            self._tasks[task_id] = task
        if body.get("async"):
            reply = json_reply(200, {"data": {"status": "running", self._id_name: task_id}})
        elif end["status"] == "COMPLETED":
            reply = json_reply(200, {"data": {"result": end["result"]}}, hold=scenario.takes)
        else:
            reply = error_reply(500, _text(end["error"]), hold=scenario.takes)
        return _warned(reply, warnings)

    def _check(self, request: Request, task_id: str) -> Reply:
        warnings = self._operations[CHECK].check_query(request)
        with self._lock:
            task = self._tasks.get(task_id)
            fault = task.faults.popleft() if task and task.faults else None
        if task is None:
            return error_reply(404, "there is no such task")
        reply = _warned(json_reply(200, {"data": task.state(self._clock.now())}), warnings)
        return fault.apply(reply) if fault else reply


def _end(body: dict[str, Any], scenario: Scenario) -> dict[str, object]:
    """Return the state that the task will end in."""
    try:
        if scenario.fails is not None:
            return {"status": "FAILED", "error": scenario.fails}
        if callable(scenario.answer):
            answer = as_json("the scenario's answer", scenario.answer(body))
        elif scenario.answer is not Answer.MADE_UP:
            answer = scenario.answer
        else:
            answer = make_answer(body["output_schema"]) if "output_schema" in body else TEXT_ANSWER
    except NoAnswerError as error:
        return {"status": "FAILED", "error": str(error)}
    except Exception as error:  # noqa: BLE001 — a callable may raise anything; the text may hold what it was given
        return {"status": "FAILED", "error": f"the scenario's callable gave no JSON: {type(error).__name__}"}
    return {"status": "COMPLETED", "result": answer}


def _text(reason: object) -> str:
    return reason if isinstance(reason, str) else json.dumps(reason)


def _warned(reply: Reply, warnings: list[str]) -> Reply:
    if not warnings:
        return reply
    text = json.dumps("; ".join(warnings))[1:-1]  # as a header has to be: printable ASCII
    return attrs.evolve(reply, headers={**reply.headers, "x-emulator-warning": text[:WARNING_LENGTH]})
