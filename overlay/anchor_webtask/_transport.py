"""Sending: httpx clients behind the guard, one for each face.

A request's arguments come sealed and are opened inside `exchange`, which returns a failure and never raises one: when
an error is raised, no frame with a header or a body is left for a traceback to show.
"""

from __future__ import annotations

import functools
import os
import sys
import threading
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import httpx

from anchor_webtask._errors import ConfigurationError
from anchor_webtask._guard import KEY_HEADER, Answer, Guard, KeyAuth, hide_location
from anchor_webtask._outcome import Failure
from anchor_webtask._secrets import REDACTED, Redactor, Sealed
from anchor_webtask._version import __version__

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from anchor_webtask._settings import Settings
    from anchor_webtask_api import AuthenticatedClient

ClientT = TypeVar("ClientT", bound=httpx.Client | httpx.AsyncClient)

_PYTHON: Final = ".".join(map(str, sys.version_info[:3]))
USER_AGENT: Final = f"anchor-webtask/{__version__} python/{_PYTHON} httpx/{httpx.__version__}"
CONNECT_SHARE: Final = 0.9
"""The connection gets a little less than the whole request, so that what strikes first says which of them it was."""


@functools.cache
def ssl_context() -> ssl.SSLContext:
    """Return the context that all clients share: making one takes 20 ms."""
    return httpx.create_ssl_context()


def timeouts(limit: float, connect: float | None = None) -> httpx.Timeout:
    """Return httpx's time-outs for a request that may take `limit` seconds, `connect` of them for the connection."""
    shortest = CONNECT_SHARE * limit if connect is None else min(connect, CONNECT_SHARE * limit)
    return httpx.Timeout(limit, connect=shortest, pool=shortest)


def _httpx_arguments(settings: Settings) -> dict[str, Any]:
    return {
        "base_url": settings.base_url,
        "auth": KeyAuth(settings.key, settings.base_url),
        "headers": {"User-Agent": USER_AGENT},
        "timeout": timeouts(settings.http_timeout),
        "follow_redirects": False,
        # A proxy from the environment is for what leaves the machine; on loopback it would get the key in the clear.
        "trust_env": not settings.is_loopback,
        "verify": ssl_context(),
    }


def _limit(request: httpx.Request) -> float:
    read = request.extensions.get("timeout", {}).get("read")
    return float("inf") if read is None else float(read)


def _guard(settings: Settings, redact: Redactor) -> Guard:
    return Guard(redact, settings.max_response_bytes, settings.clock.wall)


class GuardedClient(httpx.Client):
    """An httpx client whose `send` returns whole, successful answers and raises this package's errors for all else."""

    def __init__(self, settings: Settings, transport: httpx.BaseTransport | None) -> None:
        super().__init__(transport=transport, event_hooks={"response": [hide_location]}, **_httpx_arguments(settings))
        self._now = settings.clock.now
        self._guard = _guard(settings, settings.redact)

    def send(self, request: httpx.Request, **_decided_here: Any) -> httpx.Response:
        """Send for the generated client; whether to stream, authenticate and redirect is decided here."""
        outcome = self.exchange(request, self._guard)
        if isinstance(outcome, Failure):
            raise outcome.error
        return outcome

    def exchange(self, request: httpx.Request, guard: Guard) -> httpx.Response | Failure:
        """Send, and return the whole answer, or why there is none."""
        limit = _limit(request)
        deadline = self._now() + limit
        answer: Answer | None = None
        failure: Failure | None = None
        try:
            response = super().send(request, stream=True)
            try:
                answer = guard.answer(response, deadline)
                if answer.is_wanted:
                    for chunk in response.iter_bytes():
                        if not answer.add(chunk, self._now()):
                            break
            finally:
                response.close()
        except Exception as exception:  # noqa: BLE001  a custom transport may raise anything
            failure = guard.broken(exception, limit)
        return guard.verdict(answer, failure, limit)


class GuardedAsyncClient(httpx.AsyncClient):
    """The same for asyncio and trio, in the one event loop in which it is first used.

    Here a request ends at its limit also while its head is still on its way.
    """

    def __init__(self, settings: Settings, transport: httpx.AsyncBaseTransport | None) -> None:
        async def hide(response: httpx.Response) -> None:
            hide_location(response)

        super().__init__(transport=transport, event_hooks={"response": [hide]}, **_httpx_arguments(settings))
        self._now = settings.clock.now
        self._guard = _guard(settings, settings.redact)
        self._loop: object = None

    async def send(self, request: httpx.Request, **_decided_here: Any) -> httpx.Response:
        """Send for the generated client; whether to stream, authenticate and redirect is decided here."""
        outcome = await self.exchange(request, self._guard)
        if isinstance(outcome, Failure):
            raise outcome.error
        return outcome

    async def exchange(self, request: httpx.Request, guard: Guard) -> httpx.Response | Failure:
        """Send, and return the whole answer, or why there is none."""
        import anyio.lowlevel

        loop = anyio.lowlevel.current_token()
        if self._loop is None:
            self._loop = loop
        elif self._loop != loop:
            raise ConfigurationError("this client was first used in another event loop: make one client for each loop")
        limit = _limit(request)
        deadline = self._now() + limit
        answer: Answer | None = None
        failure: Failure | None = None
        with anyio.move_on_after(limit) as scope:
            try:
                response = await super().send(request, stream=True)
                try:
                    answer = guard.answer(response, deadline)
                    if answer.is_wanted:
                        async for chunk in response.aiter_bytes():
                            if not answer.add(chunk, self._now()):
                                break
                finally:
                    await response.aclose()
            except Exception as exception:  # noqa: BLE001  a custom transport may raise anything
                failure = guard.broken(exception, limit)
        return guard.verdict(answer, guard.overdue(limit) if scope.cancelled_caught else failure, limit)


class Lifecycle(Generic[ClientT]):
    """Makes an httpx client when it is first needed, and notices a close and a fork.

    After a fork parent and child would read each other's answers from one connection, so the child gets a new client. A
    custom transport can't be made anew, so with one the child is refused.
    """

    def __init__(self, make: Callable[[], ClientT], *, is_custom: bool) -> None:
        self._make = make
        self._is_custom = is_custom
        self._client: ClientT | None = None
        self._inherited: list[ClientT] = []  # kept, since closing them here would disturb the parent's
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._is_closed = False

    def client(self) -> ClientT:
        """Return the client of this process.

        Raises:
            ConfigurationError: It was closed, or has a custom transport from before a fork.
        """
        if self._is_closed:
            raise ConfigurationError("this client is closed: make a new one")
        if self._pid != os.getpid():
            if self._is_custom:
                raise ConfigurationError(
                    "a client with a custom transport can't go on in a forked process: make one here"
                )
            if self._client is not None:
                self._inherited.append(self._client)
                self._client = None
            self._pid = os.getpid()
            self._lock = threading.Lock()  # the old one may be held by a thread that the child doesn't have
        with self._lock:
            if self._client is None:
                self._client = self._make()
            return self._client

    def close(self) -> ClientT | None:
        """Refuse further use, and return the client that is to be closed, if there is one of this process."""
        self._is_closed = True
        client, self._client = self._client, None
        return client if self._pid == os.getpid() else None


def api_client(settings: Settings) -> AuthenticatedClient:
    """Return a generated client without a key of its own: what is sent with it passes our guarded httpx client."""
    from anchor_webtask_api import AuthenticatedClient

    return AuthenticatedClient(
        base_url=settings.base_url,
        token=REDACTED,
        prefix="",
        auth_header_name=KEY_HEADER,
        raise_on_unexpected_status=False,
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
        kwargs: Sealed[dict[str, Any]],
        limit: float,
        *,
        connect: float | None = None,
        redact: Redactor | None = None,
    ) -> httpx.Response | Failure:
        """Send one request, and return the whole answer, or why there is none; see `timeouts` for the two limits."""
        client = self._tasks.client()
        guard = _guard(self._settings, redact or self._settings.redact)
        return client.exchange(client.build_request(**kwargs.open(), timeout=timeouts(limit, connect)), guard)

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
        kwargs: Sealed[dict[str, Any]],
        limit: float,
        *,
        connect: float | None = None,
        redact: Redactor | None = None,
    ) -> httpx.Response | Failure:
        """Send one request, and return the whole answer, or why there is none; see `timeouts` for the two limits."""
        client = self._tasks.client()
        guard = _guard(self._settings, redact or self._settings.redact)
        return await client.exchange(client.build_request(**kwargs.open(), timeout=timeouts(limit, connect)), guard)

    def api(self) -> AuthenticatedClient:
        """Return the generated client behind the guard."""
        return api_client(self._settings).set_async_httpx_client(self._api.client())

    async def aclose(self) -> None:
        """Close all connections."""
        for client in (self._tasks.close(), self._api.close()):
            if client is not None:
                await client.aclose()
