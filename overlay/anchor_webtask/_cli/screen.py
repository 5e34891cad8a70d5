"""Writes answers to standard output, messages to standard error, and a live line on a terminal."""

from __future__ import annotations

import itertools
import logging
import os
import sys
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, TextIO

from anchor_webtask._cli.escaping import harmless, harmless_line, json_text
from anchor_webtask._cli.mistakes import OutputClosed
from anchor_webtask._cli.wording import for_people, in_commands
from anchor_webtask._notes import notes_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from rich.console import Console, RenderableType
    from rich.segment import Segment

CLEAR: Final = "\r\x1b[2K"
REDRAW_SECONDS: Final = 0.5
MAX_WARNINGS: Final = 1000
WIDTH_OF_FILES: Final = 160
PROGRAM: Final = "anchor-webtask"
ROW: Final = "row"
"""What a part of a drawn table is marked with: the number of its row."""


class Screen:
    """The two streams of the process, which share one terminal in most cases."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._live: Callable[[], str] | None = None

    def is_for_people(self, *, as_json: bool) -> bool:
        """Whether answers are written for a person: standard output is a terminal, and JSON was not asked for."""
        return not as_json and sys.stdout.isatty()

    def put(self, text: str) -> None:
        """Write a text to standard output, as it is, and a line break.

        Raises:
            OutputClosed: The output takes no more.
        """
        with _output(), self._paused():
            sys.stdout.write(text + "\n")
            sys.stdout.flush()

    def put_json(self, value: Any) -> None:
        """Write a value to standard output, as JSON in one line."""
        self.put(json_text(value, ascii_only=not _takes_unicode(sys.stdout)))

    def put_answer(self, value: Any) -> None:
        """Write an answer for a person: text as it is, anything else as JSON in many lines."""
        if isinstance(value, str):
            self.put(harmless(value))
            return
        from rich.highlighter import JSONHighlighter

        text = json_text(value, indent=2, ascii_only=not _takes_unicode(sys.stdout))
        self.print(JSONHighlighter()(text), sys.stdout)

    def print(self, what: RenderableType, stream: TextIO) -> None:
        """Write something made by rich, without breaking its lines.

        Raises:
            OutputClosed: The output takes no more.
        """
        with _output(), self._paused():
            _console(stream).print(what, soft_wrap=True)
            stream.flush()

    def table(
        self, titles: Iterable[str], rows: Iterable[Iterable[str]], stream: TextIO, below: Sequence[str] = ()
    ) -> None:
        """Write a table, whose first column is not broken.

        Args:
            titles: The titles of the columns.
            rows: The cells of each row.
            stream: Where it is written.
            below: A text for each row that stands on a line of its own below it, if it is not empty. Only the terminal
                breaks that line, so that a long id can be copied.

        Raises:
            OutputClosed: The output takes no more.
        """
        from rich.segment import Segments
        from rich.style import Style
        from rich.table import Table

        table = Table(box=None, pad_edge=False, show_edge=False)
        for number, title in enumerate(titles):
            table.add_column(title, overflow="fold", no_wrap=number == 0, min_width=8 if number == 1 else None)
        for number, row in enumerate(rows):
            table.add_row(*map(harmless_line, row), style=Style(meta={ROW: number}))
        console = _console(stream)
        drawn = console.render_lines(table, pad=False, new_lines=True)
        with _output(), self._paused():
            for row_number, lines in itertools.groupby(drawn, _row_number):
                for line in lines:
                    console.print(Segments(line), end="")
                if row_number is not None and row_number < len(below) and below[row_number]:
                    console.print(f"  {harmless_line(below[row_number])}", soft_wrap=True)
            stream.flush()

    def width(self, stream: TextIO) -> int:
        """Return how many columns a stream has."""
        return _width(stream) if stream.isatty() else WIDTH_OF_FILES

    def say(self, text: str) -> None:
        """Write a message to standard error; if that is gone, such as with its terminal, nothing happens."""
        # A RuntimeError: a signal handler has interrupted the writing of another message.
        with suppress(OSError, ValueError, RuntimeError), self._paused():
            sys.stderr.write(harmless(text) + "\n")
            sys.stderr.flush()

    def say_notes(self, raised: BaseException) -> None:
        """Write the notes of an exception to standard error, such as the ids of tasks that it has left behind."""
        for note in notes_of(raised):
            self.say(harmless_line(in_commands(note)))

    def can_ask(self) -> bool:
        """Return whether a person can read questions and type answers."""
        return sys.stdin.isatty() and sys.stderr.isatty()

    def ask(self, text: str) -> str:
        """Show a question on the terminal, and return the line that a person has typed; empty at the end of input."""
        with self._paused():
            sys.stderr.write(f"{harmless(text)} ")
            sys.stderr.flush()
            return sys.stdin.readline().strip()

    @contextmanager
    def live(self, line: Callable[[], str]) -> Iterator[None]:
        """Show a line on the terminal that is drawn anew again and again, and remove it in the end.

        Args:
            line: Returns the line.
        """
        if self._live is not None or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
            yield
            return
        ended = threading.Event()
        thread = threading.Thread(target=self._redraw, args=(ended,), name=f"{PROGRAM} live line", daemon=True)
        self._live = line
        thread.start()
        try:
            yield
        finally:
            ended.set()
            with suppress(OSError, ValueError), self._lock:
                self._live = None
                sys.stderr.write(CLEAR)
                sys.stderr.flush()

    def draw(self) -> None:
        """Draw the live line anew, if there is one."""
        with suppress(OSError, ValueError), self._lock:
            if self._live is not None:
                sys.stderr.write(CLEAR + shortened(self._live(), _width(sys.stderr) - 1))
                sys.stderr.flush()

    def _redraw(self, ended: threading.Event) -> None:
        while not ended.is_set():
            self.draw()
            ended.wait(REDRAW_SECONDS)

    @contextmanager
    def _paused(self) -> Iterator[None]:
        """Remove the live line while something else is written to the same terminal."""
        with self._lock:
            if self._live is not None:
                with suppress(OSError, ValueError):
                    sys.stderr.write(CLEAR)
                    sys.stderr.flush()
            yield
        self.draw()


class MessageHandler(logging.Handler):
    """Shows the warnings of the package as messages, each once."""

    def __init__(self, screen: Screen) -> None:
        super().__init__(logging.WARNING)
        self._screen = screen
        self._said: set[str] = set()  # a wait repeats the same warning many times

    def emit(self, record: logging.LogRecord) -> None:
        """Show a record."""
        try:
            text = record.getMessage()
        except Exception:  # noqa: BLE001  as the handlers of the standard library do
            self.handleError(record)
        else:
            if text not in self._said and len(self._said) < MAX_WARNINGS:
                self._said.add(text)
                self._screen.say(f"warning: {for_people(text)}")


screen: Final = Screen()


def _console(stream: TextIO) -> Console:
    from rich.console import Console

    width = _width(stream) if stream.isatty() else WIDTH_OF_FILES
    return Console(file=stream, markup=False, highlight=False, emoji=False, width=width)


@contextmanager
def _output() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputClosed(error) from None


def shortened(text: str, width: int) -> str:
    """Return the begin of a line that fits in a number of columns."""
    from rich.cells import cell_len, set_cell_size

    text = harmless_line(text)
    return text if cell_len(text) <= width else set_cell_size(text, max(width - 1, 0)).rstrip() + "…"


def _width(stream: TextIO) -> int:
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except (OSError, ValueError):
        return 80


def _row_number(line: Iterable[Segment]) -> int | None:
    """Return the number of the row to which a line of a table belongs; None for the titles."""
    return next((part.style.meta[ROW] for part in line if part.style is not None and ROW in part.style.meta), None)


def _takes_unicode(stream: TextIO) -> bool:
    return (stream.encoding or "ascii").lower().replace("-", "").replace("_", "") == "utf8"
