"""The commands for the files of browser sessions: `session downloads` and `recording`."""

from __future__ import annotations

import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from anchor_webtask._cli import exit_status
from anchor_webtask._cli.client import connected
from anchor_webtask._cli.escaping import harmless_line
from anchor_webtask._cli.live import duration, frame
from anchor_webtask._cli.mistakes import CommandError
from anchor_webtask._cli.options import AsJson, ConnectionArguments, SessionId, Timeout
from anchor_webtask._cli.screen import screen
from anchor_webtask._cli.session_reports import reporting
from anchor_webtask._cli.task_fields import seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from anchor_webtask import SessionFile

Folder: TypeAlias = Annotated[
    Path | None, typer.Option("--save", metavar="FOLDER", help="Save in this folder; no file is replaced.")
]


def downloads(
    session_id: SessionId, connection: ConnectionArguments, *, save: Folder = None, as_json: AsJson = False
) -> int:
    """List the files that the browser of a session has downloaded, and perhaps save them."""
    with reporting(), connected(connection, 2.0) as anchor:
        for file in anchor.sessions.get(session_id).downloads():
            _put_file(file, save, as_json=as_json)
    return exit_status.DONE


def recording(
    session_id: SessionId,
    connection: ConnectionArguments,
    *,
    save: Folder = None,
    timeout: Timeout = "5m",
    as_json: AsJson = False,
) -> int:
    """Wait until the recording of a session is ready, which is some time after its end, and save it."""
    limit = seconds(timeout)
    with reporting(), connected(connection, 2.0) as anchor:
        session = anchor.sessions.get(session_id)
        with _shown(lambda: "waiting for the recording", "the recording was not waited for any longer"):
            file = session.recording(limit)
        _put_file(file, save or Path(), as_json=as_json)
    return exit_status.DONE


def _put_file(file: SessionFile, folder: Path | None, *, as_json: bool) -> None:
    path = None if folder is None else _saved(file, folder)
    if screen.is_for_people(as_json=as_json):
        size = "" if file.size is None else f"  {file.size:,} bytes"
        screen.put(harmless_line(str(path or file.name)) + size)
    else:
        screen.put_json({"name": file.name, "size": file.size, "path": None if path is None else str(path)})


def _saved(file: SessionFile, folder: Path) -> Path:
    total = "" if file.size is None else f" of {_megabytes(file.size)}"

    def line() -> str:
        return f"saving {file.name}, {_megabytes(file._received)}{total}"

    try:
        with _shown(line, f"{file.name} was cut off, and nothing of it was kept"):
            return file.save(folder)
    except OSError as error:
        raise CommandError(f"{file.name} cannot be saved: {error.strerror}", exit_status.REFUSED) from None


@contextmanager
def _shown(line: Callable[[], str], cut_off: str) -> Iterator[None]:
    """Show on a terminal how far the block is, and say what it means that an interruption has ended it."""
    begun = time.monotonic()
    try:
        with screen.live(lambda: f"{frame()} {line()}, {duration(time.monotonic() - begun)}"):
            yield
    except KeyboardInterrupt:
        screen.say(f"{harmless_line(cut_off)}: run the command again to fetch it")
        raise


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
