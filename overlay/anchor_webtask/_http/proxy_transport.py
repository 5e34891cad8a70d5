"""httpx's transports, for clients with a proxy."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@contextmanager
def _socks_errors() -> Iterator[None]:
    """Raise the errors of the SOCKS library as those of httpx, which does not know them."""
    try:
        yield
    except Exception as error:
        if type(error).__module__.partition(".")[0] != "socksio":
            raise
        raise httpx.RemoteProtocolError("the proxy's response is not valid") from error


class ProxyTransport(httpx.HTTPTransport):
    """The sync transport of a client with a proxy."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, and return the response once its head has arrived."""
        with _socks_errors():
            return super().handle_request(request)


class AsyncProxyTransport(httpx.AsyncHTTPTransport):
    """The async transport of a client with a proxy. It knows its connections, which httpx does not show."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._streams: list[Any] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, and return the response once its head has arrived."""
        trace = request.extensions["trace"]

        async def record(event: str, info: Mapping[str, Any]) -> None:
            if event.endswith(".connect_tcp.complete"):
                self._streams = [*filter(_is_open, self._streams), info["return_value"]]
            await trace(event, info)

        request.extensions = {**request.extensions, "trace": record}
        with _socks_errors():
            return await super().handle_async_request(request)

    def streams(self) -> list[Any]:
        """Return the network streams of all connections."""
        return self._streams


def _is_open(stream: Any) -> bool:
    return bool(stream.get_extra_info("socket").fileno() >= 0)
