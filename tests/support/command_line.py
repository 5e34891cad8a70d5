"""Runs the installed command line: in a process with pipes, or on a terminal."""

from __future__ import annotations

import codecs
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from tests.support.patience import PATIENCE, until
from tests.support.processes import state_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

SCRIPT: Final = Path(sys.executable).with_name("anchor-webtask")
# The controlling terminal is set by the new process itself, since a fork of a process with threads is not safe.
TAKE_TERMINAL: Final = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
)
_ESCAPES: Final = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


class Ran(NamedTuple):
    """What a process has written, and its exit status."""

    status: int
    out: str
    err: str


class CommandLine:
    """The command line in an environment.

    Args:
        folder: The working folder.
        environment: The environment's variables.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self.environment = dict(environment)

    def __call__(self, *arguments: str | Path, text: str | bytes | None = None, **variables: str) -> Ran:
        """Run a command to its end; standard input is empty unless a text is given."""
        given = text.encode() if isinstance(text, str) else text
        ran = subprocess.run(
            [SCRIPT, *arguments],
            cwd=self.folder,
            env=self.environment | variables,
            input=given or b"",
            capture_output=True,
            timeout=PATIENCE,
        )
        return Ran(ran.returncode, ran.stdout.decode(), ran.stderr.decode())

    def pasted(self, command: str, shell: str = "sh") -> Ran:
        """Run a text in a shell that finds the program."""
        variables = {"PATH": f"{SCRIPT.parent}{os.pathsep}{self.environment['PATH']}"}
        ran = subprocess.run(
            [shell, "-c", command],
            cwd=self.folder,
            env=self.environment | variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE,
        )
        return Ran(ran.returncode, ran.stdout.decode(), ran.stderr.decode())

    @contextmanager
    def spawned(self, *arguments: str | Path, output: int = subprocess.PIPE) -> Iterator[subprocess.Popen[str]]:
        """Run a command with pipes, perhaps one of the test's own for its output; kill it when the context ends."""
        with subprocess.Popen(
            [SCRIPT, *arguments],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    @contextmanager
    def terminal(
        self, *arguments: str | Path, columns: int = 80, variables: Mapping[str, str] = MappingProxyType({})
    ) -> Iterator[Terminal]:
        """Run a command on a terminal, and kill it when the context ends."""
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        with subprocess.Popen(
            [sys.executable, "-S", "-c", TAKE_TERMINAL, SCRIPT, *arguments],
            cwd=self.folder,
            env={"TERM": "xterm"} | self.environment | dict(variables),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        ) as process:
            os.close(theirs)
            try:
                yield Terminal(ours, process)
            finally:
                process.kill()
                os.close(ours)


class Terminal:
    """A terminal on which a process runs.

    Args:
        handle: The terminal's other end.
        process: The process.

    Attributes:
        text: What it has shown so far, with its codes.
    """

    def __init__(self, handle: int, process: subprocess.Popen[bytes]) -> None:
        self.text = ""
        self.process = process
        self._handle = handle
        self._poll = select.poll()  # `select` refuses handles above 1023
        self._poll.register(handle, select.POLLIN)
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Read until a pattern has been shown."""
        end = time.monotonic() + PATIENCE
        while (found := re.search(pattern, self.text)) is None:
            assert self._read(end), f"{pattern!r} was not shown:\n{self.text}"
        return found

    def wait_until_asleep(self) -> None:
        """Wait until the process reads what is typed: a signal that comes just before that does not interrupt it."""
        until(lambda: state_of(self.process.pid) in "SZ")

    def type(self, text: str) -> None:
        """Type a text; \\x03 is Ctrl-C."""
        os.write(self._handle, text.encode())

    def finish(self) -> int:
        """Read to the end of the process, and return its exit status."""
        end = time.monotonic() + PATIENCE
        while self._read(end):
            pass
        return self.process.wait(PATIENCE)

    def hang_up(self) -> int:
        """Do what the end of a terminal does: nobody reads any more, and its processes get SIGHUP."""
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, self._handle)
        os.close(nothing)
        return self.process.wait(PATIENCE)

    def screen(self) -> str:
        """Return the lines that are left on the terminal: without codes, and without what was erased."""
        lines = self.text.replace("\r\n", "\n").split("\n")
        return "\n".join(_ESCAPES.sub("", line.rpartition("\r\x1b[2K")[2]).rstrip() for line in lines)

    def _read(self, end: float) -> bool:
        if not self._poll.poll(max(end - time.monotonic(), 0) * 1000):
            return False
        try:
            data = os.read(self._handle, 65536)
        except OSError:  # the process has closed its end
            return False
        self.text += self._decoder.decode(data)
        return bool(data)


@contextmanager
def unread_pipe() -> Iterator[int]:
    """A pipe to write to that nobody reads; the reader of a pipe that is closed later may come too late."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        yield writing
    finally:
        os.close(writing)


def until_in(process: subprocess.Popen[str], holds: Callable[[], object]) -> None:
    """Wait until something holds, while a process runs."""
    until(lambda: holds() or process.poll() is not None)
    assert process.poll() is None


def interrupt(process: subprocess.Popen[str]) -> None:
    """Press Ctrl-C."""
    process.send_signal(signal.SIGINT)
