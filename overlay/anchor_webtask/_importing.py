"""A lock that is held while modules are imported on first use, so that no process is forked in the middle.

An import holds a lock of its module. A process that is forked meanwhile by another thread inherits that lock, but not
the thread that would release it, and would wait for it forever at its own first call. So a fork waits until the import
is complete, as it waits for the locks of `logging`. Hence each import inside a function is in a block of this lock, or
comes after a block that has imported the same module; a test finds the others.

Two modules of the standard library register locks of their own for forks. They are imported here, before the lock is
registered: Python runs the hook that was registered last first, so a fork does not hold their locks while it waits for
ours; and a module that registers a lock while a fork waits would have it released without being acquired.
"""

from __future__ import annotations

import concurrent.futures.thread  # noqa: F401  asyncio looks up host names with it
import logging  # noqa: F401
import os
from contextlib import suppress
from threading import RLock
from typing import TYPE_CHECKING, Final, NoReturn

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

MAX_WAIT: Final = 10.0
"""Seconds that a fork waits; an import takes longer only if it waits for a module that the forking thread imports."""

_own = RLock()  # reentrant: an import may import further modules, and a signal handler may fork in the middle
lock: AbstractContextManager[object] = _own
"""Held while a module is imported; entered as `_importing.lock`, since a forked process may have another one."""


class _Lost:
    """Replaces the lock in a process that was forked in the middle of an import, whose modules stay locked."""

    def __enter__(self) -> NoReturn:
        raise ImportError(
            "this process was forked while another thread was importing modules, so it cannot import them: fork before "
            "the first call of anchor_webtask or after it, or start the process by 'spawn'"
        )

    def __exit__(self, *_: object) -> None: ...


def _before_fork() -> None:
    _own.acquire(timeout=MAX_WAIT)


def _after_fork_in_parent() -> None:
    with suppress(RuntimeError):  # the lock was not acquired in time
        _own.release()


def _after_fork_in_child() -> None:
    global lock, _own  # noqa: PLW0603  they belong to the process
    try:
        _own.release()
    except RuntimeError:
        lock = _Lost()
        _own = RLock()  # the old one stays locked by a thread that this process does not have


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child)
