"""Leaves the calls of `tasks.map` that still go on when the program ends, and tells in the log what they leave behind.

The threads of a call are daemons: without this, they would end in the middle of a start whose response is on its way.
"""

from __future__ import annotations

import atexit
import itertools
import os
import time
from contextlib import suppress
from typing import Protocol
from weakref import ref

from anchor_webtask._batch.left import ENDS_WITHIN


class Call(Protocol):
    """A call that has begun."""

    def abandon(self) -> None:
        """Leave the call, which nobody reads any more, and log what it leaves behind."""
        ...

    def end_now(self) -> None:
        """End an abandoned call at once."""
        ...

    def wait(self, seconds: float) -> bool:
        """Wait until the call has ended, and return whether it has."""
        ...


# Not a WeakSet: Python runs its callbacks at any time, and would swallow the exception of a signal that interrupts one.
_calls: dict[int, ref[Call]] = {}
_numbers = itertools.count()


def leave_at_exit(call: Call) -> None:
    """Leave a call at the end of the program, unless it has ended before."""
    for number, known in [*_calls.items()]:
        if known() is None:
            _calls.pop(number, None)
    _calls[next(_numbers)] = ref(call)


def _leave_all() -> None:
    calls = [call for known in [*_calls.values()] if (call := known()) is not None]
    try:
        for call in calls:
            call.abandon()
        until = time.monotonic() + ENDS_WITHIN  # for all calls together
        for call in calls:
            call.wait(max(until - time.monotonic(), 0.0))
    finally:
        for call in calls:  # those that have not ended, perhaps since the user does not want to wait
            if not call.wait(0.0):
                with suppress(Exception):
                    call.end_now()


atexit.register(_leave_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_calls.clear)  # its threads are the parent's
