"""Where a call of `watch` shows its tasks: an output of a notebook's cell, or lines on standard error."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Any, Final, Protocol

from anchor_webtask import _importing

if TYPE_CHECKING:
    from anchor_webtask.notebook._board import Board

TICK: Final = 1.0
"""Seconds after which the elapsed time in a notebook is shown anew."""
PAUSE: Final = 0.25
"""Seconds for which a change is not shown yet: the checks of hundreds of tasks would send hundreds of messages."""


class Output(Protocol):
    """Shows what is known of tasks.

    Attributes:
        tick: Seconds after which it is to be shown again, though nothing has happened; None for never.
    """

    tick: float | None

    def show(self, board: Board[Any], now: float) -> None:
        """Show what is known now."""


class CellOutput:
    """One output of a notebook's cell, which is updated in place."""

    tick: float | None = TICK

    def __init__(self) -> None:
        self._handle: Any = None
        self._pause_until = -math.inf

    def show(self, board: Board[Any], now: float) -> None:
        """Show what is known now, at most every `PAUSE` seconds."""
        if now < self._pause_until and not board.is_over:
            return  # a tick follows, or the end
        with _importing.lock:
            from IPython.display import display

        self._pause_until = now + PAUSE
        bundle = {"text/html": board.html(now), "text/plain": board.text(now)}
        if self._handle is None:
            self._handle = display(  # type: ignore[no-untyped-call]  # it has no types
                bundle, raw=True, display_id=True
            )
        else:
            self._handle.update(bundle, raw=True)


class Lines:
    """A line on standard error for each change."""

    tick: float | None = None

    def show(self, board: Board[Any], now: float) -> None:
        """Write what has changed."""
        for line in board.changes(now):
            if sys.stderr is not None:  # a program without a console has none
                sys.stderr.write(f"{line}\n")
                sys.stderr.flush()


def output() -> Output:
    """Return the output of the cell that runs in a notebook; outside of notebooks, lines."""
    ipython = sys.modules.get("IPython")  # whatever runs in a notebook was started by IPython, which is loaded then
    shell = None if ipython is None else ipython.get_ipython()
    return Lines() if getattr(shell, "kernel", None) is None else CellOutput()
