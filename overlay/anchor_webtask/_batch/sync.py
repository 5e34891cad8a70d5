"""The iterator that `Tasks.map` returns."""

from __future__ import annotations

import queue
from collections import deque
from typing import TYPE_CHECKING, Final, Generic, NoReturn, Self

from anchor_webtask._batch import left
from anchor_webtask._batch.models import Progress, TaskOutcome
from anchor_webtask._batch.plan import GRACE
from anchor_webtask._batch.scheduler import End, Scheduler
from anchor_webtask._errors import ConfigurationError
from anchor_webtask._models import T

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from anchor_webtask._batch.scheduler import Output
    from anchor_webtask._clock import Clock

PATIENCE: Final = 2 * GRACE
"""Seconds within which a call that was left certainly ends."""


class TaskOutcomes(Generic[T]):
    """The outcomes of many tasks, in the order in which the tasks end; `Tasks.map` returns it.

    The first task starts when the first outcome is asked for, or when a `with` block begins. Leaving the block or the
    loop starts no more tasks; tasks that run keep running. One thread may use it at a time.
    """

    def __init__(self, scheduler: Scheduler[T], clock: Clock, on_progress: Callable[[Progress], object] | None) -> None:
        self._scheduler = scheduler
        self._clock = clock
        self._on_progress = on_progress
        self._received: deque[Output[T]] = deque()
        self._is_returned = False  # whether the first one received was returned already
        self._has_begun = self._has_ended = False

    def stop(self) -> dict[str, str]:
        """Start no more tasks, and stop waiting for those that run.

        This waits up to 5 seconds for the responses to starts that were sent. Afterwards the iterator yields the
        outcomes that were not read, those of the tasks that run among them.

        Returns:
            The ids of the tasks that still run, by key.
        """
        self._leave()
        return left.running(self._unread())

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> TaskOutcome[T]:
        try:
            return self._next()
        except StopIteration:
            raise
        except BaseException as raised:
            self._is_returned = False  # an interruption may have come between the return of `_next` and ours
            self._leave_by(raised)
            raise

    def __enter__(self) -> Self:
        self._begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._has_ended:
            return
        if raised is None:
            self._leave()
            left.log(self._unread())
        else:
            self._leave_by(raised)

    def __del__(self) -> None:
        if self._has_begun and not self._has_ended:
            self._scheduler.abandon()

    def __repr__(self) -> str:
        state = "ended" if self._has_ended else "running" if self._has_begun else "not begun"
        return f"<TaskOutcomes: {state}>"

    if not TYPE_CHECKING:  # type checkers must go on to refuse `async for` and `async with`

        def __aiter__(self) -> NoReturn:
            raise ConfigurationError("Anchor is a sync client: write `for`, or use AsyncAnchor")

        async def __aenter__(self) -> NoReturn:
            raise ConfigurationError("Anchor is a sync client: write `with`, or use AsyncAnchor")

        async def __aexit__(self, *_: object) -> None: ...

    def _begin(self) -> None:
        if not self._has_begun:
            self._has_begun = True
            self._scheduler.begin()

    def _next(self) -> TaskOutcome[T]:
        self._begin()
        self._forget_returned()
        received, scheduler = self._received, self._scheduler
        while True:
            if scheduler.raised is not None:
                raised, scheduler.raised = scheduler.raised, None
                raise raised
            if not received:
                if self._has_ended:
                    self._raise_of_iterable()
                    raise StopIteration
                # One operation takes an output and records it: between two, a signal's exception would lose it.
                received.extend(map(scheduler.outbox.get, (True,)))
                continue
            match received[0]:
                case Progress() as progress:
                    received.popleft()
                    scheduler.tell_reported()
                    if self._on_progress is not None:
                        self._on_progress(progress)
                case End():
                    received.popleft()
                    self._has_ended = True
                case outcome:
                    scheduler.tell_read()
                    self._is_returned = True
                    return outcome

    def _forget_returned(self) -> None:
        if self._is_returned:
            self._is_returned = False
            self._received.popleft()

    def _raise_of_iterable(self) -> None:
        raised, self._scheduler.iterable_raised = self._scheduler.iterable_raised, None
        if raised is not None:
            raise raised

    def _unread(self) -> list[TaskOutcome[T]]:
        self._forget_returned()
        return [each for each in self._received if isinstance(each, TaskOutcome)]

    def _leave(self) -> None:
        if not self._has_begun:
            self._has_begun = self._has_ended = True
        if self._has_ended:
            return
        self._scheduler.leave()
        try:
            self._receive_rest()
        except BaseException as raised:
            self._scheduler.hurry()
            self._receive_rest()
            left.add_note(raised, self._unread())
            raise

    def _leave_by(self, raised: BaseException) -> None:
        """Leave the call because of an exception, and add a note to it."""
        self._leave()
        left.add_note(raised, self._unread())

    def _receive_rest(self) -> None:
        """Receive all outputs of a call that was left."""
        arguments = ((self._scheduler.outbox,), (True,), (PATIENCE,))
        while not any(isinstance(each, End) for each in self._received):
            try:
                self._received.extend(map(self._clock.get, *arguments))
            except queue.Empty:
                break
        returned = self._is_returned
        kept = [each for each in self._received if isinstance(each, TaskOutcome)]
        self._received = deque(kept)
        self._is_returned = returned and bool(kept)
        self._has_ended = True
