"""Opens a ledger's SQLite file safely, and says in words what is wrong with it.

The journal is a rollback journal that is synced at each commit. A write-ahead log with several writers can corrupt
files before SQLite 3.51.3, and is not faster for commits that are grouped.
"""

from __future__ import annotations

import os
import re
import sqlite3
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from anchor_webtask._errors import LedgerBusyError, LedgerError, LedgerUnusableError
from anchor_webtask._ledger.database import Failure
from anchor_webtask._ledger.sqlite import library
from anchor_webtask._ledger.sqlite.library import code_of
from anchor_webtask._ledger.sqlite.schema import APPLICATION_ID, CREATE, VERSION

BUSY_SECONDS: Final = 5.0
"""Seconds for which a transaction waits while another process has locked the file."""
POLL_SECONDS: Final = 0.003
"""Seconds after which a transaction tries again to lock the file: less than a process leaves between two of its own.

SQLite itself tries every 100 ms in the end, and misses these moments while several processes write.
"""
NETWORK_FILE_SYSTEMS: Final = frozenset(
    {"9p", "afs", "ceph", "cifs", "fuse.glusterfs", "fuse.sshfs", "glusterfs", "lustre", "ncpfs", "nfs", "nfs4", "smb3"}
)
MOUNTS: Final = Path("/proc/self/mounts")
"""Where Linux lists what is mounted."""

UNUSABLE: Final = "the ledger {!r} cannot be used, since {}"
NO_FILE: Final = "the file does not exist: tasks.map and tasks.run make it"
EMPTY: Final = "the file is empty, and no ledger yet: tasks.map and tasks.run make it"
NOT_OPENED: Final = "the ledger {!r} cannot be opened, since {}"

_ESCAPED: Final = re.compile(rb"\\([0-7]{3})")
"""A space, or another special character, in a name in `MOUNTS`."""
_TEMPORARY: Final = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR})
_OF_OPERATION: Final = frozenset(
    {
        sqlite3.SQLITE_ERROR,
        sqlite3.SQLITE_CONSTRAINT,
        sqlite3.SQLITE_MISMATCH,
        sqlite3.SQLITE_MISUSE,
        sqlite3.SQLITE_RANGE,
        sqlite3.SQLITE_TOOBIG,
    }
)
"""Errors of SQLite that are an operation's own: it would fail again with any file."""
_CAUSES: Final = {
    sqlite3.SQLITE_FULL: "the disk is full: free some space",
    sqlite3.SQLITE_IOERR: "the disk reports an error: check the disk and the free space",
    sqlite3.SQLITE_READONLY: "it cannot be written: allow this user to write the file and its folder",
    sqlite3.SQLITE_PERM: "it cannot be written: allow this user to write the file and its folder",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened: check that its folder exists, and that this user may write there",
    sqlite3.SQLITE_CORRUPT: "it is damaged: restore a copy, or export what can be read and start with a new file",
    sqlite3.SQLITE_NOTADB: "it is not a ledger: choose another file",
}


class Identity(NamedTuple):
    """Which file a path named when it was opened."""

    device: int
    inode: int


class LedgerFile:
    """An open ledger file: a `Database`.

    Args:
        path: The file.
        base_url: The base URL of the client for which a new file is made; None if the file must exist.

    Attributes:
        db: The connection.

    Raises:
        LedgerError: The file cannot be used.
    """

    def __init__(self, path: Path, base_url: str | None) -> None:
        self.path = path
        _create(path, may_create=base_url is not None)
        self._identity = _identity(path)
        try:
            self.db = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
        except sqlite3.Error as error:
            raise ledger_error(path, error) from None
        try:
            self._prepare(base_url)
        except sqlite3.Error as error:
            self.db.close()
            raise ledger_error(path, error) from None
        except BaseException:
            self.db.close()
            raise

    def _prepare(self, base_url: str | None) -> None:
        db = self.db
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA fullfsync = ON")  # matters on macOS only
        # A file that is not ours must not change, so this is only read at first. It is read in one transaction, since
        # another process may be making the file.
        db.execute("BEGIN")
        is_empty = self._is_empty()
        db.execute("COMMIT")
        if base_url is not None or is_empty:
            self._check_tables(base_url)
        # Only now: in this mode, a journal stays beside the file, which must be a ledger.
        db.execute("PRAGMA journal_mode = TRUNCATE")

    def _check_tables(self, base_url: str | None) -> None:
        """Make the tables if there are none, and check that the file can be written."""
        db = self.db
        if not os.access(self.path, os.W_OK):  # SQLite would notice only when the first start is claimed
            raise LedgerUnusableError(UNUSABLE.format(str(self.path), _CAUSES[sqlite3.SQLITE_READONLY]))
        self._lock()  # this waits for a process that is making the tables
        try:
            if self._is_empty():
                self._make_tables(base_url)
            db.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                db.execute("ROLLBACK")
            raise

    def _make_tables(self, base_url: str | None) -> None:
        if base_url is None:
            raise LedgerUnusableError(NOT_OPENED.format(str(self.path), EMPTY))
        for statement in CREATE:
            self.db.execute(statement)
        self.db.execute("INSERT INTO ledger VALUES (?, 0, NULL, 0, 0, 0)", (base_url,))

    def _is_empty(self) -> bool:
        """Whether the file is empty, and may become a ledger; refuse one that is not a ledger of this version."""
        db, path = self.db, str(self.path)
        (application,), (version,) = (
            db.execute(f"PRAGMA {name}").fetchone() for name in ("application_id", "user_version")
        )
        if application == APPLICATION_ID:
            if version > VERSION:
                raise LedgerUnusableError(
                    f"the ledger {path!r} was written by a later version of this package (its format is {version}, and "
                    f"this package knows {VERSION}): upgrade the package"
                )
            return False
        (tables,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if application or version or tables:
            raise LedgerUnusableError(f"{path!r} is a file of another program, and no ledger: choose another file")
        return True

    def begin(self, *, changes: bool) -> sqlite3.Connection:
        """Begin a transaction; one that changes something locks the file.

        Raises:
            LedgerUnusableError: The file was deleted or replaced.
        """
        self.check_identity()
        if changes:
            self._lock()
        else:
            self.db.execute("BEGIN")
        return self.db

    def _lock(self) -> None:
        """Begin a transaction that locks the file, as soon as no other process has locked it."""
        until = time.monotonic() + BUSY_SECONDS
        self.db.execute("PRAGMA busy_timeout = 0")
        try:
            while True:
                try:
                    self.db.execute("BEGIN IMMEDIATE")
                except sqlite3.OperationalError as error:
                    if code_of(error) != sqlite3.SQLITE_BUSY or time.monotonic() >= until:
                        raise
                    time.sleep(POLL_SECONDS)
                else:
                    return
        finally:
            self.db.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000:.0f}")

    def commit(self) -> None:
        """Store what the transaction has changed."""
        self.db.execute("COMMIT")

    def roll_back(self) -> None:
        """End a transaction that has failed."""
        with suppress(sqlite3.Error):
            self.db.execute("ROLLBACK")

    def failure(self, error: BaseException) -> Failure | None:
        """Return what an error of SQLite means; None if it is not one."""
        if not isinstance(error, sqlite3.Error):
            return None
        code = code_of(error)
        return Failure(ledger_error(self.path, error), code in _OF_OPERATION, code == sqlite3.SQLITE_CORRUPT)

    def check_identity(self) -> None:
        """Refuse to go on if the file was deleted or replaced.

        Raises:
            LedgerUnusableError: It was.
        """
        try:
            is_same = _identity(self.path) == self._identity
        except LedgerError:
            is_same = False
        if not is_same:
            raise LedgerUnusableError(
                f"the ledger {str(self.path)!r} was deleted or replaced while it was in use: put it back, and run "
                "the program again. A new file would not know which tasks were started, and each would cost again"
            )

    def is_on_network(self) -> bool:
        """Whether the file is on a network file system, whose locks and syncs cannot be trusted; known on Linux."""
        return sys.platform == "linux" and _file_system(self.path) in NETWORK_FILE_SYSTEMS

    def close(self) -> None:
        """Close the file."""
        with suppress(sqlite3.Error):
            self.db.close()


def ledger_error(path: Path, error: sqlite3.Error) -> LedgerError:
    """Return the error to raise for an error of SQLite."""
    code = code_of(error)
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return LedgerBusyError(
            f"the ledger {str(path)!r} was locked by another process for {BUSY_SECONDS:g} s: wait for that process, or "
            "end it if it is stopped",
            is_temporary=True,
        )
    cause = _CAUSES.get(code, f"SQLite reports {str(error)!r}")
    return LedgerUnusableError(UNUSABLE.format(str(path), cause), is_temporary=code in _TEMPORARY)


def _create(path: Path, *, may_create: bool) -> None:
    """Create the file if it is missing, readable for its owner alone; check that it is a regular file."""
    shown = str(path)
    try:
        if may_create and not os.path.lexists(path):
            library.make(path)
        mode = path.lstat().st_mode
    except FileNotFoundError:
        what = "its folder does not exist: create the folder" if may_create else NO_FILE
        raise LedgerUnusableError(NOT_OPENED.format(shown, what)) from None
    except sqlite3.Error as error:
        raise ledger_error(path, error) from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise LedgerUnusableError(f"the ledger {shown!r} cannot be opened ({why}): choose another file") from None
    if path.is_symlink():
        raise LedgerUnusableError(
            f"the ledger {shown!r} is a symbolic link, which is not followed: name the file itself"
        )
    if not _is_regular(mode):
        raise LedgerUnusableError(f"the ledger {shown!r} is not a regular file: choose another name")


def _is_regular(mode: int) -> bool:
    import stat

    return stat.S_ISREG(mode)


def _identity(path: Path) -> Identity:
    try:
        found = path.lstat()
    except OSError:
        raise LedgerUnusableError(f"the ledger {str(path)!r} does not exist any more") from None
    return Identity(found.st_dev, found.st_ino)


def _file_system(path: Path) -> str | None:
    """Return the kind of the file system on which a file is, as Linux names it; None if that is not known."""
    best, kind = -1, None
    try:
        folder = path.parent.resolve()
        mounts = MOUNTS.read_bytes()
    except OSError:
        return None
    for line in mounts.splitlines():
        _, mount, found, *_ = line.split(b" ")
        point = Path(os.fsdecode(_ESCAPED.sub(lambda escaped: bytes([int(escaped[1], 8) & 0xFF]), mount)))
        # The last of several at one point is the one that counts: an automount is listed before what it has mounted.
        if folder.is_relative_to(point) and len(point.parts) >= best:
            best, kind = len(point.parts), os.fsdecode(found)
    return kind
