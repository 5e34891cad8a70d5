"""The iterator that `AsyncTasks.map` returns."""

from __future__ import annotations

import inspect
import os
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
    or the loop starts no more tasks; tasks that run keep running. One task of the event loop may use it at a time; but
    any task may call `stop`.
    """

    # A signal's exception can come before any operation below: see `TaskOutcomes`.

    _manager: Manager[T] | None = None  # these three are read by `__del__`, even if `__init__` was interrupted
    _process: int | None = None
    _has_ended = False

    def __init__(
        self, make_manager: Callable[[], Manager[T]], on_progress: Callable[[Progress], object] | None
    ) -> None:
        self._make_manager = make_manager
        self._on_progress = on_progress
        self._has_raised = False

    async def stop(self) -> dict[str, str]:
        """Start no more tasks, and stop waiting for those that run.

        This waits up to 5 seconds for the responses to starts that were sent. Afterwards the iterator yields the
        outcomes that were not read, those of the tasks that run among them.

        Returns:
            The ids of the tasks that still run, by key.
        """
        try:
            try:
                return await self._stop()
            except BaseException as raised:
                await self._leave_by(raised)
                raise
        except BaseException as raised:
            self._leave_at_once(raised)
            raise

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> TaskOutcome[T]:
        try:
            outcome = None
            try:
                outcome = await self._next()
                if outcome is not None:
                    self._set_returned(outcome)
                    return outcome
            except BaseException as raised:
                if outcome is not None:
                    self._set_returned(None)  # the user does not get it now
                await self._leave_by(raised)
                raise
        except BaseException as raised:
            self._leave_at_once(raised)
            raise
        raise StopAsyncIteration

    async def __aenter__(self) -> Self:
        try:
            try:
                self._begun()
            except BaseException as raised:
                await self._leave_by(raised)
                raise
            else:
                return self
        except BaseException as raised:
            self._leave_at_once(raised)
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            try:
                await self._exit(raised)
            except BaseException as interruption:
                await self._leave_by(interruption)
                raise
        except BaseException as raised:
            self._leave_at_once(raised)
            raise

    def __del__(self) -> None:
        if self._manager is not None and not self._has_ended and not left.is_forked(self._process):
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

    def _set_returned(self, outcome: TaskOutcome[T] | None) -> None:
        if self._manager is not None:
            self._manager.returned = outcome

    def _begun(self) -> Manager[T]:
        left.check_process(self._process)
        if self._manager is None:
            self._process = os.getpid()
            self._manager = self._make_manager()  # only now, since its events belong to the event loop
            self._manager.begin()
        return self._manager

    async def _next(self) -> TaskOutcome[T] | None:
        """Return the next outcome; None if there is none."""
        if self._has_ended and self._manager is None:
            return None
        manager = self._begun()
        outbox = manager.outbox
        if outbox and (taken := manager.returned) is outbox[0] and taken is not None:
            manager.took(taken)
            outbox.popleft()
        try:
            while True:
                self._raise_once(manager.raised)
                if not outbox:
                    if manager.has_ended:
                        self._has_ended = True
                        self._raise_of_iterable(manager)
                        return None
                    await manager.arrival()
                    continue
                output = outbox[0]
                if isinstance(output, TaskOutcome):
                    manager.read()
                    return output
                outbox.popleft()
                manager.reported()
                if not manager.is_left:
                    await self._report(output)
        except StopAsyncIteration as raised:
            raise RuntimeError(left.STOP_RAISED) from raised

    async def _report(self, progress: Progress) -> None:
        if self._on_progress is not None:
            returned = self._on_progress(progress)
            if inspect.isawaitable(returned):
                await returned

    def _raise_once(self, raised: BaseException | None) -> None:
        if raised is not None and not self._has_raised:
            self._has_raised = True
            raise raised

    def _raise_of_iterable(self, manager: Manager[T]) -> None:
        raised, manager.iterable_raised = manager.iterable_raised, None
        if raised is not None:
            raise raised

    def _unread(self) -> list[TaskOutcome[T]]:
        manager = self._manager
        if manager is None:
            return []
        return [each for each in manager.outbox if isinstance(each, TaskOutcome) and each is not manager.returned]

    async def _exit(self, raised: BaseException | None) -> None:
        if left.is_forked(self._process):
            return
        had_ended = self._has_ended
        await self._leave()
        if raised is not None and not isinstance(raised, GeneratorExit):
            if not had_ended:
                self._tell(raised)
            return
        manager = self._manager
        if manager is None:
            return
        if not had_ended:
            left.log(self._unread())
            left.log_iterable(manager.iterable_raised)
        self._raise_once(manager.raised)

    async def _stop(self) -> dict[str, str]:
        left.check_process(self._process)
        had_ended, manager = self._has_ended, self._manager
        await self._leave()
        ids = left.running(self._unread())
        # Another task may already have read some outcomes.
        return ids if had_ended or manager is None else manager.left_ids | ids

    async def _leave(self) -> None:
        manager = self._manager
        if manager is not None:
            manager.leave()  # first: from now on nothing more is started, whatever interrupts this
            if not self._has_ended and not manager.call_off():
                try:
                    await manager.ended()
                except BaseException as raised:
                    self._leave_at_once(raised)
                    raise
            manager.is_told = True
        self._has_ended = True

    async def _leave_by(self, raised: BaseException) -> None:
        """Leave the call because of an exception, and add a note to it."""
        if left.is_forked(self._process):
            return  # the call is the other process's
        await self._leave()
        self._tell(raised)

    def _leave_at_once(self, raised: BaseException) -> None:
        """Do the same if a second exception has interrupted it, without waiting for the responses to starts."""
        if left.is_forked(self._process):
            return
        manager = self._manager
        if manager is not None:
            manager.leave()
            if not self._has_ended:
                manager.hurry()
            manager.is_told = True
        self._has_ended = True
        self._tell(raised)

    def _tell(self, raised: BaseException) -> None:
        """Add what is left behind to an exception, and log it if that is a cancellation, which is perhaps not shown."""
        from anyio import get_cancelled_exc_class

        unread = self._unread()
        if left.add_note(raised, unread) and isinstance(raised, get_cancelled_exc_class()):
            left.log(unread)
