"""Moves virtual time on when nothing else can happen: one watch for each event loop, and one for threads.

An event loop knows exactly when it has nothing to do, and a thread that waits does nothing either. If it is known that
all other threads rest as well, time moves on at once. Otherwise a thread of our own finds out who can still run.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakSet

import sniffio

if TYPE_CHECKING:
    import asyncio

    from anchor_webtask.testing._threads import Threads
    from anchor_webtask.testing._waits import Wait, Waits

LOOKS: Final = 2
"""How often in a row an asyncio loop must be found idle: in between, it notices sockets and pipes that are ready."""
HELD_PAUSE: Final = 0.005


class Idleness:
    """Watches the event loops and threads in which calls wait, and moves time on when all of them are idle.

    Args:
        waits: The clock's waits.
        threads: The threads that count.
        patience: Real seconds after which a thread that does not come to rest is an error.
    """

    def __init__(self, waits: Waits, threads: Threads, patience: float) -> None:
        self._waits = waits
        self._threads = threads
        self._patience = patience
        self._lock = threading.Lock()
        self._is_watching_threads = False
        self._loops: WeakSet[Any] = WeakSet()

    def watch_thread(self, wait: Wait) -> None:
        """Make time pass while the calling thread waits."""
        self._threads.count_current()
        while not wait.has_fired and self._advance_if_others_rest():
            pass
        if not wait.has_fired:
            self.watch_threads()

    def watch_loop(self) -> None:
        """Make time pass while a task of the running event loop waits."""
        self._threads.count_current()
        if sniffio.current_async_library() == "trio":
            self._watch_trio()
        else:
            self._watch_asyncio()

    def _watch_asyncio(self) -> None:
        import asyncio

        loop = asyncio.get_running_loop()
        if loop not in self._loops:
            self._loops.add(loop)
            loop.call_soon(self._look, loop, LOOKS)

    def _look(self, loop: asyncio.AbstractEventLoop, looks: int) -> None:
        if not _is_idle(loop):
            loop.call_soon(self._look, loop, LOOKS)
        elif looks > 1:
            loop.call_soon(self._look, loop, looks - 1)
        elif self._advance_if_others_rest():
            loop.call_soon(self._look, loop, LOOKS)
        else:
            self._loops.discard(loop)
            self.watch_threads()

    def _watch_trio(self) -> None:
        import trio
        import trio.testing

        token = trio.lowlevel.current_trio_token()
        if token in self._loops:
            return
        self._loops.add(token)

        async def look() -> None:
            try:
                await trio.testing.wait_all_tasks_blocked()
                while self._advance_if_others_rest():
                    await trio.testing.wait_all_tasks_blocked()
            finally:
                self._loops.discard(token)
            self.watch_threads()

        trio.lowlevel.spawn_system_task(look)

    def _advance_if_others_rest(self) -> bool:
        changes = self._waits.changes
        return self._threads.others_rest() and self._waits.advance(changes)

    def watch_threads(self) -> None:
        """Start the thread that watches all others, unless it is running or nothing waits."""
        with self._lock:
            if self._is_watching_threads or not self._waits.are_pending:
                return
            self._is_watching_threads = True
        threading.Thread(target=self._watch_threads, name="virtual time", daemon=True).start()

    def _watch_threads(self) -> None:
        self._threads.ignore_current()
        changes, since = -1, time.monotonic()
        while self._is_needed():
            if changes != self._waits.changes:
                changes, since = self._waits.changes, time.monotonic()
            busy = self._threads.busy_thread()
            if busy is None:
                self._waits.advance(changes)
            elif time.monotonic() - since > self._patience:
                self._waits.fail(
                    f"no time can pass, since the thread {busy!r} has not come to rest for {self._patience:g} s: stop "
                    "it, make it before the clock, or give VirtualClock(patience=…) more seconds"
                )

    def _is_needed(self) -> bool:
        with self._lock:
            self._is_watching_threads = self._waits.are_pending
            return self._is_watching_threads


def _is_idle(loop: asyncio.AbstractEventLoop) -> bool:
    """Whether no callback of an asyncio loop is ready; its timers and sockets count as idle."""
    ready = getattr(loop, "_ready", None)
    if ready is not None:
        return not ready
    import asyncio  # uvloop does not show its callbacks, but in which future each task waits

    waited_for = [getattr(task, "_fut_waiter", None) for task in asyncio.all_tasks(loop)]
    return all(future is not None and not future.done() for future in waited_for)
