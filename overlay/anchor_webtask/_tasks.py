"""The sync face: starting tasks and finding them. `_async_tasks` is its twin; decisions are made elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

from anchor_webtask._handle import (
    Setup,
    found_watch,
    noting,
    started_watch,
)
from anchor_webtask._output import JsonSchemaLike, Output, output_of
from anchor_webtask._reply import read_start
from anchor_webtask._request import start_request
from anchor_webtask._secrets import Sealed
from anchor_webtask._settings import check_callbacks, checked_seconds, checked_timeout, checked_wait
from anchor_webtask._token import decode
from anchor_webtask._turns import Turn
from anchor_webtask._web_task import WebTask, drive

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import Unpack

    from typing_extensions import TypeForm

    from anchor_webtask._outcome import Failure, Reply
    from anchor_webtask._settings import Settings
    from anchor_webtask._transport import Transport
    from anchor_webtask._types import T, TaskOptions, TaskResult, TaskUpdate, WaitPolicy
    from anchor_webtask._wait import Came, Fetch, Step


class Tasks:
    """What can be done with web tasks; `Anchor().tasks`."""

    def __init__(self, settings: Settings, transport: Transport) -> None:
        self._settings = settings
        self._transport = transport

    @overload
    def run(
        self,
        prompt: str,
        *,
        output: JsonSchemaLike | None = None,
        timeout: float | None = 1800,
        wait: WaitPolicy | None = None,
        on_start: Callable[[WebTask[Any]], object] | None = None,
        on_update: Callable[[TaskUpdate], object] | None = None,
        **options: Unpack[TaskOptions],
    ) -> TaskResult[Any]: ...
    @overload
    def run(
        self,
        prompt: str,
        *,
        output: TypeForm[T],
        timeout: float | None = 1800,
        wait: WaitPolicy | None = None,
        on_start: Callable[[WebTask[T]], object] | None = None,
        on_update: Callable[[TaskUpdate], object] | None = None,
        **options: Unpack[TaskOptions],
    ) -> TaskResult[T]: ...
    def run(
        self,
        prompt: str,
        *,
        output: Any = None,
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
            output: What the answer should be: a type, a JSON Schema as a dict (sent, the answer is not validated), or a
                `JsonSchema`; without one the answer is any JSON.
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
            InvalidOutputError: The task completed, and its answer is not what `output` asks for.
            AnchorError: The start was refused, or a failure that asking again can't mend.
        """
        sealed = Sealed(options)
        del options
        seconds = checked_timeout(timeout)
        check_callbacks(on_start=on_start, on_update=on_update, may_be_async=False)
        deadline = None if seconds is None else self._settings.clock.now() + seconds
        task = self._start(prompt, output_of(output), sealed, wait=wait, deadline=deadline, patient=True)
        if on_start is not None:
            with noting(task.id):
                on_start(task)
        return task._result_by(deadline, on_update)

    @overload
    def start(
        self,
        prompt: str,
        *,
        output: JsonSchemaLike | None = None,
        **options: Unpack[TaskOptions],
    ) -> WebTask[Any]: ...
    @overload
    def start(
        self,
        prompt: str,
        *,
        output: TypeForm[T],
        **options: Unpack[TaskOptions],
    ) -> WebTask[T]: ...
    def start(
        self,
        prompt: str,
        *,
        output: Any = None,
        **options: Unpack[TaskOptions],
    ) -> WebTask[Any]:
        """Start a task, and return a handle on it at once.

        An unreachable server is tried three times. A start that the server may have seen is never repeated.

        Args:
            prompt: The task, in plain words.
            output: What the answer should be: a type, a JSON Schema as a dict (sent, the answer is not validated), or a
                `JsonSchema`; without one the answer is any JSON.
            **options: The API's further fields; see `TaskOptions`.

        Raises:
            ConfigurationError: The prompt or an option can't be right; nothing was sent.
            StartOutcomeUnknownError: The start may or may not have happened.
            AnchorError: The start was refused; on 429 it is a `RateLimitError`.
        """
        sealed = Sealed(options)
        del options
        return self._start(prompt, output_of(output), sealed)

    @overload
    def get(
        self,
        task_id: str,
        *,
        output: JsonSchemaLike | None = None,
    ) -> WebTask[Any]: ...
    @overload
    def get(
        self,
        task_id: str,
        *,
        output: TypeForm[T],
    ) -> WebTask[T]: ...
    def get(
        self,
        task_id: str,
        *,
        output: Any = None,
    ) -> WebTask[Any]:
        """Return a handle on a task that was started elsewhere; sends nothing.

        Args:
            task_id: The task's id.
            output: As for `start`; it decides how the answer is read.

        Raises:
            ConfigurationError: The id can't be one.
        """
        return self._found(task_id, None, output_of(output))

    @overload
    def resume(
        self,
        token: str,
        *,
        output: JsonSchemaLike | None = None,
    ) -> WebTask[Any]: ...
    @overload
    def resume(
        self,
        token: str,
        *,
        output: TypeForm[T],
    ) -> WebTask[T]: ...
    def resume(
        self,
        token: str,
        *,
        output: Any = None,
    ) -> WebTask[Any]:
        """Return a handle on the task that a token is of; sends nothing.

        Args:
            token: What `task.token()` returned, in this or another process.
            output: As for `start`; it decides how the answer is read.

        Raises:
            ConfigurationError: The token is damaged, of a later version, or of another base URL.
        """
        found = decode(token, self._settings.base_url)
        return self._found(found.task_id, found.started, output_of(output, wrapped=found.wrapped))

    @overload
    def run_in_one_request(
        self,
        prompt: str,
        *,
        output: JsonSchemaLike | None = None,
        http_timeout: float = 1800,
        **options: Unpack[TaskOptions],
    ) -> TaskResult[Any]: ...
    @overload
    def run_in_one_request(
        self,
        prompt: str,
        *,
        output: TypeForm[T],
        http_timeout: float = 1800,
        **options: Unpack[TaskOptions],
    ) -> TaskResult[T]: ...
    def run_in_one_request(
        self,
        prompt: str,
        *,
        output: Any = None,
        http_timeout: float = 1800,
        **options: Unpack[TaskOptions],
    ) -> TaskResult[Any]:
        """Do a task in one request that is held open until the answer is there.

        When the connection breaks there is no id to find the task by: prefer `run`.

        Args:
            prompt: The task, in plain words.
            output: What the answer should be: a type, a JSON Schema as a dict (sent, the answer is not validated), or a
                `JsonSchema`; without one the answer is any JSON.
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
        output: Output[T],
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

        def fetch(step: Fetch) -> Reply | Failure:
            answer = self._transport.exchange(
                request.prepared,
                step.limit,
                turn=Turn.START if http_timeout is None else Turn.HELD,
                redact=request.redact,
                connect=step.connect,
            )
            return read_start(answer, request.redact)

        limit = http_timeout or settings.http_timeout

        def steps() -> Generator[Step[Reply], Came]:
            return setup.start_steps(deadline=deadline, http_timeout=limit, patient=patient)

        (reply,) = drive(steps, settings.clock, fetch, None)
        # Not before: the start may have waited, for its turn or for a server that was too busy.
        begun, started = settings.clock.now(), settings.clock.wall()
        return WebTask(self._transport, setup, started_watch(setup, reply, begun), started=started)

    def _found(self, task_id: str, started: float | None, output: Output[T]) -> WebTask[Any]:
        setup = Setup(self._settings, self._settings.wait, output, self._settings.redact)
        return WebTask(self._transport, setup, found_watch(self._settings, task_id, started), started=started)
