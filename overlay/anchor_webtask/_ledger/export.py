"""Writes the rows of a ledger to a file as JSON Lines."""

from __future__ import annotations

import errno
import json
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from anchor_webtask._errors import ConfigurationError
from anchor_webtask._ledger.sqlite.library import is_database

if TYPE_CHECKING:
    from collections.abc import Iterable

    from anchor_webtask._ledger.models import Row

OF_LEDGER: Final = "{!r} belongs to a ledger, or is another database, and would be lost: choose another file"
_INTERNAL: Final = frozenset({"answer", "owner", "claim", "number", "alone", "halvings"})
"""The columns of a row that an export leaves out, or has in another form."""


def write(rows: Iterable[Row], target: Path, ledger: Path | None) -> int:
    """Write rows to a file, which is replaced once all is written, and return their number.

    Args:
        rows: The rows.
        target: The file to write.
        ledger: The ledger's own file; None if it has none.

    Raises:
        ConfigurationError: The file is a database, or belongs to the ledger.
        OSError: The file cannot be written.
    """
    if _belongs_to_ledger(target, ledger):
        raise ConfigurationError(OF_LEDGER.format(str(target)))
    number = 0
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    except OSError as error:
        error.filename = str(target)  # not that of the temporary file
        raise
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            for row in rows:
                file.write(_line(row) + "\n")
                number += 1
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(target)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise
    return number


def _belongs_to_ledger(target: Path, ledger: Path | None) -> bool:
    own = None if ledger is None else ledger.resolve()
    if own is not None and target.resolve() in {own, own.with_name(f"{own.name}-journal")}:
        return True
    if not target.is_file():
        return False
    if not os.access(target, os.R_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(target))
    return is_database(target)


def _line(row: Row) -> str:
    """Return a row as a line of JSON; the answer is the stored text, since Python's numbers have fewer digits."""
    fields = {name: value for name, value in row._asdict().items() if name not in _INTERNAL}
    return f'{json.dumps(fields, ensure_ascii=False)[:-1]}, "answer": {row.answer or "null"}}}'
