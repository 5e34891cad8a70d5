"""The base of the sync and the async handle: a task's state, token and result, and the notes on exceptions."""

from __future__ import annotations

from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple

from anchor_webtask._api.requests import checked_task_id, status_request
from anchor_webtask._errors import AnchorError, ConfigurationError, TaskFailedError
from anchor_webtask._models import T, TaskResult, TaskStatus, TaskUpdate
from anchor_webtask._polling.outcomes import Completed, Failed, Reply, Running
from anchor_webtask._polling.wait import Fetch, Step, StepResult, TaskState, wait_steps
from anchor_webtask._redaction.secrets import release_frames, shortened
from anchor_webtask._secret_task_id import HIDDEN_ID_HINT, SecretTaskId, shown_id
from anchor_webtask._tasks.resume_token import Token

if TYPE_CHECKING:
    from collections.abc import Generator

    from anchor_webtask._config import Settings
    from anchor_webtask._http.prepared_request import PreparedRequest
    from anchor_webtask._output.decode import Output
    from anchor_webtask._polling.policy import WaitPolicy
    from anchor_webtask._redaction.secrets import Redactor, Sealed

START_NOTE: Final = "interrupted while starting a task: the task may or may not have started; check the dashboard"


def running_note(task_id: str) -> str:
    """Return the note for an exception that interrupts a wait."""
    note = f"the task keeps running; tasks.get({task_id!r}) finds it again"
    return f"{note} ({HIDDEN_ID_HINT})" if isinstance(task_id, SecretTaskId) else note


def add_running_note(raised: BaseException, task_id: str) -> None:
    """Attach the task's id to an exception: in a note, and as an attribute if the note must not show the id."""
    raised.add_note(running_note(task_id))
    if isinstance(task_id, SecretTaskId):
        with suppress(AttributeError):  # a class may have an attribute of this name that cannot be set
            raised.task_id = task_id  # type: ignore[attr-defined]


def annotate(raised: BaseException, step: Step[Any], task_id: str | None) -> None:
    """Prepare an exception to be re-raised: attach the task's id, and remove the frames that hold the request.

    Args:
        raised: The exception that ended a step.
        step: The step that the exception ended.
        task_id: The task's id; None at a start.
    """
    if isinstance(raised, AnchorError):
        raised.task_id = task_id or raised.task_id
        return
    release_frames(raised)
    if task_id is not None:
        add_running_note(raised, task_id)
    elif isinstance(step, Fetch):
        raised.add_note(START_NOTE)


class AddingTaskId:
    """A context manager for the user's code, such as a callback, a log filter or a wait policy.

    An exception of that code ends the wait, and gets a note with the task's id. It is not replaced.
    """

    __slots__ = ("_task_id",)

    def __init__(self, task_id: str | None) -> None:
        self._task_id = task_id

    def __enter__(self) -> None: ...

    def __exit__(self, _: object, raised: BaseException | None, __: object) -> None:
        if raised is None or self._task_id is None or isinstance(raised, StopIteration):
            return
        if not isinstance(raised, AnchorError) or raised.task_id != self._task_id:
            add_running_note(raised, self._task_id)


class Setup(NamedTuple, Generic[T]):
    """What a handle needs besides its task: the client's settings, the wait policy, the output, and the redactor."""

    settings: Settings
    policy: WaitPolicy
    output: Output[T]
    redact: Redactor


class Handle(Generic[T]):
    """The parts of a handle that do no I/O; `WebTask` and `AsyncWebTask` add the I/O."""

    def __init__(self, setup: Setup[T], state: TaskState, *, started: float | None) -> None:
        self._setup = setup
        self._state = state
        self._started = started

    @property
    def id(self) -> str | None:
        """The task's id; None if the API returned the result at once, without an id."""
        return None if self._state.task_id is None else str(self._state.task_id)

    @property
    def status(self) -> TaskStatus | None:
        """The status after the last check; None before the first."""
        return self._state.status

    @property
    def done(self) -> bool:
        """Whether the task is known to have ended. This sends nothing; `refresh` checks the task."""
        return self._state.ended is not None

    def token(self) -> str:
        """Return a text with which another process finds this task again, by `tasks.resume(token)`.

        The text holds the task's id, the base URL, when the task started, and whether the answer is wrapped in an
        object. It does not hold the key, the prompt or secret values. If the id contains one of these, the token holds
        the redacted id, with which no task can be found: store `.id` instead.

        Raises:
            ConfigurationError: The task has no id.
        """
        task_id = shown_id(self._state.task_id)
        if task_id is None:
            raise ConfigurationError(
                "this task has no id, so it has no token: the API returned the task's result at once; call result() on "
                "this handle"
            )
        setup = self._setup
        return Token(task_id, setup.settings.base_url, self._started, setup.output.wrapped).encode()

    def __repr__(self) -> str:
        status = "not checked yet" if self._state.status is None else self._state.status.value
        return f"<{type(self).__name__} {self._state.task_id!r}: {status}>"

    @cached_property
    def _status_request(self) -> Sealed[PreparedRequest]:
        return status_request(self._setup.settings.base_url, self._state.task_id or "")

    def _deadline(self, timeout: float | None) -> float | None:
        return None if timeout is None else self._setup.settings.clock.now() + timeout

    def _steps(self, deadline: float | None) -> Generator[Step[TaskUpdate], StepResult]:
        setup = self._setup
        return wait_steps(
            self._state,
            setup.policy,
            now=setup.settings.clock.now(),
            deadline=deadline,
            http_timeout=setup.settings.http_timeout,
            chance=setup.settings.clock.chance,
        )

    def _result(self) -> TaskResult[T]:
        match self._state.ended:
            case Completed(raw=raw):
                value = self._setup.output.value(raw, self._state.task_id, self._setup.redact)
                return TaskResult(value=value, raw=raw, task_id=self._state.task_id)
            case Failed(reason=reason):
                said = ", and the API gave no reason" if reason is None else f": {shortened(reason)}"
                raise TaskFailedError(f"the task failed{said}", reason=reason, task_id=self._state.task_id)
            case None:
                raise AssertionError("the wait stopped without an error before the task ended")


def started_state(reply: Reply, begun: float) -> TaskState:
    """Return the state of a task that has just started, and may have ended at once."""
    state = TaskState(reply.task_id if isinstance(reply, Running) else None, begun, due=None)
    if not isinstance(reply, Running):
        state.end(reply)
    return state


def log_start(state: TaskState) -> None:
    """Log the start of a task, once its handle exists: a user's handler or filter may raise, and must not lose it."""
    with AddingTaskId(state.task_id):
        state.log_start()
        if state.ended is not None:
            state.log_end()


def found_state(settings: Settings, task_id: str, started: float | None) -> TaskState:
    """Return the state of a task that is found by its id; its first check is due immediately.

    Args:
        settings: The client's settings.
        task_id: The task's id.
        started: When the task started, in seconds since 1970; None if that is unknown.

    Raises:
        ConfigurationError: The id is invalid.
    """
    now = settings.clock.now()
    age = 0.0 if started is None else max(settings.clock.wall() - started, 0.0)
    return TaskState(settings.redact.task_id(checked_task_id(task_id)), now - age, due=now)
