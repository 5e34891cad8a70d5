"""The emulator as an httpx transport, for sync and async httpx clients in the same process."""

from __future__ import annotations

import contextlib
import math
from typing import TYPE_CHECKING

import httpx

from anchor_webtask.emulator._http_messages import Request, Response

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from anchor_webtask._clock import Clock
    from anchor_webtask.emulator._http_messages import Handle, Play


class EmulatorTransport(httpx.MockTransport):
    """An httpx transport that returns the emulator's responses.

    Timeouts and cut connections raise the same httpx errors as a real connection.

    Args:
        handle: Responds to a request.
        clock: Returns the clock on which requests are held.
        base_path: A path that is removed from the beginning of the requests' paths.
    """

    def __init__(self, handle: Handle, clock: Callable[[], Clock], base_path: str) -> None:
        super().__init__(self._respond)
        self._handle = handle
        self._clock = clock
        self._base_path = base_path

    def _respond(self, request: httpx.Request) -> httpx.Response:
        clock = self._clock()
        deadline = clock.now() + _read_timeout(request)
        with contextlib.closing(self._play(request)) as play:
            try:
                while next(play).wait(clock, deadline):
                    pass
            except StopIteration as end:
                return _httpx_response(request, end.value)
        raise _timed_out(request)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Return the same response that a sync client gets, but wait for it asynchronously."""
        await request.aread()
        clock = self._clock()
        deadline = clock.now() + _read_timeout(request)
        with contextlib.closing(self._play(request)) as play:
            try:
                while await next(play).wait_async(clock, deadline):
                    pass
            except StopIteration as end:
                return _httpx_response(request, end.value)
        raise _timed_out(request)

    def _play(self, request: httpx.Request) -> Play:
        path, _, query = request.url.raw_path.decode("ascii").partition("?")
        path = path.removeprefix(self._base_path)
        origin = f"{request.url.scheme}://{request.url.netloc.decode('ascii')}{self._base_path}"
        headers = httpx.Headers(request.headers)
        return self._handle(Request(request.method, path, query, headers, request.content, origin))


class _Body(httpx.SyncByteStream, httpx.AsyncByteStream):
    """The body of a response as a stream; if the connection is cut midway, an error follows the first half."""

    def __init__(self, request: httpx.Request, response: Response) -> None:
        self._request = request
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        yield self._response.sent_body
        if self._response.cut:
            raise httpx.RemoteProtocolError(
                "the emulator cut the connection in the middle of the response's body", request=self._request
            )

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self:
            yield chunk


def _read_timeout(request: httpx.Request) -> float:
    timeout = request.extensions.get("timeout", {}).get("read")
    return math.inf if timeout is None else timeout


def _timed_out(request: httpx.Request) -> httpx.ReadTimeout:
    return httpx.ReadTimeout("the emulator held the request for longer than the read timeout", request=request)


def _httpx_response(request: httpx.Request, response: Response) -> httpx.Response:
    if response.cut is True:
        raise httpx.RemoteProtocolError("the emulator cut the connection before it sent a response", request=request)
    return httpx.Response(response.status, headers=response.headers, stream=_Body(request, response), request=request)
