"""The `Emulator` class: starts tasks, ends them when their time has passed, and responds to requests, without I/O."""

from __future__ import annotations

import json
import threading
import uuid
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

import attrs

from anchor_webtask import _clock
from anchor_webtask._version import __version__
from anchor_webtask.emulator._http_messages import Response, error_response, json_response
from anchor_webtask.emulator._optional_dependencies import explain_missing_library
from anchor_webtask.emulator._request_validation import InvalidRequestError, operations, task_id_field
from anchor_webtask.emulator._scenarios import (
    STATUSES_WITHOUT_BODY,
    Answer,
    Fault,
    Scenario,
    as_faults,
    as_json,
    seconds,
)
from anchor_webtask.emulator._synthetic_answers import NoAnswerError, make_answer

if TYPE_CHECKING:
    from collections.abc import Iterable
    from contextlib import AbstractContextManager

    import httpx

    from anchor_webtask._clock import Clock
    from anchor_webtask.emulator._http_messages import EmulatorServer, Request

START = "perform_web_task"
CHECK = "get_perform_web_task_status"
KEY_HEADER = "anchor-api-key"
TEXT_ANSWER = "The emulator's answer."
MAX_WARNING_LENGTH = 1000  # HTTP clients limit the size of a response's headers


class LoggedRequest(NamedTuple):
    """A request that the emulator received; `status` is None if the connection was cut before the response was sent."""

    method: str
    path: str
    status: int | None


@attrs.frozen
class Task:
    """A task, which runs until `ends_at` on the emulator's clock, and then has its final state."""

    ends_at: float
    final_state: dict[str, object]
    faults: deque[Fault]

    def state(self, now: float) -> dict[str, object]:
        """Return the task's state at this time, as the field `data` of the response to a status check."""
        return self.final_state if now >= self.ends_at else {"status": "RUNNING"}


class Emulator:
    """A local stand-in for the web-task API, which plays scenarios.

    The emulator validates requests against the composed spec, and its responses have the shapes that the API documents.
    The header `x-emulator` marks every response as the emulator's. A field, agent or provider that is not in the spec
    is accepted, because the API may support it already; the header `x-emulator-warning` names it.

    Time passes only on the clock: a task is RUNNING for the seconds that it takes, then COMPLETED or FAILED. The
    response to a one-request start (a start without `"async": true`) is sent when the task has ended, and a fault can
    delay any response. To wait until the response is due, the transport or the server calls the clock's `sleep`.

    Args:
        api_key: The only key that is accepted; by default, every key is accepted.
        takes: Seconds that a task takes, unless its scenario gives another number.
        clock: Gives the time, and sleeps; by default, the clock that new clients use.

    Raises:
        ValueError: `api_key` is empty, or `takes` is not a valid number of seconds.
    """

    def __init__(
        self,
        api_key: str | None = None,
        *,
        takes: float = 2.0,
        clock: Clock | None = None,
    ) -> None:
        if api_key == "":
            raise ValueError("api_key must not be empty; leave it out to accept every key")
        self._api_key = api_key
        self._takes = seconds("takes", takes)
        self._clock = _clock.default if clock is None else clock
        self._operations = operations(START, CHECK)
        self._task_id_field = task_id_field()
        self._lock = threading.Lock()
        self._scenarios: list[Scenario] = []
        self._tasks: dict[str, Task] = {}
        self._requests: list[LoggedRequest] = []
        self._starts = 0
        self._default_scenario = Scenario(takes=self._takes)

    def __repr__(self) -> str:
        return f"<Emulator: {len(self._scenarios)} scenarios, {self._starts} starts>"

    @property
    def starts(self) -> int:
        """How many tasks were started, including one-request starts and starts whose response was lost."""
        return self._starts

    @property
    def start_requests(self) -> int:
        """How many start requests were received, including those that were refused or failed because of a fault."""
        start = self._operations[START]
        return sum(start.is_for(request.method, request.path) for request in self.requests)

    @property
    def requests(self) -> tuple[LoggedRequest, ...]:
        """All requests in order: method, path and status. Query, headers and body may hold secrets and are left out."""
        with self._lock:
            return tuple(self._requests)

    def on(
        self,
        *,
        prompt: str | None = None,
        url: str | None = None,
        takes: float | None = None,
        answer: object = Answer.SYNTHETIC,
        fails: object = None,
        faults: Iterable[int | Fault] = (),
        start_faults: Iterable[int | Fault] = (),
    ) -> None:
        """Add a scenario: what happens to the tasks whose prompt and URL match.

        If several scenarios match a task, the one that was added last applies. In a list of faults, an integer `n`
        means `Fault(n)`.

        Args:
            prompt: A shell-style pattern (`fnmatch.fnmatchcase`) for the complete prompt; by default, every prompt
                matches.
            url: A pattern of the same kind for the URL. A task without a URL matches only if `url` is not given.
            takes: Seconds that the task takes, `math.inf` for a task that never ends; by default, the emulator's
                `takes`.
            answer: The agent's answer, any JSON. It need not fit `output_schema`, since the API does not promise that.
                A callable is called once, at the start, with the JSON body of the request, and returns the answer. By
                default, the answer is synthetic and fits `output_schema`.
            fails: The reason of the failure, any JSON: with this argument, the task ends as FAILED. A one-request start
                then gets a response with status 500.
            faults: Faults for the status checks of each task, in order, one for each check. Once all are used, checks
                get normal responses.
            start_faults: Faults for the starts that match, in order, one for each start. Once all are used, starts get
                normal responses.

        Raises:
            ValueError: An argument is out of range, is not JSON, or contradicts another argument.
        """
        for name, pattern in (("prompt", prompt), ("url", url)):
            if not (pattern is None or isinstance(pattern, str)):
                raise ValueError(f"{name} must be a shell-style pattern (str), not {type(pattern).__name__}")
        if answer is not Answer.SYNTHETIC and fails is not None:
            raise ValueError("a task either returns an answer or fails: pass answer or fails, not both")
        check_faults = as_faults(faults)
        if any(fault.accepted for fault in check_faults):
            raise ValueError("a fault with accepted=True is for starts only: pass it in start_faults, not in faults")
        scenario = Scenario(
            prompt=prompt,
            url=url,
            takes=self._takes if takes is None else seconds("takes", takes),
            answer=answer if answer is Answer.SYNTHETIC or callable(answer) else as_json("answer", answer),
            fails=as_json("fails", fails),
            faults=check_faults,
            start_faults=deque(as_faults(start_faults)),
        )
        with self._lock:
            self._scenarios.insert(0, scenario)

    def transport(self) -> httpx.MockTransport:
        """Return a transport for `httpx.Client` and `httpx.AsyncClient`; several clients may share it."""
        from anchor_webtask.emulator._transport import EmulatorTransport

        return EmulatorTransport(self._handle, self._clock)

    def serve(self) -> AbstractContextManager[EmulatorServer]:
        """Serve HTTP on a free port of 127.0.0.1 until the context exits.

        On exit, requests that the server still holds open are cut off.

        Raises:
            ImportError: Starlette or uvicorn is not installed.
        """
        with explain_missing_library():
            from anchor_webtask.emulator._server import serve

        return serve(self._handle, self._clock)

    def _handle(self, request: Request) -> Response:
        """Return the response to a request; the transport or server must obey the `hold` and `cut` of the response."""
        response = self._respond(request)
        status = None if response.cut is True else response.status
        with self._lock:
            self._requests.append(LoggedRequest(request.method, request.path, status))
        headers = {**response.headers, "x-emulator": f"anchor-webtask/{__version__}"}
        if response.status not in STATUSES_WITHOUT_BODY:
            headers["content-length"] = str(len(response.body))
        return attrs.evolve(response, headers=headers)

    def _respond(self, request: Request) -> Response:
        for respond, operation in ((self._start, self._operations[START]), (self._check, self._operations[CHECK])):
            arguments = operation.path_arguments(request.path)
            if arguments is None:
                continue
            if request.method != operation.method:
                allowed = {"allow": operation.method}
                return error_response(405, f"this path accepts only {operation.method}", headers=allowed)
            key = request.headers.get(KEY_HEADER)
            if not key:
                return error_response(401, f"the header {KEY_HEADER} is missing or empty")
            if self._api_key not in (None, key):
                return error_response(401, "the API key differs from the api_key that the emulator was created with")
            try:
                return respond(request, *arguments)
            except InvalidRequestError as error:
                return error_response(400, str(error))
        return error_response(404, "the emulator does not implement this path")

    def _start(self, request: Request) -> Response:
        operation = self._operations[START]
        warnings = operation.check_query(request)
        body, more_warnings = operation.check_body(request)
        with self._lock:
            scenario = next((each for each in self._scenarios if each.matches(body)), self._default_scenario)
            fault = scenario.start_faults.popleft() if scenario.start_faults else None
        if fault and fault.hides_answer and not fault.accepted:
            return fault.apply(json_response(200, {}))
        response = self._start_task(body, scenario, warnings + more_warnings)
        return fault.apply(response) if fault else response

    def _start_task(self, body: dict[str, Any], scenario: Scenario, warnings: list[str]) -> Response:
        final_state = _final_state(body, scenario)
        task = Task(self._clock.now() + scenario.takes, final_state, deque(scenario.faults))
        task_id = f"perform-web-task-execution-{uuid.uuid4()}-{uuid.uuid4()}"
        with self._lock:
            self._starts += 1
            self._tasks[task_id] = task
        if body.get("async"):
            response = json_response(200, {"data": {"status": "running", self._task_id_field: task_id}})
        elif final_state["status"] == "COMPLETED":
            response = json_response(200, {"data": {"result": final_state["result"]}}, hold=scenario.takes)
        else:
            response = error_response(500, _reason_text(final_state["error"]), hold=scenario.takes)
        return _with_warnings(response, warnings)

    def _check(self, request: Request, task_id: str) -> Response:
        warnings = self._operations[CHECK].check_query(request)
        with self._lock:
            task = self._tasks.get(task_id)
            fault = task.faults.popleft() if task and task.faults else None
        if task is None:
            return error_response(404, "the emulator has no task with this id")
        response = _with_warnings(json_response(200, {"data": task.state(self._clock.now())}), warnings)
        return fault.apply(response) if fault else response


def _final_state(body: dict[str, Any], scenario: Scenario) -> dict[str, object]:
    """Return the state that the task has once its time has passed."""
    try:
        if scenario.fails is not None:
            return {"status": "FAILED", "error": scenario.fails}
        if callable(scenario.answer):
            answer = as_json("the scenario's answer", scenario.answer(body))
        elif scenario.answer is not Answer.SYNTHETIC:
            answer = scenario.answer
        else:
            answer = make_answer(body["output_schema"]) if "output_schema" in body else TEXT_ANSWER
    except NoAnswerError as error:
        return {"status": "FAILED", "error": str(error)}
    except Exception as error:  # noqa: BLE001 — a callable may raise any error, and its message may hold secrets
        return {"status": "FAILED", "error": f"the answer callable failed or returned no JSON: {type(error).__name__}"}
    return {"status": "COMPLETED", "result": answer}


def _reason_text(reason: object) -> str:
    return reason if isinstance(reason, str) else json.dumps(reason)


def _with_warnings(response: Response, warnings: list[str]) -> Response:
    if not warnings:
        return response
    text = json.dumps("; ".join(warnings))[1:-1]  # escaped, because a header must be printable ASCII
    return attrs.evolve(response, headers={**response.headers, "x-emulator-warning": text[:MAX_WARNING_LENGTH]})
