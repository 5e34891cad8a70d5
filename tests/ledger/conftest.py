"""Fixtures: a ledger in a file or a database, and the tasks of a client of the emulator in virtual time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zlib import crc32

import pytest

from anchor_webtask import Ledger
from anchor_webtask._ledger.postgres.schema import MIGRATIONS
from tests.support.many import FEW_CHECKS
from tests.support.postgres_server import Place, PostgresServer, be_patient, empty

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import psycopg

    from anchor_webtask._ledger.postgres.statements import Statements
    from anchor_webtask.emulator import Emulator
    from tests.support.runners import Runner


CLIENTS = ("sync", "asyncio", "trio")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Run each test with a database with one client only, unless all points are wanted: another one for each test."""
    if config.getoption("--every-point"):
        return
    left_out = [item for item in items if isinstance(item, pytest.Function) and _is_left_out(item)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in {*left_out}]


def _is_left_out(item: pytest.Function) -> bool:
    given = item.callspec.params if hasattr(item, "callspec") else {}
    if given.get("place") != "postgres" or "runner" not in given:
        return False
    return bool(given["runner"] != CLIENTS[crc32(item.originalname.encode()) % len(CLIENTS)])


@pytest.fixture(autouse=True)
def patient_sessions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give up no session in PostgreSQL, apart from tests that set a limit."""
    be_patient(monkeypatch)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The path of a ledger that does not exist yet."""
    return tmp_path / "prices.ledger"


@pytest.fixture(scope="session", name="postgres")
def only_postgres() -> Iterator[PostgresServer]:
    """A server of PostgreSQL: one for each process of the tests."""
    server = PostgresServer()
    yield server
    server.remove()


@pytest.fixture(scope="session")
def made_tables(postgres: PostgresServer) -> Iterator[psycopg.Connection[Any]]:
    """A connection to the tables of a ledger in PostgreSQL."""
    with postgres.connect() as connection:
        connection.execute("CREATE SCHEMA tables")
        connection.execute("SET search_path TO tables")
        for statements in MIGRATIONS:
            for statement in statements:
                connection.execute(statement.encode())
        yield connection


@pytest.fixture
def postgres_tables(made_tables: psycopg.Connection[Any]) -> Statements:
    """The same connection; the tables are as in a new ledger."""
    return empty(made_tables)


@pytest.fixture(params=["file", "postgres"])
def place(request: pytest.FixtureRequest) -> Place:
    """Run the test twice: with the path of a ledger that does not exist yet, and with the URL of one."""
    if request.param == "postgres":
        url: str = request.getfixturevalue("postgres").new_url()
        return url
    path: Path = request.getfixturevalue("path")
    return path


@pytest.fixture
def ledger(request: pytest.FixtureRequest) -> Iterator[Ledger]:
    """The ledger of `place`, or of `path` in tests of files, for questions and decisions."""
    name = "place" if "place" in request.fixturenames else "path"
    with Ledger(request.getfixturevalue(name)) as opened:
        yield opened


@pytest.fixture
def tasks(anchor_emulator: Emulator, runner: Runner) -> Iterator[Any]:
    """The tasks of a client of the emulator, whose waits make few checks."""
    assert anchor_emulator.starts == 0
    with runner.anchor(wait=FEW_CHECKS) as anchor:
        yield anchor.tasks
