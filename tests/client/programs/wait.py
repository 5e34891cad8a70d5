"""Starts a task and waits for it until it is interrupted: `wait.py FACE SECONDS SIZE`, for a process of its own.

Its start has so many bytes, and it looks every so many seconds. What ends it is printed as a crash reporter would: with
the variables of every frame.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import time
import traceback
from typing import Any

import anyio
import trio

from anchor_webtask import Anchor, AsyncAnchor, WaitPolicy, _clock


class AnnouncingClock:
    """The machine's clock, which says so before it sleeps."""

    now = staticmethod(time.monotonic)
    wall = staticmethod(time.time)
    chance = staticmethod(random.random)

    def sleep(self, seconds: float) -> None:
        print("sleeping", flush=True)  # noqa: T201  what the test waits for
        time.sleep(seconds)

    async def sleep_async(self, seconds: float) -> None:
        print("sleeping", flush=True)  # noqa: T201  what the test waits for
        await anyio.sleep(seconds)


def options(seconds: str, size: str) -> dict[str, Any]:
    return {
        "wait": WaitPolicy(minimum=float(seconds), maximum=float(seconds)),
        "secret_values": {"PASSWORD": os.environ["PASSWORD"]},
        "extra_body": {"filler": " " * int(size)},
    }


async def wait(seconds: str, size: str) -> None:
    async with AsyncAnchor() as anchor:
        await anchor.tasks.run("Read the price", **options(seconds, size))


def main(face: str, seconds: str, size: str) -> None:
    if face == "sync":
        with Anchor() as anchor:
            anchor.tasks.run("Read the price", **options(seconds, size))
    elif face == "asyncio":
        asyncio.run(wait(seconds, size))
    else:
        trio.run(wait, seconds, size)


_clock.default = AnnouncingClock()
signal.signal(signal.SIGINT, signal.default_int_handler)  # what runs in a shell's background inherits that it's ignored
try:
    main(*sys.argv[1:])
except BaseException as interruption:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    traceback.TracebackException.from_exception(interruption, capture_locals=True).print()
    raise
