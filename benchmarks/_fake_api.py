"""A stand-in for the API, as small as waiting needs: a task takes the seconds that its prompt says.

The package's emulator checks requests against the spec, which costs more than the clients that are measured here.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Service:
    """The tasks, and how often they were looked at.

    Args:
        now: Returns the time in seconds.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self.checks = 0
        self._now = now
        self._ends: list[float] = []

    def answer(self, method: str, path: str, body: bytes) -> bytes:
        """Return the JSON that answers a start or a status check."""
        return self._start(body) if method == "POST" else self._status(path.split("/")[-2])

    def _start(self, body: bytes) -> bytes:
        task_id = f"{len(self._ends):036d}"  # as long as the API's
        self._ends.append(self._now() + float(json.loads(body)["prompt"]))
        return json.dumps({"data": {"status": "running", "workflow_id": task_id}}).encode()

    def _status(self, task_id: str) -> bytes:
        self.checks += 1
        end = self._ends[int(task_id)]
        if self._now() < end:
            return b'{"data": {"status": "RUNNING"}}'
        return json.dumps({"data": {"status": "COMPLETED", "result": {"task": task_id, "ended": end}}}).encode()
