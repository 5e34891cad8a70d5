"""Runners, which run the same test with the sync client, and with the async client under asyncio and trio."""

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
SIMPLE_POLICY = WaitPolicy(fraction=0.1, minimum=1)
"""A schedule of checks that is easy to calculate; the tests of the polling rules cover the default schedule."""


class SyncRunner:
    """Makes sync clients, and calls their methods directly."""

    name: ClassVar[str] = "sync"

    def call(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call a method of a client or a handle, and return its result; return the items of an iterator as a list."""
        result = function(*args, **kwargs)
        return list(result) if isinstance(result, Iterator) else result

    def entered(self, context: Any) -> Any:
        """Return a context manager of a client's for `with`."""
        return context

    @contextmanager
    def anchor(self, **arguments: Any) -> Iterator[Any]:
        """Make a client, and close it when the context ends."""
        with Anchor(**{"api_key": KEY, "wait": SIMPLE_POLICY, **arguments}) as anchor:
            yield anchor


class AsyncRunner:
    """Makes async clients, and calls their methods in one event loop, which runs in a separate thread."""

    def __init__(self, name: str, portal: BlockingPortal) -> None:
        self.name = name
        self._portal = portal

    def call(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call a method of a client or a handle, and return its result; return the items of an iterator as a list."""

        async def call() -> Any:
            result = function(*args, **kwargs)
            if isinstance(result, AsyncIterator):
                return [item async for item in result]
            # A handle is awaitable too, but must be returned, not awaited. Only handles have the attribute `token`.
            return await result if inspect.isawaitable(result) and not hasattr(result, "token") else result

        return self._portal.call(call)

    def entered(self, context: Any) -> Any:
        """Return an async context manager of a client's for `with`."""
        return self._portal.wrap_async_context_manager(context)

    @contextmanager
    def anchor(self, **arguments: Any) -> Iterator[Any]:
        """Make a client, and close it when the context ends."""
        anchor = AsyncAnchor(**{"api_key": KEY, "wait": SIMPLE_POLICY, **arguments})
        try:
            yield anchor
        finally:
            self._portal.call(anchor.aclose)


Runner = SyncRunner | AsyncRunner


@contextmanager
def make_runner(name: str) -> Iterator[Runner]:
    """Make the runner of this name: sync, asyncio or trio."""
    if name == "sync":
        yield SyncRunner()
    else:
        with anyio.from_thread.start_blocking_portal(name) as portal:
            yield AsyncRunner(name, portal)
