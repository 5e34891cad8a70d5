"""The async face, for asyncio and trio; the twin of `_tasks`."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Generic, TypeVar

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
    from collections.abc import AsyncIterator, Awaitable, Callable, Generator
    from typing import Unpack

    from anchor_webtask._clock import Clock
    from anchor_webtask._outcome import Failure, Reply
    from anchor_webtask._settings import Settings
    from anchor_webtask._transport import AsyncTransport

E = TypeVar("E")


class _Drive(Generic[E]):
    """Does what the steps say, and iterates over what they emit.

    It is no async generator, since one that is dropped half-way makes its event loop clean up, and trio warn.
    """

    def __init__(
        self,
        steps: Generator[Step[E], Came],
        clock: Clock,
        fetch: Callable[[Fetch], Awaitable[Reply | Failure]],
        note: str,
    ) -> None:
        self._steps = steps
        self._clock = clock
        self._fetch = fetch
        self._note = note
        self._came: Came | None = None

    def __aiter__(self) -> AsyncIterator[E]:
        return self

    async def __anext__(self) -> E:
        while True:
            try:
                step = next(self._steps) if self._came is None else self._steps.send(self._came)
            except StopIteration:
                raise StopAsyncIteration from None
            reply = None
            try:
                match step:
                    case Sleep(seconds=seconds):
                        await self._clock.sleep_async(seconds)
                    case Fetch():
                        reply = await self._fetch(step)
            except BaseException as raised:
                self._steps.close()  # what was interrupted is over, as a generator would be
                if not isinstance(raised, AnchorError):
                    release(raised)
                    raised.add_note(self._note)
                raise
            self._came = (self._clock.now(), reply)
            if isinstance(step, Emit):
                return step.value


async def _call(callback: Callable[[Any], object], argument: object, task_id: str | None) -> None:
    """Call a user's callback, which may be a coroutine function."""
    with noting(task_id):
        came = callback(argument)
        if inspect.isawaitable(came):
            await came


class AsyncWebTask(Handle[T]):
    """A handle on one web task: `await task` for its result, `async for update in task` to watch it.

    Making or dropping it changes nothing: the task runs on the server. Cancelling a wait cancels only the wait. Several
    tasks of one event loop may wait on one handle.
    """

    def __init__(self, transport: AsyncTransport, setup: Setup, watch: Watch, *, started: float | None) -> None:
        super().__init__(setup, watch, started=started)
        self._transport = transport

    async def result(self, timeout: float | None = 1800) -> TaskResult[T]:
        """Wait for the task's end, and return its answer.

        Args:
            timeout: Seconds to wait; 0 is one check, None waits without a deadline. One last check follows the
                deadline, and may take up to 5 seconds more.

        Raises:
            TaskTimeoutError: The task has not ended. It goes on; waiting again continues.
            TaskFailedError: The API says that the task failed.
            AnchorError: A failure that asking again can't mend.
        """
        return await self._result_by(self._deadline(checked_timeout(timeout)), None)

    def updates(self, timeout: float | None = 1800) -> AsyncIterator[TaskUpdate]:
        """Wait for the task's end, and yield what each check brings; nothing if the end is known already.

        Args:
            timeout: As for `result`.

        Raises:
            TaskTimeoutError: The task has not ended.
            AnchorError: A failure that asking again can't mend. That the task failed is an update, not an error.
        """
        return self._updates(self._deadline(checked_timeout(timeout)))

    async def refresh(self) -> AsyncWebTask[T]:
        """Look once, unless the end is known already, and return this handle.

        Raises:
            AnchorError: The check brought no status.
        """
        update = await anext(self._updates(self._deadline(0)), None)
        if update is not None and update.last_error is not None:
            raise update.last_error
        return self

    def __await__(self) -> Generator[Any, None, TaskResult[T]]:
        return self.result().__await__()

    def __aiter__(self) -> AsyncIterator[TaskUpdate]:
        return self.updates()

    def _updates(self, deadline: float | None) -> AsyncIterator[TaskUpdate]:
        return _Drive(self._steps(deadline), self._setup.settings.clock, self._fetch, running_note(self.id))

    async def _result_by(
        self, deadline: float | None, on_update: Callable[[TaskUpdate], object] | None
    ) -> TaskResult[T]:
        async for update in self._updates(deadline):
            if on_update is not None:
                await _call(on_update, update, self.id)
        return self._result()

    async def _fetch(self, step: Fetch) -> Reply | Failure:
        redact = self._setup.redact
        return read_status(await self._transport.exchange(self._status_request(), step.limit, redact=redact), redact)


class AsyncTasks:
    """What can be done with web tasks; `AsyncAnchor().tasks`. Each method is the twin of the one of `Tasks`."""

    def __init__(self, settings: Settings, transport: AsyncTransport) -> None:
        self._settings = settings
        self._transport = transport

    async def run(
        self,
        prompt: str,
        *,
        output: JsonSchemaDict | None = None,
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
        deadline = None if seconds is None else self._settings.clock.now() + seconds
        task = await self._start(prompt, output_of(output), sealed, wait=wait, deadline=deadline, patient=True)
        if on_start is not None:
            await _call(on_start, task, task.id)
        return await task._result_by(deadline, on_update)

    async def start(
        self, prompt: str, *, output: JsonSchemaDict | None = None, **options: Unpack[TaskOptions]
    ) -> AsyncWebTask[Any]:
        """Start a task, and return a handle on it at once; see `Tasks.start` for arguments and errors."""
        sealed = Sealed(options)
        del options
        return await self._start(prompt, output_of(output), sealed)

    def get(self, task_id: str, *, output: JsonSchemaDict | None = None) -> AsyncWebTask[Any]:
        """Return a handle on a task that was started elsewhere; sends nothing. See `Tasks.get`."""
        return self._found(task_id, None, output_of(output))

    def resume(self, token: str, *, output: JsonSchemaDict | None = None) -> AsyncWebTask[Any]:
        """Return a handle on the task that a token is of; sends nothing. See `Tasks.resume`."""
        found = decode(token, self._settings.base_url)
        return self._found(found.task_id, found.started, output_of(output, wrapped=found.wrapped))

    async def run_in_one_request(
        self,
        prompt: str,
        *,
        output: JsonSchemaDict | None = None,
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
        output: Output,
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
        begun, started = settings.clock.now(), settings.clock.wall()

        async def fetch(step: Fetch) -> Reply | Failure:
            answer = await self._transport.exchange(
                request.kwargs, step.limit, connect=step.connect, redact=request.redact
            )
            return read_start(answer, request.redact)

        limit = http_timeout or settings.http_timeout
        steps = setup.start_steps(deadline=deadline, http_timeout=limit, patient=patient)
        (reply,) = [reply async for reply in _Drive(steps, settings.clock, fetch, START_NOTE)]
        return AsyncWebTask(self._transport, setup, started_watch(setup, reply, begun), started=started)

    def _found(self, task_id: str, started: float | None, output: Output) -> AsyncWebTask[Any]:
        setup = Setup(self._settings, self._settings.wait, output, self._settings.redact)
        return AsyncWebTask(self._transport, setup, found_watch(self._settings, task_id, started), started=started)
