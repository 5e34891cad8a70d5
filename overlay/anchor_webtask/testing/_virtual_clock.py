"""A clock whose time passes only when everything waits, and then at once."""

from __future__ import annotations

import contextlib
import math
import queue
import threading
from typing import TYPE_CHECKING, Final, TypeVar

import sniffio

from anchor_webtask import _importing
from anchor_webtask._clock import VirtualTimeError
from anchor_webtask._event_loops import this_loop
from anchor_webtask.testing._idle import Idleness
from anchor_webtask.testing._threads import Threads
from anchor_webtask.testing._waits import Wait, Waits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import anyio

T = TypeVar("T")

A_DAY: Final = 86_400.0


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
        self._holders: list[object] = []

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

        Args:
            seconds: How long to wait.

        Raises:
            VirtualTimeError: Time cannot pass.
        """
        with self._waiting_thread(seconds) as (wait, woken):
            self._idleness.watch_thread(wait)
            with self._waits.given_up():
                woken.get()

    async def sleep_async(self, seconds: float, /) -> None:
        """Wait in the calling task, under asyncio or trio.

        Args:
            seconds: How long to wait.

        Raises:
            VirtualTimeError: Time cannot pass.
        """
        with _importing.lock:
            import anyio

        woken = anyio.Event()
        with self._waiting_task(seconds, woken.set):
            await woken.wait()

    def get(self, items: queue.SimpleQueue[T], block: bool, timeout: float, /) -> T:
        """Wait in the calling thread for an item of a queue, and return it.

        Args:
            items: The queue.
            block: Whether to wait if the queue is empty.
            timeout: Seconds to wait at most.

        Raises:
            queue.Empty: No item arrived within `timeout` seconds of virtual time.
            VirtualTimeError: Time cannot pass.
        """
        with contextlib.suppress(queue.Empty):
            return items.get_nowait()
        if block and (taken := self._wait_for(timeout, lambda: not items.empty(), items.get_nowait)) is not None:
            return taken[0]
        return items.get_nowait()

    def wait(self, event: threading.Event, timeout: float) -> bool:
        """Wait in the calling thread until an event is set, and return whether it is; like `event.wait(timeout)`.

        Args:
            event: The event.
            timeout: Seconds to wait at most.

        Raises:
            VirtualTimeError: Time cannot pass.
        """
        return event.is_set() or self._wait_for(timeout, event.is_set, event.is_set) is not None or event.is_set()

    @contextlib.contextmanager
    def move_on_after(self, seconds: float, /) -> Iterator[anyio.CancelScope]:
        """Return a scope that is cancelled after these seconds of virtual time, like `anyio.move_on_after`.

        Args:
            seconds: After how long the scope is cancelled.

        Raises:
            VirtualTimeError: Time cannot pass.
        """
        with _importing.lock:
            import anyio

        with anyio.CancelScope() as scope, self._waiting_task(seconds, scope.cancel) as wait:
            yield scope
        _check(wait)  # the scope has caught the cancellation by which an error woke the task

    @contextlib.contextmanager
    def hold(self) -> Iterator[None]:
        """Stop the time while the application does work of its own that must not count as idle."""
        holder = _current()
        try:
            self._waits.hold(1)
            self._holders.append(holder)
            yield
        finally:
            self._holders.remove(holder)
            self._waits.hold(-1)
            self._idleness.watch_threads()

    @property
    def failure(self) -> str | None:
        """Why time could not pass any more; None if all is well. All waits then raise `VirtualTimeError`."""
        return self._waits.failure

    def _wait_for(self, timeout: float, is_ready: Callable[[], bool], take: Callable[[], T]) -> tuple[T] | None:
        """Wait in the calling thread until something is there, and take it; None if time has run out."""
        with self._waiting_thread(timeout, is_ready) as (wait, woken):
            while not wait.has_fired:
                if (taken := self._waits.end_by(wait, take)) is not None:
                    return taken
                self._idleness.watch_thread(wait)
                with self._waits.given_up():
                    woken.get()
        return None

    @contextlib.contextmanager
    def _waiting_thread(
        self, seconds: float, is_ready: Callable[[], bool] = lambda: False
    ) -> Iterator[tuple[Wait, queue.SimpleQueue[None]]]:
        woken: queue.SimpleQueue[None] = queue.SimpleQueue()
        wait = Wait(self._deadline(seconds), lambda: woken.put(None), is_ready=is_ready)
        with self._added(wait):
            yield wait, woken

    @contextlib.contextmanager
    def _waiting_task(self, seconds: float, wake: Callable[[], object]) -> Iterator[Wait]:
        loop, soon = this_loop()
        wait = Wait(self._deadline(seconds), lambda: soon(wake), loop=loop)
        with self._added(wait):
            self._idleness.watch_loop(loop)
            yield wait

    @contextlib.contextmanager
    def _added(self, wait: Wait) -> Iterator[None]:
        if _current() in self._holders:
            raise VirtualTimeError("this code waits while it holds the clock: leave `with clock.hold()` first")
        try:
            self._waits.add(wait)
            yield
        finally:
            self._waits.end(wait)
        _check(wait)

    def _deadline(self, seconds: float) -> float:
        if math.isnan(seconds):
            raise ValueError("the number of seconds to wait is NaN")
        return self._waits.now + max(seconds, 0.0)


def _check(wait: Wait) -> None:
    if wait.error is not None:
        raise VirtualTimeError(wait.error)


def _current() -> object:
    """Return what runs now: a task of an event loop, or a thread."""
    try:
        sniffio.current_async_library()
    except sniffio.AsyncLibraryNotFoundError:
        return threading.current_thread()
    with _importing.lock:
        import anyio

    return anyio.get_current_task().id
