"""Which requests get the key: those to the origin of the API, and never a redirect, whose address is hidden."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import httpx

if TYPE_CHECKING:
    from collections.abc import Generator

    from anchor_webtask._redaction.secrets import Sealed

KEY_HEADER: Final = "anchor-api-key"
LOCATION: Final = "anchor_webtask.location"
"""The key of a hidden address in a response's extensions."""


class KeyAuth(httpx.Auth):
    """Adds the key to requests for the API's origin, and to no others."""

    def __init__(self, key: Sealed[str], base_url: str) -> None:
        self._key = key
        self._origin = _origin(httpx.URL(base_url))

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the key to a request that is about to be sent."""
        if _origin(request.url) == self._origin:
            request.headers[KEY_HEADER] = self._key.open()
        yield request


def _origin(url: httpx.URL) -> tuple[str, bytes, int | None]:
    return url.scheme, url.raw_host, url.port


def hide_location(head: httpx.Response) -> None:
    """Hide a redirect's address from httpx, which would build a request with the key, or fail on an invalid address."""
    if 300 <= head.status_code < 400 and (location := head.headers.pop("location", None)) is not None:
        head.extensions[LOCATION] = location
