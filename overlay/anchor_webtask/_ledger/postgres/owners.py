"""Tells whether the call that owns a row is alive: as long as a session of PostgreSQL holds its advisory lock.

PostgreSQL frees the lock when the connection ends, also by `kill -9`. A lost connection therefore ends all owners of
the process, though their calls may live: the next session gives each of these calls a new id.
"""

from __future__ import annotations

import re
import secrets
import threading
import weakref
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from anchor_webtask._errors import LedgerBusyError

if TYPE_CHECKING:
    from collections.abc import Callable

    from psycopg import Connection

NOT_LOCKED: Final = "the ledger cannot lock the id of a call, since another program uses the same advisory lock"

_LOCKED: Final = """
    SELECT (classid::bigint << 32) | objid::bigint FROM pg_locks
    WHERE locktype = 'advisory' AND objsubid = 1 AND granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
_MOVE: Final = "UPDATE attempts SET owner = %s WHERE owner = ANY(%s) AND state IN ('starting', 'running')"
_TOP: Final = 1 << 63
_ID: Final = re.compile("[0-9a-f]{16}")


class Lock:
    """The lock of one owner.

    Attributes:
        id: The owner's id: 16 hexadecimal digits, which are the number of the lock.
        former: Its ids in sessions that were lost, as far as rows may have them.
    """

    __slots__ = ("former", "id")

    def __init__(self) -> None:
        self.id = secrets.token_hex(8)
        self.former: list[str] = []

    def renew(self) -> None:
        """Take a new id: the server may believe for a while that the old session lives."""
        self.former.append(self.id)
        self.id = secrets.token_hex(8)


class SessionOwner:
    """One call, which owns the tasks that it starts or waits for: an `Owner`.

    Args:
        lock: Its lock, which is held.
        end: Called with the lock once the owner has ended, in any thread.

    Attributes:
        has_ended: Whether the call has ended; its starts that are under way may still use it.
    """

    def __init__(self, lock: Lock, end: Callable[[Lock], object]) -> None:
        self.has_ended = False
        self._lock = lock
        self._users = 1
        self._guard = threading.Lock()
        # Also when it is not used any more: an interruption may keep a call from letting go.
        self._end = weakref.finalize(self, end, lock)
        self._end.atexit = False  # a start may still be under way; the server frees the lock

    @property
    def id(self) -> str:
        """The id, which is another one after each lost connection."""
        return self._lock.id

    def hold(self) -> None:
        """Count one more user."""
        with self._guard:
            self._users += 1

    def let_go(self) -> None:
        """Count one user less; after the last one, the lock is freed by the ledger's thread."""
        with self._guard:
            self._users -= 1
            if self._users:
                return
        self._end()


class Locks:
    """The locks of the owners of one process.

    Attributes:
        on_end: Called after the end of an owner, in any thread.
    """

    def __init__(self) -> None:
        self.on_end: Callable[[], object] = lambda: None
        self._held: dict[Lock, None] = {}
        self._ended: deque[Lock] = deque()
        self._living: frozenset[int] | None = None  # as the current transaction has found them

    @property
    def are_held(self) -> bool:
        """Whether an owner lives."""
        return bool(self._held)

    def new_owner(self, connection: Connection[Any]) -> SessionOwner:
        """Return a new owner.

        Raises:
            LedgerBusyError: The lock is held by another program.
        """
        lock = Lock()
        _acquire(connection, lock)
        self._held[lock] = None
        return SessionOwner(lock, self._end)

    def is_alive(self, connection: Connection[Any], owner: str) -> bool:
        """Whether an owner lives: one of this process, or one whose lock a session holds."""
        if any(lock.id == owner for lock in [*self._held]):
            return True
        if self._living is None:
            found = connection.execute(_LOCKED).fetchall()
            self._living = frozenset(number for (number,) in found)
        return _ID.fullmatch(owner) is not None and _number(owner) in self._living

    def begin(self, connection: Connection[Any]) -> None:
        """Free the locks of owners that have ended; this is called before each transaction."""
        self._living = None
        while self._ended:
            lock = self._ended[0]
            connection.execute("SELECT pg_advisory_unlock(%s::bigint)", (_number(lock.id),))
            self._ended.popleft()

    def move(self, connection: Connection[Any]) -> None:
        """Acquire the locks in a new session, by new ids, and give the calls their rows back that nobody else has."""
        self._ended.clear()
        locks = [*self._held]
        for lock in locks:
            lock.renew()
            _acquire(connection, lock)
        if not locks:
            return
        with connection.transaction():
            connection.execute("SELECT FROM ledger FOR UPDATE")  # before rows, as all others do
            for lock in locks:
                connection.execute(_MOVE, (lock.id, lock.former))
        for lock in locks:
            lock.former.clear()

    def _end(self, lock: Lock) -> None:
        if self._held.pop(lock, self) is None:
            self._ended.append(lock)
            self.on_end()


def _acquire(connection: Connection[Any], lock: Lock) -> None:
    (is_held,) = connection.execute("SELECT pg_try_advisory_lock(%s::bigint)", (_number(lock.id),)).fetchone() or (0,)
    if not is_held:
        raise LedgerBusyError(NOT_LOCKED, is_temporary=True)


def _number(owner: str) -> int:
    """Return the number of an owner's lock, which is signed."""
    number = int(owner, 16)
    return number - 2 * _TOP if number >= _TOP else number
