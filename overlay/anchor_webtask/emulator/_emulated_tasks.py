"""The emulator's tasks: each runs until its time has passed, or until the test ends it."""

from __future__ import annotations

import threading
import uuid
from typing import TYPE_CHECKING, Any, Final

import attrs

from anchor_webtask.emulator._holds import Hold, Signal
from anchor_webtask.emulator._scenarios import Answer, as_json

if TYPE_CHECKING:
    from collections import deque

    from anchor_webtask._clock import Clock
    from anchor_webtask.emulator._scenarios import Fault


MAX_POLLS: Final = 100
"""The number of checks of a running task at one moment; after that, time apparently does not pass."""


class TaskRun:
    """A task as the emulator plays it. Its methods may be called from any thread.

    Args:
        body: The JSON of the request that started the task, with sealed secret values.
        clock: The clock on which the task runs.
        takes: Seconds after which the task ends.
        last_state: The state after that, in the words of the spec.
        faults: The faults of its checks.

    Attributes:
        id: The task's id.
        body: As passed.
        last_state: As passed, or as the test has ended the task.
    """

    def __init__(
        self, body: dict[str, Any], clock: Clock, takes: float, last_state: dict[str, Any], faults: deque[Fault]
    ) -> None:
        self.id = f"perform-web-task-execution-{uuid.uuid4()}-{uuid.uuid4()}"
        self.body = body
        self.last_state = last_state
        self._clock = clock
        self._lock = threading.Lock()
        self._began_at = clock.now()
        self._ends_at = self._began_at + takes
        self._faults = faults
        self._ended = Signal()
        self._polled_at = self._began_at
        self._polls = 0

    @property
    def span(self) -> tuple[float, float]:
        """When the task begins and ends, on its clock."""
        with self._lock:
            return self._began_at, self._ends_at

    def state(self) -> dict[str, Any]:
        """Return the task's state now, in the words of the spec."""
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
            self._ends_at = self._clock.now()
            if state is not None:
                self.last_state = state
        self._ended.give()

    def until_end(self) -> Hold:
        """Return the hold that ends with the task."""
        with self._lock:
            return Hold(max(self._ends_at - self._clock.now(), 0.0), self._ended)

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
