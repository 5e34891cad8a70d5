"""The sync face: starting tasks and waiting for them. `_async_tasks` is its twin; decisions are made elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from anchor_webtask._errors import AnchorError
from anchor_webtask._handle import (
    START_NOTE,
    Handle,
    Setup,
    found_watch,
    noting,
    running_note,
    started_watch,
)
from anchor_webtask._output import Output, output_of
from anchor_webtask._reply import read_start, read_status
from anchor_webtask._request import start_request
from anchor_webtask._secrets import Sealed, release
from anchor_webtask._settings import checked_seconds, checked_timeout, checked_wait
from anchor_webtask._token import decode
from anchor_webtask._types import JsonSchemaDict, T, TaskOptions, TaskResult, TaskUpdate, WaitPolicy
from anchor_webtask._wait import Came, Emit, Fetch, Sleep, Step, Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from typing import Unpack

    from anchor_webtask._clock import Clock
    from anchor_webtask._outcome import Failure, Reply
    from anchor_webtask._settings import Settings
    from anchor_webtask._transport import Transport

E = TypeVar("E")


def _drive(
    steps: Generator[Step[E], Came], clock: Clock, fetch: Callable[[Fetch], Reply | Failure], note: str
) -> Iterator[E]:
    """Do what the steps say, and yield what they emit."""
    came: Came | None = None
    while True:
        try:
            step = next(steps) if came is None else steps.send(came)
        except StopIteration:
            return
        reply = None
        try:
            match step:
                case Sleep(seconds=seconds):
                    clock.sleep(seconds)
                case Fetch():
                    reply = fetch(step)
        except AnchorError:
            raise
        except BaseException as interruption:
            release(interruption)
            interruption.add_note(note)
            raise
        if isinstance(step, Emit):
            yield step.value
        came = (clock.now(), reply)


class WebTask(Handle[T]):
    """A handle on one web task. Making or dropping it changes nothing: the task runs on the server.

    Several threads may wait on one handle.
    """

    def __init__(self, transport: Transport, setup: Setup, watch: Watch, *, started: float | None) -> None:
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
        return _drive(self._steps(deadline), self._setup.settings.clock, self._fetch, running_note(self.id))

    def _result_by(self, deadline: float | None, on_update: Callable[[TaskUpdate], object] | None) -> TaskResult[T]:
        for update in self._updates(deadline):
            if on_update is not None:
                with noting(self.id):
                    on_update(update)
        return self._result()

    def _fetch(self, step: Fetch) -> Reply | Failure:
        redact = self._setup.redact
        return read_status(self._transport.exchange(self._status_request(), step.limit, redact=redact), redact)


class Tasks:
    """What can be done with web tasks; `Anchor().tasks`."""

    def __init__(self, settings: Settings, transport: Transport) -> None:
        self._settings = settings
        self._transport = transport

    def run(
        self,
        prompt: str,
        *,
        output: JsonSchemaDict | None = None,
        timeout: float | None = 1800,
        wait: WaitPolicy | None = None,
        on_start: Callable[[WebTask[Any]], object] | None = None,
        on_update: Callable[[TaskUpdate], object] | None = None,
        **options: Unpack[TaskOptions],
    ) -> TaskResult[Any]:
        """Start a task, wait for its end, and return its answer.

        While nothing was started, because the server can't be reached or answers 429, the start is repeated until the
        deadline. A start that the server may have seen is never repeated.

        Args:
            prompt: The task, in plain words.
            output: A JSON Schema of the answer that is wanted; it is sent to the agent.
            timeout: Seconds for the start and the whole wait, None for no deadline. The start request itself is not cut
                off by it, since the task might be lost then, but by the client's `http_timeout`.
            wait: How often to look, if not as the client does.
            on_start: Called with the handle once the task runs, before the first wait: the place to store its id.
            on_update: Called with what each check brings.
            **options: The API's further fields; see `TaskOptions`.

        Raises:
            ConfigurationError: The prompt or an option can't be right; nothing was sent.
            StartOutcomeUnknownError: The start may or may not have happened.
            TaskTimeoutError: The task has not ended; it goes on, and `get(error.task_id)` continues the wait.
            TaskFailedError: The API says that the task failed.
            AnchorError: The start was refused, or a failure that asking again can't mend.
        """
        sealed = Sealed(options)
        del options
        seconds = checked_timeout(timeout)
        deadline = None if seconds is None else self._settings.clock.now() + seconds
        task = self._start(prompt, output_of(output), sealed, wait=wait, deadline=deadline, patient=True)
        if on_start is not None:
            with noting(task.id):
                on_start(task)
        return task._result_by(deadline, on_update)

    def start(
        self, prompt: str, *, output: JsonSchemaDict | None = None, **options: Unpack[TaskOptions]
    ) -> WebTask[Any]:
        """Start a task, and return a handle on it at once.

        An unreachable server is tried three times. A start that the server may have seen is never repeated.

        Args:
            prompt: The task, in plain words.
            output: A JSON Schema of the answer that is wanted; it is sent to the agent.
            **options: The API's further fields; see `TaskOptions`.

        Raises:
            ConfigurationError: The prompt or an option can't be right; nothing was sent.
            StartOutcomeUnknownError: The start may or may not have happened.
            AnchorError: The start was refused; on 429 it is a `RateLimitError`.
        """
        sealed = Sealed(options)
        del options
        return self._start(prompt, output_of(output), sealed)

    def get(self, task_id: str, *, output: JsonSchemaDict | None = None) -> WebTask[Any]:
        """Return a handle on a task that was started elsewhere; sends nothing.

        Args:
            task_id: The task's id.
            output: As for `start`; it decides how the answer is read.

        Raises:
            ConfigurationError: The id can't be one.
        """
        return self._found(task_id, None, output_of(output))

    def resume(self, token: str, *, output: JsonSchemaDict | None = None) -> WebTask[Any]:
        """Return a handle on the task that a token is of; sends nothing.

        Args:
            token: What `task.token()` returned, in this or another process.
            output: As for `start`; it decides how the answer is read.

        Raises:
            ConfigurationError: The token is damaged, of a later version, or of another base URL.
        """
        found = decode(token, self._settings.base_url)
        return self._found(found.task_id, found.started, output_of(output, wrapped=found.wrapped))

    def run_in_one_request(
        self,
        prompt: str,
        *,
        output: JsonSchemaDict | None = None,
        http_timeout: float = 1800,
        **options: Unpack[TaskOptions],
    ) -> TaskResult[Any]:
        """Do a task in one request that is held open until the answer is there.

        When the connection breaks there is no id to find the task by: prefer `run`.

        Args:
            prompt: The task, in plain words.
            output: A JSON Schema of the answer that is wanted; it is sent to the agent.
            http_timeout: Seconds that the request may take.
            **options: The API's further fields; see `TaskOptions`.

        Raises:
            ConfigurationError: The prompt or an option can't be right; nothing was sent.
            StartOutcomeUnknownError: The task may or may not have been done.
            AnchorError: The start was refused. Where the API answers with an id after all, what `result` raises.
        """
        sealed = Sealed(options)
        del options
        limit = checked_seconds("http_timeout", http_timeout)
        deadline = self._settings.clock.now() + limit
        task = self._start(prompt, output_of(output), sealed, http_timeout=limit)
        return task._result_by(deadline, None)

    def _start(
        self,
        prompt: str,
        output: Output,
        options: Sealed[TaskOptions],
        *,
        wait: WaitPolicy | None = None,
        deadline: float | None = None,
        patient: bool = False,
        http_timeout: float | None = None,
    ) -> WebTask[Any]:
        """Start a task; with an `http_timeout` of its own, in one request."""
        settings = self._settings
        request = start_request(prompt, output, options, settings, in_one_request=http_timeout is not None)
        setup = Setup(settings, checked_wait(wait, settings.wait), output, request.redact)
        begun, started = settings.clock.now(), settings.clock.wall()

        def fetch(step: Fetch) -> Reply | Failure:
            answer = self._transport.exchange(request.kwargs, step.limit, connect=step.connect, redact=request.redact)
            return read_start(answer, request.redact)

        limit = http_timeout or settings.http_timeout
        steps = setup.start_steps(deadline=deadline, http_timeout=limit, patient=patient)
        (reply,) = _drive(steps, settings.clock, fetch, START_NOTE)
        return WebTask(self._transport, setup, started_watch(setup, reply, begun), started=started)

    def _found(self, task_id: str, started: float | None, output: Output) -> WebTask[Any]:
        setup = Setup(self._settings, self._settings.wait, output, self._settings.redact)
        return WebTask(self._transport, setup, found_watch(self._settings, task_id, started), started=started)
