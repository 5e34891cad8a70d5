"""Reads and writes rows of a ledger, on the connection of an open transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from anchor_webtask._ledger.models import Row

if TYPE_CHECKING:
    from anchor_webtask._ledger.database import Connection

_COLUMNS: Final = ", ".join(Row._fields)
_VALUES: Final = ", ".join(f":{name}" for name in Row._fields)


def rows_of(db: Connection, where: str, *values: object) -> list[Row]:
    """Return the rows that meet a condition of SQL."""
    return [Row(*each) for each in db.execute(f"SELECT {_COLUMNS} FROM attempts WHERE {where}", values)]  # noqa: S608  no user's text


def row_of(db: Connection, claim: str) -> Row | None:
    """Return the row with this claim."""
    found = rows_of(db, "claim = ?", claim)
    return found[0] if found else None


def insert(db: Connection, row: Row) -> None:
    """Add a row."""
    db.execute(f"INSERT INTO attempts ({_COLUMNS}) VALUES ({_VALUES})", row._asdict())  # noqa: S608  names of columns


def change(db: Connection, of: str, /, **values: object) -> None:
    """Set columns of the row with this claim."""
    names = ", ".join(f"{name} = :{name}" for name in values)
    db.execute(f"UPDATE attempts SET {names} WHERE claim = :of", {**values, "of": of})  # noqa: S608  names of columns


def delete(db: Connection, claim: str) -> None:
    """Remove the row with this claim."""
    db.execute("DELETE FROM attempts WHERE claim = ?", (claim,))
