"""The waits of a virtual clock: which are under way, and how time moves on to the earliest deadline.

A signal handler may wait, and what it has interrupted may be any line of this module. So a thread that waits gives up
the lock, and between any two lines other threads may have changed everything.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import math
import threading
from typing import TYPE_CHECKING, Final, TypeVar

from anchor_webtask._clock import VirtualTimeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")

NO_END: Final = (
    "everything waits without an end: a task or a request that never ends is waited for without a deadline. Give the "
    "wait a timeout, or the scenario a smaller `takes`"
)
TOO_LONG: Final = (
    "a wait still goes on after {limit:g} s of virtual time: probably a task that never ends is waited for without a "
    "deadline. Give the wait a timeout, or the scenario a smaller `takes`, or VirtualClock(limit=…) more seconds"
)


class Wait:
    """One call that waits, until it is woken or gives up.

    Attributes:
        deadline: When it is woken, on the clock.
        wake: Wakes it, from any thread.
        loop: The event loop whose task waits; None if a whole thread waits.
        thread: The native id of the thread that waits, or that runs the event loop.
        is_ready: Whether what it waits for is there already, so that it is about to go on.
        has_fired: Whether it was woken because of its deadline, or because of an error.
        error: Why it was woken before its time.
    """

    __slots__ = ("deadline", "error", "has_fired", "is_ready", "loop", "thread", "wake")

    def __init__(
        self,
        deadline: float,
        wake: Callable[[], object],
        *,
        loop: object = None,
        is_ready: Callable[[], bool] = lambda: False,
    ) -> None:
        self.deadline = deadline
        self.wake = wake
        self.loop = loop
        self.thread = threading.get_native_id()
        self.is_ready = is_ready
        self.has_fired = False
        self.error: str | None = None


class Waits:
    """All waits of one clock, and its time. Its methods may be called from any thread.

    Attributes:
        now: Seconds since the clock was made.
        changes: Another object whenever a wait begins or ends, and whenever time moves on.
        failure: Why no time can pass any more.
    """

    def __init__(self, limit: float) -> None:
        self.now = 0.0
        self.changes = object()
        self.failure: str | None = None
        self._limit = limit
        self._lock = threading.RLock()
        self._order = itertools.count()
        self._heap: list[tuple[float, int, Wait]] = []
        self._open: set[Wait] = set()
        self._woken: set[Wait] = set()
        self._holds = 0

    def add(self, wait: Wait) -> None:
        """Begin a wait.

        Raises:
            VirtualTimeError: No time can pass any more.
        """
        with self._lock:
            if self.failure is not None:
                raise VirtualTimeError(self.failure)
            self._open.add(wait)  # first: what is only on the heap counts as ended
            heapq.heappush(self._heap, (wait.deadline, next(self._order), wait))
            self.changes = object()

    def end(self, wait: Wait) -> None:
        """End a wait, whether it was woken or not."""
        with self._lock:
            self._open.discard(wait)
            self._woken.discard(wait)
            self.changes = object()

    def end_by(self, wait: Wait, take: Callable[[], T]) -> tuple[T] | None:
        """End a wait by taking what it waits for, if that is there, in one step: between two steps, time could pass."""
        with self._lock:
            if not wait.is_ready():
                return None
            taken = (take(),)
            self.end(wait)
            return taken

    def hold(self, change: int) -> None:
        """Stop the time once more, or let it go on once more."""
        with self._lock:
            self._holds += change
            self.changes = object()

    @property
    def is_held(self) -> bool:
        """Whether the time is stopped."""
        return self._holds > 0

    @property
    def are_pending(self) -> bool:
        """Whether a wait has not been woken."""
        return bool(self._open)

    def blocked_threads(self) -> set[int]:
        """Return the native ids of the threads that wait and have not been woken."""
        with self._lock:
            return {wait.thread for wait in self._open.copy() if wait.loop is None}

    @contextlib.contextmanager
    def given_up(self) -> Iterator[None]:
        """Give up the lock while the calling thread waits, if what a signal handler has interrupted holds it."""
        depth = 0
        with contextlib.suppress(RuntimeError):  # not held (any more)
            while True:
                self._lock.release()
                depth += 1
        try:
            yield
        finally:
            for _ in range(depth):
                self._lock.acquire()

    def advance(self, seen: object, loop: object = None) -> bool:
        """Move to the earliest deadline, and wake the waits that have reached it.

        Args:
            seen: `changes` when the caller found everything at rest; if it is another one, nothing happens.
            loop: The event loop that the caller has found idle, if it is one. While tasks of it that were woken have
                not gone on, nothing happens; of other loops and threads, the caller knows that they rest.

        Returns:
            Whether a wait was woken.
        """
        with self._lock:
            if self.wake_ready() or self._holds or seen is not self.changes:
                return False
            if loop is not None and any(wait.loop is loop for wait in self._woken):
                return False
            while (earliest := self._take_earliest()) is not None and earliest[2] not in self._open:
                pass
            if earliest is None:
                return False
            heapq.heappush(self._heap, earliest)
            deadline = earliest[0]
            if deadline == math.inf:
                self.fail(NO_END)
            elif deadline > self._limit:
                self.fail(TOO_LONG.format(limit=self._limit))
            else:
                self.now = max(self.now, deadline)
                self.changes = object()
                self._fire_due()
            return True

    def fail(self, why: str) -> None:
        """Wake all waits with an error, and refuse new ones."""
        with self._lock:
            self.failure = why
            self.changes = object()
            for wait in self._open.copy():
                wait.error = why
                self._fire(wait)

    def wake_ready(self) -> bool:
        """Wake one wait before its time if what it waits for is there, and return whether there is one."""
        with self._lock:
            ready = next((wait for wait in self._open.copy() if wait.is_ready()), None)
        if ready is not None:
            ready.wake()
        return ready is not None

    def _take_earliest(self) -> tuple[float, int, Wait] | None:
        try:
            return heapq.heappop(self._heap)
        except IndexError:
            return None

    def _fire_due(self) -> None:
        while (earliest := self._take_earliest()) is not None:
            if earliest[0] > self.now:
                heapq.heappush(self._heap, earliest)
                return
            self._fire(earliest[2])

    def _fire(self, wait: Wait) -> None:
        if wait in self._open:
            self._open.discard(wait)
            self._woken.add(wait)
            wait.has_fired = True
            wait.wake()
