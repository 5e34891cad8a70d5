"""A program that runs a task with a client that it never closes, and prints the answer.

Usage: `leave_client_open.py CLIENT`. CLIENT is sync, asyncio or trio.
"""

from __future__ import annotations

import sys
from typing import Any

import anyio

from anchor_webtask import Anchor, AsyncAnchor

clients: list[Any] = []  # keeps the client alive until the process ends


async def run() -> None:
    clients.append(AsyncAnchor())
    print((await clients[0].tasks.run("Read the price")).value)


client = sys.argv[1]
if client == "sync":
    clients.append(Anchor())
    print(clients[0].tasks.run("Read the price").value)
else:
    anyio.run(run, backend=client)
