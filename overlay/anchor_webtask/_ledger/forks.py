"""What happens to ledgers when the process forks.

SQLite must not be used in a child by a connection of its parent. It also remembers in the memory of the process which
locks its connections hold, and a child inherits that memory: if a fork came in the middle of a transaction, the child
could never open the file. So a fork waits for the transaction. The child then forgets its parent's connections, and
closes the files by which its parent's calls show that they are alive.
"""

from __future__ import annotations

import os
import weakref
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    import threading

MAX_WAIT: Final = 10.0
"""Seconds for which a fork waits for a transaction, which another process may hold up."""


class ForgetsInChild(Protocol):
    """What a forked child must not use."""

    def forget_in_child(self) -> None:
        """Forget what belongs to the parent."""
        ...


stores: weakref.WeakSet[ForgetsInChild] = weakref.WeakSet()
owners: weakref.WeakSet[ForgetsInChild] = weakref.WeakSet()
left_behind: list[object] = []
"""The parent's writers, which a child must not close."""

_transactions: weakref.WeakKeyDictionary[object, threading.Lock] = weakref.WeakKeyDictionary()
_held: list[threading.Lock] = []


def add(writer: object, transaction: threading.Lock) -> None:
    """Let forks wait for the transactions of a writer, which holds the lock during each."""
    _transactions[writer] = transaction


def _before() -> None:
    _held.extend(lock for lock in list(_transactions.values()) if lock.acquire(timeout=MAX_WAIT))


def _after_in_parent() -> None:
    while _held:
        _held.pop().release()


def _after_in_child() -> None:
    for each in (*stores, *owners):
        each.forget_in_child()
    _transactions.clear()
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child)
