"""Starts a task and waits for it until it is interrupted: `wait.py FACE SECONDS SIZE`, for a process of its own.

Its start has so many bytes, and it looks every so many seconds. What ends it is printed as three crash reporters would:
with the variables of every frame. Everything is logged.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import signal
import sys
import time
import traceback
from typing import TYPE_CHECKING, Any

import anyio
import rich.console
import rich.traceback
import sentry_sdk
import sentry_sdk.transport
import trio

from anchor_webtask import Anchor, AsyncAnchor, WaitPolicy, _clock

if TYPE_CHECKING:
    from sentry_sdk.envelope import Envelope


class AnnouncingClock:
    """The machine's clock, which says so before it sleeps."""

    now = staticmethod(time.monotonic)
    wall = staticmethod(time.time)
    chance = staticmethod(random.random)

    def sleep(self, seconds: float) -> None:
        print("sleeping", flush=True)
        time.sleep(seconds)

    async def sleep_async(self, seconds: float) -> None:
        print("sleeping", flush=True)
        await anyio.sleep(seconds)


class Printer(sentry_sdk.transport.Transport):
    """Prints what would be sent."""

    def capture_envelope(self, envelope: Envelope) -> None:
        print(envelope.serialize().decode(), file=sys.stderr)


def report(error: BaseException) -> None:
    """Print an exception as crash reporters do."""
    traceback.TracebackException.from_exception(error, capture_locals=True).print()
    shown = rich.traceback.Traceback.from_exception(type(error), error, error.__traceback__, show_locals=True)
    rich.console.Console(file=sys.stderr, width=1000).print(shown)
    sentry_sdk.capture_exception(error)


def options(seconds: str, size: str) -> dict[str, Any]:
    return {
        "wait": WaitPolicy(minimum=float(seconds), maximum=float(seconds)),
        "secret_values": {"PASSWORD": os.environ["PASSWORD"]},
        "extra_body": {"filler": " " * int(size)},
    }


async def wait(seconds: str, size: str) -> None:
    async with AsyncAnchor() as anchor:
        await anchor.tasks.run("Read the price", **options(seconds, size))


def main(runner: str, seconds: str, size: str) -> None:
    if runner == "sync":
        with Anchor() as anchor:
            anchor.tasks.run("Read the price", **options(seconds, size))
    elif runner == "asyncio":
        asyncio.run(wait(seconds, size))
    else:
        trio.run(wait, seconds, size)


logging.basicConfig(level=logging.DEBUG)
_clock.default = AnnouncingClock()
signal.signal(signal.SIGINT, signal.default_int_handler)  # what runs in a shell's background inherits that it's ignored
sentry_sdk.init("http://key@127.0.0.1/1", transport=Printer(), traces_sample_rate=1.0)
try:
    main(*sys.argv[1:])
except BaseException as interruption:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.stdout.close()  # whoever waits for a word waits no longer
    report(interruption)
    raise
