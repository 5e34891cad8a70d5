"""The command `emulator`, which serves a local stand-in for the API."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from anchor_webtask._cli import exit_status
from anchor_webtask._cli.client import environment
from anchor_webtask._cli.mistakes import CommandError, UsageMistake
from anchor_webtask._cli.screen import screen


def emulator(
    host: Annotated[str, typer.Option("--host", metavar="ADDRESS", help="The address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", metavar="NUMBER", help="The port; 0 is a free one.")] = 0,
    takes: Annotated[float, typer.Option("--takes", metavar="SECONDS", help="How long a task takes.")] = 2.0,
    scenarios: Annotated[
        Path | None,
        typer.Option(
            "--scenarios", metavar="FILE.toml", help="What happens to tasks, and limits; see docs/testing.md."
        ),
    ] = None,
    dialect: Annotated[
        list[str] | None,
        typer.Option("--dialect", metavar="NAME", help="Another reading of the API's documents; may be repeated."),
    ] = None,
    allow_remote: Annotated[
        bool, typer.Option("--allow-remote", help="Accept an address that other machines reach.")
    ] = False,
) -> int:
    """Serve a local stand-in for the API, which costs nothing, until Ctrl-C.

    The first line on standard output is its URL. In another terminal, set ANCHORBROWSER_BASE_URL to it, and
    ANCHORBROWSER_API_KEY to any text; then all other commands use it. Requests are logged on standard error.
    """

    def announce(url: str) -> None:
        screen.put(url)
        if sys.stderr.isatty():
            screen.say(f"in another terminal:\n  {environment(url)}")

    try:
        from anchor_webtask.emulator import Emulator
        from anchor_webtask.emulator.__main__ import serve

        made = Emulator(takes=takes, dialects=dialect or ())
        if scenarios is not None:
            made.load(scenarios)
        serve(made, host=host, port=port, allow_remote=allow_remote, announce=announce)
    except (ValueError, ImportError) as error:
        raise UsageMistake(str(error)) from None
    except OSError as error:
        raise CommandError(str(error), exit_status.REFUSED) from None
    return exit_status.DONE
