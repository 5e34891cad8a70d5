"""A clock whose time passes only when everything waits, and then at once."""

from __future__ import annotations

import contextlib
import math
import queue
import threading
from typing import TYPE_CHECKING, Final, TypeVar

from anchor_webtask import _importing
from anchor_webtask._event_loops import in_this_loop
from anchor_webtask.testing._idle import Idleness
from anchor_webtask.testing._threads import Threads
from anchor_webtask.testing._waits import VirtualTimeError, Wait, Waits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import anyio

T = TypeVar("T")

A_DAY: Final = 86_400.0
MAX_POLL: Final = 0.016


class VirtualClock:
    """A clock for tests. Its time stands still while code runs, and jumps to the next deadline when everything waits.

    It is right with asyncio, trio, threads, and a mix: each wait ends at its own deadline, and waits that go on at the
    same time take as long as the longest. Code that waits for something else counts as idle: a socket, a lock, a sleep
    of its own, a database in another process. If time must not pass meanwhile, stop it by `with clock.hold():`.

    Args:
        wall: What `wall` returns at the start, in seconds since 1970; by default, a moment in January 2027.
        limit: Seconds of virtual time after which a wait that still goes on is an error. It ends a test that waits
            without a deadline for a task that never ends.
        settle: Real seconds without a wait that begins or ends, after which time passes if there are several threads.
            By default, Linux's kernel says which threads can run, and other systems use 0.03.
        patience: Real seconds for which a thread may run without waiting, while others wait, before that is an error.

    Raises:
        ValueError: An argument is not a number above 0.
    """

    def __init__(
        self,
        *,
        wall: float = 1_800_000_000.0,
        limit: float = A_DAY,
        settle: float | None = None,
        patience: float = 30.0,
    ) -> None:
        for name, value in (("wall", wall), ("limit", limit), ("settle", settle), ("patience", patience)):
            if value is not None and not (isinstance(value, int | float) and value > 0):
                raise ValueError(f"{name} must be a number of seconds above 0, not {value!r}")
        self._wall = wall
        self._waits = Waits(limit)
        threads = Threads(self._waits, settle)
        self._idleness = Idleness(self._waits, threads, patience)

    def __repr__(self) -> str:
        return f"<VirtualClock: {self.elapsed:g} s have passed>"

    @property
    def elapsed(self) -> float:
        """How many seconds of virtual time have passed since the clock was made."""
        return self._waits.now

    def now(self) -> float:
        """Return seconds of virtual time; the clock begins at 0."""
        return self._waits.now

    def wall(self) -> float:
        """Return seconds since 1970, which begin at the argument `wall`."""
        return self._wall + self._waits.now

    def chance(self) -> float:
        """Return 0.5: in tests, delays are not random."""
        return 0.5

    def sleep(self, seconds: float, /) -> None:
        """Wait in the calling thread.

        Raises:
            VirtualTimeError: Time cannot pass.
        """
        woken = threading.Lock()
        woken.acquire()
        with self._waiting(seconds, woken.release, blocks_thread=True) as wait:
            self._idleness.watch_thread(wait)
            woken.acquire()

    async def sleep_async(self, seconds: float, /) -> None:
        """Wait in the calling task, under asyncio or trio.

        Raises:
            VirtualTimeError: Time cannot pass.
        """
        with _importing.lock:
            import anyio

        woken = anyio.Event()
        with self._waiting(seconds, in_this_loop(woken.set), blocks_thread=False):
            self._idleness.watch_loop()
            await woken.wait()

    def get(self, queue_: queue.SimpleQueue[T], block: bool, timeout: float, /) -> T:
        """Wait in the calling thread for an item of a queue, and return it.

        Raises:
            queue.Empty: No item arrived within `timeout` seconds of virtual time.
            VirtualTimeError: Time cannot pass.
        """
        with contextlib.suppress(queue.Empty):
            return queue_.get_nowait()
        if not block:
            raise queue.Empty
        with self._waiting(timeout, lambda: None, blocks_thread=True, is_ready=lambda: not queue_.empty()) as wait:
            self._idleness.watch_thread(wait)
            poll = 0.001
            while not wait.has_fired:
                self._idleness.watch_threads()
                with contextlib.suppress(queue.Empty):
                    return queue_.get(timeout=poll)
                poll = min(2 * poll, MAX_POLL)
        return queue_.get_nowait()

    @contextlib.contextmanager
    def move_on_after(self, seconds: float, /) -> Iterator[anyio.CancelScope]:
        """Return a scope that is cancelled after these seconds of virtual time, like `anyio.move_on_after`.

        Raises:
            VirtualTimeError: Time cannot pass.
        """
        with _importing.lock:
            import anyio

        with anyio.CancelScope() as scope:
            if seconds == math.inf:
                yield scope
            else:
                with self._waiting(seconds, in_this_loop(scope.cancel), blocks_thread=False):
                    self._idleness.watch_loop()
                    yield scope

    @contextlib.contextmanager
    def hold(self) -> Iterator[None]:
        """Stop the time while the application does work of its own that must not count as idle."""
        self._waits.hold()
        try:
            yield
        finally:
            self._waits.release()
            self._idleness.watch_threads()

    @property
    def failure(self) -> str | None:
        """Why time could not pass any more; None if all is well. All waits then raise `VirtualTimeError`."""
        return self._waits.failure

    @contextlib.contextmanager
    def _waiting(
        self,
        seconds: float,
        wake: Callable[[], object],
        *,
        blocks_thread: bool,
        is_ready: Callable[[], bool] = lambda: False,
    ) -> Iterator[Wait]:
        if math.isnan(seconds):
            raise ValueError("the number of seconds to wait is NaN")
        wait = Wait(self._waits.now + max(seconds, 0.0), wake, blocks_thread=blocks_thread, is_ready=is_ready)
        self._waits.add(wait)
        try:
            yield wait
        finally:
            self._waits.end(wait)
        if wait.error is not None:
            raise VirtualTimeError(wait.error)
