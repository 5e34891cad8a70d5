"""Transports that are not our own, and record each response as soon as they return it.

httpx logs a response before its client returns it, and a user's log filter may raise: without the record, a response
that has arrived would be unknown.
"""

from __future__ import annotations

import httpx

from anchor_webtask._http.connections import record_of


class RecordingTransport(httpx.BaseTransport):
    """A sync transport that records the responses of another one."""

    def __init__(self, transport: httpx.BaseTransport) -> None:
        self._transport = transport

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request by the other transport, and record its response."""
        record = record_of(request)
        record.head = response = self._transport.handle_request(request)
        return response

    def close(self) -> None:
        """Close the other transport."""
        self._transport.close()


class AsyncRecordingTransport(httpx.AsyncBaseTransport):
    """An async transport that records the responses of another one."""

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self._transport = transport

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request by the other transport, and record its response."""
        record = record_of(request)
        record.head = response = await self._transport.handle_async_request(request)
        return response

    async def aclose(self) -> None:
        """Close the other transport."""
        await self._transport.aclose()
