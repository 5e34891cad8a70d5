"""Fork while another thread is in the middle of the client's first call, at several of the imports that it makes.

Usage: `fork_in_first_call.py CLIENT BASE_URL POINT…`. CLIENT is sync, asyncio or trio. A point is the number of an
import. For each point a process makes a first call in a thread and forks; the program prints how the fork's call ended.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from typing import Any

import trio

from anchor_webtask import Anchor, AsyncAnchor, WaitPolicy

LIMIT = 120
"""Seconds after which a call counts as hanging; a call takes a fraction of a second."""

client, base_url, *points = sys.argv[1:]
anchor: Any = (Anchor if client == "sync" else AsyncAnchor)("a-key", base_url=base_url, wait=WaitPolicy(minimum=0.01))


async def run() -> Any:
    return await anchor.tasks.run("Read", timeout=LIMIT)


def make_call() -> bool:
    if client == "sync":
        result = anchor.tasks.run("Read", timeout=LIMIT)
    else:
        result = asyncio.run(run()) if client == "asyncio" else trio.run(run)
    return bool(result.value == "done")


def fork_at(point: int) -> int:
    """Make a call in a thread, fork at this import of it, and return how the fork's own call ended."""
    reached, forks = threading.Event(), threading.Event()
    imports = 0

    def count(event: str, _: object) -> None:
        nonlocal imports
        if event == "import" and threading.current_thread() is thread:
            imports += 1
            if imports == point:
                reached.set()
                forks.wait(LIMIT)

    thread = threading.Thread(target=make_call, daemon=True)
    sys.addaudithook(count)
    thread.start()
    if not reached.wait(LIMIT):
        return -1
    forks.set()
    if not (child := os.fork()):
        signal.alarm(LIMIT)
        os._exit(0 if make_call() else 1)
    status = os.waitpid(child, 0)[1]
    thread.join(LIMIT)
    return 2 if thread.is_alive() else status


for point in points:
    if not (process := os.fork()):
        print(point, fork_at(int(point)), flush=True)
        os._exit(0)
    os.waitpid(process, 0)
