"""One test, three faces: the sync client, and the async one under asyncio and under trio."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

import anyio.from_thread

from anchor_webtask import Anchor, AsyncAnchor, WaitPolicy

if TYPE_CHECKING:
    from anyio.from_thread import BlockingPortal

KEY = "Test-Key-0123456789"
EVEN = WaitPolicy(fraction=0.1, minimum=1)
"""A schedule that is easy to reckon with; what the default one does is tested where it is led by hand."""


class SyncRunner:
    """Calls the sync client as it is."""

    name: ClassVar[str] = "sync"

    def call(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call a method of a client or a handle, and return what comes of it; iterators come as lists."""
        came = function(*args, **kwargs)
        return list(came) if isinstance(came, Iterator) else came

    @contextmanager
    def anchor(self, **arguments: Any) -> Iterator[Any]:
        """Make a client, and close it."""
        with Anchor(**{"api_key": KEY, "wait": EVEN, **arguments}) as anchor:
            yield anchor


class AsyncRunner:
    """Calls the async client's methods in one event loop, which runs in a thread of its own."""

    def __init__(self, name: str, portal: BlockingPortal) -> None:
        self.name = name
        self._portal = portal

    def call(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call a method of a client or a handle, and return what comes of it; iterators come as lists."""

        async def call() -> Any:
            came = function(*args, **kwargs)
            if isinstance(came, AsyncIterator):
                return [item async for item in came]
            return await came if inspect.isawaitable(came) and not hasattr(came, "token") else came

        return self._portal.call(call)

    @contextmanager
    def anchor(self, **arguments: Any) -> Iterator[Any]:
        """Make a client, and close it."""
        anchor = AsyncAnchor(**{"api_key": KEY, "wait": EVEN, **arguments})
        try:
            yield anchor
        finally:
            self._portal.call(anchor.aclose)


Runner = SyncRunner | AsyncRunner


@contextmanager
def runner(name: str) -> Iterator[Runner]:
    """Make the face of this name."""
    if name == "sync":
        yield SyncRunner()
    else:
        with anyio.from_thread.start_blocking_portal(name) as portal:
            yield AsyncRunner(name, portal)
