"""The emulator's tasks: each runs until its time has passed, or until the test ends it."""

from __future__ import annotations

import math
import threading
import uuid
from typing import TYPE_CHECKING, Any, Final, Protocol

import attrs

from anchor_webtask.emulator._holds import Hold, Signal
from anchor_webtask.emulator._scenarios import Answer
from anchor_webtask.emulator._values import as_json

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Iterable

    from anchor_webtask._clock import Clock
    from anchor_webtask.emulator._scenarios import Fault
    from anchor_webtask.emulator._session_parts import Ask


MAX_POLLS: Final = 100
"""The number of checks of a running task at one moment; after that, time apparently does not pass."""


class Surroundings(Protocol):
    """What a task must know of the session that it runs in."""

    @property
    def ends_at(self) -> float:
        """When the session has ended or will end, if nothing else happens."""
        ...

    def settle(self) -> None:
        """End the session if its time has passed, and with it the tasks that ran in it then."""


@attrs.frozen
class OpenQuestion:
    """A question that waits for an answer."""

    id: str
    ask: Ask


class TaskRun:
    """A task as the emulator plays it. Its methods may be called from any thread.

    Args:
        body: The JSON of the request that started the task, with sealed secret values.
        clock: The clock on which the task runs.
        takes: Seconds after which the task ends.
        last_state: The state after that, in the words of the spec.
        faults: The faults of its checks.
        steps: How many steps its agent makes.
        asks: The questions of its agent to a human, which stop it until they are answered.
        session: The session that it runs in.

    Attributes:
        id: The task's id.
        body: As passed.
        last_state: As passed, or as the test has ended the task.
    """

    def __init__(
        self,
        body: dict[str, Any],
        clock: Clock,
        takes: float,
        last_state: dict[str, Any],
        faults: deque[Fault],
        *,
        steps: int = 0,
        asks: Iterable[Ask] = (),
        session: Surroundings | None = None,
    ) -> None:
        self.id = f"perform-web-task-execution-{uuid.uuid4()}-{uuid.uuid4()}"
        self.body = body
        self.last_state = last_state
        self._clock = clock
        self._lock = threading.Lock()
        self._began_at = clock.now()
        self._takes = takes
        self._steps = steps
        self._session = session
        self._questions = [OpenQuestion(str(uuid.uuid4()), ask) for ask in sorted(asks, key=lambda ask: ask.after)]
        self._waited = 0.0  # seconds in which the task waited for humans
        self._given_end: float | None = None
        self._faults = faults
        self._changed = Signal()
        self._polled_at = self._began_at
        self._polls = 0

    @property
    def _ends_at(self) -> float:
        if self._given_end is not None:
            return self._given_end
        return math.inf if self._questions else self._began_at + self._waited + self._takes

    @property
    def span(self) -> tuple[float, float]:
        """When the task begins and ends, on its clock."""
        with self._lock:
            return self._began_at, self._ends_at

    def state(self) -> dict[str, Any]:
        """Return the task's state now, in the words of the spec."""
        if self._session is not None:
            self._session.settle()
        with self._lock:
            return self._state()

    def _state(self) -> dict[str, Any]:
        return self.last_state if self._clock.now() >= self._ends_at else {"status": "RUNNING"}

    def end(self, state: dict[str, Any] | None) -> None:
        """End the task at once.

        Args:
            state: Its last state; None for the answer that it would have had at its end.

        Raises:
            ValueError: The task has ended already, or has no answer.
        """
        with self._lock:
            status = self._state()["status"]
            if status != "RUNNING":
                raise ValueError(f"the task {self.id} has ended already, as {status}")
            if state is None and self.last_state["status"] != "COMPLETED":
                raise ValueError("the scenario of this task lets it fail: pass an answer, or call fail()")
            self._given_end = self._clock.now()
            if state is not None:
                self.last_state = state
        self._notify()

    def cut(self, at: float, state: dict[str, Any] | None) -> None:
        """Note that the session has ended under the task, unless the task had ended before.

        Args:
            at: When the session has ended.
            state: The task's last state; None if it stays running forever.
        """
        with self._lock:
            if self._ends_at <= at or self._given_end is not None:
                return
            self._questions.clear()
            self._given_end = math.inf if state is None else at
            self.last_state = state or self.last_state
        self._notify()

    def _notify(self) -> None:
        with self._lock:
            changed, self._changed = self._changed, Signal()
        changed.give()

    def until_end(self) -> Hold | None:
        """Return a hold until the task ends, or until its end is known better; None if it has ended."""
        session_ends_at = math.inf if self._session is None else self._session.ends_at
        if self.state()["status"] != "RUNNING":
            return None
        with self._lock:
            return Hold(max(min(self._ends_at, session_ends_at) - self._clock.now(), 0.0), self._changed)

    def open_question(self) -> OpenQuestion | None:
        """Return the question that the task waits for."""
        if self._session is not None:
            self._session.settle()
        with self._lock:
            return self._questions[0] if self._questions and self._asked_at() <= self._clock.now() else None

    def _asked_at(self) -> float:
        return self._began_at + self._waited + min(self._questions[0].ask.after, self._takes)

    def answer(self, question_id: str) -> bool:
        """Let the task go on; return False if it does not wait for this question."""
        with self._lock:
            if not self._questions or self._questions[0].id != question_id:
                return False
            self._waited += self._clock.now() - self._asked_at()
            self._questions.pop(0)
        self._notify()
        return True

    def steps_until(self, moment: float) -> int:
        """Return how many steps the agent has made until a moment on the clock: the first one at once."""
        with self._lock:
            if self._steps == 0:
                return 0
            if self._given_end is None and moment >= self._ends_at:
                return self._steps
            worked = min(moment, self._ends_at) - self._began_at - self._waited
            if self._questions:
                worked = min(worked, self._asked_at() - self._began_at - self._waited)
            share = 1.0 if worked >= self._takes else max(worked, 0.0) / self._takes
            return 1 + int(share * (self._steps - 1))

    def is_polled_without_time(self) -> bool:
        """Record a check, and return whether the running task was checked very often while no time passed at all."""
        with self._lock:
            now = self._clock.now()
            self._polls = self._polls + 1 if now == self._polled_at and now < self._ends_at else 0
            self._polled_at = now
            return self._polls > MAX_POLLS

    def next_fault(self) -> Fault | None:
        """Return the fault for the next check."""
        with self._lock:
            return self._faults.popleft() if self._faults else None


@attrs.frozen(repr=False)
class EmulatedTask:
    """A task of the emulator, as a test sees it."""

    _run: TaskRun

    def __repr__(self) -> str:
        return f"<EmulatedTask {self.id}: {self.status}>"

    @property
    def id(self) -> str:
        """The task's id. The response to a one-request start does not have it, and a lost response loses it."""
        return self._run.id

    @property
    def body(self) -> dict[str, Any]:
        """The JSON of the request that started the task. Each of its `secret_values` is a `SecretValue`."""
        return self._run.body

    @property
    def status(self) -> str:
        """The task's status: `RUNNING`, `COMPLETED` or `FAILED`."""
        return str(self._run.state()["status"])

    def finish(self, answer: object = Answer.SYNTHETIC) -> None:
        """Complete the task at once.

        Args:
            answer: The agent's answer, any JSON; by default, the one that the task would have had at its end.

        Raises:
            ValueError: The task has ended, its scenario lets it fail and there is no `answer`, or `answer` is not JSON.
        """
        is_given = answer is not Answer.SYNTHETIC
        self._run.end({"status": "COMPLETED", "result": as_json("answer", answer)} if is_given else None)

    def fail(self, reason: object = "the test ended this task") -> None:
        """Let the task fail at once.

        Args:
            reason: The reason of the failure, any JSON.

        Raises:
            ValueError: The task has ended, or `reason` is not JSON.
        """
        self._run.end({"status": "FAILED", "error": as_json("reason", reason)})
