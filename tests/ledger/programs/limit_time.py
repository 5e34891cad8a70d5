"""A program whose calls are ended by a time limit, which a signal raises at random moments, until all have ended well.

Usage: `limit_time.py CALL LEDGER LIMIT SEED KEY…`. CALL is `map`, over all keys, or `run`, for one key after the other.
All calls share one `Ledger`. Then answers that are stored are asked for AGAIN times, with limits that are shorter. The
program prints how many calls were ended in both parts, and how many files of owners are left.
"""

from __future__ import annotations

import gc
import random
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from anchor_webtask import Anchor, Ledger, StartOutcomeUnknownError
from tests.support.ledger_work import OFTEN, Work, requests

if TYPE_CHECKING:
    from collections.abc import Callable

AGAIN: Final = 300
SHORTEST, LONGEST = 1e-5, 0.1
LONGEST_AGAIN: Final = 1e-3


class TimeLimitError(Exception):
    """The time is over."""


class Limiter:
    """Ends calls at random moments.

    Attributes:
        ended: How many calls were ended.
    """

    def __init__(self, seed: int) -> None:
        self.ended = 0
        self._moments = random.Random(seed)
        self._is_armed = False
        signal.signal(signal.SIGALRM, self._raise)

    def limit(self, call: Callable[[], object], longest: float) -> bool:
        """Make a call, and return whether it was not ended."""
        try:
            try:
                self._is_armed = True
                signal.setitimer(signal.ITIMER_REAL, self._moments.uniform(SHORTEST, longest))
                call()
            except StartOutcomeUnknownError:
                pass
            finally:
                self._is_armed = False
                signal.setitimer(signal.ITIMER_REAL, 0)
        except TimeLimitError:
            return False
        return True

    def _raise(self, *_: object) -> None:
        if self._is_armed:
            self._is_armed = False
            self.ended += 1
            raise TimeLimitError


def main(name: str, path: str, limit: str, seed: str, *keys: str) -> None:
    sys.unraisablehook = lambda _: None  # a limit may come while an object is finalized
    work = Work("sync", Path(path), keys, int(limit), timeout=60)
    ledger = Ledger(path)
    with Anchor(wait=OFTEN) as anchor:

        def run(key: str, ledger: Ledger = ledger) -> object:
            return anchor.tasks.run(key, key=key, ledger=ledger)

        def run_map(_: str) -> object:
            arguments: dict[str, Any] = {"ledger": ledger, "max_running": work.limit, "timeout": work.timeout}
            return [*anchor.tasks.map(requests(work), **arguments)]

        run("first", Ledger(Path(path).with_name("first.ledger")))  # imports what calls need
        call, parts = (run, keys) if name == "run" else (run_map, ("",))
        limiter = Limiter(int(seed))
        for part in parts:
            longest = LONGEST
            while not limiter.limit(lambda part=part: call(part), longest):  # type: ignore[misc]  # mypy cannot infer it
                longest *= 1.2
        ended = limiter.ended
        for number in range(AGAIN):
            limiter.limit(lambda number=number: run(keys[number % len(keys)]), LONGEST_AGAIN)  # type: ignore[misc]  # as above
    ledger.close()
    gc.collect()
    owners = Path(f"{path}-owners")
    print(ended, limiter.ended - ended, len([*owners.iterdir()]) if owners.exists() else 0)


main(*sys.argv[1:])
