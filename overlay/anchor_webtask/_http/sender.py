"""Sends all requests, sync and async: those about tasks through the limiter, those of `Anchor.api` without it.

`exchange` receives a sealed request, opens it, and returns failures instead of raising them. So when an error is raised
later, its traceback has no frame that holds the headers or the body of the request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from anchor_webtask._http.clients import GuardedAsyncClient, GuardedClient, guard_for, installed_transport
from anchor_webtask._http.lifecycle import Lifecycle
from anchor_webtask._http.limiter import AsyncLimiter, Limiter

if TYPE_CHECKING:
    import httpx

    from anchor_webtask._config import Settings
    from anchor_webtask._http.body import BoundedResponse
    from anchor_webtask._http.limiter import Slot
    from anchor_webtask._http.prepared_request import PreparedRequest
    from anchor_webtask._http.record import ExchangeRecord
    from anchor_webtask._polling.outcomes import Failure
    from anchor_webtask._redaction.secrets import Redactor, Sealed


class Sender:
    """Sends the requests of the sync client."""

    def __init__(self, settings: Settings, custom: httpx.BaseTransport | None) -> None:
        custom = installed_transport(settings) or custom
        is_custom, world = custom is not None, settings.world

        def make() -> GuardedClient:
            return GuardedClient(settings, custom)

        self._settings = settings
        self._limiter = Lifecycle(lambda: Limiter(make(), world.clock), world, is_custom=is_custom)
        # The generated client's with_headers() changes its httpx client, so that client is not shared.
        self._api_client = Lifecycle(make, world, is_custom=is_custom)

    def exchange(
        self,
        prepared: Sealed[PreparedRequest],
        limit: float,
        *,
        slot: Slot,
        redact: Redactor,
        connect: float | None = None,
        record: ExchangeRecord | None = None,
    ) -> BoundedResponse | Failure:
        """Send a request, and return the complete, successful response, or the failure.

        Args:
            prepared: The sealed request.
            limit: Seconds that the request may take.
            slot: Which slot the request needs.
            redact: Removes the request's secrets from text.
            connect: Seconds that connecting may take, if that is less than the usual connect timeout.
            record: Where to record how far the exchange has got, if the caller needs to know.
        """
        guard = guard_for(self._settings, redact, record)
        return self._limiter.client().exchange(prepared, guard, slot, limit, connect)

    def api_client(self) -> GuardedClient:
        """Return the guarded httpx client for the generated code."""
        return self._api_client.client()

    def close(self) -> None:
        """Close all connections."""
        for client in (self._limiter.close(), self._api_client.close()):
            if client is not None:
                client.close()


class AsyncSender:
    """Sends the requests of the async client."""

    def __init__(self, settings: Settings, custom: httpx.AsyncBaseTransport | None) -> None:
        custom = installed_transport(settings) or custom
        is_custom, world = custom is not None, settings.world

        def make() -> GuardedAsyncClient:
            return GuardedAsyncClient(settings, custom)

        self._settings = settings
        self._limiter = Lifecycle(lambda: AsyncLimiter(make(), world.clock), world, is_custom=is_custom)
        self._api_client = Lifecycle(make, world, is_custom=is_custom)

    async def exchange(
        self,
        prepared: Sealed[PreparedRequest],
        limit: float,
        *,
        slot: Slot,
        redact: Redactor,
        connect: float | None = None,
        record: ExchangeRecord | None = None,
    ) -> BoundedResponse | Failure:
        """Send a request, and return the complete, successful response, or the failure.

        Args:
            prepared: The sealed request.
            limit: Seconds that the request may take.
            slot: Which slot the request needs.
            redact: Removes the request's secrets from text.
            connect: Seconds that connecting may take, if that is less than the usual connect timeout.
            record: Where to record how far the exchange has got, if the caller needs to know.
        """
        guard = guard_for(self._settings, redact, record)
        return await self._limiter.client().exchange(prepared, guard, slot, limit, connect)

    def api_client(self) -> GuardedAsyncClient:
        """Return the guarded httpx client for the generated code."""
        return self._api_client.client()

    async def aclose(self) -> None:
        """Close all connections."""
        for client in (self._limiter.close(), self._api_client.close()):
            if client is not None:
                await client.aclose()
