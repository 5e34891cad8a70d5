"""The running event loop, of asyncio or trio, and calls into it from any thread."""

from __future__ import annotations

from collections.abc import Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

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


class _Unmade(Coroutine[Any, Any, None]):
    """A coroutine that is made when it begins. If the loop ends before, Python has nothing to warn about.

    anyio wraps each task in a coroutine of its own, in which the task's own has perhaps not begun when it is cancelled.
    """

    __slots__ = ("_call", "_made")

    def __init__(self, function: Callable[..., Coroutine[Any, Any, None]], *arguments: object) -> None:
        self._call: tuple[Any, ...] = (function, *arguments)
        self._made: Coroutine[Any, Any, None] | None = None

    def _begun(self) -> Coroutine[Any, Any, None]:
        made = self._made
        if made is None:
            function, *arguments = self._call
            self._call = ()  # many tasks wait at a time, and this costs memory
            made = self._made = function(*arguments)
        return made

    def __await__(self) -> Generator[Any, Any, None]:
        return self._begun().__await__()

    def send(self, value: Any, /) -> Any:
        return self._begun().send(value)

    def throw(self, *raised: Any) -> Any:
        return self._begun().throw(*raised)

    def close(self) -> None:
        if self._made is not None:
            self._made.close()


def spawn(group: TaskGroup, function: Callable[..., Coroutine[Any, Any, None]], *arguments: object) -> None:
    """Start a background task, in which trio must not raise the exception of Ctrl-C: that is for the user's task."""
    loop = running_loop()
    if is_asyncio(loop):
        group.start_soon(_Unmade, function, *arguments)
        return
    import trio

    group.start_soon(trio.lowlevel.enable_ki_protection(_call), function, *arguments)


async def _call(function: Callable[..., Coroutine[Any, Any, None]], *arguments: object) -> None:
    await function(*arguments)
