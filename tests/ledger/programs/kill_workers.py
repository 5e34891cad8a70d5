"""A program that kills worker processes at random moments, and lets each begin again, until all tasks have ended.

Usage: `kill_workers.py FOLDER LEDGER ITEMS LIMIT TIMEOUT KILLS LONGEST SEED`. Two workers have the same keys; a third
has keys of its own, and the same ledger. Each begins with any client, and takes its tasks in another order. At random
moments, at most LONGEST seconds apart, some of them or all are killed at once. After KILLS kills they may end. The
program prints how many processes it has killed.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from functools import partial
from pathlib import Path
from typing import Final

import pytest

from anchor_webtask._ledger.postgres.backend import PostgresBackend
from tests.support.ledger_work import CLIENTS, Work, fork, import_for, keys_of, run
from tests.support.postgres_server import be_patient, place_of

WORKERS: Final = ("a", "a", "b")
SHORTEST: Final = 0.005


def main(folder: str, ledger: str, items: str, limit: str, timeout: str, kills: str, longest: str, seed: str) -> None:
    moments = random.Random(int(seed))
    share = int(items) // 2
    keys = {program: keys_of(program, share) for program in WORKERS}
    new_work = partial(Work, ledger=place_of(ledger), limit=int(limit), timeout=float(timeout))
    is_file = "://" not in ledger
    import_for(Path(folder), None if is_file else f"{ledger}_first")
    be_patient(pytest.MonkeyPatch())
    PostgresBackend.settle_after = 0.0  # no process lives whose connection is lost
    living: dict[int, str] = {}
    killed = 0

    def begin(program: str) -> None:
        work = new_work(moments.choice(CLIENTS), keys=keys[program], seed=moments.randrange(1 << 30))
        living[fork(partial(run, work))] = program

    def end(process: int, status: int) -> None:
        program = living.pop(process)
        if status not in (0, signal.SIGKILL):
            sys.exit(f"a worker has ended with {status}")
        if killed < int(kills) or status:
            begin(program)

    try:
        for program in WORKERS:
            begin(program)
        while living:
            if killed < int(kills):
                time.sleep(moments.uniform(SHORTEST, float(longest)))
                victims = moments.sample([*living], moments.randint(1, len(living)))
                for victim in victims:
                    os.kill(victim, signal.SIGKILL)
                killed += len(victims)
                for victim in victims:
                    end(*os.waitpid(victim, 0))
            else:
                end(*os.wait())
    finally:
        for process in living:
            os.kill(process, signal.SIGKILL)
    print(killed)


main(*sys.argv[1:])
