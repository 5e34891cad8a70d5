"""Reads the user's requests in an event loop, from an iterable or an async iterable, whose code may raise anything."""

from __future__ import annotations

from collections.abc import AsyncIterable
from typing import TYPE_CHECKING, cast

import anyio
import sniffio

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable


class Requests:
    """The user's iterable, sync or async, as an async iterator."""

    def __init__(self, requests: Iterable[object] | AsyncIterable[object]) -> None:
        is_async = isinstance(requests, AsyncIterable)
        self._async = aiter(cast("AsyncIterable[object]", requests)) if is_async else None
        self._sync = iter(()) if is_async else iter(cast("Iterable[object]", requests))

    def __aiter__(self) -> AsyncIterator[object]:
        return self

    async def __anext__(self) -> object:
        if self._async is not None:
            return await anext(self._async)
        for request in self._sync:
            return request
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """Close an async generator, which its event loop would have to clean up otherwise."""
        close = getattr(self._async, "aclose", None)
        if close is not None:
            with anyio.CancelScope(shield=True):
                await close()


def was_cancelled(raised: BaseException) -> bool:
    """Whether an exception cancels the task of the event loop; the user's code can also await what was cancelled."""
    if not isinstance(raised, anyio.get_cancelled_exc_class()):
        return False
    if sniffio.current_async_library() == "trio":
        return True
    import asyncio

    task = asyncio.current_task()
    return task is None or task.cancelling() > 0
