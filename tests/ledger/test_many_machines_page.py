"""docs/many-machines.md describes the tables in PostgreSQL as they are."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from anchor_webtask import Anchor, TaskRequest
from anchor_webtask._ledger.postgres.backend import SETTLE_AFTER
from anchor_webtask._ledger.postgres.schema import DEFAULT_SCHEMA, VERSION
from anchor_webtask._ledger.postgres.session import IDLE_SECONDS, RESPONSE_SECONDS
from anchor_webtask._ledger.sqlite.schema import CREATE

if TYPE_CHECKING:
    from anchor_webtask.emulator import Emulator
    from tests.support.postgres_server import PostgresServer

PAGE: Final = (Path(__file__).parents[2] / "docs" / "many-machines.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def schema(postgres: PostgresServer) -> str:
    """The schema of a URL that names none."""
    postgres.execute(f"DROP SCHEMA IF EXISTS {DEFAULT_SCHEMA} CASCADE")
    return DEFAULT_SCHEMA


def test_questions_of_the_page_have_answers(anchor_emulator: Emulator, postgres: PostgresServer, schema: str) -> None:
    anchor_emulator.on(answer={"amount": 3})
    with Anchor() as anchor:
        list(anchor.tasks.map([TaskRequest("Read", key="a")], ledger=postgres.url(schema).partition("&schema")[0]))
    (block,) = re.findall(r"```sql\n(.*?)```", PAGE, flags=re.DOTALL)
    answers = [postgres.execute(question) for question in block.strip().split("\n")]
    assert answers == [[("completed", 1)], [("a", "3")]]


def columns(made: Any, table: str) -> list[str]:
    found = made.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = 'tables' AND table_name = %s "
        "ORDER BY ordinal_position",
        [table],
    )
    return [name for (name,) in found]


@pytest.mark.parametrize("table", ["attempts", "ledger"])
def test_columns_are_those_of_the_file_and_those_of_the_page(made_tables: Any, table: str) -> None:
    (create,) = (each for each in CREATE if f"CREATE TABLE {table} (" in each)
    of_file = re.findall(r"^        (\w+) [A-Z]+", create, flags=re.MULTILINE)
    of_page = re.findall(rf"`{table}\.(\w+)`", PAGE.rpartition("## The tables")[2])
    own = [name for name in columns(made_tables, table) if name not in of_file]
    assert own == [name for name in of_page if name not in of_file]
    assert {*of_file} - {"PRIMARY"} <= {*columns(made_tables, table)}


def test_page_has_the_numbers_of_the_package() -> None:
    for text in (
        f'becomes `"unknown"`, {SETTLE_AFTER:g} s after it was last confirmed',
        f"the others wait for at most {IDLE_SECONDS} s",
        f"the same, after {RESPONSE_SECONDS:g} s",
        f"the version of the tables, {VERSION} |",
        f"in a schema of the name `{DEFAULT_SCHEMA}`",
    ):
        assert text in PAGE
