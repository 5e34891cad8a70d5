"""Moves virtual time on when nothing else can happen.

An event loop knows exactly when it is idle, and a thread that waits does nothing either. If it is known that all other
threads rest as well, time moves on at once. Otherwise a thread of our own, the watcher, finds out who can still run.
"""

from __future__ import annotations

import threading
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakSet

from anchor_webtask._event_loops import is_asyncio

if TYPE_CHECKING:
    import asyncio

    from anchor_webtask.testing._threads import Threads
    from anchor_webtask.testing._waits import Wait, Waits

IDLE_POLLS: Final = 2
"""How often in a row an asyncio loop must be found idle: in between, it notices sockets and pipes that are ready."""
MIN_PAUSE: Final = 0.0002
MAX_PAUSE: Final = 0.003

NEVER_RESTS: Final = (
    "no time can pass, since {what} has not come to rest for {patience:g} s: stop it, make it before the clock, or "
    "give VirtualClock(patience=…) more seconds"
)
HELD: Final = (
    "time is held, and nothing has run for {patience:g} s: perhaps the code inside `with clock.hold()` waits for a "
    "call that waits by the clock. Let it wait outside, or give VirtualClock(patience=…) more seconds"
)
STUCK: Final = (
    "no time can pass, though nothing has run for {patience:g} s; please report this as a bug of the test kit"
)


class Idleness:
    """Watches the event loops and threads in which calls wait, and moves time on when all of them are idle.

    Args:
        waits: The clock's waits.
        threads: The threads that count.
        patience: Real seconds after which a thread or a loop that does not come to rest is an error.
    """

    def __init__(self, waits: Waits, threads: Threads, patience: float) -> None:
        self._waits = waits
        self._threads = threads
        self._patience = patience
        self._is_watching = False
        self._starter: int | None = None
        """The thread that starts the watcher, until it runs. What a signal handler has interrupted does not count."""
        self._loops: WeakSet[Any] = WeakSet()

    def watch_thread(self, wait: Wait) -> None:
        """Make time pass while the calling thread waits."""
        self._threads.count_current()
        while not wait.has_fired and self._advance_if_others_rest(None):
            pass
        if not wait.has_fired:
            self.watch_threads()

    def watch_loop(self, loop: Any) -> None:
        """Make time pass while a task of the running event loop waits."""
        self._threads.count_current()
        if loop in self._loops:
            return
        self._loops.add(loop)
        if is_asyncio(loop):
            loop.call_soon(self._poll_asyncio, loop, IDLE_POLLS, self._waits.changes, monotonic())
        else:
            import trio

            trio.lowlevel.spawn_system_task(self._watch_trio, loop)

    def _poll_asyncio(self, loop: asyncio.AbstractEventLoop, polls: int, changes: object, since: float) -> None:
        if changes != self._waits.changes:
            changes, since = self._waits.changes, monotonic()
        if not _is_idle(loop):
            if monotonic() - since > self._patience:
                self._waits.fail(NEVER_RESTS.format(what="an event loop", patience=self._patience))
            polls = IDLE_POLLS
        elif polls > 1:
            polls -= 1
        elif self._advance_if_others_rest(loop):
            polls = IDLE_POLLS
        else:
            self._loops.discard(loop)
            self.watch_threads()
            return
        loop.call_soon(self._poll_asyncio, loop, polls, changes, since)

    async def _watch_trio(self, token: object) -> None:
        import trio
        import trio.testing

        try:
            while True:
                changes = self._waits.changes
                with trio.move_on_after(self._patience) as scope:
                    await trio.testing.wait_all_tasks_blocked()
                if scope.cancelled_caught:
                    if changes == self._waits.changes:
                        self._waits.fail(NEVER_RESTS.format(what="an event loop", patience=self._patience))
                elif not self._advance_if_others_rest(token):
                    break
        finally:
            self._loops.discard(token)
        self.watch_threads()

    def _advance_if_others_rest(self, loop: object) -> bool:
        changes = self._waits.changes
        return self._threads.others_rest() and self._waits.advance(changes, loop)

    def watch_threads(self) -> None:
        """Start the watcher, unless it is running or nothing waits.

        There is no lock: a signal handler that waits may have interrupted this method, which takes long where it starts
        a thread. So now and then there are two watchers, which does no harm.
        """
        thread = threading.get_ident()
        if self._is_watching or self._starter not in {None, thread} or not self._waits.are_pending:
            return
        self._starter = thread
        try:
            threading.Thread(target=self._watch_threads, name="virtual time", daemon=True).start()
        except BaseException:
            self._starter = None
            raise

    def _watch_threads(self) -> None:
        self._threads.ignore_current()
        self._is_watching = True
        self._starter = None
        changes, since, pause = self._waits.changes, monotonic(), MIN_PAUSE
        while self._is_needed():
            if changes != self._waits.changes:
                changes, since = self._waits.changes, monotonic()
            self._waits.wake_ready()
            busy = self._threads.busy_thread()
            if busy is None and self._waits.advance(changes):
                pause = MIN_PAUSE
                continue
            sleep(pause)
            pause = min(2 * pause, MAX_PAUSE)
            if changes == self._waits.changes and monotonic() - since > self._patience:
                self._waits.fail(self._why(busy))

    def _why(self, busy: str | None) -> str:
        if busy is not None:
            return NEVER_RESTS.format(what=f"the thread {busy!r}", patience=self._patience)
        return (HELD if self._waits.is_held else STUCK).format(patience=self._patience)

    def _is_needed(self) -> bool:
        if self._waits.are_pending:
            return True
        self._is_watching = False
        # A wait that began in between has seen a watcher, and has started none.
        self._is_watching = self._waits.are_pending
        return self._is_watching


def _is_idle(loop: asyncio.AbstractEventLoop) -> bool:
    """Whether no callback of an asyncio loop is ready; its timers and sockets count as idle."""
    ready = getattr(loop, "_ready", None)
    if ready is not None:
        return not ready
    import asyncio  # uvloop does not show its callbacks, but in which future each task waits

    waited_for = [getattr(task, "_fut_waiter", None) for task in asyncio.all_tasks(loop)]
    return all(future is not None and not future.done() for future in waited_for)
