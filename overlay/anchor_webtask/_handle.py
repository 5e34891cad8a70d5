"""What a handle on a task is in both faces: all of it but the I/O."""

from __future__ import annotations

from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple

from anchor_webtask._errors import AnchorError, ConfigurationError, TaskFailedError
from anchor_webtask._outcome import Completed, Failed, Reply, Running
from anchor_webtask._request import checked_task_id, status_request
from anchor_webtask._secrets import release
from anchor_webtask._start import starting
from anchor_webtask._token import Token
from anchor_webtask._types import T, TaskResult, TaskStatus, TaskUpdate
from anchor_webtask._wait import Came, Fetch, Step, Watch, logger, watching

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from anchor_webtask._guarded import Prepared
    from anchor_webtask._output import Output
    from anchor_webtask._secrets import Redactor, Sealed
    from anchor_webtask._settings import Settings
    from anchor_webtask._types import WaitPolicy

START_NOTE: Final = "interrupted while a task was being started: whether it was is not known, look at the dashboard"


def running_note(task_id: str) -> str:
    """Return what to add to an exception that ends a wait from outside."""
    return f"the task goes on by itself; tasks.get({task_id!r}) finds it again"


def tell(raised: BaseException, step: Step[Any], task_id: str | None) -> None:
    """Make what ended a step fit to go on: freed from the request, and with what is known of the task.

    Args:
        raised: What was raised in the step.
        step: The step.
        task_id: The task's id; None at a start.
    """
    if isinstance(raised, AnchorError):
        raised.task_id = task_id
        return
    release(raised)
    if task_id is not None:
        raised.add_note(running_note(task_id))
    elif isinstance(step, Fetch):
        raised.add_note(START_NOTE)


@contextmanager
def noting(task_id: str | None) -> Iterator[None]:
    """Add the task's id to what a user's callback raises, which ends the wait."""
    try:
        yield
    except BaseException as raised:
        if task_id is not None:
            raised.add_note(running_note(task_id))
        raise


class Setup(NamedTuple, Generic[T]):
    """What a handle needs beside its task: the client's settings, how to wait, how to read the answer, what to hide."""

    settings: Settings
    policy: WaitPolicy
    output: Output[T]
    redact: Redactor

    def start_steps(
        self, *, deadline: float | None, http_timeout: float, patient: bool
    ) -> Generator[Step[Reply], Came]:
        """Return the steps of a start."""
        clock = self.settings.clock
        return starting(
            self.policy,
            now=clock.now(),
            deadline=deadline,
            http_timeout=http_timeout,
            patient=patient,
            chance=clock.chance,
        )


class Handle(Generic[T]):
    """A task's handle without its I/O; `WebTask` and `AsyncWebTask` add that."""

    def __init__(self, setup: Setup[T], watch: Watch, *, started: float | None) -> None:
        self._setup = setup
        self._watch = watch
        self._started = started

    @property
    def id(self) -> str | None:
        """The task's id; None where the API answered at once with the result, without giving one."""
        return self._watch.task_id

    @property
    def status(self) -> TaskStatus | None:
        """The status that the last check brought; None before any."""
        return self._watch.status

    @property
    def done(self) -> bool:
        """Whether the task is known to have ended. Looks at nothing: `refresh` does."""
        return self._watch.ended is not None

    def token(self) -> str:
        """Return text by which another process finds this task: `tasks.resume(token)`.

        It holds the id, the base URL, when the task started and whether its answer is wrapped; neither the key nor the
        prompt nor secrets.

        Raises:
            ConfigurationError: The task has no id.
        """
        if self._watch.task_id is None:
            raise ConfigurationError("a task that was answered at once has no id, and so no token; it has its result")
        setup = self._setup
        return Token(self._watch.task_id, setup.settings.base_url, self._started, setup.output.wrapped).encode()

    def __repr__(self) -> str:
        status = "not looked at yet" if self._watch.status is None else self._watch.status.value
        return f"<{type(self).__name__} {self._watch.task_id!r}: {status}>"

    @cached_property
    def _status_request(self) -> Sealed[Prepared]:
        return status_request(self._setup.settings.base_url, self._watch.task_id or "")

    def _deadline(self, timeout: float | None) -> float | None:
        return None if timeout is None else self._setup.settings.clock.now() + timeout

    def _steps(self, deadline: float | None) -> Generator[Step[TaskUpdate], Came]:
        setup = self._setup
        return watching(
            self._watch,
            setup.policy,
            now=setup.settings.clock.now(),
            deadline=deadline,
            http_timeout=setup.settings.http_timeout,
            chance=setup.settings.clock.chance,
        )

    def _result(self) -> TaskResult[T]:
        match self._watch.ended:
            case Completed(raw=raw):
                value = self._setup.output.value(raw, self._watch.task_id, self._setup.redact)
                return TaskResult(value=value, raw=raw, task_id=self._watch.task_id)
            case Failed(reason=reason):
                said = " without a reason" if reason is None else f": {self._setup.redact.quote(reason)}"
                raise TaskFailedError(f"the task failed{said}", reason=reason, task_id=self._watch.task_id)
            case None:
                raise AssertionError("the steps of a wait end with the task, or raise")


def started_watch(setup: Setup[Any], reply: Reply, begun: float) -> Watch:
    """Return what is known of a task that has just been started, or been done at once."""
    clock = setup.settings.clock
    task_id = reply.task_id if isinstance(reply, Running) else None
    logger.info("task started", extra={"task_id": task_id})
    watch = Watch(task_id, begun, due=clock.now() + setup.policy.delay(0.0, clock.chance()))
    if not isinstance(reply, Running):
        watch.end(reply)
    return watch


def found_watch(settings: Settings, task_id: str, started: float | None) -> Watch:
    """Return what is known of a task that was started elsewhere: it is looked at at once.

    Raises:
        ConfigurationError: The id can't be one.
    """
    now = settings.clock.now()
    age = 0.0 if started is None else max(settings.clock.wall() - started, 0.0)
    return Watch(checked_task_id(task_id), now - age, due=now)
