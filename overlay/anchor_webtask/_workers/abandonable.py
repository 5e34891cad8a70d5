"""Waits in an event loop for what may hang, a database or a user's function: a cancellation ends the wait at once.

What is waited for goes on in a daemon thread, which does not keep the process alive; a thread of the event loop does.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, TypeVar

import anyio

from anchor_webtask._event_loops import this_loop
from anchor_webtask._ledger.future import Future

if TYPE_CHECKING:
    from collections.abc import Callable

R = TypeVar("R")


async def result_of(future: Future[R]) -> R:
    """Wait for a future, and return its result."""
    event, (_, soon) = anyio.Event(), this_loop()
    future.add_done_callback(lambda _: soon(event.set))
    await event.wait()
    return future.result()


async def in_thread(function: Callable[..., R], *arguments: Any) -> R:
    """Return the result of a function that is called in a thread of its own."""
    future: Future[R] = Future()

    def run() -> None:
        try:
            future.set_result(function(*arguments))
        except BaseException as error:  # noqa: BLE001  whoever waits raises it
            future.set_exception(error)

    threading.Thread(target=run, name="anchor_webtask worker", daemon=True).start()
    return await result_of(future)
