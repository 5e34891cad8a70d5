"""Does a task with a client that nobody closes, and prints its answer: `unclosed.py FACE`."""

from __future__ import annotations

import sys
from typing import Any

import anyio

from anchor_webtask import Anchor, AsyncAnchor

kept: list[Any] = []


async def run() -> None:
    kept.append(AsyncAnchor())
    print((await kept[0].tasks.run("Read the price")).value)


runner = sys.argv[1]
if runner == "sync":
    kept.append(Anchor())
    print(kept[0].tasks.run("Read the price").value)
else:
    anyio.run(run, backend=runner)
