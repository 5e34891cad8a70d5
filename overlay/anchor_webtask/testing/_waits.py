"""The waits of a virtual clock: which are under way, and how time moves on to the earliest deadline."""

from __future__ import annotations

import heapq
import itertools
import math
import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

NO_END: Final = (
    "everything waits without an end: a task or a request that never ends is waited for without a deadline. Give the "
    "wait a timeout, or the scenario a smaller `takes`"
)
TOO_LONG: Final = (
    "a wait still goes on after {limit:g} s of virtual time: probably a task that never ends is waited for without a "
    "deadline. Give the wait a timeout, or the scenario a smaller `takes`, or VirtualClock(limit=…) more seconds"
)


class VirtualTimeError(RuntimeError):
    """Virtual time cannot pass: a wait has no end, or a thread does not come to rest."""


class Wait:
    """One call that waits, until it is woken or gives up.

    Attributes:
        deadline: When it is woken, on the clock.
        wake: Wakes it, from any thread.
        thread: The native id of the thread that waits, or whose event loop runs the task that waits.
        blocks_thread: Whether the whole thread waits.
        is_ready: Whether what it waits for is there already, so that it is about to go on.
        has_fired: Whether it was woken. From then until it ends, it counts as running.
        error: Why it was woken before its time.
    """

    __slots__ = ("blocks_thread", "deadline", "error", "has_fired", "is_ready", "thread", "wake")

    def __init__(
        self,
        deadline: float,
        wake: Callable[[], object],
        *,
        blocks_thread: bool,
        is_ready: Callable[[], bool] = lambda: False,
    ) -> None:
        self.deadline = deadline
        self.wake = wake
        self.thread = threading.get_native_id()
        self.blocks_thread = blocks_thread
        self.is_ready = is_ready
        self.has_fired = False
        self.error: str | None = None


class Waits:
    """All waits of one clock, and its time. Its methods may be called from any thread.

    Attributes:
        now: Seconds since the clock was made.
        changes: A number that grows whenever a wait begins or ends, and whenever time moves on.
        failure: Why no time can pass any more.
    """

    def __init__(self, limit: float) -> None:
        self.now = 0.0
        self.changes = 0
        self.failure: str | None = None
        self._limit = limit
        self._lock = threading.RLock()  # reentrant: a signal handler may wait
        self._order = itertools.count()
        self._heap: list[tuple[float, int, Wait]] = []
        self._open: set[Wait] = set()
        self._woken: set[Wait] = set()
        self._holders: list[int] = []

    def add(self, wait: Wait) -> None:
        """Begin a wait.

        Raises:
            VirtualTimeError: No time can pass any more, or the waiting thread itself stops the time.
        """
        with self._lock:
            if wait.blocks_thread and wait.thread in self._holders:
                raise VirtualTimeError("this thread waits while it holds the clock: leave `with clock.hold()` first")
            if self.failure is not None:
                raise VirtualTimeError(self.failure)
            heapq.heappush(self._heap, (wait.deadline, next(self._order), wait))
            self._open.add(wait)
            self.changes += 1

    def end(self, wait: Wait) -> None:
        """End a wait, whether it was woken or not."""
        with self._lock:
            self._open.discard(wait)
            self._woken.discard(wait)
            self.changes += 1
            if not self._open:
                self._heap.clear()

    def hold(self) -> None:
        """Stop the time, until the same thread releases it."""
        with self._lock:
            self._holders.append(threading.get_native_id())

    def release(self) -> None:
        """Let the time go on."""
        with self._lock:
            self._holders.remove(threading.get_native_id())
            self.changes += 1

    @property
    def are_pending(self) -> bool:
        """Whether a wait is under way, and time is not held."""
        return bool(self._open) and not self._holders

    def blocked_threads(self) -> set[int]:
        """Return the native ids of the threads that wait and have not been woken."""
        with self._lock:
            return {wait.thread for wait in self._open if wait.blocks_thread and not wait.has_fired}

    def advance(self, seen: int | None = None) -> bool:
        """Move to the earliest deadline, and wake the waits that have reached it.

        Args:
            seen: The number of changes when the caller found everything at rest; if it has grown, nothing happens.

        Returns:
            Whether a wait was woken.
        """
        with self._lock:
            if self._holders or seen not in (None, self.changes) or self._is_running():
                return False
            while self._heap and self._heap[0][2] not in self._open:
                heapq.heappop(self._heap)
            if not self._heap:
                return False
            deadline = self._heap[0][0]
            if deadline == math.inf:
                self._fail(NO_END)
            elif deadline > self._limit:
                self._fail(TOO_LONG.format(limit=self._limit))
            else:
                self.now = max(self.now, deadline)
                self.changes += 1
                while self._heap and self._heap[0][0] <= self.now:
                    self._fire(heapq.heappop(self._heap)[2])
            return True

    def fail(self, why: str) -> None:
        """Wake all waits with an error, and refuse new ones."""
        with self._lock:
            self._fail(why)

    def _is_running(self) -> bool:
        """Whether a wait is over, or about to be, and its thread can go on."""
        blocked = self.blocked_threads() if self._woken else set[int]()
        return any(
            wait.has_fired and (wait.blocks_thread or wait.thread not in blocked) for wait in self._woken
        ) or any(wait.is_ready() for wait in self._open if wait.blocks_thread)

    def _fire(self, wait: Wait) -> None:
        if wait in self._open:
            wait.has_fired = True
            self._woken.add(wait)
            wait.wake()

    def _fail(self, why: str) -> None:
        self.failure = why
        self.changes += 1
        self._heap.clear()
        for wait in self._open:
            wait.error = why
            self._fire(wait)
