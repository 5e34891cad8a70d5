"""Responds to requests, without I/O: checks them, starts tasks, and says how their tasks are doing."""

from __future__ import annotations

import contextlib
import json
import logging
import re
import threading
from collections import deque
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote

import attrs

from anchor_webtask import _world
from anchor_webtask._addresses import secret_path
from anchor_webtask._clock import VirtualTimeError
from anchor_webtask._secret_task_id import shown_id
from anchor_webtask._version import __version__
from anchor_webtask.emulator._emulated_tasks import MAX_POLLS, TaskRun
from anchor_webtask.emulator._holds import Hold
from anchor_webtask.emulator._hosts import WRONG_HOST, names_loopback
from anchor_webtask.emulator._http_messages import one_line
from anchor_webtask.emulator._request_validation import InvalidRequestError, operations, task_id_field
from anchor_webtask.emulator._requests_log import LoggedRequest, sealed, sealed_json
from anchor_webtask.emulator._scenarios import STATUSES_WITHOUT_BODY, Answer, Scenario, ScenarioError
from anchor_webtask.emulator._session_responder import NO_SESSION, NOT_RUNNING, SessionResponder
from anchor_webtask.emulator._session_scenarios import OPERATIONS
from anchor_webtask.emulator._start_limits import StartRefusedError
from anchor_webtask.emulator._synthetic_answers import NoAnswerError, make_answer
from anchor_webtask.emulator._task_register import TaskRegister
from anchor_webtask.emulator._values import as_json, seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from anchor_webtask._clock import Clock
    from anchor_webtask.emulator._dialects import Wording
    from anchor_webtask.emulator._http_messages import Play, Request, Response
    from anchor_webtask.emulator._request_validation import Operation
    from anchor_webtask.emulator._scenarios import Fault
    from anchor_webtask.emulator._session_runs import SessionRun

logger = logging.getLogger("anchor_webtask.emulator")

START = "perform_web_task"
CHECK = "get_perform_web_task_status"
FILE_PATH = re.compile(r"/v1/sessions/([^/]+)/downloads/([^/]+)")
KEY_HEADER = "anchor-api-key"
TEXT_ANSWER = "The emulator's answer."
SCENARIO_FAILED = "a function of the scenario failed or returned an invalid value"
POLLED = (
    f"a task was checked more than {MAX_POLLS} times while no time passed, so it will never end: the application waits "
    "by a sleep of its own. Let it sleep by the clock: clock.sleep, clock.sleep_async or clock.wait"
)


class Responder:
    """Plays scenarios.

    Args:
        api_key: The only key that is accepted; None for every key.
        wording: How responses are worded.
        takes: Seconds that a task takes if no scenario applies.
        clock: The clock; None for the clock of the world in which the first request arrives.

    Attributes:
        scenarios: The scenarios; the first that matches a task applies.
        error: The last error of the test itself: of a function of a scenario, or of a wait in which no time passes.
        register: The tasks and their limits.
        sessions: Plays the sessions.
    """

    def __init__(self, api_key: str | None, wording: Wording, takes: float, clock: Clock | None) -> None:
        self._api_key = api_key
        self._wording = wording
        self._operations = operations(START, CHECK, *OPERATIONS.values())
        self._task_id_field = task_id_field()
        self._lock = threading.Lock()
        self._clock = clock
        self._since = 0.0 if clock is None else clock.now()
        self._default_scenario = Scenario(takes=takes)
        self._log: list[LoggedRequest] = []
        self.error: Exception | None = None
        self.scenarios: list[Scenario] = []
        self.register = TaskRegister()
        self.sessions = SessionResponder(wording, self._operations, lambda: self.clock)
        self._routes: tuple[tuple[Operation, Callable[..., Play]], ...] = (
            (self._operations[START], self._start),
            (self._operations[CHECK], self._check),
            *self.sessions.routes(),
        )

    @property
    def clock(self) -> Clock:
        """The clock, which never changes once it was used."""
        return self.bind(_world.current.clock) if self._clock is None else self._clock

    @property
    def elapsed(self) -> float:
        """Seconds that have passed on the clock since it was used first."""
        return self.clock.now() - self._since

    def bind(self, clock: Clock) -> Clock:
        """Use this clock unless there is one already, and return the one that is used."""
        with self._lock:
            if self._clock is None:
                self._clock, self._since = clock, clock.now()
            return self._clock

    @property
    def log(self) -> tuple[LoggedRequest, ...]:
        """All requests, in the order in which they arrived."""
        with self._lock:
            return tuple(self._log)

    @property
    def start_requests(self) -> int:
        """How many start requests have arrived."""
        start = self._operations[START]
        return sum(start.is_for(request.method, request.path) for request in self.log)

    def add(self, scenario: Scenario) -> None:
        """Let a scenario apply to the tasks that it matches, instead of those that were added before."""
        with self._lock:
            self.scenarios.insert(0, scenario)

    def play(self, request: Request, *, any_host: bool = True) -> Play:
        """Respond to a request; the transport or server must hold it, and obey the `cut` of the response.

        Args:
            request: The request.
            any_host: Whether the header `Host` may name a host that is not a loopback address.
        """
        elapsed, path = self.elapsed, self._secret_path(request)
        with self._lock:
            place = len(self._log)
            self._log.append(LoggedRequest(request.method, path, None, sealed_json(request.body), elapsed))
        try:
            if any_host or names_loopback(request.headers.get("host", "")):
                response = yield from self._respond(request)
            else:
                response = self._wording.error(421, WRONG_HOST)
        except GeneratorExit:
            _log(request, path, "ended without a response")
            raise
        _log(request, path, "connection cut" if response.cut is True else response.status)
        headers = {**response.headers, "x-emulator": f"anchor-webtask/{__version__}"}
        if response.status not in STATUSES_WITHOUT_BODY:
            headers["content-length"] = str(len(response.body))
        if response.cut is not True:
            with self._lock:
                self._log[place] = attrs.evolve(self._log[place], status=response.status)
        return attrs.evolve(response, headers=headers)

    def _secret_path(self, request: Request) -> str:
        """Return the path of a request, whose repr shows neither the key nor what may be a token."""
        is_known = FILE_PATH.fullmatch(request.path) is not None or any(
            operation.has_path(request.path) for operation, _ in self._routes
        )
        return secret_path(request.path, request.headers.get(KEY_HEADER, ""), self._api_key or "", is_known=is_known)

    def _respond(self, request: Request) -> Play:
        if file := FILE_PATH.fullmatch(request.path):
            refusal = self._key_refusal(request)
            return refusal or (yield from self.sessions.file(request, *map(unquote, file.groups())))
        matching = [(operation, respond) for operation, respond in self._routes if operation.has_path(request.path)]
        if not matching:
            return self._wording.error(404, "the emulator does not implement this path")
        for operation, respond in matching:
            if request.method != operation.method:
                continue
            if (refusal := self._key_refusal(request)) is not None:
                return refusal
            try:
                return (yield from respond(request, *(operation.path_arguments(request.path) or ())))
            except InvalidRequestError as error:
                return self._wording.error(400, str(error))
        methods = ", ".join(operation.method for operation, _ in matching)
        return self._wording.error(405, f"this path accepts only {methods}", {"allow": methods})

    def _key_refusal(self, request: Request) -> Response | None:
        key = request.headers.get(KEY_HEADER)
        if not key:
            return self._wording.error(401, f"the header {KEY_HEADER} is missing or empty")
        if self._api_key not in (None, key):
            return self._wording.error(401, "the API key differs from the api_key of the emulator")
        return None

    def _start(self, request: Request) -> Play:
        operation = self._operations[START]
        warnings = operation.check_query(request)
        body, more_warnings = operation.check_body(request)
        with self._lock:
            scenario = next((each for each in self.scenarios if each.matches(body)), self._default_scenario)
            fault = scenario.start_faults.popleft() if scenario.start_faults else None
        session_id = next(iter(parse_qs(request.query).get("sessionId", ())), None)
        session = self.sessions.register.find(session_id)
        if session_id is not None and session is None:
            return self._wording.error(404, NO_SESSION)
        if session is not None and not session.is_open:
            return self._wording.error(400, NOT_RUNNING)
        if fault and fault.hides_answer:
            if fault.accepted:
                with contextlib.suppress(StartRefusedError):
                    self._start_task(body, scenario, session)
            return (yield from self._faulty(self._wording.answered(None), fault))
        response = _with_warnings((yield from self._started(body, scenario, session)), warnings + more_warnings)
        return (yield from self._faulty(response, fault))

    def _started(self, body: dict[str, Any], scenario: Scenario, session: SessionRun | None) -> Play:
        try:
            task = self._start_task(body, scenario, session)
        except StartRefusedError as refused:
            return self._wording.error(refused.limit.status, refused.limit.message, refused.limit.headers)
        if body.get("async"):
            return self._wording.started(self._task_id_field, task.id)
        while (hold := task.until_end()) is not None:
            yield hold
        return self._ended(task.last_state)

    def _start_task(self, body: dict[str, Any], scenario: Scenario, session: SessionRun | None) -> TaskRun:
        seen = sealed(body)
        may_ask = session is not None and body.get("human_intervention")

        def make() -> TaskRun:
            takes, end, error = _course(seen, scenario)
            if error is not None:
                self.error = ScenarioError(f"{SCENARIO_FAILED}: {type(error).__name__}: {error}")
                self.error.__cause__ = error
            return TaskRun(
                seen,
                self.clock,
                takes,
                end,
                deque(scenario.faults),
                steps=scenario.steps,
                asks=scenario.asks if may_ask else (),
                session=session,
            )

        task = self.register.start(make)
        if session is not None:
            session.add(task, scenario.downloads)
        return task

    def _ended(self, state: Mapping[str, Any]) -> Response:
        if state["status"] == "COMPLETED":
            return self._wording.answered(state["result"])
        return self._wording.error(500, _reason_text(state.get("error") or state["status"]))

    def _check(self, request: Request, task_id: str) -> Play:
        warnings = self._operations[CHECK].check_query(request)
        task = self.register.find(task_id)
        if task is None:
            return self._wording.error(404, "the emulator has no task with this id")
        if task.is_polled_without_time():
            self.error = VirtualTimeError(POLLED)
            raise self.error
        fault = task.next_fault()
        response = _with_warnings(self._wording.checked(task.state()), warnings)
        return (yield from self._faulty(response, fault))

    def _faulty(self, response: Response, fault: Fault | None) -> Play:
        if fault is None:
            return response
        if fault.delay:
            yield Hold(fault.delay)
        return fault.apply(response, self._wording)


def _course(body: dict[str, Any], scenario: Scenario) -> tuple[float, dict[str, Any], Exception | None]:
    """Return how long a task takes, its state after that, and the error of a function of the scenario."""
    takes = 0.0
    try:
        takes = scenario.takes if isinstance(scenario.takes, int | float) else seconds("takes", scenario.takes(body))
        fails = as_json("fails", scenario.fails(body)) if callable(scenario.fails) else scenario.fails
        if fails is not None:
            return takes, {"status": "FAILED", "error": fails}, None
        if callable(scenario.answer):
            answer = as_json("answer", scenario.answer(body))
        elif scenario.answer is not Answer.SYNTHETIC:
            answer = scenario.answer
        else:
            answer = make_answer(body["output_schema"]) if "output_schema" in body else TEXT_ANSWER
    except NoAnswerError as error:
        return takes, {"status": "FAILED", "error": str(error)}, None
    except Exception as error:  # noqa: BLE001 — a callable may raise any error
        # It received no secret value in clear text, so its message has none, unless it revealed one on purpose.
        return takes, {"status": "FAILED", "error": f"{SCENARIO_FAILED}: {type(error).__name__}: {error}"}, error
    return takes, {"status": "COMPLETED", "result": answer}, None


def _log(request: Request, path: str, outcome: object) -> None:
    logger.info("%s %s %s", one_line(request.method), one_line(shown_id(path)), outcome)


def _reason_text(reason: object) -> str:
    return reason if isinstance(reason, str) else json.dumps(reason)


def _with_warnings(response: Response, warnings: list[str]) -> Response:
    if not warnings:
        return response
    return attrs.evolve(response, headers={**response.headers, "x-emulator-warning": one_line("; ".join(warnings))})
