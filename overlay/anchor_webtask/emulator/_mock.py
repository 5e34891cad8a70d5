"""The emulator's door for httpx clients in the same process."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import httpx

from anchor_webtask.emulator._http import Reply, Request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from anchor_webtask._clock import Clock


class EmulatorTransport(httpx.MockTransport):
    """An httpx transport that the emulator answers, with httpx's own errors for time-outs and cut connections."""

    def __init__(
        self,
        handle: Callable[[Request], Reply],
        clock: Clock,
    ) -> None:
        super().__init__(self._answer)
        self._handle = handle
        self._clock = clock

    def _answer(self, request: httpx.Request) -> httpx.Response:
        reply = self._handle(_core_request(request))
        if wait := _wait(request, reply):
            self._clock.sleep(wait)
        return _response(request, reply)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer as the handler does for synchronous clients, but wait asynchronously."""
        await request.aread()
        reply = self._handle(_core_request(request))
        if wait := _wait(request, reply):
            await self._clock.sleep_async(wait)
        return _response(request, reply)


class _Body(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body read as from a socket, so that what looks at responses while they arrive has something to look at."""

    def __init__(self, request: httpx.Request, reply: Reply) -> None:
        self._request = request
        self._reply = reply

    def __iter__(self) -> Iterator[bytes]:
        yield self._reply.sent_body
        if self._reply.cut:
            raise httpx.RemoteProtocolError(
                "the emulator cut the connection in the middle of the body", request=self._request
            )

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self:
            yield chunk


def _core_request(request: httpx.Request) -> Request:
    path, _, query = request.url.raw_path.decode("ascii").partition("?")
    return Request(request.method, path, query, httpx.Headers(request.headers), request.content)


def _read_timeout(request: httpx.Request) -> float:
    timeout = request.extensions.get("timeout", {}).get("read")
    return math.inf if timeout is None else timeout


def _wait(request: httpx.Request, reply: Reply) -> float:
    return min(reply.hold, _read_timeout(request))


def _response(request: httpx.Request, reply: Reply) -> httpx.Response:
    if reply.hold > _read_timeout(request):
        raise httpx.ReadTimeout("the emulator held the request for longer than the read time-out", request=request)
    if reply.cut is True:
        raise httpx.RemoteProtocolError("the emulator cut the connection before its answer", request=request)
    return httpx.Response(reply.status, headers=reply.headers, stream=_Body(request, reply), request=request)
