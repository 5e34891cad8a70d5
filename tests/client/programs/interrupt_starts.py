"""A program that starts tasks, interrupts each start by a signal at a random moment, and prints what it found as JSON.

Usage: `interrupt_starts.py STARTS`.
"""

from __future__ import annotations

import json
import random
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import pytest

from anchor_webtask import Anchor
from tests.support.interrupting import InterruptionError, Progress, observed, problem

if TYPE_CHECKING:
    from types import FrameType

NEVER: Final = sys.maxsize


def interrupted_starts(anchor: Anchor, starts: int, progress: Progress) -> dict[str, object]:
    """Return what is wrong with the notes of interrupted starts, and whether a response had arrived in any of them."""
    moments = random.Random(0)
    problems: list[str | None] = []
    has_arrived = False
    longest = 2e-3  # follows the time that a start takes on this machine
    for _ in range(starts):
        progress.reset()
        task = None
        try:
            signal.setitimer(signal.ITIMER_REAL, moments.uniform(1e-6, longest))
            task = anchor.tasks.start("Read the price")
            signal.setitimer(signal.ITIMER_REAL, 0)
            longest /= 1.1
        except InterruptionError as raised:
            longest *= 1.05
            if task is None:
                problems.append(problem(progress, raised))
                has_arrived = has_arrived or progress.has_arrived
    return {"has_arrived": has_arrived, "problems": [each for each in problems if each]}


def main() -> None:
    progress = Progress(NEVER)

    def interrupt(_: int, frame: FrameType | None) -> None:
        if frame is not None:
            progress.reach(frame)
        raise InterruptionError

    sys.unraisablehook = lambda _: None  # an interrupted call of another library may leave a socket open
    with Anchor() as anchor, pytest.MonkeyPatch.context() as monkeypatch, observed(monkeypatch, progress):
        anchor.tasks.start("Read the price")  # the first call imports modules, which would be interrupted each time
        signal.signal(signal.SIGALRM, interrupt)
        try:
            found = interrupted_starts(anchor, int(sys.argv[1]), progress)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            with suppress(InterruptionError):
                signal.signal(signal.SIGALRM, signal.SIG_IGN)
    print(json.dumps(found))


main()
