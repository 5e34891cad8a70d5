"""A program that forks workers, which begin at once, and wait less than one from the command line does.

Usage: `work_for_batches.py URL LIMIT HOLD`. It answers each line of its standard input with a line: `begin` starts a
worker, and is answered with its process, `begin deaf` one that the engine believes to be dead after a moment. `wait
PROCESS` waits for its end, and is answered with its status. SIGTERM drains a worker, and SIGUSR1 writes how it is.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
import traceback
from typing import NoReturn

import pytest

from anchor_webtask import AsyncAnchor, Ledger
from anchor_webtask._ledger.postgres.backend import PostgresBackend
from anchor_webtask._workers.engine import quiet_loggers
from anchor_webtask._workers.worker import Worker, WorkerOptions
from tests.support.ledger_work import OFTEN
from tests.support.postgres_server import be_patient
from tests.support.workers import HEARTBEAT, LOST_JOBS

NEVER = 1e6


async def work(url: str, limit: str, hold: str, heartbeat: float) -> None:
    options = WorkerOptions(max_running=int(limit), timeout=float(hold), heartbeat=heartbeat, lost_jobs=LOST_JOBS)
    async with AsyncAnchor(wait=OFTEN) as anchor:
        worker, loop = Worker(anchor, Ledger(url), options), asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, lambda: asyncio.ensure_future(worker.drain()))
        loop.add_signal_handler(signal.SIGUSR1, lambda: print(json.dumps(worker.health()), flush=True))
        print(os.getpid(), flush=True)
        await worker.run()


def run(url: str, limit: str, hold: str, heartbeat: float) -> NoReturn:
    try:
        asyncio.run(work(url, limit, hold, heartbeat))
    except BaseException:  # noqa: BLE001  the fork must not return
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def main(url: str, limit: str, hold: str) -> None:
    quiet_loggers()
    be_patient(pytest.MonkeyPatch())
    PostgresBackend.settle_after = 0.5
    logging.getLogger("anchor_webtask").addHandler(logging.NullHandler())
    for line in sys.stdin:
        match line.split():
            case ["wait", process]:
                _, status = os.waitpid(int(process), 0)
                print(os.waitstatus_to_exitcode(status), flush=True)
            case ["begin", *words]:
                if os.fork() == 0:
                    run(url, limit, hold, NEVER if words else HEARTBEAT)


main(*sys.argv[1:])
