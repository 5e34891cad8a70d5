"""The running event loop, of asyncio or trio, and calls into it from any thread."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from anyio.abc import TaskGroup


def running_loop() -> Any:
    """Return the event loop that runs now: asyncio's loop, or trio's token."""
    import sniffio

    if sniffio.current_async_library() == "trio":
        import trio

        return trio.lowlevel.current_trio_token()
    import asyncio

    return asyncio.get_running_loop()


def is_asyncio(loop: Any) -> bool:
    """Whether an event loop is one of asyncio."""
    return hasattr(loop, "call_soon_threadsafe")


def this_loop() -> tuple[Any, Callable[[Callable[[], object]], None]]:
    """Return the event loop that runs now, and a function that any thread may call to run a callback in it soon.

    If the loop has ended, the function does nothing.
    """
    loop = running_loop()
    schedule = loop.call_soon_threadsafe if is_asyncio(loop) else loop.run_sync_soon

    def soon(callback: Callable[[], object]) -> None:
        with suppress(RuntimeError):  # the loop is closed
            schedule(callback)

    return loop, soon


def spawn(group: TaskGroup, function: Callable[..., Coroutine[Any, Any, None]], *arguments: object) -> None:
    """Start a background task, in which trio must not raise the exception of Ctrl-C: that is for the user's task."""
    loop = running_loop()
    if is_asyncio(loop):
        group.start_soon(function, *arguments)
        return
    import trio

    group.start_soon(trio.lowlevel.enable_ki_protection(_call), function, *arguments)


async def _call(function: Callable[..., Coroutine[Any, Any, None]], *arguments: object) -> None:
    await function(*arguments)
