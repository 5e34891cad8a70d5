"""The iterator that `Tasks.map` returns."""

from __future__ import annotations

import os
import queue
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Generic, NoReturn, Self

from anchor_webtask._batch import left
from anchor_webtask._batch.models import Progress, TaskOutcome
from anchor_webtask._batch.scheduler import End, Scheduler
from anchor_webtask._errors import ConfigurationError
from anchor_webtask._models import T

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from anchor_webtask._batch.scheduler import Output
    from anchor_webtask._clock import Clock

MAX_SECONDS_ASLEEP: Final = 1.0
"""Seconds after which a wait for an outcome wakes up for a moment: a signal that comes directly before the wait does
not interrupt it, nor does Ctrl-C on Windows."""


class TaskOutcomes(Generic[T]):
    """The outcomes of many tasks, in the order in which the tasks end; `Tasks.map` returns it.

    The first task starts when the first outcome is asked for, or when a `with` block begins. Leaving the block or the
    loop starts no more tasks; tasks that run keep running. One thread may use it at a time; but `stop` may be called by
    any thread, and by a signal handler.
    """

    # A signal's exception, such as that of Ctrl-C, can come before any operation below, and a second one soon after.
    # So whatever an exception ends, the call is left in two nested handlers. An outcome is removed only when the user
    # asks for the next one. And `stop` only adds to what was received, since it may have interrupted `__next__`.

    _process: int | None = None  # which began the call; these two are read by `__del__`, even if `__init__` has failed
    _has_ended = False

    def __init__(self, scheduler: Scheduler[T], clock: Clock, on_progress: Callable[[Progress], object] | None) -> None:
        self._scheduler = scheduler
        self._clock = clock
        self._on_progress = on_progress
        self._received: deque[Output[T]] = deque()
        self._returned: TaskOutcome[T] | None = None  # by the latest `__next__`
        self._has_raised = self._is_stopped = False
        # A `stop` in a signal handler may interrupt the wait for another thread's, so this has no lock.
        self._stops_ended: queue.SimpleQueue[None] = queue.SimpleQueue()

    def stop(self) -> dict[str, str]:
        """Start no more tasks, and stop waiting for those that run.

        This waits up to 5 seconds for the responses to starts that were sent. Afterwards the iterator yields the
        outcomes that were not read, those of the tasks that run among them.

        Returns:
            The ids of the tasks that still run, by key.
        """
        try:
            try:
                return self._stop()
            except BaseException as raised:
                self._leave_by(raised)
                raise
        except BaseException as raised:
            self._leave_at_once(raised)
            raise

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> TaskOutcome[T]:
        try:
            outcome = None
            try:
                outcome = self._returned = self._next()
                if outcome is not None:
                    return outcome
            except BaseException as raised:
                if outcome is not None:
                    self._returned = None  # the user does not get it now
                self._leave_by(raised)
                raise
        except BaseException as raised:
            self._leave_at_once(raised)
            raise
        raise StopIteration

    def __enter__(self) -> Self:
        try:
            try:
                self._begin()
            except BaseException as raised:
                self._leave_by(raised)
                raise
            else:
                return self
        except BaseException as raised:
            self._leave_at_once(raised)
            raise

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            try:
                self._exit(raised)
            except BaseException as interruption:
                self._leave_by(interruption)
                raise
        except BaseException as raised:
            self._leave_at_once(raised)
            raise

    def __del__(self) -> None:
        if self._process is not None and not self._has_ended and not left.is_forked(self._process):
            self._scheduler.abandon()

    def __repr__(self) -> str:
        state = "ended" if self._has_ended else "not begun" if self._process is None else "running"
        return f"<TaskOutcomes: {state}>"

    if not TYPE_CHECKING:  # type checkers must go on to refuse `async for` and `async with`

        def __aiter__(self) -> NoReturn:
            raise ConfigurationError("Anchor is a sync client: write `for`, or use AsyncAnchor")

        async def __aenter__(self) -> NoReturn:
            raise ConfigurationError("Anchor is a sync client: write `with`, or use AsyncAnchor")

        async def __aexit__(self, *_: object) -> None: ...

    def _begin(self) -> None:
        left.check_process(self._process)
        if self._process is None and not self._has_ended:
            self._process = os.getpid()
            self._scheduler.begin()

    def _next(self) -> TaskOutcome[T] | None:
        """Return the next outcome; None if there is none."""
        self._begin()
        received, scheduler = self._received, self._scheduler
        if received and (taken := self._returned) is received[0] and taken is not None:
            scheduler.took(taken)
            received.popleft()
        try:
            while True:
                self._raise_once(scheduler.raised)
                has_ended = self._has_ended  # first: another thread that stops the call adds all outcomes before this
                if not received:
                    if has_ended:
                        self._raise_of_iterable()
                        return None
                    with suppress(queue.Empty):
                        self._receive(scheduler.outbox.get, True, MAX_SECONDS_ASLEEP)
                    continue
                match received[0]:
                    case Progress() as progress:
                        received.popleft()
                        scheduler.tell_reported()
                        if self._on_progress is not None and not scheduler.is_left:
                            self._on_progress(progress)
                    case End():
                        if self._is_stopped:  # another thread that stops may hold an outcome from before the end
                            ended = self._stops_ended
                            with suppress(queue.Empty):
                                ended.put(ended.get(timeout=left.ENDS_WITHIN))  # for each end that is read later
                        self._has_ended = True
                        received.popleft()
                    case outcome:
                        scheduler.tell_read()
                        return outcome
        except StopIteration as raised:
            raise RuntimeError(left.STOP_RAISED) from raised

    def _receive(self, get: Callable[..., Output[T]], *arguments: Any) -> None:
        """Receive an output; one operation takes and records it: between two, a signal's exception would lose it."""
        scheduler = self._scheduler
        self._received.extend(map(get, *((each,) for each in arguments)))
        if scheduler.is_over and scheduler.outbox.empty():
            scheduler.outbox.put(End())  # another thread may wait, or the code that a signal handler has interrupted

    def _raise_once(self, raised: BaseException | None) -> None:
        if raised is not None and not self._has_raised:
            self._has_raised = True
            raise raised

    def _raise_of_iterable(self) -> None:
        raised, self._scheduler.iterable_raised = self._scheduler.iterable_raised, None
        if raised is not None:
            raise raised

    def _unread(self) -> list[TaskOutcome[T]]:
        received = tuple(self._received)
        return [each for each in received if isinstance(each, TaskOutcome) and each is not self._returned]

    def _exit(self, raised: BaseException | None) -> None:
        if left.is_forked(self._process):
            return
        had_ended = self._has_ended
        self._leave()
        if raised is not None and not isinstance(raised, GeneratorExit):
            if not had_ended:
                left.add_note(raised, self._unread())
            return
        if not had_ended:
            left.log(self._unread())
            left.log_iterable(self._scheduler.iterable_raised)
        self._raise_once(self._scheduler.raised)

    def _stop(self) -> dict[str, str]:
        left.check_process(self._process)
        had_ended = self._has_ended
        self._is_stopped = True
        try:
            self._leave()
        finally:
            self._stops_ended.put(None)
        ids = left.running(self._unread())
        # Another thread may already have read some outcomes.
        return ids if had_ended else self._scheduler.left_ids | ids

    def _leave(self) -> None:
        scheduler = self._scheduler
        scheduler.leave()  # first: from now on nothing more is started, whatever interrupts this
        if self._has_ended:
            return
        if scheduler.call_off():
            self._has_ended = True
            return
        try:
            self._receive_rest()
        except BaseException as raised:
            scheduler.hurry()
            self._receive_rest()
            left.add_note(raised, self._unread())
            raise

    def _leave_by(self, raised: BaseException) -> None:
        """Leave the call because of an exception, and add a note to it."""
        if left.is_forked(self._process):
            return  # the call is the other process's
        if self._is_stopped and not self._has_ended:  # a stop by another thread was not waited for
            self._scheduler.hurry()
        self._leave()
        left.add_note(raised, self._unread())

    def _leave_at_once(self, raised: BaseException) -> None:
        """Do the same if a second exception has interrupted it, without waiting for the responses to starts."""
        if left.is_forked(self._process):
            return
        self._scheduler.leave()
        if not self._has_ended:
            self._scheduler.hurry()
        self._leave_by(raised)

    def _receive_rest(self) -> None:
        """Receive all outputs of a call that was left."""
        while not self._has_ended and not any(isinstance(each, End) for each in tuple(self._received)):
            try:
                self._receive(self._clock.get, self._scheduler.outbox, True, left.ENDS_WITHIN)
            except queue.Empty:
                break
        self._has_ended = True
