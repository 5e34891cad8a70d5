"""What cannot be a ledger in PostgreSQL is refused in words, nothing is sent, and no password is shown."""

from __future__ import annotations

import logging
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from anchor_webtask import Anchor, AnchorError, AsyncBatch, Batch, ConfigurationError, Ledger, LedgerUnusableError
from anchor_webtask._ledger.postgres.schema import VERSION
from anchor_webtask._ledger.postgres.url import parsed
from anchor_webtask._redaction.secrets import Sealed
from tests.support.runners import KEY
from tests.support.secret_search import exception_texts, find_secrets, log_texts, secret_parts

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchor_webtask.emulator import Emulator
    from tests.support.postgres_server import PostgresServer
    from tests.support.runners import Runner

PASSWORD: Final = "hunter2/of@the:databäse"
IN_URL: Final = quote(PASSWORD, safe="")
PARTS: Final = secret_parts(PASSWORD)

INVALID: Final = {
    "an @ in the password": f"postgresql://me:{PASSWORD.replace('/', '')}@db.example/prices",
    "a slash in the password": f"postgresql://me:{PASSWORD.replace('@', '')}@db.example/prices",
    "a slash and a port": f"postgresql://me:5432/{PASSWORD}@db.example/prices",
    "a question mark in the password": f"postgresql://me:1?{PASSWORD}@db.example/prices",
    "a port that is no number": f"postgresql://me:{IN_URL}@db.example:{PASSWORD[:8]}/prices",
    "a driver": f"postgresql+psycopg://me:{IN_URL}@db.example/prices",
    "another database": f"mysql://me:{IN_URL}@db.example/prices",
    "a schema that is no name": f"postgresql://me:{IN_URL}@db.example/prices?schema=Prices;drop",
    "a space": f"postgresql://me:{IN_URL}@db.example/my prices",
}


def hidden(error: BaseException, *texts: str) -> None:
    assert find_secrets([*texts, *exception_texts(error)], PARTS) == []


@pytest.mark.parametrize("name", INVALID)
def test_url_that_is_not_valid_is_refused_and_not_shown(name: str) -> None:
    with pytest.raises(ConfigurationError, match="ledger") as raised:
        Ledger(INVALID[name])
    hidden(raised.value)


def test_name_of_a_ledger_is_its_url_without_secrets() -> None:
    parameters = f"sslmode=require&sslpassword={IN_URL}&schema=prices"
    ledger = Ledger(f"postgres://me:{IN_URL}@one.example:5433,[::1]/prices?{parameters}&password={IN_URL}")
    assert repr(ledger) == ("<Ledger 'postgresql://me@one.example:5433,[::1]/prices?sslmode=require&schema=prices'>")
    assert ledger.path is None
    assert ledger._repr_html_() is not None
    assert find_secrets([repr(ledger), str(ledger._repr_html_()), repr(vars(ledger._store.backend))], PARTS) == []


def no_server(_: PostgresServer) -> str:
    return f"postgresql://me:{IN_URL}@127.0.0.1:1/prices"


def no_host(_: PostgresServer) -> str:
    return f"postgresql://me:{IN_URL}@no-such-host.invalid/prices?connect_timeout=2"


def no_socket(_: PostgresServer) -> str:
    return f"postgresql://me:{IN_URL}@/prices?host=/no/such/folder"


def wrong_password(server: PostgresServer) -> str:
    return server.url("prices", user="guest", password=PASSWORD)


def no_password(server: PostgresServer) -> str:
    return server.url("prices", user="guest")


def no_database(server: PostgresServer) -> str:
    return server.url("prices", password=PASSWORD, database="no_such_database")


def no_user(server: PostgresServer) -> str:
    return server.url("prices", user="nobody_known", password=PASSWORD)


def no_right(server: PostgresServer) -> str:
    server.execute(f"ALTER ROLE guest PASSWORD '{PASSWORD}'")
    return server.url("prices_of_guest", user="guest", password=PASSWORD)


def no_right_to_look(server: PostgresServer) -> str:
    return as_guest(server, "SELECT")


def no_right_to_read(server: PostgresServer) -> str:
    return as_guest(server, "GRANT USAGE ON SCHEMA {} TO guest")


def no_right_to_make(server: PostgresServer) -> str:
    server.execute("CREATE SCHEMA IF NOT EXISTS others; GRANT USAGE ON SCHEMA others TO guest")
    return server.url("others", user="guest", password=PASSWORD)


def as_guest(server: PostgresServer, statement: str) -> str:
    server.execute(f"ALTER ROLE guest PASSWORD '{PASSWORD}'")
    schema = changed(server, statement).rpartition("=")[2]
    return server.url(schema, user="guest", password=PASSWORD)


def unknown_parameter(server: PostgresServer) -> str:
    return f"{server.url('prices', password=PASSWORD)}&colour=red"


def foreign(server: PostgresServer) -> str:
    server.execute("CREATE SCHEMA IF NOT EXISTS shop")
    server.execute("CREATE TABLE IF NOT EXISTS shop.ledger (amount integer)")
    return server.url("shop", password=PASSWORD)


def later(server: PostgresServer) -> str:
    return changed(server, "UPDATE {}.ledger SET version = version + 1")


def damaged(server: PostgresServer) -> str:
    return changed(server, "DROP TABLE {}.attempts")


def changed(server: PostgresServer, statement: str) -> str:
    url = server.new_url()
    with Ledger(url) as ledger:
        ledger._store.open("https://api.example")
    schema = url.rpartition("=")[2]
    server.execute(statement.format(schema))
    return server.url(schema, password=PASSWORD)


UNUSABLE: dict[Callable[[PostgresServer], str], str] = {
    no_server: "PostgreSQL does not answer: .*Connection refused",
    no_host: "PostgreSQL does not answer: ",
    no_socket: "PostgreSQL does not answer: .*No such file or directory",
    wrong_password: "PostgreSQL refuses it: .*password authentication failed",
    no_password: "PostgreSQL refuses it: .*no password supplied",
    no_database: 'PostgreSQL refuses it: .*database "no_such_database" does not exist',
    no_user: 'PostgreSQL refuses it: .*role "nobody_known" does not exist',
    no_right: "this user lacks a right .*CREATE SCHEMA prices_of_guest AUTHORIZATION guest",
    no_right_to_look: r"this user lacks a right .*GRANT USAGE ON SCHEMA ledger_\d+ TO guest",
    no_right_to_read: r"this user lacks a right .*permission denied for table .*GRANT SELECT ON ALL TABLES",
    no_right_to_make: "this user lacks a right .*GRANT ALL ON SCHEMA others TO guest",
    unknown_parameter: 'PostgreSQL refuses it: invalid connection option "colour"',
    foreign: "the schema 'shop' of .* has a table of another program",
    later: f"written by a later version .*its format is {VERSION + 1}, and this package knows {VERSION}.*: upgrade",
    damaged: "has a table of another program",
}


@pytest.mark.parametrize("make", UNUSABLE, ids=lambda make: make.__name__)
def test_database_that_cannot_be_used_is_named_without_its_password(
    anchor_emulator: Emulator, postgres: PostgresServer, caplog: pytest.LogCaptureFixture, make: Any
) -> None:
    caplog.set_level(logging.DEBUG)
    url = make(postgres)
    with Anchor(KEY) as anchor, pytest.raises(LedgerUnusableError, match=UNUSABLE[make]) as raised:
        next(anchor.tasks.map(["Read"], ledger=url))
    hidden(raised.value, *log_texts(caplog))
    with Anchor(KEY) as anchor, pytest.raises(LedgerUnusableError, match=UNUSABLE[make]) as raised:
        anchor.tasks.run("Read", key="a", ledger=url)
    hidden(raised.value, *log_texts(caplog))
    assert len(anchor_emulator.requests) == 0


def test_invalid_arguments_show_no_password(runner: Runner, tasks: Any) -> None:
    """A traceback shows the variables of each function, the arguments of `map` and `run` among them."""
    url = f"mysql://me:{IN_URL}@db.example/prices"
    with pytest.raises(ConfigurationError, match="no ledgers at mysql://") as raised:
        tasks.map(["Read"], ledger=url)
    hidden(raised.value)
    with pytest.raises(ConfigurationError, match="no ledgers at mysql://") as raised:
        runner.call(tasks.run, "Read", key="a", ledger=url)
    hidden(raised.value)


@pytest.mark.parametrize("kind", [Batch, AsyncBatch])
def test_invalid_arguments_of_a_batch_show_no_password(kind: type[Batch | AsyncBatch]) -> None:
    with pytest.raises(ConfigurationError, match="the name of a batch must be") as raised:
        kind(f"postgresql://me:{IN_URL}@db.example/prices", "no name!")
    hidden(raised.value)


def test_only_a_client_makes_the_tables(postgres: PostgresServer) -> None:
    with Ledger(postgres.new_url()) as ledger, pytest.raises(LedgerUnusableError, match="does not exist"):
        ledger.counts()


def test_connection_pooler_is_refused(
    anchor_emulator: Emulator, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pooler tells its client the number of a process that no session has."""
    monkeypatch.setattr(psycopg.ConnectionInfo, "backend_pid", property(lambda _: 1))
    with Anchor(KEY) as anchor, pytest.raises(LedgerUnusableError, match="behind a connection pooler"):
        next(anchor.tasks.map(["Read"], ledger=postgres.new_url()))
    assert len(anchor_emulator.requests) == 0


PROGRAM: Final = """
import sys
import anchor_webtask
assert "psycopg" not in sys.modules
sys.modules["psycopg"] = None
try:
    anchor_webtask.Ledger("postgresql://db.example/prices")
except anchor_webtask.ConfigurationError as error:
    print(error)
"""


def test_missing_package_is_named_and_others_do_not_need_it() -> None:
    printed = subprocess.run([sys.executable, "-c", PROGRAM], check=True, capture_output=True, text=True).stdout
    assert "pip install 'anchor-webtask[postgres]'" in printed


def test_ledger_of_another_api_is_refused(anchor_emulator: Emulator, postgres: PostgresServer) -> None:
    url = postgres.new_url()
    with Ledger(url) as ledger:
        ledger._store.open("https://api.example")
    with Anchor(KEY) as anchor, pytest.raises(AnchorError, match="belongs to base_url"):
        next(anchor.tasks.map(["Read"], ledger=url))
    assert len(anchor_emulator.requests) == 0


PARTS_OF_URLS: Final = {
    "postgresql://me@one.example:5433,two.example/prices": {
        "user": "me",
        "host": "one.example,two.example",
        "port": "5433,",
        "dbname": "prices",
    },
    "postgresql://me:a%2Fb%40c:d@[::1]:5433": {"user": "me", "password": "a/b@c:d", "host": "::1", "port": "5433"},
    "postgres://%2Frun%2Fpg/prices?user=me&sslmode=require": {
        "host": "/run/pg",
        "dbname": "prices",
        "user": "me",
        "sslmode": "require",
    },
    "postgresql:///?password=%26": {"password": "&"},
}


@pytest.mark.parametrize("url", PARTS_OF_URLS)
def test_url_has_the_parts_that_libpq_finds(url: str) -> None:
    assert parsed(Sealed(url)).parameters.open() == PARTS_OF_URLS[url]
    ours = {name: value for name, value in PARTS_OF_URLS[url].items() if value}
    theirs = conninfo_to_dict(url)
    assert {name: str(theirs[name]) for name in ours} == ours
