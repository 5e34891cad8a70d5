"""Calls into a running event loop, of asyncio or trio, from any thread."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import sniffio

if TYPE_CHECKING:
    from collections.abc import Callable


def in_this_loop(callback: Callable[[], object]) -> Callable[[], None]:
    """Return a function that any thread may call; it runs the callback soon in the event loop that runs now.

    If that loop has ended, the function does nothing.
    """
    schedule: Callable[[Callable[[], object]], object]
    if sniffio.current_async_library() == "trio":
        import trio

        schedule = trio.lowlevel.current_trio_token().run_sync_soon
    else:
        import asyncio

        schedule = asyncio.get_running_loop().call_soon_threadsafe

    def call() -> None:
        with suppress(RuntimeError):  # the loop is closed
            schedule(callback)

    return call
