"""Asks before a command starts many tasks that cost money."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO

from anchor_webtask._cli import exit_status
from anchor_webtask._cli.mistakes import CommandError, Interruption
from anchor_webtask._cli.screen import screen

if TYPE_CHECKING:
    from collections.abc import Callable

ASKED_ABOVE: Final = 20
TERMINAL: Final = Path("/dev/tty")


def confirm(starts: int, describe: Callable[[int], str]) -> None:
    """Ask whether to start tasks, if there are many and somebody can answer.

    Args:
        starts: How many tasks may be started.
        describe: Returns the question.

    Raises:
        CommandError: The answer is no.
        Interruption: The answer is Ctrl-C.
    """
    if starts <= ASKED_ABOVE or not sys.stderr.isatty():
        return
    stream = _terminal()
    if stream is None:
        return
    try:
        sys.stderr.write(f"{describe(starts)} [y/N] ")
        sys.stderr.flush()
        answer = stream.readline().strip().lower()
    except KeyboardInterrupt:
        screen.say("")
        raise Interruption from None
    finally:
        if stream is not sys.stdin:
            stream.close()
    if answer not in {"y", "yes"}:
        raise CommandError("nothing was started", exit_status.REFUSED)


def _terminal() -> TextIO | None:
    """Return where a person can answer: standard input may be the file of tasks."""
    if sys.stdin is not None and sys.stdin.isatty():
        return sys.stdin
    with suppress(OSError):
        return TERMINAL.open(encoding="utf-8", errors="replace")
    return None
