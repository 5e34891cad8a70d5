"""The base of `Tasks` and `AsyncTasks`: it checks arguments and builds requests, without I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, NoReturn

from anchor_webtask import _importing
from anchor_webtask._api.generated import check_models
from anchor_webtask._api.requests import StartRequest, start_request
from anchor_webtask._api.responses import read_start
from anchor_webtask._config import check_callbacks, checked_seconds, checked_timeout, checked_wait
from anchor_webtask._errors import ConfigurationError
from anchor_webtask._http.limiter import Slot
from anchor_webtask._misuse import TASKS_HINTS, missing_attribute
from anchor_webtask._models import T
from anchor_webtask._output.decode import Output
from anchor_webtask._polling.start import start_steps
from anchor_webtask._redaction.secrets import Sealed
from anchor_webtask._tasks.answers import Answers
from anchor_webtask._tasks.handle import NO_SESSION, Setup, found_state, started_state

if TYPE_CHECKING:
    from collections.abc import Generator

    from anchor_webtask._api.requests import Method
    from anchor_webtask._batch.models import TaskRequest
    from anchor_webtask._config import Settings
    from anchor_webtask._errors import StartOutcomeUnknownError
    from anchor_webtask._http.body import BoundedResponse
    from anchor_webtask._models import TaskOptions
    from anchor_webtask._polling.outcomes import Failure, Reply
    from anchor_webtask._polling.policy import WaitPolicy
    from anchor_webtask._polling.wait import Step, StepResult, TaskState
    from anchor_webtask._redaction.secrets import Redactor
    from anchor_webtask._tasks.steps import Steps

MAX_RUNNING: Final = 5
"""How many tasks of `map` run at once by default."""

NOT_PICKLED: Final = (
    "tasks cannot be pickled or copied, since it belongs to its client: make a client in each process, and pass a task "
    "by its token(), which tasks.resume() reads"
)


def _output_of(output: Any, *, wrapped: bool = False) -> Output[Any]:
    """Return how to ask for an answer in the form of `output`; without one, no code for schemas is imported."""
    if output is None:
        return Output(wrapped=wrapped)
    with _importing.lock:
        from anchor_webtask._output.schema import output_of

    return output_of(output)


class HandleParts(Generic[T]):
    """The values from which a handle is made, for a task that was just started or is found by its id or token."""

    __slots__ = ("setup", "started", "state")

    def __init__(self, setup: Setup[T], state: TaskState, started: float | None) -> None:
        self.setup = setup
        self.state = state
        self.started = started


class Start(NamedTuple, Generic[T]):
    """A start whose arguments are checked: its request, how to send the request, and how long to wait for the task.

    Attributes:
        request: The request, and the redactor that knows its secrets.
        setup: What the task's handle will need.
        slot: Which slot the request needs.
        http_timeout: Seconds that the request may take.
        redact: Removes secrets from what the API responds.
        deadline: When the wait ends, on the client's clock; None for never.
        until_deadline: Whether the start is retried until the deadline, as long as it is certain that no task started.
    """

    request: StartRequest
    setup: Setup[T]
    slot: Slot
    http_timeout: float
    redact: Redactor
    deadline: float | None = None
    until_deadline: bool = False

    def steps(self) -> Generator[Step[Reply], StepResult]:
        """Return the steps of the start."""
        clock = self.setup.settings.clock
        return start_steps(
            self.setup.policy,
            now=clock.now(),
            deadline=self.deadline if self.until_deadline else None,
            http_timeout=self.http_timeout,
            until_deadline=self.until_deadline,
            chance=clock.chance,
        )

    def read(self, response: BoundedResponse | Failure) -> Reply | Failure:
        """Read the response to the request that starts the task."""
        return read_start(response, self.redact)

    def handle_parts(self, reply: Reply) -> HandleParts[T]:
        """Return the values from which the task's handle is made, once the API has replied."""
        # The clock is read only now, since the start may have queued for a slot, or been retried for a while.
        clock = self.setup.settings.clock
        begun, started = clock.now(), clock.wall()
        return HandleParts(self.setup, started_state(reply, begun), started)


class TasksBase:
    """The parts of `Tasks` and `AsyncTasks` that do no I/O."""

    def __init__(self, settings: Settings, *, session_id: str | None = None, is_new: bool = False) -> None:
        self._settings = settings
        self._session_id = session_id
        self._answers = Answers()
        self._is_new = is_new
        self._sent: set[object] = set()  # the starts in a new session that were not refused

    def __repr__(self) -> str:
        place = "" if self._session_id is None else f", in the browser session {self._session_id!r}"
        return f"<{type(self).__name__} of {self._settings.base_url}{place}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError(NOT_PICKLED)

    if not TYPE_CHECKING:  # type checkers must go on to refuse attributes that do not exist

        def __getattr__(self, name: str) -> NoReturn:
            raise missing_attribute(self, name, TASKS_HINTS)

    def _prepare_start(self, prompt: str, output: Any, options: Sealed[TaskOptions]) -> Start[Any]:
        """Check the arguments of `start`, and build its request."""
        return self._prepare(prompt, _output_of(output), options, method="start")

    def _prepare_run(
        self,
        prompt: str,
        output: Any,
        options: Sealed[TaskOptions],
        *,
        timeout: float | None,
        wait: WaitPolicy | None,
        on_start: object,
        on_update: object,
        on_question: object,
        callbacks_may_be_async: bool,
    ) -> Start[Any]:
        """Check the arguments of `run`, and build its request."""
        seconds = checked_timeout(timeout)
        check_callbacks(
            on_start=on_start, on_update=on_update, on_question=on_question, may_be_async=callbacks_may_be_async
        )
        if on_question is not None:
            options = self._with_questions(options)
        deadline = None if seconds is None else self._settings.clock.now() + seconds
        start = self._prepare(prompt, _output_of(output), options, method="run", wait=wait)
        return start._replace(deadline=deadline, until_deadline=True)

    def _prepare_run_in_one_request(
        self, prompt: str, output: Any, options: Sealed[TaskOptions], *, http_timeout: float
    ) -> Start[Any]:
        """Check the arguments of `run_in_one_request`, and build its request."""
        limit = checked_seconds("http_timeout", http_timeout)
        deadline = self._settings.clock.now() + limit
        start = self._prepare(prompt, _output_of(output), options, method="run_in_one_request")
        return start._replace(deadline=deadline, http_timeout=limit, slot=Slot.NONE)

    def _prepare(
        self,
        prompt: str,
        output: Output[T],
        options: Sealed[TaskOptions],
        *,
        method: Method,
        wait: WaitPolicy | None = None,
    ) -> Start[T]:
        settings = self._settings
        options = self._in_session(options)
        if method != "start":  # a start alone should be quick
            # A later import may fail, such as if too many files are open. Then a wait tries again until its deadline.
            check_models()
        request = start_request(prompt, output, options, settings, method=method)
        session_id = options.open().get("session_id")
        session_id = session_id and request.redact.task_id(session_id)
        setup = Setup(settings, checked_wait(wait, settings.wait), output, request.redact, session_id, self._answers)
        return Start(request, setup, Slot.START, settings.http_timeout, setup.redactor())

    def _in_session(self, options: Sealed[TaskOptions]) -> Sealed[TaskOptions]:
        """Return the options of a start; in a session, its id is one of them."""
        if self._session_id is None:
            return options
        if options.open().get("session_id") is not None:
            raise ConfigurationError(
                "these tasks run in their session: leave session_id out, or call tasks of the client"
            )
        return Sealed({**options.open(), "session_id": self._session_id})

    def _with_questions(self, options: Sealed[TaskOptions]) -> Sealed[TaskOptions]:
        """Return the options of a start whose agent may ask questions."""
        given = options.open()
        if self._session_id is None and given.get("session_id") is None:
            raise ConfigurationError(NO_SESSION)
        if given.get("human_intervention") is False:
            raise ConfigurationError("on_question needs human_intervention, without which the agent asks nothing")
        return Sealed({**given, "human_intervention": True})

    def _max_running(self, given: int | None) -> int:
        """Return how many tasks of `map` run at once: by default one in a session, whose page they share."""
        if given is not None:
            return given
        return MAX_RUNNING if self._session_id is None else 1

    def _counted(self) -> object:
        """Count a start that is about to be sent, and return what `_refused` takes if it certainly starts nothing."""
        start = object()
        if self._is_new:
            self._sent.add(start)
        return start

    def _refused(self, start: object) -> None:
        self._sent.discard(start)

    def _is_only_start(self) -> bool:
        """Return whether these tasks have sent one start alone, in a session that was created with them."""
        return len(self._sent) == 1

    def _proof(self, error: StartOutcomeUnknownError) -> Steps[None]:
        with _importing.lock:
            from anchor_webtask._tasks.proof import proof_steps

        settings = self._settings
        return proof_steps(error, settings, self._session_id or "", settings.clock.now(), self._is_only_start)

    def _prepare_one_of_many(self, request: TaskRequest, output: Output[T], policy: WaitPolicy) -> Start[T]:
        """Check a request of `map`, and build its start."""
        return self._prepare(request.prompt, output, request.sealed_options, method="TaskRequest", wait=policy)

    def _find(self, task_id: str, output: Any) -> HandleParts[Any]:
        """Check the arguments of `get`, and return the values from which the handle is made."""
        return self._found(task_id, None, _output_of(output))

    def _find_by_token(self, token: str, output: Any) -> HandleParts[Any]:
        """Check the arguments of `resume`, and return the values from which the handle is made."""
        with _importing.lock:
            from anchor_webtask._tasks.resume_token import decode

        found = decode(token, self._settings.base_url)
        return self._found(found.task_id, found.started, _output_of(output, wrapped=found.wrapped))

    def _found(self, task_id: str, started: float | None, output: Output[T]) -> HandleParts[T]:
        settings = self._settings
        setup = Setup(settings, settings.wait, output, settings.redact, self._session_id, self._answers)
        state = found_state(settings, task_id, started)
        state.warn_of_secret_id()
        return HandleParts(setup, state, started)
