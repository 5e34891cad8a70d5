"""Signals: the end of the terminal and of the process end a command as Ctrl-C does, so that it can say what runs."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager, suppress
from queue import SimpleQueue
from typing import TYPE_CHECKING, Final

from anchor_webtask._cli.mistakes import Signalled

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable, Iterator
    from types import FrameType

_NAMES: Final = ("SIGTERM", "SIGHUP")
"""Windows has no SIGHUP."""


def handle(
    handler: Callable[[int, FrameType | None], None], *names: str, **afterwards: signal.Handlers
) -> Iterator[None]:
    """Handle signals, but those that are ignored, as under `nohup`.

    Args:
        handler: The handler.
        *names: The signals.
        **afterwards: What handles a signal after the block, by its name; by default, what did before it.
    """
    numbers = {name: number for name in names if (number := getattr(signal, name, None)) is not None}
    before = {name: signal.getsignal(number) for name, number in numbers.items()}
    handled = [name for name in numbers if before[name] is not signal.SIG_IGN]
    for name in handled:
        signal.signal(numbers[name], handler)
    try:
        yield
    finally:
        for name in handled:
            signal.signal(numbers[name], afterwards.get(name, before[name]) or signal.SIG_DFL)


@contextmanager
def raising() -> Iterator[None]:
    """Raise `Signalled` when the process is to end."""

    def handler(number: int, _: FrameType | None) -> None:
        raise Signalled(number)

    yield from handle(handler, *_NAMES)


@contextmanager
def telling(tell: Callable[[], object]) -> Iterator[None]:
    """Call a function at each SIGUSR1, which Windows does not have."""

    def handler(_: int, __: FrameType | None) -> None:
        tell()

    yield from handle(handler, "SIGUSR1")


@contextmanager
def stopping(stop: Callable[[int], None], **afterwards: signal.Handlers) -> Iterator[None]:
    """Call a function at the first Ctrl-C or other signal; a second one is raised.

    Args:
        stop: Receives the signal, in another thread: the code that the signal has interrupted may hold a lock that
            others need before they can stop.
        **afterwards: What handles a signal after the block, by its name; by default, what did before it.
    """
    seen: list[int] = []
    received: SimpleQueue[int | None] = SimpleQueue()  # its `put` may interrupt itself

    def wait() -> None:
        if (number := received.get()) is not None:
            stop(number)

    def handler(number: int, _: FrameType | None) -> None:
        if seen:
            raise Signalled(number) if number != signal.SIGINT else KeyboardInterrupt
        seen.append(number)
        received.put(number)

    threading.Thread(target=wait, name="anchor-webtask signals", daemon=True).start()
    try:
        yield from handle(handler, "SIGINT", *_NAMES, **afterwards)
    finally:
        received.put(None)


def call_soon(loop: AbstractEventLoop, function: Callable[[], object]) -> None:
    """Call a function in an event loop, from another thread; not if the loop has ended, as a signal may come late."""
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(function)
