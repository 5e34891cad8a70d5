"""Sending: httpx clients behind the guard, one for each face.

A request's arguments come sealed and are opened inside `exchange`, which returns a failure and never raises one: when
an error is raised, no frame with a header or a body is left for a traceback to show.
"""

from __future__ import annotations

import functools
import math
import ssl
import sys
from typing import TYPE_CHECKING, Any, Final, NoReturn

import httpx

from anchor_webtask._answer import PACKING, Answer
from anchor_webtask._errors import ConfigurationError
from anchor_webtask._guard import DEADLINE, KEY_HEADER, Guard, KeyAuth, hide_location
from anchor_webtask._lifecycle import Lifecycle
from anchor_webtask._outcome import Failure
from anchor_webtask._secrets import REDACTED, Redactor, Sealed
from anchor_webtask._version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from anchor_webtask._request import Prepared
    from anchor_webtask._settings import Settings
    from anchor_webtask_api import AuthenticatedClient

_PYTHON: Final = ".".join(map(str, sys.version_info[:3]))
USER_AGENT: Final = f"anchor-webtask/{__version__} python/{_PYTHON} httpx/{httpx.__version__}"
EXCHANGE_ERRORS: Final = (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, ssl.SSLError)
"""What an exchange fails with; anything else interrupts it, as a worker's time limit does that a signal raises.

httpx has no error of its own for what goes wrong with TLS after its handshake, on asyncio.
"""
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
        "headers": {"Accept-Encoding": PACKING, "User-Agent": USER_AGENT},
        "timeout": timeouts(settings.http_timeout),
        "follow_redirects": False,
        # Requests that are held open must not keep a status check waiting.
        "limits": httpx.Limits(max_connections=None, max_keepalive_connections=100),
        # A proxy from the environment is for what leaves the machine; on loopback it would get the key in the clear.
        "trust_env": not settings.is_loopback,
        "verify": ssl_context(),
    }


class _OwnCookies(httpx.Cookies):
    """No cookies of a server's: httpx sends them back as they came, and fails on one that isn't ASCII."""

    def extract_cookies(self, response: httpx.Response) -> None:
        """Take none."""


class _WithOwnCookies:
    """What makes an httpx client send the cookies that it is given, and none that it gets."""

    def __init__(self) -> None:
        self._own_cookies = _OwnCookies()

    @property
    def cookies(self) -> httpx.Cookies:
        """The cookies that are sent with each request."""
        return self._own_cookies

    @cookies.setter
    def cookies(self, cookies: httpx.Cookies | dict[str, str]) -> None:
        self._own_cookies = _OwnCookies(cookies)


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


def _limit(request: httpx.Request) -> float:
    read = request.extensions.get("timeout", {}).get("read")
    return math.inf if read is None else float(read)


def _guard(settings: Settings, redact: Redactor) -> Guard:
    return Guard(redact, settings.max_response_bytes, settings.clock)


class GuardedClient(_WithOwnCookies, httpx.Client):
    """An httpx client whose `send` returns whole, successful answers and raises this package's errors for all else."""

    def __init__(self, settings: Settings, transport: httpx.BaseTransport | None) -> None:
        _WithOwnCookies.__init__(self)
        arguments = _httpx_arguments(settings)
        httpx.Client.__init__(self, transport=transport, event_hooks={"response": [hide_location]}, **arguments)
        self.own_headers = ((b"Host", self.base_url.netloc), *self.headers.raw)
        self._now = settings.clock.now
        self._guard = _guard(settings, settings.redact)
        self.is_spent = False

    def send(self, request: httpx.Request, **_decided_here: Any) -> httpx.Response:
        """Send for the generated client; whether to stream, authenticate and redirect is decided here."""
        outcome = self.exchange(request, self._guard)
        if isinstance(outcome, Failure):
            raise outcome.error
        return outcome.as_read()

    def exchange(self, request: httpx.Request, guard: Guard) -> Answer | Failure:
        """Send, and return the whole answer, or why there is none."""
        limit = _limit(request)
        deadline = self._now() + limit
        given = request.extensions
        if limit < math.inf:
            request.extensions = {**given, DEADLINE: deadline, "timeout": {**given["timeout"]}}
        answer: Answer | None = None
        failure: Failure | None = None
        try:
            response = super().send(request, stream=True)
            try:
                answer = guard.answer(response, deadline)
                if answer.is_wanted:
                    guard.shorten(request.extensions)
                    for piece in response.iter_bytes() if response.is_stream_consumed else response.iter_raw():
                        if not answer.add(piece, self._now()):
                            break
            finally:
                response.close()
        except EXCHANGE_ERRORS as exception:
            failure = guard.broken(exception, limit)
        except BaseException:
            # An interruption may come at any moment, and leave httpcore with a lock held for ever, or half a request.
            self.is_spent = True
            raise
        finally:
            request.extensions = given
        return guard.verdict(answer, failure, limit)


class GuardedAsyncClient(_WithOwnCookies, httpx.AsyncClient):
    """The same for asyncio and trio, in the one event loop in which it is first used.

    Here a request ends at its limit also while its head is still on its way.
    """

    def __init__(self, settings: Settings, transport: httpx.AsyncBaseTransport | None) -> None:
        async def hide(response: httpx.Response) -> None:
            hide_location(response)

        _WithOwnCookies.__init__(self)
        arguments = _httpx_arguments(settings)
        httpx.AsyncClient.__init__(self, transport=transport, event_hooks={"response": [hide]}, **arguments)
        self.own_headers = ((b"Host", self.base_url.netloc), *self.headers.raw)
        self._now = settings.clock.now
        self._guard = _guard(settings, settings.redact)
        self._loop: object = None
        self.is_spent = False  # cancellation comes only where httpcore awaits something, and it copes with that

    async def send(self, request: httpx.Request, **_decided_here: Any) -> httpx.Response:
        """Send for the generated client; whether to stream, authenticate and redirect is decided here."""
        outcome = await self.exchange(request, self._guard)
        if isinstance(outcome, Failure):
            raise outcome.error
        return outcome.as_read()

    async def exchange(self, request: httpx.Request, guard: Guard) -> Answer | Failure:
        """Send, and return the whole answer, or why there is none."""
        import anyio

        self._stay_in_loop()
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
                        # Breaking off would leave httpcore's generators half-way, and trio warn of each.
                        with anyio.CancelScope() as reading:
                            pieces = response.aiter_bytes() if response.is_stream_consumed else response.aiter_raw()
                            async for piece in pieces:
                                if not answer.add(piece, self._now()):
                                    reading.cancel()
                finally:
                    await response.aclose()
            except EXCHANGE_ERRORS as exception:
                failure = guard.broken(exception, limit)
        return guard.verdict(answer, guard.overdue(limit) if scope.cancelled_caught else failure, limit)

    async def aclose(self) -> None:
        """Close all connections."""
        self._stay_in_loop()
        await super().aclose()

    def _stay_in_loop(self) -> None:
        import anyio.lowlevel

        loop = anyio.lowlevel.current_token()
        if self._loop is None:
            self._loop = loop
        elif self._loop != loop:
            raise ConfigurationError("this client was first used in another event loop: make one client for each loop")


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
    ) -> Answer | Failure:
        """Send one request, and return the whole answer, or why there is none.

        Args:
            prepared: The request.
            limit: Seconds that it may take.
            connect: Seconds that the connection may take, if less.
            redact: Knows the secrets in the request, by default the key alone.
        """
        client = self._tasks.client()
        guard = _guard(self._settings, redact or self._settings.redact)
        request = _built(prepared.open(), client.own_headers, timeouts(limit, connect), guard.trace)
        return client.exchange(request, guard)

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
    ) -> Answer | Failure:
        """Send one request, and return the whole answer, or why there is none.

        Args:
            prepared: The request.
            limit: Seconds that it may take.
            connect: Seconds that the connection may take, if less.
            redact: Knows the secrets in the request, by default the key alone.
        """
        client = self._tasks.client()
        guard = _guard(self._settings, redact or self._settings.redact)
        request = _built(prepared.open(), client.own_headers, timeouts(limit, connect), guard.trace_async)
        return await client.exchange(request, guard)

    def api(self) -> AuthenticatedClient:
        """Return the generated client behind the guard."""
        return api_client(self._settings).set_async_httpx_client(self._api.client())

    async def aclose(self) -> None:
        """Close all connections."""
        for client in (self._tasks.close(), self._api.close()):
            if client is not None:
                await client.aclose()
