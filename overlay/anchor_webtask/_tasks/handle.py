"""The base of the sync and the async handle: a task's state, token and result."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, NamedTuple, NoReturn, TypeVar

from anchor_webtask import _importing
from anchor_webtask._api.requests import checked_task_id, status_request
from anchor_webtask._errors import ConfigurationError, NoTaskIdError, TaskFailedError, TransportError
from anchor_webtask._misuse import missing_attribute
from anchor_webtask._models import T, TaskResult, TaskStatus, TaskUpdate
from anchor_webtask._polling.outcomes import Completed, Failed, Failure, Fault, Reply, Running
from anchor_webtask._polling.wait import Step, StepResult, TaskState, least_delay, wait_steps
from anchor_webtask._redaction.secrets import SharingRedactor, shortened
from anchor_webtask._secret_task_id import shown_id
from anchor_webtask._signals import reraise_from_handler
from anchor_webtask._tasks.interruptions import AddingTaskId, adding_session

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from anchor_webtask._config import Settings
    from anchor_webtask._http.prepared_request import PreparedRequest
    from anchor_webtask._output.decode import Output
    from anchor_webtask._polling.policy import WaitPolicy
    from anchor_webtask._redaction.secrets import Redactor, Sealed
    from anchor_webtask._tasks.answers import Answers
    from anchor_webtask._tasks.questions import Questions

R = TypeVar("R")

NO_SESSION: Final = (
    "on_question needs a browser session, in which the agent asks: write `with anchor.sessions.open() as session`, and "
    "call session.tasks.run, or pass session_id"
)
UNKNOWN_SESSION: Final = (
    "on_question needs a browser session, and it is not known in which one this task runs: find it in its session, by "
    "anchor.sessions.get(session_id).tasks.get(task_id), or leave on_question out to wait for it"
)
NO_ID: Final = (
    "the task has no id, since the API responded to the start with the task's result: call result() on the handle, "
    "which is this error's .task"
)

NOT_PICKLED: Final = (
    "a handle cannot be pickled or copied, since it belongs to its client: pass task.token(), and call "
    "tasks.resume(token) of the other client"
)


class Setup(NamedTuple, Generic[T]):
    """What a handle needs besides its task.

    Attributes:
        settings: The client's settings.
        policy: How often to check the task.
        output: How its answer is read.
        redact: Removes the secrets of its request from text.
        session_id: The browser session that it runs in: the one in which it was started, also according to a ledger,
            or in which the user looks for it. None if that is not known; it may be any session then.
        answers: What was answered through the `tasks` that have started or found it.
    """

    settings: Settings
    policy: WaitPolicy
    output: Output[T]
    redact: Redactor
    session_id: str | None = None
    answers: Answers | None = None

    def redactor(self) -> Redactor:
        """Return what also removes each answer from what the service says: one is often a password or a code."""
        return self.redact if self.answers is None else SharingRedactor(self.redact, self.answers.learned)


class Handle(Generic[T]):
    """The parts of a handle that do no I/O; `WebTask` and `AsyncWebTask` add the I/O."""

    _hints: ClassVar[Mapping[str, str]]
    """What to use instead of attributes that a handle does not have."""

    def __init__(self, setup: Setup[T], state: TaskState, *, started: float | None) -> None:
        self._setup = setup
        self._redact = setup.redactor()
        self._state = state
        self._started = started

    @property
    def id(self) -> str:
        """The task's id.

        Raises:
            NoTaskIdError: The API responded to the start with the task's result, without an id. The error's `task` is
                this handle.
        """
        return str(self._known_id())

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
            NoTaskIdError: The task has no id; see `id`.
        """
        known_id = self._known_id()
        with AddingTaskId(known_id), _importing.lock:  # if files have run out, the import fails
            from anchor_webtask._tasks.resume_token import Token

        setup, task_id = self._setup, shown_id(known_id)
        return Token(task_id, setup.settings.base_url, self._started, setup.output.wrapped).encode()

    def _known_id(self) -> str:
        if self._state.task_id is None:
            raise NoTaskIdError(NO_ID, task=self)
        return self._state.task_id

    def __repr__(self) -> str:
        status = "not checked yet" if self._state.status is None else self._state.status.value
        task_id = "without an id" if self._state.task_id is None else repr(self._state.task_id)
        return f"<{type(self).__name__} {task_id}: {status}>"

    def _repr_html_(self) -> str:
        """Return what a notebook shows."""
        with _importing.lock:
            from anchor_webtask._display import objects

        return objects.handle(type(self).__name__, self._state.task_id, self._state.status, self._state.raw_status)

    def __reduce__(self) -> NoReturn:
        raise TypeError(NOT_PICKLED)

    if not TYPE_CHECKING:  # type checkers must go on to refuse attributes that do not exist

        def __getattr__(self, name: str) -> Any:
            if hasattr(type(self), name):  # a property has raised an AttributeError, as `id` does, and raises it again
                return object.__getattribute__(self, name)
            raise missing_attribute(self, name, self._hints)

    @cached_property
    def _status_request(self) -> Sealed[PreparedRequest]:
        return status_request(self._setup.settings.base_url, self.id)

    def _deadline(self, timeout: float | None) -> float | None:
        return None if timeout is None else self._setup.settings.clock.now() + timeout

    def _steps(self, deadline: float | None) -> Generator[Step[TaskUpdate], StepResult]:
        setup = self._setup
        with adding_session(setup.session_id):
            yield from wait_steps(
                self._state,
                setup.policy,
                now=setup.settings.clock.now(),
                deadline=deadline,
                http_timeout=setup.settings.http_timeout,
                chance=setup.settings.clock.chance,
            )

    def _loaded(self, code: Callable[[], R]) -> R | Failure:
        """Return what code returns that may import modules, or a failure if that is impossible now.

        So a wait goes on that begins while too many files are open, as it does if there is no connection then.
        """
        try:
            return code()
        except OSError as error:
            reraise_from_handler(error)
            why = error.strerror or type(error).__name__
            return Failure(Fault.NOT_CONNECTED, TransportError(f"a part of this package cannot be loaded now: {why}"))

    def _questions(self) -> Questions:
        """Return the questions of the task.

        Raises:
            ConfigurationError: The session of the task is not known.
        """
        with _importing.lock:
            from anchor_webtask._tasks.questions import Questions

        setup = self._setup
        if setup.session_id is None or setup.answers is None:
            raise ConfigurationError(UNKNOWN_SESSION, task_id=self._state.task_id)
        return Questions(setup.settings, setup.session_id, setup.redact, setup.answers, self._state.task_id)

    def _result(self) -> TaskResult[T]:
        with adding_session(self._setup.session_id):
            return self._ended_result()

    def _ended_result(self) -> TaskResult[T]:
        match self._state.ended:
            case Completed(raw=raw, source=source):
                value = self._setup.output.value(raw, self._state.task_id, self._redact, source)
                return TaskResult(value=value, raw=raw, task_id=self._state.task_id)
            case Failed(reason=reason):
                said = ", and the API gave no reason" if reason is None else f": {shortened(reason)}"
                raise TaskFailedError(f"the task failed{said}", reason=reason, task_id=self._state.task_id)
            case None:
                raise AssertionError("the wait stopped without an error before the task ended")


def started_state(reply: Reply, begun: float) -> TaskState:
    """Return the state of a task that has just started, and may have ended at once."""
    task_id = reply.task_id if isinstance(reply, Running) else None
    state = TaskState(task_id, begun, due=None, least_delay=least_delay(reply))
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
