"""The iterator that `AsyncTasks.map` returns."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Generic, NoReturn, Self

from anchor_webtask._batch import left
from anchor_webtask._batch.models import Progress, TaskOutcome
from anchor_webtask._errors import ConfigurationError
from anchor_webtask._models import T

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from anchor_webtask._batch.manager import Manager


class AsyncTaskOutcomes(Generic[T]):
    """The outcomes of many tasks, in the order in which the tasks end; `AsyncTasks.map` returns it.

    The first task starts when the first outcome is asked for, or when an `async with` block begins. Leaving the block
    or the loop starts no more tasks; tasks that run keep running. One task of the event loop may use it at a time.
    """

    def __init__(
        self, make_manager: Callable[[], Manager[T]], on_progress: Callable[[Progress], object] | None
    ) -> None:
        self._make_manager = make_manager
        self._manager: Manager[T] | None = None
        self._on_progress = on_progress
        self._has_ended = False

    async def stop(self) -> dict[str, str]:
        """Start no more tasks, and stop waiting for those that run.

        This waits up to 5 seconds for the responses to starts that were sent. Afterwards the iterator yields the
        outcomes that were not read, those of the tasks that run among them.

        Returns:
            The ids of the tasks that still run, by key.
        """
        await self._leave()
        return left.running(self._unread())

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> TaskOutcome[T]:
        try:
            return await self._next()
        except StopAsyncIteration:
            raise
        except BaseException as raised:
            await self._leave_by(raised)
            raise

    async def __aenter__(self) -> Self:
        self._begun()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._has_ended:
            return
        if raised is None:
            await self._leave()
            left.log(self._unread())
        else:
            await self._leave_by(raised)

    def __del__(self) -> None:
        if self._manager is not None and not self._has_ended:
            self._manager.abandon()

    def __repr__(self) -> str:
        state = "ended" if self._has_ended else "not begun" if self._manager is None else "running"
        return f"<AsyncTaskOutcomes: {state}>"

    if not TYPE_CHECKING:  # type checkers must go on to refuse `for` and `with`

        def __iter__(self) -> NoReturn:
            raise ConfigurationError("AsyncAnchor is an async client: write `async for`, or use Anchor")

        def __enter__(self) -> NoReturn:
            raise ConfigurationError("AsyncAnchor is an async client: write `async with`, or use Anchor")

        def __exit__(self, *_: object) -> None: ...

    def _begun(self) -> Manager[T]:
        if self._manager is None:
            self._manager = self._make_manager()  # only now, since its events belong to the event loop
            self._manager.begin()
        return self._manager

    async def _next(self) -> TaskOutcome[T]:
        if self._has_ended and self._manager is None:
            raise StopAsyncIteration
        manager = self._begun()
        while True:
            if manager.raised is not None:
                raised, manager.raised = manager.raised, None
                raise raised
            if manager.outbox:
                output = manager.outbox.popleft()
                if isinstance(output, TaskOutcome):
                    manager.read()
                    return output
                manager.reported()
                if not self._has_ended:  # a call that was left reports no more
                    await self._report(output)
            elif manager.has_ended:
                self._has_ended = True
                failure, manager.iterable_raised = manager.iterable_raised, None
                raise failure or StopAsyncIteration
            else:
                await manager.arrival()

    async def _report(self, progress: Progress) -> None:
        if self._on_progress is not None:
            returned = self._on_progress(progress)
            if inspect.isawaitable(returned):
                await returned

    def _unread(self) -> list[TaskOutcome[T]]:
        outputs = self._manager.outbox if self._manager is not None else ()
        return [each for each in outputs if isinstance(each, TaskOutcome)]

    async def _leave(self) -> None:
        manager = self._manager
        if manager is not None and not self._has_ended:
            manager.leave()
            try:
                await manager.ended()
            except BaseException as raised:
                manager.hurry()
                left.add_note(raised, self._unread())
                raise
        self._has_ended = True

    async def _leave_by(self, raised: BaseException) -> None:
        """Leave the call because of an exception, and add a note to it."""
        await self._leave()
        left.add_note(raised, self._unread())
