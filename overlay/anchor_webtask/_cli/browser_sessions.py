"""The commands for browser sessions: `session open`, `list`, `view` and `end`."""

from __future__ import annotations

import asyncio
import dataclasses
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias

import typer

from anchor_webtask._cli import exit_status, signals
from anchor_webtask._cli.client import connected, connected_async, go_on
from anchor_webtask._cli.escaping import harmless_line
from anchor_webtask._cli.mistakes import CommandError, Interruption, OutputClosed, UsageMistake
from anchor_webtask._cli.options import AsJson, ConnectionArguments, SessionId
from anchor_webtask._cli.reports import error_text
from anchor_webtask._cli.screen import screen
from anchor_webtask._cli.session_reports import reporting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anchor_webtask import AsyncSession, SessionInfo

MAX_ENDS: Final = 8
"""How many sessions are ended at once."""

Tags: TypeAlias = Annotated[
    list[str] | None, typer.Option("--tag", metavar="TAG", help="Only sessions with this tag; may be repeated.")
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
    with reporting(), connected(connection, 2.0) as anchor:
        session = anchor.sessions.open(**options)
        try:
            command = go_on("session end", session.id, connection=connection)
            screen.say(f"it costs until it ends; to end it:\n  {command}")
            if as_json:
                screen.put_json({"session_id": session.id, "tag": session.tag})
            else:
                screen.put(harmless_line(session.id))
        except (OutputClosed, KeyboardInterrupt):  # nobody has received the id of a session that costs
            session.end()
            screen.say(f"{harmless_line(session.id)} was ended, since its id was not written")
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
    with reporting(), connected(connection, 2.0) as anchor:
        found = anchor.sessions.list(tags=tags)
    if screen.is_for_people(as_json=as_json):
        _put_list(found)
        return exit_status.DONE
    for each in found:
        fields = dataclasses.asdict(each)
        screen.put_json({"session_id": fields.pop("id")} | fields | {"tags": [*each.tags]})
    return exit_status.DONE


def _put_list(found: Sequence[SessionInfo]) -> None:
    """Write sessions as a table; if that is too wide, several lines a session, which break no id and no tag."""
    import sys

    from rich.cells import cell_len

    titles, limit = ("id", "status", "created", "tags"), screen.width(sys.stdout)
    rows = [(each.id, each.status or "", each.created_at or "", ", ".join(each.tags)) for each in found]
    widths = [max(map(cell_len, map(harmless_line, column))) for column in zip(titles, *rows, strict=True)]
    if sum(widths) + 2 * len(widths) <= limit:
        screen.table(titles, rows, sys.stdout)
        return
    for each in found:
        line = harmless_line(each.id)
        for part in (harmless_line(text) for text in (each.status, each.created_at, *each.tags) if text):
            if cell_len(line) + 2 + cell_len(part) > limit:
                screen.put(line)
                line = ""
            line += f"  {part}"
        screen.put(line)


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
    with reporting(), connected(connection, 2.0) as anchor:
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
    wanted = None if session_ids is None else [*dict.fromkeys(session_ids)]
    with reporting(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the log says it, and so does the screen
        return asyncio.run(_end_at_once(connection, wanted))


async def _end_at_once(connection: ConnectionArguments, session_ids: list[str] | None) -> int:
    """End sessions, several at once, and return the exit status.

    Raises:
        Interruption: A signal came; which sessions have not ended has been said.
    """
    import anyio

    loop, stopped_by = asyncio.get_running_loop(), None
    left: dict[str, None] = {}  # of which nothing has been said; in the order of the arguments
    failed: list[str] = []

    def stop(number: int) -> None:
        nonlocal stopped_by
        stopped_by = number
        signals.call_soon(loop, scope.cancel)

    async def end(session: AsyncSession) -> None:
        async with slots:
            has_ended = await _ended(session)
            left.pop(session.id, None)
            if not has_ended:
                failed.append(session.id)

    with anyio.CancelScope() as scope, signals.stopping(stop):
        async with connected_async(connection, 2.0) as anchor:
            wanted = session_ids or [each.id for each in await anchor.sessions.list() if not each.has_ended]
            if not wanted:
                screen.say("no session is open")
            # All ids are checked first: a mistake in one must not leave the sessions after it open.
            sessions, slots = [anchor.sessions.get(each) for each in wanted], anyio.CapacityLimiter(MAX_ENDS)
            left.update(dict.fromkeys(session.id for session in sessions))
            async with anyio.create_task_group() as group:
                for session in sessions:
                    group.start_soon(end, session)
    if stopped_by is None:
        return exit_status.REFUSED if failed else exit_status.DONE
    if left:
        command = go_on("session end", *left, connection=connection)
        screen.say(f"interrupted before these have ended; to end them:\n  {command}")
    raise Interruption(128 + stopped_by)


async def _ended(session: AsyncSession) -> bool:
    from anchor_webtask import AnchorError, NotFoundError

    try:
        await session.end()
    except NotFoundError as error:
        screen.say(f"{harmless_line(session.id)} is not known: {error_text(error)}")
        return False
    except AnchorError as error:
        screen.say(f"{harmless_line(session.id)} may still be open: {error_text(error)}")
        return False
    screen.say(f"{harmless_line(session.id)} has ended")
    return True


def _write_new(path: Path, content: bytes) -> None:
    """Write a new file, of which nothing is left if that is not possible."""
    try:
        with path.open("xb") as file:
            try:
                file.write(content)
                file.flush()
            except BaseException:
                path.unlink()
                raise
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}", exit_status.REFUSED) from None
