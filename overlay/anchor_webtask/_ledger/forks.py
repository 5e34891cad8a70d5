"""What happens to ledgers when the process forks.

SQLite must not be used in a child by a connection of its parent. It also remembers in the memory of the process which
locks its connections hold, and a child inherits that memory: if a fork came in the middle of a transaction, the child
could never open the file. So a fork waits for the transaction, and no transaction begins until the fork is over. The
child then forgets its parent's connections, and closes the files by which its parent's calls show that they are alive.
"""

from __future__ import annotations

import os
import threading
import weakref
from contextlib import suppress
from typing import Final, Protocol

MAX_WAIT: Final = 10.0
"""Seconds for which a fork waits for each transaction, which another process may hold up."""


class ForgetsInChild(Protocol):
    """What a forked child must not use."""

    def forget_in_child(self) -> None:
        """Forget what belongs to the parent."""
        ...


stores: weakref.WeakSet[ForgetsInChild] = weakref.WeakSet()
owners: weakref.WeakSet[ForgetsInChild] = weakref.WeakSet()
left_behind: list[object] = []
"""The parent's writers, which a child must not close."""

# These locks know which thread holds them: two threads may fork at once, and each must free only what it has acquired.
_adding = threading.RLock()
_transactions: dict[threading.RLock, None] = {}


def add(transaction: threading.RLock) -> None:
    """Let forks wait for transactions, during which their thread holds this lock; this waits for forks."""
    with _adding:
        _transactions[transaction] = None


def remove(transaction: threading.RLock) -> None:
    """Let forks not wait for a thread any more, which has closed its database."""
    _transactions.pop(transaction, None)


def _before() -> None:
    _adding.acquire(timeout=MAX_WAIT)
    for lock in [*_transactions]:
        lock.acquire(timeout=MAX_WAIT)


def _after_in_parent() -> None:
    for lock in [*_transactions, _adding]:
        with suppress(RuntimeError):  # it was not free in time
            lock.release()


def _after_in_child() -> None:
    global _adding  # noqa: PLW0603  it belongs to the process
    for each in (*stores, *owners):
        each.forget_in_child()
    _transactions.clear()
    _adding = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child)
