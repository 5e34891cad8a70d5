"""The emulator's tasks: each runs until its time has passed, or until the test ends it."""

from __future__ import annotations

import threading
import uuid
from typing import TYPE_CHECKING, Any

from anchor_webtask.emulator._holds import Hold, Signal
from anchor_webtask.emulator._scenarios import Answer, as_json

if TYPE_CHECKING:
    from collections import deque

    from anchor_webtask._clock import Clock
    from anchor_webtask.emulator._scenarios import Fault


class EmulatedTask:
    """A task of the emulator, as a test sees it.

    Attributes:
        id: The task's id. The response to a one-request start does not have it, and a lost response is lost with it.
        body: The JSON of the request that started the task. Each of its `secret_values` is a `SecretValue`.
        final_state: The state at the task's end, in the words of the spec.
    """

    def __init__(
        self, body: dict[str, Any], clock: Clock, takes: float, final_state: dict[str, Any], faults: deque[Fault]
    ) -> None:
        self.id = f"perform-web-task-execution-{uuid.uuid4()}-{uuid.uuid4()}"
        self.body = body
        self._clock = clock
        self._ends_at = clock.now() + takes
        self.final_state = final_state
        self._faults = faults
        self._lock = threading.Lock()
        self._ended = Signal()

    def __repr__(self) -> str:
        return f"<EmulatedTask {self.id}: {self.status}>"

    @property
    def status(self) -> str:
        """The task's status: `RUNNING`, `COMPLETED` or `FAILED`."""
        return str(self.state()["status"])

    def finish(self, answer: object = Answer.SYNTHETIC) -> None:
        """Complete the task at once.

        Args:
            answer: The agent's answer, any JSON; by default, the one that the task would have had at its end.

        Raises:
            ValueError: The task has ended, its scenario lets it fail and there is no `answer`, or `answer` is not JSON.
        """
        if answer is not Answer.SYNTHETIC:
            self._end({"status": "COMPLETED", "result": as_json("answer", answer)})
        elif self.final_state["status"] == "COMPLETED":
            self._end(self.final_state)
        else:
            raise ValueError("the scenario of this task lets it fail: pass an answer, or call fail()")

    def fail(self, reason: object = "the test ended this task") -> None:
        """Let the task fail at once.

        Args:
            reason: The reason of the failure, any JSON.

        Raises:
            ValueError: The task has ended, or `reason` is not JSON.
        """
        self._end({"status": "FAILED", "error": as_json("reason", reason)})

    def _end(self, state: dict[str, Any]) -> None:
        with self._lock:
            if self.status != "RUNNING":
                raise ValueError(f"the task {self.id} has ended already, as {self.status}")
            self.final_state, self._ends_at = state, self._clock.now()
        self._ended.give()

    def state(self) -> dict[str, Any]:
        """Return the task's state now, in the words of the spec."""
        return self.final_state if self._clock.now() >= self._ends_at else {"status": "RUNNING"}

    def until_end(self) -> Hold:
        """Return the hold that ends with the task."""
        return Hold(max(self._ends_at - self._clock.now(), 0.0), self._ended)

    def next_fault(self) -> Fault | None:
        """Return the fault for the next check."""
        with self._lock:
            return self._faults.popleft() if self._faults else None
