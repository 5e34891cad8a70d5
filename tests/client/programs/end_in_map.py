"""A program that ends, or forks, in the middle of a call of `tasks.map`.

Usage: `end_in_map.py CLIENT HOW`. CLIENT is sync, asyncio, trio or unclosed: an event loop that is never closed. HOW is
break, raise, global, ended, gen, late or fork. The program prints the ids of its emulator's tasks, and logs to standard
error.
"""

from __future__ import annotations

import asyncio
import logging
import math
import os
import signal
import sys
import time
from typing import TYPE_CHECKING, Any

import anyio
import trio

from anchor_webtask import Anchor, AsyncAnchor, ConfigurationError, WaitPolicy
from anchor_webtask.emulator import Emulator, Fault

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

CLIENT, HOW = sys.argv[1:]
REQUESTS = ["", "Read 0", "Read 1"]  # the first one is invalid, so its outcome comes at once
PAUSE = 0.001
MAX_SECONDS = 120

logging.basicConfig(level=logging.WARNING)
emulator = Emulator(takes=0 if HOW == "ended" else math.inf)
if HOW == "late":  # the program ends before the responses to the starts arrive
    emulator.on(takes=math.inf, start_faults=[Fault(delay=0.5)] * 2)
arguments: dict[str, Any] = {"transport": emulator.transport(), "wait": WaitPolicy(minimum=0.01, maximum=0.01)}
kept: list[Any] = []


def is_ready(outcomes: Any) -> bool:
    """Whether both tasks have started; or the call has ended, and the outcomes of both were not read."""
    if HOW == "ended":
        return bool(outcomes._scheduler.is_over if CLIENT == "sync" else outcomes._manager.has_ended)
    return len(emulator.tasks) == 2


def generator(outcomes: Any) -> Iterator[Any]:
    with outcomes as entered:
        yield from entered


def main() -> None:
    outcomes: Any = Anchor("key", **arguments).tasks.map(REQUESTS)
    if HOW == "global":
        kept.append(outcomes)
    for _ in generator(outcomes) if HOW == "gen" else outcomes:
        while not is_ready(outcomes):
            time.sleep(PAUSE)
        if HOW == "raise":
            raise KeyboardInterrupt
        if HOW == "fork":
            fork(outcomes)
        break


def fork(outcomes: Any) -> None:
    """Use the iterator in a child."""
    if child := os.fork():
        print(os.waitpid(child, 0)[1])
        outcomes.stop()
        return
    status = 1
    signal.alarm(MAX_SECONDS)  # a child that hangs must not stay
    try:
        for use in (outcomes.__next__, outcomes.stop, outcomes.__enter__):
            try:
                use()
            except ConfigurationError as error:
                print(error, flush=True)
        outcomes.__exit__(None, None, None)
        outcomes.__del__()
        status = 0
    finally:
        os._exit(status)


async def async_generator(outcomes: Any) -> AsyncIterator[Any]:
    async with outcomes as entered:
        async for outcome in entered:
            yield outcome


async def main_async() -> None:
    outcomes: Any = AsyncAnchor("key", **arguments).tasks.map(REQUESTS)
    if HOW == "global":
        kept.append(outcomes)
    made: Any = async_generator(outcomes) if HOW == "gen" else outcomes
    async for _ in made:
        while not is_ready(outcomes):  # noqa: ASYNC110  the emulator has no event
            await anyio.sleep(PAUSE)
        if HOW == "raise":
            raise KeyboardInterrupt
        break
    if HOW == "gen":
        await made.aclose()


try:
    if CLIENT == "sync":
        main()
    elif CLIENT == "unclosed":
        asyncio.new_event_loop().run_until_complete(main_async())
    elif CLIENT == "asyncio":
        asyncio.run(main_async())
    else:
        trio.run(main_async)
finally:
    print(*(task.id for task in emulator.tasks))
