"""The sync handle of one task: it checks the task and waits for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, TypeVar

from anchor_webtask import _importing
from anchor_webtask._api.responses import read_status
from anchor_webtask._config import check_callbacks, checked_timeout
from anchor_webtask._http.limiter import Slot
from anchor_webtask._misuse import handle_hints, refuse_unknown
from anchor_webtask._models import T, TaskResult, TaskUpdate
from anchor_webtask._polling.outcomes import Failure
from anchor_webtask._polling.wait import DEFAULT_TIMEOUT, Emit, Fetch, Sleep, Step, StepResult, TaskState
from anchor_webtask._tasks.handle import Handle, Setup
from anchor_webtask._tasks.interruptions import AddingTaskId, adding_session, annotate

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from typing import Never

    from anchor_webtask._clock import Clock
    from anchor_webtask._http.sender import Sender
    from anchor_webtask._polling.outcomes import Reply
    from anchor_webtask._tasks.asked import Question
    from anchor_webtask._tasks.questions import Questions

E = TypeVar("E")


def drive(
    make_steps: Callable[[], Generator[Step[E], StepResult]],
    clock: Clock,
    fetch: Callable[[Fetch], Reply | Failure],
    task_id: str | None,
) -> Iterator[E]:
    """Execute the steps of a start or a wait, and yield the values that they emit; for a start, `task_id` is None."""
    steps, adding_id = make_steps(), AddingTaskId(task_id)
    step: Step[E] | None = None
    reply: Reply | Failure | None = None
    while True:
        try:
            with adding_id:
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
            annotate(raised, task_id)
            raise
        if isinstance(step, Emit):
            yield step.value


class WebTask(Handle[T]):
    """The handle of one web task.

    Creating or dropping a handle does not affect the web task, which runs on the server. Several threads may wait on
    one handle.
    """

    _hints: ClassVar = handle_hints(result="task.result()", refresh="task.refresh()")

    def __init__(self, sender: Sender, setup: Setup[T], state: TaskState, *, started: float | None) -> None:
        super().__init__(setup, state, started=started)
        self._sender = sender

    def result(
        self,
        timeout: float | None = DEFAULT_TIMEOUT,
        *,
        on_question: Callable[[Question], object] | None = None,
        **_unknown: Never,
    ) -> TaskResult[T]:
        """Wait until the task ends, and return its answer.

        Args:
            timeout: Seconds to wait, by default 30 minutes; 0 makes one check, None waits without a deadline. One last
                check follows the deadline, and may take up to 5 more seconds.
            on_question: Called with each question of the agent to a human, for a task of a browser session that was
                started with `human_intervention`; see `run`.

        Raises:
            ConfigurationError: An argument is invalid.
            TaskTimeoutError: The task has not ended. It keeps running; another call continues the wait.
            TaskFailedError: The API reports that the task failed.
            InvalidOutputError: The task completed, but its answer does not fit `output`.
            AnchorError: A check failed in a way that a retry cannot fix.
        """
        names = tuple(_unknown)
        del _unknown  # its values may be secrets
        refuse_unknown("result", names, ("timeout", "on_question"))
        seconds = checked_timeout(timeout)
        check_callbacks(on_question=on_question, may_be_async=False)
        return self._result_by(self._deadline(seconds), None, on_question)

    def updates(self, timeout: float | None = DEFAULT_TIMEOUT, **_unknown: Never) -> Iterator[TaskUpdate]:
        """Wait until the task ends, and yield the result of each check.

        If this handle already knows that the task has ended, this method yields nothing.

        Args:
            timeout: As for `result`.

        Raises:
            ConfigurationError: An argument is invalid.
            TaskTimeoutError: The task has not ended.
            AnchorError: A check failed in a way that a retry cannot fix. If the task fails, the last update says so.
        """
        names = tuple(_unknown)
        del _unknown
        refuse_unknown("updates", names, ("timeout",))
        return self._updates(self._deadline(checked_timeout(timeout)))

    def refresh(self) -> WebTask[T]:
        """Check the task once, and return this handle; a task that is known to have ended is not checked again.

        Raises:
            AnchorError: The check failed.
        """
        update = next(self._updates(self._deadline(0)), None)
        if update is not None and update.last_error is not None:
            with adding_session(self._setup.session_id):
                raise update.last_error
        return self

    def _updates(self, deadline: float | None) -> Iterator[TaskUpdate]:
        return drive(lambda: self._steps(deadline), self._setup.settings.clock, self._fetch, self._state.task_id)

    def _result_by(
        self,
        deadline: float | None,
        on_update: Callable[[TaskUpdate], object] | None,
        on_question: Callable[[Question], object] | None = None,
    ) -> TaskResult[T]:
        questions: Questions | None = None
        while self._state.ended is None:
            for update in self._updates(deadline):
                if on_update is not None:
                    with AddingTaskId(self._state.task_id):
                        on_update(update)
                if on_question is None or self._state.ended is not None:
                    continue
                questions = questions or self._questions()
                taken = self._ask(questions, on_question)
                self._state.paused += taken
                if taken and deadline is not None:
                    deadline += taken  # the time of a human does not count
                    break
        return self._result()

    def _ask(self, questions: Questions, on_question: Callable[[Question], object]) -> float:
        """Ask what the agent wants to know, and return how long the user has taken."""
        with _importing.lock:
            from anchor_webtask._tasks.sync_steps import run_steps

        clock = self._setup.settings.clock
        with AddingTaskId(self._state.task_id), adding_session(self._setup.session_id):
            return run_steps(questions.steps(clock.now()), self._sender, clock, on_question)

    def _fetch(self, step: Fetch) -> Reply | Failure:
        redact = self._redact
        request = self._loaded(lambda: self._status_request)
        if isinstance(request, Failure):
            return request
        response = self._sender.exchange(request, step.limit, slot=Slot.CHECK, redact=redact)
        return self._loaded(lambda: read_status(response, redact))
