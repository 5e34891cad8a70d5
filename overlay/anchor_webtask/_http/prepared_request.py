"""Requests that are built once and sent often, such as the checks of a task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from anchor_webtask._redaction.secrets import Sealed

CONNECT_SHARE: Final = 0.9
"""The connect timeout is 90 % of the request's, so the timeout that fires tells which phase failed."""


class PreparedRequest:
    """A request that is complete except for the headers that its client adds.

    It is built once, also if it is sent often, as for the checks of a task. httpx would parse the URL three times and
    merge the headers each time.
    """

    __slots__ = ("content", "headers", "method", "url")

    def __init__(self, method: str, url: httpx.URL, headers: tuple[tuple[bytes, bytes], ...], content: bytes) -> None:
        self.method = method
        self.url = url
        self.headers = headers
        self.content = content


def build_request(
    sealed: Sealed[PreparedRequest],
    client_headers: Iterable[tuple[bytes, bytes]],
    limit: float,
    connect: float | None,
    trace: Callable[..., object],
) -> httpx.Request:
    """Return the request that httpx's `build_request` would return, but parse nothing: the parts are prepared already.

    Args:
        sealed: The prepared request.
        client_headers: The headers that the client sends with every request.
        limit: Seconds that the request may take.
        connect: Seconds that connecting may take, if that is less than the usual connect timeout.
        trace: Receives httpcore's trace events.
    """
    prepared = sealed.open()
    content = prepared.content
    length = ((b"Content-Length", str(len(content)).encode()),) if content else ()
    request = httpx.Request(
        prepared.method,
        prepared.url,
        headers=httpx.Headers([*client_headers, *prepared.headers, *length]),
        stream=httpx.ByteStream(content),
        extensions={"timeout": timeouts(limit, connect), "trace": trace},
    )
    request.read()  # else `request.content` raises; custom transports may use it
    return request


def timeouts(limit: float, connect: float | None = None) -> dict[str, float]:
    """Return httpx's timeouts for a request that may take `limit` seconds, of which at most `connect` to connect."""
    shortest = CONNECT_SHARE * limit if connect is None else min(connect, CONNECT_SHARE * limit)
    return {"connect": shortest, "read": limit, "write": limit, "pool": shortest}
