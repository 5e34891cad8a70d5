"""Runs a command on a terminal, and returns what the terminal shows."""

from __future__ import annotations

import codecs
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

LIMIT: Final = 120
"""Seconds after which a program that shows nothing more counts as hanging."""
CLEAR: Final = "\r\x1b[2K"


class TerminalRun:
    """What a command has shown on a terminal.

    Attributes:
        during: What the terminal showed when a pattern appeared; empty if none was waited for.
        after: What it showed in the end.
    """

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        folder: Path,
        environment: Mapping[str, str],
        columns: int,
        until: str | None = None,
        then: Callable[[subprocess.Popen[bytes]], object] = lambda _: None,
    ) -> None:
        """Run the command to its end.

        Args:
            command: The program and its arguments.
            folder: The working folder.
            environment: The environment's variables.
            columns: The terminal's width.
            until: A pattern, at whose first appearance the terminal is looked at.
            then: Called at that appearance, with the process.

        Raises:
            RuntimeError: The pattern did not appear.
        """
        self.during = ""
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        with subprocess.Popen(  # noqa: S603  our own program
            command, cwd=folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
        ) as process:
            os.close(theirs)
            text, decoder = "", codecs.getincrementaldecoder("utf-8")(errors="replace")
            while (more := _read(ours)) is not None:
                text += decoder.decode(more)  # a piece may end within a character
                # The next content of the line begins so: only then, the line has been read to its end.
                if until is not None and not self.during and (found := re.search(f"(?:{until})[^\r]*(?=\r)", text)):
                    self.during = shown(text[: found.end()])
                    then(process)
            os.close(ours)
        self.after = shown(text)
        if until is not None and not self.during:
            raise RuntimeError(f"{until!r} was not shown:\n{text}")


def shown(text: str) -> str:
    """Return what a terminal shows of a text: the last of several contents of a line."""
    lines = text.replace("\r\n", "\n").split("\n")
    return "\n".join(line.rpartition(CLEAR)[2] for line in lines)


def _read(handle: int) -> bytes | None:
    poll = select.poll()  # `select` refuses handles above 1023
    poll.register(handle, select.POLLIN)
    if not poll.poll(LIMIT * 1000):
        raise RuntimeError("the program shows nothing any more")
    try:
        return os.read(handle, 65536) or None
    except OSError:  # Linux says so when the program has ended
        return None


def script(name: str) -> str:
    """Return the path of a program of this environment."""
    return os.path.join(os.path.dirname(sys.executable), name)  # noqa: PTH118, PTH120  a link must not be resolved
