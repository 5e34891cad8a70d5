"""Finds out whether any thread of this process can run, so that virtual time must not pass.

On Linux, the kernel says so: a thread that sleeps, and whose context switches have not changed for longer than the
interpreter's switch interval, has not run in between. (A thread that waits for the interpreter wakes up at every
switch interval to ask for it.) Elsewhere, time passes when for a while no wait has begun or ended.
"""

from __future__ import annotations

import sys
import threading
from time import sleep
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary, WeakSet

if TYPE_CHECKING:
    from anchor_webtask.testing._waits import Waits

DEFAULT_SETTLE: Final = 0.03
"""Seconds of quiet, where the kernel cannot be asked. Under load, a tenth of the trials with 6 ms were wrong."""
SWITCH_INTERVALS: Final = 1.2
# Lines of /proc/self/task/<id>/status; the last two are its last.
_STATE: Final = b"\nState:\t"
_SWITCHES: Final = b"\nvoluntary_ctxt_switches:\t"
_OTHER_SWITCHES: Final = b"\nnonvoluntary_ctxt_switches:\t"


class Threads:
    """The threads of this process that use a clock.

    Threads that were there before the clock do not count, apart from the one that made it: they belong to other
    programs, such as a debugger. From its first wait on, such a thread counts as well.

    Args:
        waits: The clock's waits.
        settle: Seconds of quiet after which time passes; None to ask the kernel.
    """

    def __init__(self, waits: Waits, settle: float | None) -> None:
        self._waits = waits
        self._asks_kernel = settle is None and _status(threading.get_native_id()) is not None
        self._settle = DEFAULT_SETTLE if settle is None else settle
        self._ignored = WeakSet(set(threading.enumerate()) - {threading.current_thread()})
        self._resting: WeakKeyDictionary[threading.Thread, int] = WeakKeyDictionary()

    def count_current(self) -> None:
        """Count the calling thread from now on."""
        self._ignored.discard(threading.current_thread())

    def ignore_current(self) -> None:
        """Never count the calling thread."""
        self._ignored.add(threading.current_thread())

    def others_rest(self) -> bool:
        """Whether no thread other than the calling one can run, as far as this is known without waiting."""
        others = [thread for thread in self._counted() if thread is not threading.current_thread()]
        if not others or not self._asks_kernel:
            return not others
        blocked = self._waits.blocked_threads()
        return all(thread.native_id in blocked or self._has_not_run(thread) for thread in others)

    def _has_not_run(self, thread: threading.Thread) -> bool:
        """Whether a thread sleeps, and has not run since it was found at rest."""
        state = None if thread.native_id is None else _sleep_state(thread.native_id)
        return state is not None and state == self._resting.get(thread)

    def _counted(self) -> list[threading.Thread]:
        return [thread for thread in threading.enumerate() if thread not in self._ignored]

    def busy_thread(self) -> str | None:
        """Return the name of a thread that may run; None if there is none. This takes some milliseconds."""
        if not self._asks_kernel:
            changes = self._waits.changes
            sleep(self._settle)
            return None if changes == self._waits.changes else "one that waits and goes on"
        threads = self._counted()
        blocked = self._waits.blocked_threads()
        switches: dict[threading.Thread, int] = {}
        for thread in threads:
            if thread.native_id in blocked:
                continue
            # A thread without an id was started, but has not run yet; until then, it is not alive either.
            state = None if thread.native_id is None else _sleep_state(thread.native_id)
            if state is None and (thread.native_id is None or thread.is_alive()):
                return thread.name
            if state is not None:
                switches[thread] = state
        if any(self._resting.get(thread) != count for thread, count in switches.items()):
            sleep(sys.getswitchinterval() * SWITCH_INTERVALS)
            for thread, count in switches.items():
                if thread.native_id is not None and _sleep_state(thread.native_id) != count and thread.is_alive():
                    return thread.name
                self._resting[thread] = count
        new = set(self._counted()) - set(threads)
        return new.pop().name if new else None


def _sleep_state(native_id: int) -> int | None:
    """Return the number of a thread's context switches if it sleeps; None if it runs or has ended."""
    state, switches = _status(native_id) or ("ended", 0)
    return switches if state == "S" else None


def _status(native_id: int) -> tuple[str, int] | None:
    """Return a thread's state and the number of its context switches; None if the kernel does not say."""
    try:
        with open(f"/proc/self/task/{native_id}/status", "rb", buffering=0) as file:  # noqa: PTH123  quicker than a Path
            text = file.read(4096)
        state = text[text.index(_STATE) + len(_STATE)]
        voluntary, other = text[text.index(_SWITCHES) + len(_SWITCHES) :].split(_OTHER_SWITCHES)
        return chr(state), int(voluntary) + int(other)
    except (OSError, ValueError):
        return None
