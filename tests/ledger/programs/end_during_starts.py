"""A program that ends while starts of its call of `map` are under way, whose responses are late.

Usage: `end_during_starts.py LEDGER`. It prints the ids of its emulator's tasks.
"""

from __future__ import annotations

import atexit
import math
import sys
import threading
import time
from typing import NoReturn

from anchor_webtask import Anchor, TaskRequest
from anchor_webtask.emulator import Emulator, Fault

PAUSE = 0.01

emulator = Emulator()
emulator.on(takes=math.inf, start_faults=[Fault(delay=1.0)] * 4)
anchor = Anchor("key", transport=emulator.transport())
requests = [TaskRequest(f"Read {key}", key=key) for key in "abcd"]
outcomes = anchor.tasks.map(requests, max_running=3, ledger=sys.argv[1])
outcomes.__enter__()
while len(emulator.tasks) < 3:
    time.sleep(PAUSE)
print(*(task.id for task in emulator.tasks))


def refuse(_: threading.Thread) -> NoReturn:
    raise RuntimeError("can't create new thread at interpreter shutdown")


# Later versions of Python refuse new threads from now on. What was registered last is called first.
atexit.register(lambda: setattr(threading.Thread, "start", refuse))
sys.exit()
