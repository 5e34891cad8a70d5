"""A minimal fake of the API, in which a task takes as many seconds as its prompt says.

The benchmarks do not use the package's emulator: it validates requests against the spec, which takes more CPU time than
the measured clients take.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class FakeApi:
    """The tasks of the fake API, and the number of status checks.

    Args:
        now: Returns the current time in seconds.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self.checks = 0
        self._now = now
        self._ends: list[float] = []

    def respond(self, method: str, path: str, body: bytes) -> bytes:
        """Return the JSON of the response to a start or a status check."""
        return self._start(body) if method == "POST" else self._status(path.split("/")[-2])

    def _start(self, body: bytes) -> bytes:
        task_id = f"{len(self._ends):036d}"  # this id has as many characters as an id of the API
        self._ends.append(self._now() + float(json.loads(body)["prompt"]))
        return json.dumps({"data": {"status": "running", "workflow_id": task_id}}).encode()

    def _status(self, task_id: str) -> bytes:
        self.checks += 1
        end = self._ends[int(task_id)]
        if self._now() < end:
            return b'{"data": {"status": "RUNNING"}}'
        return json.dumps({"data": {"status": "COMPLETED", "result": {"task": task_id, "ended": end}}}).encode()
