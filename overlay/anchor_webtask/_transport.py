"""Sending: for each face, httpx clients behind the guard, in turns for tasks and one for the generated client.

A request comes sealed and is opened inside `exchange`, which returns a failure and never raises one: when an error is
raised, no frame with a header or a body is left for a traceback to show.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NoReturn

import httpx

from anchor_webtask._errors import ConfigurationError
from anchor_webtask._guard import KEY_HEADER
from anchor_webtask._guarded import GuardedAsyncClient, GuardedClient, guard_of
from anchor_webtask._lifecycle import Lifecycle
from anchor_webtask._secrets import REDACTED
from anchor_webtask._turns import AsyncTurns, Turns

if TYPE_CHECKING:
    from anchor_webtask._answer import Answer
    from anchor_webtask._guarded import Prepared
    from anchor_webtask._outcome import Failure
    from anchor_webtask._secrets import Redactor, Sealed
    from anchor_webtask._settings import Settings
    from anchor_webtask._turns import Turn
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
        is_custom = custom is not None

        def make() -> GuardedClient:
            return GuardedClient(settings, custom)

        self._settings = settings
        self._turns = Lifecycle(lambda: Turns(make, settings.clock, is_custom=is_custom), is_custom=is_custom)
        # The generated client's with_headers() changes its httpx client, so it gets one for itself.
        self._api = Lifecycle(make, is_custom=is_custom)

    def exchange(
        self,
        prepared: Sealed[Prepared],
        limit: float,
        *,
        turn: Turn,
        redact: Redactor,
        connect: float | None = None,
    ) -> Answer | Failure:
        """Send one request, and return the whole answer, or why there is none.

        Args:
            prepared: The request.
            limit: Seconds that it may take.
            turn: What it waits for before that.
            redact: Knows the secrets in it.
            connect: Seconds that the connection may take, if less.
        """
        guard = guard_of(self._settings, redact)
        return self._turns.client().exchange(prepared, guard, turn, limit, connect)

    def api(self) -> AuthenticatedClient:
        """Return the generated client behind the guard."""
        return api_client(self._settings).set_httpx_client(self._api.client())

    def close(self) -> None:
        """Close all connections."""
        for client in (self._turns.close(), self._api.close()):
            if client is not None:
                client.close()


class AsyncTransport:
    """How the async face sends."""

    def __init__(self, settings: Settings, custom: httpx.AsyncBaseTransport | None) -> None:
        is_custom = custom is not None

        def make() -> GuardedAsyncClient:
            return GuardedAsyncClient(settings, custom)

        self._settings = settings
        self._turns = Lifecycle(lambda: AsyncTurns(make, settings.clock, is_custom=is_custom), is_custom=is_custom)
        self._api = Lifecycle(make, is_custom=is_custom)

    async def exchange(
        self,
        prepared: Sealed[Prepared],
        limit: float,
        *,
        turn: Turn,
        redact: Redactor,
        connect: float | None = None,
    ) -> Answer | Failure:
        """Send one request, and return the whole answer, or why there is none.

        Args:
            prepared: The request.
            limit: Seconds that it may take.
            turn: What it waits for before that.
            redact: Knows the secrets in it.
            connect: Seconds that the connection may take, if less.
        """
        guard = guard_of(self._settings, redact)
        return await self._turns.client().exchange(prepared, guard, turn, limit, connect)

    def api(self) -> AuthenticatedClient:
        """Return the generated client behind the guard."""
        return api_client(self._settings).set_async_httpx_client(self._api.client())

    async def aclose(self) -> None:
        """Close all connections."""
        for client in (self._turns.close(), self._api.close()):
            if client is not None:
                await client.aclose()
