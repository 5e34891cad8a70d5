"""Sending: for each face, an httpx client behind the guard for tasks, and one for the generated client.

A request comes sealed and is opened inside `exchange`, which returns a failure and never raises one: when an error is
raised, no frame with a header or a body is left for a traceback to show.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NoReturn

import httpx

from anchor_webtask._errors import ConfigurationError
from anchor_webtask._guard import KEY_HEADER
from anchor_webtask._guarded import GuardedAsyncClient, GuardedClient, guard_of, timeouts
from anchor_webtask._lifecycle import Lifecycle
from anchor_webtask._secrets import REDACTED, Redactor, Sealed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from anchor_webtask._answer import Answer
    from anchor_webtask._outcome import Failure
    from anchor_webtask._request import Prepared
    from anchor_webtask._settings import Settings
    from anchor_webtask_api import AuthenticatedClient


class _NoTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Sends nothing: an httpx client that the generated client makes by itself has no key and passes no guard."""

    def handle_request(self, request: httpx.Request) -> NoReturn:  # noqa: ARG002  the interface has it
        raise ConfigurationError(_NOT_GUARDED)

    async def handle_async_request(self, request: httpx.Request) -> NoReturn:  # noqa: ARG002  as above
        raise ConfigurationError(_NOT_GUARDED)


_NOT_GUARDED: Final = (
    "a copy of `.api`, or its functions for the other face, would send without a key: call its sync functions with "
    "Anchor and its asyncio functions with AsyncAnchor, and set headers and cookies on its httpx client"
)


def api_client(settings: Settings) -> AuthenticatedClient:
    """Return a generated client without a key of its own: what is sent with it passes our guarded httpx client."""
    from anchor_webtask_api import AuthenticatedClient

    return AuthenticatedClient(
        base_url=settings.base_url,
        token=REDACTED,
        prefix="",
        auth_header_name=KEY_HEADER,
        raise_on_unexpected_status=False,
        httpx_args={"transport": _NoTransport()},
    )


class Transport:
    """How the sync face sends."""

    def __init__(self, settings: Settings, custom: httpx.BaseTransport | None) -> None:
        def make() -> GuardedClient:
            return GuardedClient(settings, custom)

        self._settings = settings
        self._tasks = Lifecycle(make, is_custom=custom is not None)
        # The generated client's with_headers() changes its httpx client, so it gets one for itself.
        self._api = Lifecycle(make, is_custom=custom is not None)

    def exchange(
        self,
        prepared: Sealed[Prepared],
        limit: float,
        *,
        connect: float | None = None,
        redact: Redactor | None = None,
        held: bool = False,
    ) -> Answer | Failure:
        """Send one request, and return the whole answer, or why there is none.

        Args:
            prepared: The request.
            limit: Seconds that it may take.
            connect: Seconds that the connection may take, if less.
            redact: Knows the secrets in the request, by default the key alone.
            held: Whether the server is expected to hold the request open.
        """
        client = self._tasks.client()
        guard = guard_of(self._settings, redact or self._settings.redact)
        request = _built(prepared.open(), client.own_headers, timeouts(limit, connect), guard.trace)
        return client.exchange(request, guard) if held else client.exchange_in_turn(request, guard)

    def api(self) -> AuthenticatedClient:
        """Return the generated client behind the guard."""
        return api_client(self._settings).set_httpx_client(self._api.client())

    def close(self) -> None:
        """Close all connections."""
        for client in (self._tasks.close(), self._api.close()):
            if client is not None:
                client.close()


class AsyncTransport:
    """How the async face sends."""

    def __init__(self, settings: Settings, custom: httpx.AsyncBaseTransport | None) -> None:
        def make() -> GuardedAsyncClient:
            return GuardedAsyncClient(settings, custom)

        self._settings = settings
        self._tasks = Lifecycle(make, is_custom=custom is not None)
        self._api = Lifecycle(make, is_custom=custom is not None)

    async def exchange(
        self,
        prepared: Sealed[Prepared],
        limit: float,
        *,
        connect: float | None = None,
        redact: Redactor | None = None,
        held: bool = False,
    ) -> Answer | Failure:
        """Send one request, and return the whole answer, or why there is none.

        Args:
            prepared: The request.
            limit: Seconds that it may take.
            connect: Seconds that the connection may take, if less.
            redact: Knows the secrets in the request, by default the key alone.
            held: Whether the server is expected to hold the request open.
        """
        client = self._tasks.client()
        guard = guard_of(self._settings, redact or self._settings.redact)
        request = _built(prepared.open(), client.own_headers, timeouts(limit, connect), guard.trace_async)
        return await (client.exchange(request, guard) if held else client.exchange_in_turn(request, guard))

    def api(self) -> AuthenticatedClient:
        """Return the generated client behind the guard."""
        return api_client(self._settings).set_async_httpx_client(self._api.client())

    async def aclose(self) -> None:
        """Close all connections."""
        for client in (self._tasks.close(), self._api.close()):
            if client is not None:
                await client.aclose()


def _built(
    prepared: Prepared, own_headers: Iterable[tuple[bytes, bytes]], timeout: httpx.Timeout, trace: Callable[..., object]
) -> httpx.Request:
    """Return the request that `build_request` would, without what that does again for each."""
    content = prepared.content
    length = ((b"Content-Length", str(len(content)).encode()),) if content else ()
    request = httpx.Request(
        prepared.method,
        prepared.url,
        headers=httpx.Headers([*own_headers, *prepared.headers, *length]),
        stream=httpx.ByteStream(content),
        extensions={"timeout": timeout.as_dict(), "trace": trace},
    )
    request.read()  # for transports that look at the content
    return request
