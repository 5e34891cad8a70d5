"""A program that runs a task until the program is interrupted, and then prints the exception as crash reporters do.

Usage: `run_until_interrupted.py CLIENT SECONDS SIZE`. CLIENT is sync, asyncio or trio. SECONDS is the delay between
checks of the task. SIZE is the number of bytes that the program adds to the body of the start request. The program
logs at all levels. Three crash reporters print the exception with the variables of each frame; the tests check that
no secret is visible there.
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

from anchor_webtask import Anchor, AsyncAnchor, WaitPolicy, _world
from anchor_webtask.testing import SystemClock

if TYPE_CHECKING:
    from sentry_sdk.envelope import Envelope


class AnnouncingClock:
    """The system's clock; it prints "sleeping" before it sleeps, so that a test can wait for that moment."""

    now = staticmethod(time.monotonic)
    wall = staticmethod(time.time)
    chance = staticmethod(random.random)
    get = staticmethod(SystemClock.get)
    move_on_after = staticmethod(SystemClock.move_on_after)

    def sleep(self, seconds: float) -> None:
        print("sleeping", flush=True)
        time.sleep(seconds)

    async def sleep_async(self, seconds: float) -> None:
        print("sleeping", flush=True)
        await anyio.sleep(seconds)


class Printer(sentry_sdk.transport.Transport):
    """A transport that prints Sentry's events and sends nothing."""

    def capture_envelope(self, envelope: Envelope) -> None:
        print(envelope.serialize().decode(), file=sys.stderr)


def report(error: BaseException) -> None:
    """Print an exception as Python, Rich and Sentry show it, with the variables of each frame."""
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


def main(client: str, seconds: str, size: str) -> None:
    if client == "sync":
        with Anchor() as anchor:
            anchor.tasks.run("Read the price", **options(seconds, size))
    elif client == "asyncio":
        asyncio.run(wait(seconds, size))
    else:
        trio.run(wait, seconds, size)


logging.basicConfig(level=logging.DEBUG)
_world.current = _world.World(AnnouncingClock())
signal.signal(signal.SIGINT, signal.default_int_handler)  # programs that shells start in the background ignore SIGINT
sentry_sdk.init("http://key@127.0.0.1/1", transport=Printer(), traces_sample_rate=1.0)
try:
    main(*sys.argv[1:])
except BaseException as interruption:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.stdout.close()  # a test that still waits for "sleeping" now reads the end of the output
    report(interruption)
    raise
