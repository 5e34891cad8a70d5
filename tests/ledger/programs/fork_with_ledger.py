"""A program that forks while its call of `map` has a running task, and is killed; its child goes on to use the ledger.

Usage: `fork_with_ledger.py LEDGER`. The child prints its process id, the number of rows, and the answer of a task
of its own. It lives until it is killed.
"""

from __future__ import annotations

import json
import os
import signal
import sys

from anchor_webtask import Anchor, Ledger, TaskRequest, WaitPolicy


def main() -> None:
    anchor = Anchor(wait=WaitPolicy(minimum=0.05, maximum=0.05))
    ledger = Ledger(sys.argv[1])
    outcomes = anchor.tasks.map([TaskRequest("Quick", key="quick"), TaskRequest("Slow", key="slow")], ledger=ledger)
    next(outcomes)
    while not ledger.counts()["running"]:  # until the id of the slow task is stored
        pass
    if os.fork():
        os.kill(os.getpid(), signal.SIGKILL)
    rows = sum(ledger.counts().values())
    answer = anchor.tasks.run("Quick", key="child", ledger=ledger).value
    print(json.dumps([os.getpid(), rows, answer]), flush=True)
    signal.pause()


main()
