"""A program that forks again and again while its threads open and close ledgers; each child uses one, too.

Usage: `fork_while_opening.py LEDGER`. The program prints the exit statuses of its children, each once.
"""

from __future__ import annotations

import os
import signal
import sys
import threading

from anchor_webtask import Ledger

FORKS = 40
LIMIT = 120
"""Seconds after which a child counts as hanging; it needs a fraction of a second."""

path = sys.argv[1]
kept = [Ledger(f"{path}{number}") for number in range(60)]
may_end = threading.Event()


def use(number: int) -> None:
    while not may_end.is_set():
        with Ledger(f"{path}-{number}") as ledger:
            ledger._store.open("https://api.example")


def fork() -> int:
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    signal.alarm(LIMIT)
    kept[0]._store.open("https://api.example")
    os._exit(0)


for ledger in kept:
    ledger._store.open("https://api.example")
sys.setswitchinterval(1e-6)
threads = [threading.Thread(target=use, args=(number,)) for number in range(3)]
for thread in threads:
    thread.start()
statuses = {fork() for _ in range(FORKS)}
may_end.set()
for thread in threads:
    thread.join()
print(sorted(statuses))
