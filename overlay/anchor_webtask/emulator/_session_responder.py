"""Responds to requests about sessions, without I/O."""

from __future__ import annotations

import threading
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs

from anchor_webtask.emulator._holds import Hold
from anchor_webtask.emulator._http_messages import Response, json_response
from anchor_webtask.emulator._session_parts import admits
from anchor_webtask.emulator._session_runs import SessionRegister, SessionRules, SessionRun
from anchor_webtask.emulator._session_scenarios import FILE, OPERATIONS, SessionScenario

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from anchor_webtask._clock import Clock
    from anchor_webtask.emulator._dialects import Wording
    from anchor_webtask.emulator._http_messages import Play, Request
    from anchor_webtask.emulator._request_validation import Operation
    from anchor_webtask.emulator._scenarios import Fault
    from anchor_webtask.emulator._session_runs import StoredFile

NO_SESSION: Final = "the emulator has no session with this id"
NOT_RUNNING: Final = "the session is not running"


class SessionResponder:
    """Plays sessions.

    Args:
        wording: How responses are worded.
        operations: The operations of the spec by their ids.
        clock: Returns the clock.

    Attributes:
        register: The sessions.
        scenario: What happens to the sessions that are created from now on.
    """

    def __init__(self, wording: Wording, operations: Mapping[str, Operation], clock: Callable[[], Clock]) -> None:
        self._wording = wording
        self._operations = operations
        self._clock = clock
        self._lock = threading.Lock()
        self._faults: dict[str, deque[Fault]] = {}
        self._rules = _rules(wording)
        self.register = SessionRegister()
        self.scenario = SessionScenario()

    def add_faults(self, faults: Mapping[str, tuple[Fault, ...]]) -> None:
        """Add faults for the next requests of operations."""
        with self._lock:
            for name, each in faults.items():
                self._faults.setdefault(name, deque()).extend(each)

    def routes(self) -> Iterator[tuple[Operation, Callable[..., Play]]]:
        """Yield the operations of sessions, each with the function that responds to it."""
        respond: dict[str, Callable[..., Response]] = {
            "create_session": self._create,
            "list_sessions": self._list,
            "get_session": self._get,
            "end_session": self._end,
            "list_session_downloads": self._downloads,
            "list_session_recordings": self._recordings,
            "fetch_primary_recording": self._recording,
            "take_session_screenshot": self._screenshot,
            "list_questions": self._questions,
            "answer_question": self._answer,
        }
        for name in OPERATIONS.values():
            yield self._operations[name], partial(self._play, name, respond[name])

    def file(self, request: Request, session_id: str, file_id: str) -> Play:
        """Respond to a request for a file, whose path is not in the spec."""
        return self._play(FILE, self._file, request, session_id, file_id)

    def _play(self, name: str, respond: Callable[..., Response], request: Request, *arguments: str) -> Play:
        with self._lock:
            queue = self._faults.get(name)
            fault = queue.popleft() if queue else None
        hides = fault is not None and fault.hides_answer
        response = self._wording.data({}) if fault and hides and not fault.accepted else respond(request, *arguments)
        if fault is not None:
            if fault.delay:
                yield Hold(fault.delay)
            response = fault.apply(response, self._wording)
        return response

    def _create(self, request: Request) -> Response:
        body: dict[str, Any] = {}
        if request.body:
            body, _ = self._operations["create_session"].check_body(request)
        if (limit := self.register.refusal()) is not None:
            return self._wording.error(limit.status, limit.message, limit.headers)
        session = self.register.add(SessionRun(body, self._clock(), self.scenario, self._rules))
        key = request.headers.get("anchor-api-key", "")
        return self._wording.data(
            {
                "session_id" if self._wording.has("session-ids") else "id": session.id,
                "cdp_url": f"wss://connect.anchorbrowser.io?apiKey={key}&sessionId={session.id}",
                "live_view_url": f"https://live.anchorbrowser.io?sessionId={session.id}&token={session.token}",
            }
        )

    def _list(self, request: Request) -> Response:
        self._operations["list_sessions"].check_query(request)
        wanted = set() if self._wording.has("untagged-lists") else _tags(request)
        items = [
            {
                self._id_name(): each.id,
                "status": "running" if each.is_open else "ended",
                "tags": each.tags,
                "created_at": each.created_at,
            }
            for each in self.register.sessions
            if wanted <= set(each.tags)
        ]
        return self._wording.data({"count": len(items), "items": items})

    def _id_name(self) -> str:
        return "id" if self._wording.has("session-ids") else "session_id"

    def _get(self, _: Request, session_id: str) -> Response:
        session = self.register.find(session_id)
        if session is None:
            return self._wording.error(404, NO_SESSION)
        usage, is_open = session.usage(), session.is_open
        steps = [{"number": number} for number in range(1, usage["steps"] + 1)]
        credit: dict[str, Any] = {"credits_used": usage["credits"]}
        if self._wording.has("used-credits"):
            credit = {"used_credits": "N/A" if is_open else f"{usage['credits']:.4f}"}
        return self._wording.data(
            {
                self._id_name(): session.id,
                "team_id": "team-of-the-emulator",
                "duration": usage["duration"],
                "status": "running" if is_open else "ended",
                **credit,
                "configuration": session.body,
                "playground": False,
                "proxy_bytes": 0,
                "tokens": {"input": 1000 * len(steps), "output": 100 * len(steps)},
                "steps": len(steps) if self._wording.has("counted-steps") else steps,
                "tags": session.tags if self._wording.has("list-tags") else dict.fromkeys(session.tags, True),
                "created_at": session.created_at,
            }
        )

    def _end(self, _: Request, session_id: str) -> Response:
        session = self.register.find(session_id)
        if session is None:
            return self._wording.error(404, NO_SESSION)
        session.end()
        return self._wording.data({"status": "success"})

    def _downloads(self, request: Request, session_id: str) -> Response:
        session = self.register.find(session_id)
        if session is None:
            return self._wording.error(404, NO_SESSION)
        items = [self._item(request, session, each) for each in session.files()]
        return self._wording.data({"count": len(items), "items": items})

    def _item(self, request: Request, session: SessionRun, file: StoredFile) -> dict[str, Any]:
        return {
            "id": file.id,
            "file_link": file.download.link or self._link(request, f"/v1/sessions/{session.id}/downloads/{file.id}"),
            "original_download_url": f"https://files.example/{file.id}",
            "origin_url": "https://files.example/",
            "suggested_file_name": file.download.name,
            "original_file_name": file.download.name,
            "duration": 250,
            "size": len(file.download.content),
            "created_at": file.created_at,
        }

    def _link(self, request: Request, path: str) -> str:
        return path if self._wording.has("relative-links") else f"{request.origin}{path}"

    def _file(self, _: Request, session_id: str, file_id: str) -> Response:
        session = self.register.find(session_id)
        for each in session.files() if session is not None else ():
            if each.id == file_id:
                return Response(200, {"content-type": "application/octet-stream"}, each.download.content)
        return self._wording.error(404, "the emulator has no such file")

    def _recordings(self, request: Request, session_id: str) -> Response:
        session = self.register.find(session_id)
        if session is None:
            return self._wording.error(404, NO_SESSION)
        duration = session.usage()["duration"]
        item = {
            "id": f"recording-{session.id}",
            "is_primary": True,
            "file_link": self._link(request, f"/v1/sessions/{session.id}/recordings/primary/fetch"),
            "suggested_file_name": f"{session.id}.mp4",
            "duration": duration if self._wording.has("numeric-durations") else f"{duration}s",
            "size": len(session.scenario.recording),
            "created_at": session.created_at,
        }
        items = [item] if session.has_recording() else []
        return self._wording.data({"count": len(items), "items": items})

    def _recording(self, _: Request, session_id: str) -> Response:
        session = self.register.find(session_id)
        if session is None or not session.has_recording():
            return self._wording.error(404, "there is no recording, or it is not ready yet")
        return Response(200, {"content-type": "video/mp4"}, session.scenario.recording)

    def _screenshot(self, _: Request, session_id: str) -> Response:
        session = self.register.find(session_id)
        if session is None or not session.is_open:
            return json_response(404, {"error": NO_SESSION if session is None else NOT_RUNNING})
        session.connect()
        return Response(200, {"content-type": "image/png"}, session.scenario.screenshot)

    def _questions(self, _: Request, session_id: str) -> Response:
        session = self.register.find(session_id)
        if session is None or not session.is_open:
            return self._wording.error(400, NOT_RUNNING)
        found = []
        for _task, question in session.open_questions():
            asked: dict[str, Any] = {"requestId": question.id, "message": question.ask.message}
            if question.ask.fields:
                asked["fields"] = list(question.ask.fields)
            found.append(asked)
        if self._wording.has("single-question"):
            return self._wording.data(found[0] if found else {})
        return self._wording.data({"items" if self._wording.has("question-items") else "requests": found})

    def _answer(self, request: Request, session_id: str) -> Response:
        body, _ = self._operations["answer_question"].check_body(request)
        session = self.register.find(session_id)
        if session is None or not session.is_open:
            return self._wording.error(400, NOT_RUNNING)
        for _task, question in session.open_questions():
            if question.id == body["requestId"] and not admits(question.ask, body["response"]):
                return self._wording.error(400, "response must be an object with the question's fields")
        if not session.answer(body["requestId"], body["response"]):
            return self._wording.error(404, "there is no such question, or it has been answered")
        return self._wording.data({"status": "success"})


def _tags(request: Request) -> set[str]:
    return {tag for value in parse_qs(request.query).get("tags", ()) for tag in value.split(",") if tag}


def _rules(wording: Wording) -> SessionRules:
    state: dict[str, Any] | None = {"status": "FAILED", "error": "the browser session has ended"}
    if wording.has("session-end-cancels"):
        state = {"status": "CANCELED", "error": None}
    if wording.has("session-end-is-ignored"):
        state = None
    return SessionRules(
        max_minutes=180 if wording.has("long-sessions") else 20,
        tasks_are_connections=not wording.has("idle-tasks"),
        state_after_end=state,
    )
