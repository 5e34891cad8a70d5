"""A program whose calls are ended by a time limit, which a signal raises at a random moment, until all have their answer.

Usage: `limit_time.py CALL LEDGER LIMIT SEED KEY…`. CALL is `map`, over all keys, or `run`, for one key after the other.
The program prints how many calls were ended.
"""

from __future__ import annotations

import random
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from anchor_webtask import Anchor, StartOutcomeUnknownError
from tests.support.ledger_work import OFTEN, Work, run

if TYPE_CHECKING:
    from collections.abc import Callable


class TimeLimitError(Exception):
    """The time is over."""


def raise_limit(*_: object) -> None:
    raise TimeLimitError


def repeat(call: Callable[[], object], moments: random.Random) -> int:
    """Make a call again and again, until it is not ended early, and return how often it was."""
    ended = 0
    while True:
        try:
            try:
                signal.setitimer(signal.ITIMER_REAL, moments.uniform(1e-4, 0.1 + ended / 100))
                call()
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
        except TimeLimitError:
            ended += 1
        except StartOutcomeUnknownError:
            return ended
        else:
            return ended


def main(name: str, ledger: str, limit: str, seed: str, *keys: str) -> None:
    moments = random.Random(int(seed))
    sys.unraisablehook = lambda _: None  # a limit may come while an object is finalized
    work = Work("sync", Path(ledger), keys, int(limit), timeout=60)
    with Anchor(wait=OFTEN) as anchor:
        anchor.tasks.run("first")  # imports what calls need
        signal.signal(signal.SIGALRM, raise_limit)
        if name == "map":
            ended = repeat(lambda: run(work), moments)
        else:
            ended = sum(repeat(lambda key=key: anchor.tasks.run(key, key=key, ledger=ledger), moments) for key in keys)  # type: ignore[misc]  # mypy cannot infer it
    print(ended)


main(*sys.argv[1:])
