"""The program: its commands, and what ends it."""

from __future__ import annotations

import logging
import os
import sys
import traceback
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Final

import typer
import typer.main

from anchor_webtask._cli import browser_sessions, emulating, exit_status, ledger, many, one_task, session_files, working
from anchor_webtask._cli.escaping import harmless_line
from anchor_webtask._cli.mistakes import CommandError
from anchor_webtask._cli.options import Command, command
from anchor_webtask._cli.screen import PROGRAM, MessageHandler, screen

if TYPE_CHECKING:
    from collections.abc import Sequence

DESCRIPTION: Final = f"""Hand web tasks to AnchorBrowser in plain words, watch them, and find them again.

The API key is read from the environment variable ANCHORBROWSER_API_KEY.

{exit_status.HELP}
"""
EXTRA_ARGUMENT: Final = "Got unexpected extra argument"


def _show_version(asked: bool) -> None:
    if asked:
        from anchor_webtask import __version__

        screen.put(f"{PROGRAM} {__version__}")
        raise typer.Exit


app: Final = typer.Typer(
    name=PROGRAM,
    help=DESCRIPTION,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
COMMANDS: Final[Sequence[tuple[str, str, Command]]] = (
    ("run", "Start a task, wait for it, and write its answer", one_task.run),
    ("start", "Start a task, and write its id", one_task.start),
    ("status", "Check tasks once each", one_task.status),
    ("wait", "Wait for a task, and write its answer", one_task.wait),
    ("result", "Check a task once, and write its answer", one_task.result),
    ("map", "Run the tasks of a file, and go on after a crash", many.run_many),
    ("worker", "Run the tasks of batches in a database", working.worker),
    ("emulator", "Serve a local stand-in for the API", emulating.emulator),
)
LEDGER_COMMANDS: Final[Sequence[tuple[str, str, Command]]] = (
    ("show", "Count the attempts in each state", ledger.show),
    ("list", "List the attempts", ledger.list_rows),
    ("get", "Show the latest attempt of a key", ledger.get),
    ("retry", "Allow one more start, which costs", ledger.retry),
    ("attach", "Give an unknown task the id that you have found", ledger.attach),
    ("free", "End the places that tasks hold", ledger.free),
    ("resume", "Wait for what runs, and start nothing", ledger.resume),
    ("export", "Write all attempts as JSON Lines", ledger.export),
    ("check", "Check the file", ledger.check),
)
SESSION_COMMANDS: Final[Sequence[tuple[str, str, Command]]] = (
    ("open", "Open a session, and write its id", browser_sessions.open_session),
    ("list", "List sessions", browser_sessions.list_sessions),
    ("view", "Show what a session has used, and its cost", browser_sessions.view_session),
    ("end", "End sessions, and what runs in them", browser_sessions.end_session),
    ("downloads", "List or save the files of a session", session_files.downloads),
    ("recording", "Wait for the recording of a session, and save it", session_files.recording),
)
session_app: Final = typer.Typer(
    help="Open browser sessions for tasks, look at them, and end them. An open session costs.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
ledger_app: Final = typer.Typer(
    help="Look into a ledger, and decide about its tasks.", no_args_is_help=True, rich_markup_mode=None
)


@app.callback()
def _options(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """The options of the program itself; the callback of each does what it says."""
    del version


for name, summary, function in COMMANDS:
    app.command(name, short_help=summary)(command(function))
for name, summary, function in LEDGER_COMMANDS:
    ledger_app.command(name, short_help=summary)(command(function))
for name, summary, function in SESSION_COMMANDS:
    session_app.command(name, short_help=summary)(command(function))
app.add_typer(session_app, name="session", short_help="Open browser sessions for tasks, and end them")
app.add_typer(ledger_app, name="ledger", short_help="Look into a ledger, and decide about its tasks")


def run(arguments: Sequence[str]) -> int:
    """Run a command, and return the exit status.

    Args:
        arguments: The arguments, without the program's name.
    """
    _replace_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # a test may replace it
    handler = MessageHandler(screen)
    logging.getLogger("anchor_webtask").addHandler(handler)
    try:
        return _flushed(_run(arguments))
    finally:
        logging.getLogger("anchor_webtask").removeHandler(handler)


def _replace_closed_streams() -> None:
    """Replace the streams that a shell has closed, such as by `2>&-`, for which Python has None.

    Messages are dropped then, and answers are an error: a task's id must not be lost without a word.
    """
    if sys.stdin is None:
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: PTH123, SIM115  open for the life of the process
    if sys.stdout is None:
        sys.stdout = open(os.open(os.devnull, os.O_RDONLY), "w", encoding="utf-8")  # noqa: PTH123, SIM115  as above
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115  as above


def _run(arguments: Sequence[str]) -> int:
    try:
        returned: object = typer.main.get_command(app).main([*arguments], prog_name=PROGRAM, standalone_mode=False)
    except CommandError as ended:
        if str(ended):
            screen.say(f"{PROGRAM}: {ended}")
        return ended.status
    except typer.TyperException as mistake:
        return _say_usage(mistake)
    except (typer.Abort, KeyboardInterrupt):
        return exit_status.INTERRUPTED
    except SystemExit as ended:  # typer's own end, such as that of --install-completion
        if isinstance(ended.__context__, BrokenPipeError):
            return exit_status.OUTPUT_CLOSED
        return ended.code if isinstance(ended.code, int) else exit_status.DONE
    except BrokenPipeError:
        return exit_status.OUTPUT_CLOSED
    except Exception as error:  # noqa: BLE001  anything else is a mistake of ours
        _say_unexpected(error)
        return exit_status.UNKNOWN
    return returned if isinstance(returned, int) else exit_status.DONE


def _say_usage(mistake: typer.TyperException) -> int:
    context = getattr(mistake, "ctx", None)
    message = mistake.format_message()
    if message.startswith(EXTRA_ARGUMENT):  # which may be a secret, after `--secret NAME`
        takes_prompt = context is not None and any(each.name == "prompt" for each in context.command.params)
        message = "there are more arguments than the command takes"
        message += ": put a prompt with blanks in quotes" if takes_prompt else ""
    if message.startswith("Usage: "):  # a group without a command shows its help
        screen.say(message)
        return exit_status.USAGE
    if message:
        screen.say(f"{PROGRAM}: {harmless_line(message)}")
    if context is not None and message:
        screen.say(f"To see the options: {context.command_path} --help")
    return exit_status.USAGE


def _say_unexpected(error: Exception) -> None:
    """Say where an unexpected error was raised; its message is left out, since it may hold a secret."""
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    places = ", ".join(f"{os.path.basename(frame.filename)}:{frame.lineno}" for frame in reversed(frames))  # noqa: PTH119
    screen.say(f"{PROGRAM}: an unexpected error, {type(error).__name__}, in {places}: please report it")
    screen.say_notes(error)


def _flushed(status: int) -> int:
    """Write what is left to both streams; a closed one must not make Python complain at its end."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            with suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
            status = status or exit_status.OUTPUT_CLOSED
    return status
