"""The commands for browser sessions: `session open`, `list`, `view`, `end`, `downloads` and `recording`."""

from __future__ import annotations

import dataclasses
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from anchor_webtask._cli import exit_status, signals
from anchor_webtask._cli.client import connected, go_on
from anchor_webtask._cli.escaping import harmless_line
from anchor_webtask._cli.mistakes import CommandError, Interruption, OutputClosed, Signalled, UsageMistake
from anchor_webtask._cli.options import AsJson, ConnectionArguments, Timeout
from anchor_webtask._cli.reports import error_text, refused, usage_mistake
from anchor_webtask._cli.screen import screen
from anchor_webtask._cli.task_fields import seconds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anchor_webtask import AnchorError, Session, SessionFile

SessionId: TypeAlias = Annotated[str, typer.Argument(metavar="ID", help="The session's id, as `open` has printed it.")]
Tags: TypeAlias = Annotated[
    list[str] | None, typer.Option("--tag", metavar="TAG", help="Only sessions with this tag; may be repeated.")
]
Folder: TypeAlias = Annotated[
    Path | None, typer.Option("--save", metavar="FOLDER", help="Save in this folder; no file is replaced.")
]


@dataclasses.dataclass(frozen=True)
class OpenArguments:
    """How a session is created."""

    initial_url: Annotated[
        str | None, typer.Option("--url", metavar="URL", help="The page that the browser opens first.")
    ] = None
    idle_timeout: Annotated[
        int | None,
        typer.Option(metavar="MINUTES", help="End it after so many minutes without a connection; by default 40."),
    ] = None
    max_duration: Annotated[
        int | None, typer.Option(metavar="MINUTES", help="End it after so many minutes in any case; by default 180.")
    ] = None
    recording: Annotated[bool | None, typer.Option("--recording/--no-recording", help="Whether it is recorded.")] = None
    profile: Annotated[str | None, typer.Option(metavar="NAME", help="The browser profile with its logins.")] = None
    tags: Annotated[
        list[str] | None, typer.Option("--tag", metavar="TAG", help="A label to find it by; may be repeated.")
    ] = None


def open_session(
    opening: OpenArguments,
    connection: ConnectionArguments,
    *,
    view: Annotated[
        bool, typer.Option("--view", help="Show the browser in your own one; who has its address can use it.")
    ] = False,
    as_json: AsJson = False,
) -> int:
    """Open a browser session, and write its id alone, so that id=$(anchor-webtask session open) works.

    Pass the id to `run --session-id`. The session costs until `session end` ends it, or its time has passed.
    """
    options: dict[str, Any] = {name: value for name, value in vars(opening).items() if value is not None}
    with _reporting(), connected(connection, 2.0) as anchor:
        session = anchor.sessions.open(**options)
        screen.say(f"it costs until it ends; to end it:\n  {go_on('session end', session.id, connection=connection)}")
        try:
            if as_json:
                screen.put_json({"session_id": session.id, "tag": session.tag})
            else:
                screen.put(harmless_line(session.id))
        except OutputClosed:  # nobody has received the id of a session that costs
            session.end()
            raise
        if view:
            _show(session.live_view_url)
    return exit_status.DONE


def _show(address: str | None) -> None:
    import webbrowser

    if address is None:
        screen.say("the address of the live view is not known")
    elif not webbrowser.open(str(address)):
        screen.say("there is no browser here that could show the session")


def list_sessions(connection: ConnectionArguments, *, tags: Tags = None, as_json: AsJson = False) -> int:
    """List browser sessions; by default those that this package has opened, in whatever program."""
    with _reporting(), connected(connection, 2.0) as anchor:
        found = anchor.sessions.list(tags=tags)
    if screen.is_for_people(as_json=as_json):
        import sys

        rows = [(each.id, each.status or "", each.created_at or "", ", ".join(each.tags)) for each in found]
        screen.table(("id", "status", "created", "tags"), rows, sys.stdout)
        return exit_status.DONE
    for each in found:
        fields = dataclasses.asdict(each)
        screen.put_json({"session_id": fields.pop("id")} | fields | {"tags": [*each.tags]})
    return exit_status.DONE


def view_session(
    session_id: SessionId,
    connection: ConnectionArguments,
    *,
    screenshot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write a picture of the browser, as a new PNG file.")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Write what a browser session has used so far, and what that costs by list price."""
    with _reporting(), connected(connection, 2.0) as anchor:
        session = anchor.sessions.get(session_id)
        used = session.usage()
        if screenshot is not None:
            _write_new(screenshot, session.screenshot())
    price = used.cost
    fields = {
        "session_id": session.id,
        "status": used.status,
        "steps": used.steps,
        "seconds": used.duration,
        "credits": used.credits,
        "list_price": price and {"usd": price.amount, "date": price.date, "source": price.source},
    }
    if not screen.is_for_people(as_json=as_json):
        screen.put_json(fields)
        return exit_status.DONE
    for name in ("status", "steps", "seconds", "credits"):
        screen.put(f"{name:9} {'not known' if fields[name] is None else harmless_line(str(fields[name]))}")
    said = "not known" if price is None else f"${price.amount} by the list of {price.date} ({price.source})"
    screen.put(f"price     {said}")
    return exit_status.DONE


def end_session(
    connection: ConnectionArguments,
    *,
    session_ids: Annotated[list[str] | None, typer.Argument(metavar="ID...", help="The sessions' ids.")] = None,
    everything: Annotated[
        bool,
        typer.Option(
            "--all",
            help="End all open sessions that this package has opened with the key, also those that others use now.",
        ),
    ] = False,
) -> int:
    """End browser sessions, and all that runs in them."""
    if bool(session_ids) == everything:
        raise UsageMistake(f"pass the ids of the sessions to end, or --all{', not both' if everything else ''}")
    failed = False
    with _reporting(), connected(connection, 2.0) as anchor:
        wanted = session_ids or [each.id for each in anchor.sessions.list() if not each.has_ended]
        if not wanted:
            screen.say("no session is open")
        # All ids are checked first: a mistake in one must not leave the sessions after it open.
        for session in [anchor.sessions.get(each) for each in wanted]:
            failed |= not _ended(session)
    return exit_status.REFUSED if failed else exit_status.DONE


def _ended(session: Session) -> bool:
    from anchor_webtask import AnchorError, NotFoundError

    try:
        session.end()
    except NotFoundError as error:
        screen.say(f"{harmless_line(session.id)} is not known: {error_text(error)}")
        return False
    except AnchorError as error:
        screen.say(f"{harmless_line(session.id)} may still be open: {error_text(error)}")
        return False
    screen.say(f"{harmless_line(session.id)} has ended")
    return True


def downloads(
    session_id: SessionId, connection: ConnectionArguments, *, save: Folder = None, as_json: AsJson = False
) -> int:
    """List the files that the browser of a session has downloaded, and perhaps save them."""
    with _reporting(), connected(connection, 2.0) as anchor:
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
    with _reporting(), connected(connection, 2.0) as anchor:
        _put_file(anchor.sessions.get(session_id).recording(limit), save or Path(), as_json=as_json)
    return exit_status.DONE


def _put_file(file: SessionFile, folder: Path | None, *, as_json: bool) -> None:
    try:
        path = None if folder is None else file.save(folder)
    except OSError as error:
        raise CommandError(f"{file.name} cannot be saved: {error.strerror}", exit_status.REFUSED) from None
    if screen.is_for_people(as_json=as_json):
        size = "" if file.size is None else f"  {file.size:,} bytes"
        screen.put(harmless_line(str(path or file.name)) + size)
    else:
        screen.put_json({"name": file.name, "size": file.size, "path": None if path is None else str(path)})


def _write_new(path: Path, content: bytes) -> None:
    try:
        with path.open("xb") as file:
            file.write(content)
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}", exit_status.REFUSED) from None


@contextmanager
def _reporting() -> Iterator[None]:
    """Say the error or the interruption that ends the block, and what is known of a session then."""
    from anchor_webtask import AnchorError

    try:
        with signals.raising():
            yield
    except AnchorError as error:
        raise _mistake(error) from None
    except KeyboardInterrupt as raised:
        screen.say_notes(raised)
        number = raised.number if isinstance(raised, Signalled) else None
        raise Interruption(exit_status.INTERRUPTED if number is None else 128 + number) from None


def _mistake(error: AnchorError) -> CommandError:
    from anchor_webtask import ConfigurationError, SessionOutcomeUnknownError

    if isinstance(error, ConfigurationError):
        return usage_mistake(error)
    if isinstance(error, SessionOutcomeUnknownError):
        return CommandError(error_text(error), exit_status.UNKNOWN)
    return refused(error)
