"""The tasks of an emulator: admits a start within the limits, and knows how many tasks ran at once."""

from __future__ import annotations

import threading
from itertools import accumulate
from typing import TYPE_CHECKING

from anchor_webtask.emulator._start_limits import StartRefusedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchor_webtask.emulator._emulated_tasks import TaskRun
    from anchor_webtask.emulator._start_limits import Kind, StartLimit


class TaskRegister:
    """All tasks. Its methods may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._limits: dict[Kind, StartLimit] = {}
        self._tasks: dict[str, TaskRun] = {}
        self._maybe_running: list[TaskRun] = []
        self._starting = 0

    @property
    def tasks(self) -> tuple[TaskRun, ...]:
        """All tasks, in the order of their starts."""
        with self._lock:
            return tuple(self._tasks.values())

    @property
    def count(self) -> int:
        """How many tasks there are."""
        with self._lock:
            return len(self._tasks)

    @property
    def max_running(self) -> int:
        """The most tasks that ever ran at once."""
        spans = [task.span for task in self.tasks]
        # At the same time, an end (-1) sorts before a start (1): a task that ends then no longer runs.
        changes = sorted([(begin, 1) for begin, _ in spans] + [(end, -1) for _, end in spans])
        return max(accumulate(change for _, change in changes), default=0)

    def find(self, task_id: str) -> TaskRun | None:
        """Return the task with this id."""
        with self._lock:
            return self._tasks.get(task_id)

    def limit(self, limit: StartLimit) -> None:
        """Refuse starts beyond this limit, which replaces an earlier one of its kind."""
        with self._lock:
            self._limits[limit.kind] = limit

    def start(self, make: Callable[[], TaskRun]) -> TaskRun:
        """Start a task.

        Args:
            make: Makes the task. It is called only if the limits admit the start, and without a lock, because it calls
                functions of the test. Meanwhile, the start counts for the limits.

        Raises:
            StartRefusedError: A limit is reached.
        """
        with self._lock:
            self._check_limits()
            self._starting += 1
        task = None
        try:
            task = make()
            return task
        finally:
            with self._lock:
                self._starting -= 1
                if task is not None:
                    self._tasks[task.id] = task
                    self._maybe_running.append(task)

    def _check_limits(self) -> None:
        starts = self._limits.get("starts")
        if starts is not None and len(self._tasks) + self._starting >= starts.most:
            raise StartRefusedError(starts)
        running = self._limits.get("running")
        if running is None:
            return
        self._maybe_running = [task for task in self._maybe_running if task.state()["status"] == "RUNNING"]
        if len(self._maybe_running) + self._starting >= running.most:
            raise StartRefusedError(running)
