"""Calls into a running event loop, of asyncio or trio, from any thread."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import sniffio

if TYPE_CHECKING:
    from collections.abc import Callable


def this_loop() -> tuple[Any, Callable[[Callable[[], object]], None]]:
    """Return the event loop that runs now, and a function that any thread may call to run a callback in it soon.

    The loop is asyncio's loop, or trio's token. If it has ended, the function does nothing.
    """
    loop: Any
    schedule: Callable[[Callable[[], object]], object]
    if sniffio.current_async_library() == "trio":
        import trio

        loop = trio.lowlevel.current_trio_token()
        schedule = loop.run_sync_soon
    else:
        import asyncio

        loop = asyncio.get_running_loop()
        schedule = loop.call_soon_threadsafe

    def soon(callback: Callable[[], object]) -> None:
        with suppress(RuntimeError):  # the loop is closed
            schedule(callback)

    return loop, soon
