"""What the live line says of one task, and the parts of all live lines."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from anchor_webtask._cli import exit_status
from anchor_webtask._secret_task_id import shown_id

if TYPE_CHECKING:
    from anchor_webtask import TaskResult, TaskUpdate, WebTask

FRAMES = "|/-\\"


class LiveTask:
    """What is known of the task of a command.

    Args:
        is_start: Whether the command only starts it.
        is_found: Whether it was started before, so that its age is not known.

    Attributes:
        task_id: The task's id; None before it has arrived.
        result: Its answer; None if there is none, or not yet.
        status: The exit status if there is no answer.
    """

    def __init__(self, *, is_start: bool = False, is_found: bool = False) -> None:
        self.task_id: str | None = None
        self.result: TaskResult[Any] | None = None
        self.status = exit_status.DONE
        self._begun = time.monotonic()
        self._is_start = is_start
        self._is_found = is_found
        self._update: TaskUpdate | None = None
        self._updated = 0.0

    @property
    def shown_id(self) -> str:
        """The id for a message."""
        return shown_id(self.task_id) or "without an id"

    def started(self, handle: WebTask[Any]) -> None:
        """Record the task's handle."""
        self.task_id = handle._state.task_id

    def updated(self, update: TaskUpdate) -> None:
        """Record the result of a check."""
        self._updated = time.monotonic()
        self._update = update

    def line(self) -> str:
        """Return the live line."""
        now, update = time.monotonic(), self._update
        if update is None:
            if self.task_id is None or self._is_start:
                return f"{frame()} starting, {duration(now - self._begun)}"
            return (
                f"{frame()} {'asking' if self._is_found else 'started'}, {duration(now - self._begun)}, {self.shown_id}"
            )
        since = now - self._updated
        watched = "watched for " if self._is_found else ""
        parts = [f"{frame()} {update.status.value}, {watched}{duration(update.elapsed + since)}"]
        if update.last_error is not None:
            parts.append(f"the last check failed ({type(update.last_error).__name__})")
        if update.next_check is not None:
            parts.append(f"next check in {duration(max(update.next_check - since, 0))}")
        return ", ".join([*parts, self.shown_id])


def frame() -> str:
    """Return the character that shows that a live line is alive."""
    return FRAMES[int(time.monotonic() * 4) % len(FRAMES)]


def duration(seconds: float) -> str:
    """Return a duration for a person."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
