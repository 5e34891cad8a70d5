"""docs/ledger-file.md describes the file as it is."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from anchor_webtask import Anchor, TaskRequest
from anchor_webtask._ledger.models import STATES
from anchor_webtask._ledger.sqlite.schema import APPLICATION_ID, VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anchor_webtask.emulator import Emulator

PAGE = (Path(__file__).parents[2] / "docs" / "ledger-file.md").read_text(encoding="utf-8")


@pytest.fixture
def db(anchor_emulator: Emulator, path: Path) -> Iterator[sqlite3.Connection]:
    """The file of a ledger with one completed task, opened by another tool."""
    anchor_emulator.on(answer={"amount": 3})
    with Anchor() as anchor:
        list(anchor.tasks.map([TaskRequest("Read", key="a")], ledger=path))
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    yield connection
    connection.close()


def described(section: str) -> list[str]:
    """Return the names in the first column of the tables of a section."""
    text = PAGE.split(f"## {section}")[1].split("\n## ")[0]
    cells = re.findall(r"^\| (`[^|]*) \|", text, flags=re.MULTILINE)
    return [name for cell in cells if cell != "`state`" for name in re.findall(r"`(\w+)`", cell)]


@pytest.mark.parametrize("table", ["`attempts`", "`ledger`"])
def test_page_describes_each_column_and_state(db: sqlite3.Connection, table: str) -> None:
    columns = [name for _, name, *_ in db.execute(f"PRAGMA table_info({table.strip('`')})") if name != "state"]
    states = list(STATES) if table == "`attempts`" else []
    assert described(table) == [*columns, *states]


def test_page_has_the_numbers_of_the_file(db: sqlite3.Connection) -> None:
    assert db.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
    assert f"`PRAGMA application_id` is {APPLICATION_ID} " in PAGE
    assert db.execute("PRAGMA user_version").fetchone() == (VERSION,)
    assert f"is the version of the tables, {VERSION}." in PAGE


def test_questions_of_the_page_have_answers(db: sqlite3.Connection) -> None:
    (block,) = re.findall(r"```sql\n(.*?)```", PAGE, flags=re.DOTALL)
    answers = [db.execute(question).fetchall() for question in block.strip().split("\n")]
    assert answers == [[("completed", 1)], [("a", 3)]]
