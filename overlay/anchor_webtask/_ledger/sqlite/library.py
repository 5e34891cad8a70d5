"""What SQLite is asked of a file that is no ledger yet, or none at all; and the codes of its errors.

Only SQLite opens these files. To close a descriptor of our own would release all locks that this process has on a file,
also those of other threads, which can use a new file as soon as it exists.
"""

from __future__ import annotations

import os
import sqlite3
import sys
from contextlib import closing
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from pathlib import Path


def make(path: Path) -> None:
    """Make an empty file, readable for its owner alone, if there is none."""
    if sys.platform == "win32":  # there, the folder says who may read its files
        sqlite3.connect(path).close()
    else:
        with NamedTemporaryFile(dir=path.parent, prefix=".ledger-") as private:  # SQLite takes its mode, 0600
            sqlite3.connect(f"{_uri(path)}?modeof={_quoted(private.name)}", uri=True).close()


def is_database(path: Path) -> bool:
    """Whether a file is a database of SQLite."""
    try:
        with closing(sqlite3.connect(f"{_uri(path)}?mode=ro", uri=True, timeout=0)) as db:
            (pages,) = db.execute("PRAGMA page_count").fetchone()
    except sqlite3.Error as error:
        return code_of(error) != sqlite3.SQLITE_NOTADB  # it may be locked, or damaged
    return bool(pages)


def code_of(error: sqlite3.Error) -> int:
    """Return the code of an error; those of the Python module itself, which has refused an argument, have none."""
    code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_MISUSE) & 0xFF
    return code


def _uri(path: Path) -> str:
    return f"file:{_quoted(path.absolute())}"  # a relative path may be a name such as `:memory:`


def _quoted(path: str | Path) -> str:
    return quote(os.fsencode(path), safe="")
