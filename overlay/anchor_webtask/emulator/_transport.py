"""The emulator as an httpx transport, for sync and async httpx clients in the same process."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import httpx

from anchor_webtask.emulator._http_messages import Request, Response

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from anchor_webtask._clock import Clock


class EmulatorTransport(httpx.MockTransport):
    """An httpx transport that returns the emulator's responses.

    Timeouts and cut connections raise the same httpx errors as a real connection.
    """

    def __init__(
        self,
        handle: Callable[[Request], Response],
        clock: Clock,
    ) -> None:
        super().__init__(self._respond)
        self._handle = handle
        self._clock = clock

    def _respond(self, request: httpx.Request) -> httpx.Response:
        response = self._handle(_plain_request(request))
        if wait := _wait(request, response):
            self._clock.sleep(wait)
        return _httpx_response(request, response)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Return the same response that a sync client gets, but wait for it asynchronously."""
        await request.aread()
        response = self._handle(_plain_request(request))
        if wait := _wait(request, response):
            await self._clock.sleep_async(wait)
        return _httpx_response(request, response)


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


def _plain_request(request: httpx.Request) -> Request:
    path, _, query = request.url.raw_path.decode("ascii").partition("?")
    return Request(request.method, path, query, httpx.Headers(request.headers), request.content)


def _read_timeout(request: httpx.Request) -> float:
    timeout = request.extensions.get("timeout", {}).get("read")
    return math.inf if timeout is None else timeout


def _wait(request: httpx.Request, response: Response) -> float:
    return min(response.hold, _read_timeout(request))


def _httpx_response(request: httpx.Request, response: Response) -> httpx.Response:
    if response.hold > _read_timeout(request):
        raise httpx.ReadTimeout("the emulator held the request for longer than the read timeout", request=request)
    if response.cut is True:
        raise httpx.RemoteProtocolError("the emulator cut the connection before it sent a response", request=request)
    return httpx.Response(response.status, headers=response.headers, stream=_Body(request, response), request=request)
