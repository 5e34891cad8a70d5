"""The emulator's sessions: each runs until it is ended, or until its time or its idle time has passed."""

from __future__ import annotations

import math
import threading
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import attrs

from anchor_webtask.emulator._requests_log import sealed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from anchor_webtask._clock import Clock
    from anchor_webtask.emulator._emulated_tasks import OpenQuestion, TaskRun
    from anchor_webtask.emulator._session_parts import Download
    from anchor_webtask.emulator._session_scenarios import SessionScenario
    from anchor_webtask.emulator._start_limits import StartLimit

MINUTE: Final = 60.0
IDLE_MINUTES: Final = 5
STEP_PRICE: Final = 0.01
HOUR_PRICE: Final = 0.05
BROWSER_PRICE: Final = 0.01


@attrs.frozen(kw_only=True)
class SessionRules:
    """What the documentation contradicts itself about, or does not say.

    Attributes:
        max_minutes: How long a session lasts if its creation does not say it.
        tasks_are_connections: Whether a running task keeps its session from idling.
        state_after_end: The last state of a task whose session has ended; None if it stays running forever.
    """

    max_minutes: float
    tasks_are_connections: bool
    state_after_end: dict[str, Any] | None


@attrs.frozen
class StoredFile:
    """A file that the browser has downloaded, or will have downloaded at a moment on the clock."""

    id: str
    download: Download
    arrives_at: float
    created_at: str


class SessionRun:
    """A session as the emulator plays it. Its methods may be called from any thread.

    Args:
        body: The JSON of the request that created it.
        clock: The clock on which it runs.
        scenario: What its recording and its screenshots are.
        rules: How long it runs, and what its end does to tasks.
    """

    def __init__(self, body: dict[str, Any], clock: Clock, scenario: SessionScenario, rules: SessionRules) -> None:
        self.id = str(uuid.uuid4())
        self.token = uuid.uuid4().hex
        self.body = body
        self.scenario = scenario
        self.answers: list[tuple[str, Any]] = []
        self._rules = rules
        self._clock = clock
        self._lock = threading.RLock()
        self._began_at = self._connected_at = clock.now()
        self._wall = clock.wall()
        self._ended_at: float | None = None
        self._tasks: list[TaskRun] = []
        self._files: list[StoredFile] = []
        timeout = self._config().get("timeout") or {}
        self._max = _seconds(timeout.get("max_duration", rules.max_minutes))
        self._idle = _seconds(timeout.get("idle_timeout", IDLE_MINUTES))

    def _config(self) -> dict[str, Any]:
        config = self.body.get("session")
        return config if isinstance(config, dict) else {}

    @property
    def tags(self) -> list[str]:
        """The labels of the session."""
        return list(self._config().get("tags") or ())

    @property
    def is_recorded(self) -> bool:
        """Whether the session is recorded, which is the default."""
        return bool((self._config().get("recording") or {}).get("active", True))

    @property
    def created_at(self) -> str:
        """When the session was created."""
        return self._moment(self._began_at)

    def _moment(self, at: float) -> str:
        return datetime.fromtimestamp(self._wall + at - self._began_at, UTC).isoformat().replace("+00:00", "Z")

    @property
    def is_open(self) -> bool:
        """Whether the session has not ended."""
        self.settle()
        return self._ended_at is None

    @property
    def ends_at(self) -> float:
        """When the session has ended or will end, if nothing else happens."""
        with self._lock:
            return self._due() if self._ended_at is None else self._ended_at

    def _due(self) -> float:
        busy_until = [task.span[1] for task in self._tasks] if self._rules.tasks_are_connections else []
        return min(max(self._connected_at, *busy_until, self._began_at) + self._idle, self._began_at + self._max)

    def settle(self) -> None:
        """End the session if its time has passed, and with it the tasks that ran in it then."""
        with self._lock:
            if self._ended_at is None and (due := self._due()) <= self._clock.now():
                self._ended_at = due
            ended_at, tasks = self._ended_at, tuple(self._tasks)
        if ended_at is not None:
            for task in tasks:
                task.cut(ended_at, self._rules.state_after_end)

    def end(self) -> None:
        """End the session now."""
        self.settle()
        with self._lock:
            if self._ended_at is None:
                self._ended_at = self._clock.now()
        self.settle()

    def connect(self) -> None:
        """Note that something has used the browser."""
        with self._lock:
            self._connected_at = self._clock.now()

    def add(self, task: TaskRun, downloads: Iterable[Download]) -> None:
        """Let a task run in the session."""
        with self._lock:
            self._connected_at = now = self._clock.now()
            self._tasks.append(task)
            for each in downloads:
                arrives_at = now + each.after
                self._files.append(StoredFile(str(uuid.uuid4()), each, arrives_at, self._moment(min(arrives_at, 1e9))))

    def files(self) -> list[StoredFile]:
        """Return the files that have been downloaded so far."""
        until = min(self._clock.now(), self.ends_at)
        with self._lock:
            return [each for each in self._files if each.arrives_at <= until]

    def has_recording(self) -> bool:
        """Whether the recording is ready."""
        self.settle()
        ended_at = self._ended_at
        if not self.is_recorded or ended_at is None:
            return False
        return ended_at + self.scenario.recording_takes <= self._clock.now()

    def open_questions(self) -> Iterator[tuple[TaskRun, OpenQuestion]]:
        """Yield the questions that wait for an answer."""
        with self._lock:
            tasks = tuple(self._tasks)
        for task in tasks:
            if (question := task.open_question()) is not None:
                yield task, question

    def answer(self, request_id: str, response: Any) -> bool:
        """Answer a question; return whether it was open."""
        for task, question in self.open_questions():
            if question.id == request_id and task.answer(request_id):
                with self._lock:
                    self.answers.append((question.ask.message, response))
                self.connect()
                return True
        return False

    def usage(self) -> dict[str, Any]:
        """Return what the session has used so far."""
        self.settle()
        now = self._clock.now() if self._ended_at is None else self._ended_at
        duration = now - self._began_at
        with self._lock:
            steps = sum(task.steps_until(now) for task in self._tasks)
        hours = math.ceil(duration / MINUTE) / 60
        credit = BROWSER_PRICE + HOUR_PRICE * hours + STEP_PRICE * steps
        return {"duration": int(duration), "steps": steps, "credits": round(credit, 6)}


class SessionRegister:
    """All sessions. Its methods may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sessions: dict[str, SessionRun] = {}
        self._limit: StartLimit | None = None

    @property
    def sessions(self) -> tuple[SessionRun, ...]:
        """All sessions, in the order of their creation."""
        with self._lock:
            return tuple(self._sessions.values())

    def find(self, session_id: str | None) -> SessionRun | None:
        """Return the session with this id."""
        with self._lock:
            return self._sessions.get(session_id or "")

    def limit(self, limit: StartLimit) -> None:
        """Refuse creations beyond this limit."""
        with self._lock:
            self._limit = limit

    def refusal(self) -> StartLimit | None:
        """Return the limit that refuses a creation now."""
        with self._lock:
            limit = self._limit
        return limit if limit is not None and sum(each.is_open for each in self.sessions) >= limit.most else None

    def add(self, session: SessionRun) -> SessionRun:
        """Add a new session."""
        with self._lock:
            self._sessions[session.id] = session
        return session


@attrs.frozen(repr=False)
class EmulatedSession:
    """A session of the emulator, as a test sees it."""

    _run: SessionRun

    def __repr__(self) -> str:
        return f"<EmulatedSession {self.id}: {'open' if self.is_open else 'ended'}>"

    @property
    def id(self) -> str:
        """The session's id; a lost response loses it."""
        return self._run.id

    @property
    def body(self) -> dict[str, Any]:
        """The JSON of the request that created it. User and password of its proxy are `SecretValue` objects."""
        return sealed(self._run.body)

    @property
    def tags(self) -> list[str]:
        """The session's tags."""
        return self._run.tags

    @property
    def is_open(self) -> bool:
        """Whether the session has not ended; an open session costs."""
        return self._run.is_open

    @property
    def answers(self) -> tuple[tuple[str, Any], ...]:
        """The questions that were answered, and the answers that the client sent."""
        return tuple(self._run.answers)

    def end(self) -> None:
        """End the session at once, as the service may do."""
        self._run.end()


def _seconds(minutes: Any) -> float:
    return math.inf if minutes == -1 else float(minutes) * MINUTE
