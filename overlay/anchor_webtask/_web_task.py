"""The sync face of one task: waiting for it. `_async_web_task` is its twin; decisions are made elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from anchor_webtask._handle import Handle, Setup, noting, tell
from anchor_webtask._reply import read_status
from anchor_webtask._settings import checked_timeout
from anchor_webtask._turns import Turn
from anchor_webtask._types import T, TaskResult, TaskUpdate
from anchor_webtask._wait import Came, Emit, Fetch, Sleep, Step, Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from anchor_webtask._clock import Clock
    from anchor_webtask._outcome import Failure, Reply
    from anchor_webtask._transport import Transport

E = TypeVar("E")


def drive(
    make_steps: Callable[[], Generator[Step[E], Came]],
    clock: Clock,
    fetch: Callable[[Fetch], Reply | Failure],
    task_id: str | None,
) -> Iterator[E]:
    """Do what the steps say, and yield what they emit; without a task's id they are those of a start."""
    steps = make_steps()
    step: Step[E] | None = None
    reply: Reply | Failure | None = None
    while True:
        try:
            step = next(steps) if step is None else steps.send((clock.now(), reply))
        except StopIteration:
            return
        reply = None
        try:
            match step:
                case Sleep(seconds=seconds):
                    clock.sleep(seconds)
                case Fetch():
                    reply = fetch(step)
        except BaseException as raised:
            tell(raised, step, task_id)
            raise
        if isinstance(step, Emit):
            yield step.value


class WebTask(Handle[T]):
    """A handle on one web task. Making or dropping it changes nothing: the task runs on the server.

    Several threads may wait on one handle.
    """

    def __init__(self, transport: Transport, setup: Setup[T], watch: Watch, *, started: float | None) -> None:
        super().__init__(setup, watch, started=started)
        self._transport = transport

    def result(self, timeout: float | None = 1800) -> TaskResult[T]:
        """Wait for the task's end, and return its answer.

        Args:
            timeout: Seconds to wait; 0 is one check, None waits without a deadline. One last check follows the
                deadline, and may take up to 5 seconds more.

        Raises:
            TaskTimeoutError: The task has not ended. It goes on; waiting again continues.
            TaskFailedError: The API says that the task failed.
            InvalidOutputError: The task completed, and its answer is not what `output` asks for.
            AnchorError: A failure that asking again can't mend.
        """
        return self._result_by(self._deadline(checked_timeout(timeout)), None)

    def updates(self, timeout: float | None = 1800) -> Iterator[TaskUpdate]:
        """Wait for the task's end, and yield what each check brings; nothing if the end is known already.

        Args:
            timeout: As for `result`.

        Raises:
            TaskTimeoutError: The task has not ended.
            AnchorError: A failure that asking again can't mend. That the task failed is an update, not an error.
        """
        return self._updates(self._deadline(checked_timeout(timeout)))

    def refresh(self) -> WebTask[T]:
        """Look once, unless the end is known already, and return this handle.

        Raises:
            AnchorError: The check brought no status.
        """
        update = next(self._updates(self._deadline(0)), None)
        if update is not None and update.last_error is not None:
            raise update.last_error
        return self

    def _updates(self, deadline: float | None) -> Iterator[TaskUpdate]:
        return drive(lambda: self._steps(deadline), self._setup.settings.clock, self._fetch, self.id)

    def _result_by(self, deadline: float | None, on_update: Callable[[TaskUpdate], object] | None) -> TaskResult[T]:
        for update in self._updates(deadline):
            if on_update is not None:
                with noting(self.id):
                    on_update(update)
        return self._result()

    def _fetch(self, step: Fetch) -> Reply | Failure:
        redact = self._setup.redact
        request = self._status_request
        answer = self._transport.exchange(request, step.limit, turn=Turn.CHECK, redact=redact)
        return read_status(answer, redact)
