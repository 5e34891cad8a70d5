"""The async face of one task, for asyncio and trio; the twin of `_web_task`."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from anchor_webtask._handle import Handle, Setup, noting, tell
from anchor_webtask._reply import read_status
from anchor_webtask._settings import checked_timeout
from anchor_webtask._turns import Turn
from anchor_webtask._types import T, TaskResult, TaskUpdate
from anchor_webtask._wait import Came, Emit, Fetch, Sleep, Step, Watch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Generator

    from anchor_webtask._clock import Clock
    from anchor_webtask._outcome import Failure, Reply
    from anchor_webtask._transport import AsyncTransport

E = TypeVar("E")


class Drive(Generic[E]):
    """Does what the steps say, and iterates over what they emit.

    It is no async generator, since one that is dropped half-way makes its event loop clean up, and trio warn.
    """

    def __init__(
        self,
        make_steps: Callable[[], Generator[Step[E], Came]],
        clock: Clock,
        fetch: Callable[[Fetch], Awaitable[Reply | Failure]],
        task_id: str | None,
    ) -> None:
        self._make_steps = make_steps
        self._clock = clock
        self._fetch = fetch
        self._task_id = task_id
        self._steps: Generator[Step[E], Came] | None = None
        self._reply: Reply | Failure | None = None

    def __aiter__(self) -> AsyncIterator[E]:
        return self

    async def __anext__(self) -> E:
        while True:
            step = self._next_step()
            self._reply = None
            try:
                match step:
                    case Sleep(seconds=seconds):
                        await self._clock.sleep_async(seconds)
                    case Fetch():
                        self._reply = await self._fetch(step)
                    case Emit(value=value):
                        return value
            except BaseException as raised:
                if self._steps is not None:
                    self._steps.close()  # what was interrupted is over, as a generator would be
                tell(raised, step, self._task_id)
                raise

    def _next_step(self) -> Step[E]:
        try:
            if self._steps is None:
                self._steps = self._make_steps()
                return next(self._steps)
            return self._steps.send((self._clock.now(), self._reply))
        except StopIteration:
            raise StopAsyncIteration from None


async def call(callback: Callable[[Any], object], argument: object, task_id: str | None) -> None:
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

    def __init__(self, transport: AsyncTransport, setup: Setup[T], watch: Watch, *, started: float | None) -> None:
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
            InvalidOutputError: The task completed, and its answer is not what `output` asks for.
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
        return Drive(lambda: self._steps(deadline), self._setup.settings.clock, self._fetch, self.id)

    async def _result_by(
        self, deadline: float | None, on_update: Callable[[TaskUpdate], object] | None
    ) -> TaskResult[T]:
        async for update in self._updates(deadline):
            if on_update is not None:
                await call(on_update, update, self.id)
        return self._result()

    async def _fetch(self, step: Fetch) -> Reply | Failure:
        redact = self._setup.redact
        request = self._status_request
        answer = await self._transport.exchange(request, step.limit, turn=Turn.CHECK, redact=redact)
        return read_status(answer, redact)
