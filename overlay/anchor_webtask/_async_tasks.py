"""The async face, for asyncio and trio; the twin of `_tasks`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

from anchor_webtask._async_web_task import AsyncWebTask, Drive, call
from anchor_webtask._handle import (
    Setup,
    found_watch,
    started_watch,
)
from anchor_webtask._output import JsonSchemaLike, Output, output_of
from anchor_webtask._reply import read_start
from anchor_webtask._request import start_request
from anchor_webtask._secrets import Sealed
from anchor_webtask._settings import check_callbacks, checked_seconds, checked_timeout, checked_wait
from anchor_webtask._token import decode
from anchor_webtask._turns import Turn

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import Unpack

    from typing_extensions import TypeForm

    from anchor_webtask._outcome import Failure, Reply
    from anchor_webtask._settings import Settings
    from anchor_webtask._transport import AsyncTransport
    from anchor_webtask._types import T, TaskOptions, TaskResult, TaskUpdate, WaitPolicy
    from anchor_webtask._wait import Came, Fetch, Step


class AsyncTasks:
    """What can be done with web tasks; `AsyncAnchor().tasks`. Each method is the twin of the one of `Tasks`."""

    def __init__(self, settings: Settings, transport: AsyncTransport) -> None:
        self._settings = settings
        self._transport = transport

    @overload
    async def run(
        self,
        prompt: str,
        *,
        output: JsonSchemaLike | None = None,
        timeout: float | None = 1800,
        wait: WaitPolicy | None = None,
        on_start: Callable[[AsyncWebTask[Any]], object] | None = None,
        on_update: Callable[[TaskUpdate], object] | None = None,
        **options: Unpack[TaskOptions],
    ) -> TaskResult[Any]: ...
    @overload
    async def run(
        self,
        prompt: str,
        *,
        output: TypeForm[T],
        timeout: float | None = 1800,
        wait: WaitPolicy | None = None,
        on_start: Callable[[AsyncWebTask[T]], object] | None = None,
        on_update: Callable[[TaskUpdate], object] | None = None,
        **options: Unpack[TaskOptions],
    ) -> TaskResult[T]: ...
    async def run(
        self,
        prompt: str,
        *,
        output: Any = None,
        timeout: float | None = 1800,
        wait: WaitPolicy | None = None,
        on_start: Callable[[AsyncWebTask[Any]], object] | None = None,
        on_update: Callable[[TaskUpdate], object] | None = None,
        **options: Unpack[TaskOptions],
    ) -> TaskResult[Any]:
        """Start a task, wait for its end, and return its answer; see `Tasks.run` for arguments and errors.

        `on_start` and `on_update` may be coroutine functions.
        """
        sealed = Sealed(options)
        del options
        seconds = checked_timeout(timeout)
        check_callbacks(on_start=on_start, on_update=on_update, may_be_async=True)
        deadline = None if seconds is None else self._settings.clock.now() + seconds
        task = await self._start(prompt, output_of(output), sealed, wait=wait, deadline=deadline, patient=True)
        if on_start is not None:
            await call(on_start, task, task.id)
        return await task._result_by(deadline, on_update)

    @overload
    async def start(
        self,
        prompt: str,
        *,
        output: JsonSchemaLike | None = None,
        **options: Unpack[TaskOptions],
    ) -> AsyncWebTask[Any]: ...
    @overload
    async def start(
        self,
        prompt: str,
        *,
        output: TypeForm[T],
        **options: Unpack[TaskOptions],
    ) -> AsyncWebTask[T]: ...
    async def start(
        self,
        prompt: str,
        *,
        output: Any = None,
        **options: Unpack[TaskOptions],
    ) -> AsyncWebTask[Any]:
        """Start a task, and return a handle on it at once; see `Tasks.start` for arguments and errors."""
        sealed = Sealed(options)
        del options
        return await self._start(prompt, output_of(output), sealed)

    @overload
    def get(
        self,
        task_id: str,
        *,
        output: JsonSchemaLike | None = None,
    ) -> AsyncWebTask[Any]: ...
    @overload
    def get(
        self,
        task_id: str,
        *,
        output: TypeForm[T],
    ) -> AsyncWebTask[T]: ...
    def get(
        self,
        task_id: str,
        *,
        output: Any = None,
    ) -> AsyncWebTask[Any]:
        """Return a handle on a task that was started elsewhere; sends nothing. See `Tasks.get`."""
        return self._found(task_id, None, output_of(output))

    @overload
    def resume(
        self,
        token: str,
        *,
        output: JsonSchemaLike | None = None,
    ) -> AsyncWebTask[Any]: ...
    @overload
    def resume(
        self,
        token: str,
        *,
        output: TypeForm[T],
    ) -> AsyncWebTask[T]: ...
    def resume(
        self,
        token: str,
        *,
        output: Any = None,
    ) -> AsyncWebTask[Any]:
        """Return a handle on the task that a token is of; sends nothing. See `Tasks.resume`."""
        found = decode(token, self._settings.base_url)
        return self._found(found.task_id, found.started, output_of(output, wrapped=found.wrapped))

    @overload
    async def run_in_one_request(
        self,
        prompt: str,
        *,
        output: JsonSchemaLike | None = None,
        http_timeout: float = 1800,
        **options: Unpack[TaskOptions],
    ) -> TaskResult[Any]: ...
    @overload
    async def run_in_one_request(
        self,
        prompt: str,
        *,
        output: TypeForm[T],
        http_timeout: float = 1800,
        **options: Unpack[TaskOptions],
    ) -> TaskResult[T]: ...
    async def run_in_one_request(
        self,
        prompt: str,
        *,
        output: Any = None,
        http_timeout: float = 1800,
        **options: Unpack[TaskOptions],
    ) -> TaskResult[Any]:
        """Do a task in one request that is held open; see `Tasks.run_in_one_request` for arguments and errors."""
        sealed = Sealed(options)
        del options
        limit = checked_seconds("http_timeout", http_timeout)
        deadline = self._settings.clock.now() + limit
        task = await self._start(prompt, output_of(output), sealed, http_timeout=limit)
        return await task._result_by(deadline, None)

    async def _start(
        self,
        prompt: str,
        output: Output[T],
        options: Sealed[TaskOptions],
        *,
        wait: WaitPolicy | None = None,
        deadline: float | None = None,
        patient: bool = False,
        http_timeout: float | None = None,
    ) -> AsyncWebTask[Any]:
        """Start a task; with an `http_timeout` of its own, in one request."""
        settings = self._settings
        request = start_request(prompt, output, options, settings, in_one_request=http_timeout is not None)
        setup = Setup(settings, checked_wait(wait, settings.wait), output, request.redact)

        async def fetch(step: Fetch) -> Reply | Failure:
            answer = await self._transport.exchange(
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

        (reply,) = [reply async for reply in Drive(steps, settings.clock, fetch, None)]
        # Not before: the start may have waited, for its turn or for a server that was too busy.
        begun, started = settings.clock.now(), settings.clock.wall()
        return AsyncWebTask(self._transport, setup, started_watch(setup, reply, begun), started=started)

    def _found(self, task_id: str, started: float | None, output: Output[T]) -> AsyncWebTask[Any]:
        setup = Setup(self._settings, self._settings.wait, output, self._settings.redact)
        return AsyncWebTask(self._transport, setup, found_watch(self._settings, task_id, started), started=started)
