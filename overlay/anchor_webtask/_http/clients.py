"""The httpx clients, sync and async: how they are configured, and how a request is cut off at its limits."""

from __future__ import annotations

import functools
import math
import ssl
import sys
from typing import TYPE_CHECKING, Any, Final

import httpx

from anchor_webtask import _importing
from anchor_webtask._errors import ConfigurationError
from anchor_webtask._http.body import CONTENT_CODING, BoundedResponse
from anchor_webtask._http.cookies import OwnCookiesOnly
from anchor_webtask._http.environment import certificate_state, proxy_for
from anchor_webtask._http.failures import DEADLINE, Guard, KeyAuth, hide_location
from anchor_webtask._http.prepared_request import timeouts
from anchor_webtask._http.record import RECORD
from anchor_webtask._polling.outcomes import Failure
from anchor_webtask._redaction.secrets import release_frames
from anchor_webtask._version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping

    from anchor_webtask._config import Settings
    from anchor_webtask._redaction.secrets import Redactor

_PYTHON: Final = ".".join(map(str, sys.version_info[:3]))
USER_AGENT: Final = f"anchor-webtask/{__version__} python/{_PYTHON} httpx/{httpx.__version__}"
EXCHANGE_ERRORS: Final = (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, ssl.SSLError)
"""The exceptions of a failed exchange. Any other exception is an interruption, such as a time limit raised by a signal.

On asyncio, httpx raises plain `ssl.SSLError` for TLS failures after the handshake.
"""
_PROXY_LIMITS: Final = httpx.Limits(max_connections=None, max_keepalive_connections=20)


def ssl_context() -> ssl.SSLContext:
    """Return the SSL context that all clients share, until the certificate files of the environment change.

    Creating one takes 20 ms.
    """
    return _ssl_context(certificate_state())


@functools.lru_cache(maxsize=4)
def _ssl_context(_: tuple[object, ...]) -> ssl.SSLContext:
    return httpx.create_ssl_context()


def _httpx_arguments(settings: Settings) -> dict[str, Any]:
    return {
        "base_url": settings.base_url,
        "auth": KeyAuth(settings.key, settings.base_url),
        "headers": {"Accept-Encoding": CONTENT_CODING, "User-Agent": USER_AGENT},
        "timeout": httpx.Timeout(**timeouts(settings.http_timeout)),
        "follow_redirects": False,
        "trust_env": False,  # the transports below read the environment
    }


def _transport(settings: Settings) -> httpx.BaseTransport:
    """Return a sync transport of our own; httpx's, if the environment has a proxy for the API."""
    from anchor_webtask._http.transport import Transport

    if (proxy := _checked_proxy(settings)) is None:
        return Transport(ssl_context, settings.clock.now)
    return httpx.HTTPTransport(verify=ssl_context(), proxy=proxy, limits=_PROXY_LIMITS)


def _async_transport(settings: Settings) -> httpx.AsyncBaseTransport:
    """Return an async transport of our own; httpx's, if the environment has a proxy for the API."""
    from anchor_webtask._http.async_transport import AsyncTransport

    if (proxy := _checked_proxy(settings)) is None:
        return AsyncTransport(ssl_context, settings.clock.now)
    return httpx.AsyncHTTPTransport(verify=ssl_context(), proxy=proxy, limits=_PROXY_LIMITS)


def _checked_proxy(settings: Settings) -> httpx.Proxy | None:
    """Return the environment's proxy for the API, after a check that the environment's certificates can be read."""
    if settings.base_url.startswith("https:"):
        ssl_context()
    # The environment's proxies are not used for loopback: one would receive the key in clear text.
    return None if settings.is_loopback else proxy_for(httpx.URL(settings.base_url))


def _limit(request: httpx.Request) -> float:
    read = request.extensions.get("timeout", {}).get("read")
    return math.inf if read is None else float(read)


def _with_record(given: MutableMapping[str, Any], guard: Guard, deadline: float) -> dict[str, Any]:
    """Return the extensions of a sync request: its record, and the deadline that limits each read and write."""
    extensions = {**given, RECORD: guard.record}
    if deadline < math.inf:
        extensions[DEADLINE] = deadline
        extensions["timeout"] = {**given["timeout"]}
    return extensions


def _copy(request: httpx.Request, trace: Callable[..., object]) -> httpx.Request:
    """Return a copy of a user's request to send, since the key is added to the copy's headers."""
    copied = httpx.Request(
        request.method,
        request.url,
        headers=request.headers,
        stream=request.stream,
        extensions={"trace": trace, **request.extensions},
    )
    if isinstance(request.stream, httpx.ByteStream):
        copied.read()  # so that a custom transport can use `request.content`
    return copied


def guard_for(settings: Settings, redact: Redactor) -> Guard:
    """Return a new guard for one exchange, which is a request and its response."""
    return Guard(redact, settings.max_response_bytes, settings.clock)


class GuardedClient(OwnCookiesOnly, httpx.Client):
    """An httpx client whose `send` returns a complete, successful response, or raises an error of this package.

    `exchange` returns failures instead of raising them.
    """

    def __init__(self, settings: Settings, transport: httpx.BaseTransport | None) -> None:
        OwnCookiesOnly.__init__(self)
        transport = transport or _transport(settings)
        self._may_be_broken = isinstance(transport, httpx.HTTPTransport)
        httpx.Client.__init__(
            self,
            transport=transport,
            event_hooks={"response": [hide_location]},
            **_httpx_arguments(settings),
        )
        self.client_headers = ((b"Host", self.base_url.netloc), *self.headers.raw)
        self._now = settings.clock.now
        self._new_guard = functools.partial(guard_for, settings, settings.redact)
        self.is_broken = False

    def send(self, request: httpx.Request, **_ignored: Any) -> httpx.Response:
        """Send a request of the generated client; the arguments `stream`, `auth` and `follow_redirects` are ignored."""
        guard = self._new_guard()
        try:
            outcome = self.exchange(_copy(request, guard.trace), guard)
        except BaseException as interruption:
            release_frames(interruption)
            raise
        if isinstance(outcome, Failure):
            raise outcome.error
        return outcome.to_httpx(request)

    def exchange(self, request: httpx.Request, guard: Guard) -> BoundedResponse | Failure:
        """Send a request, and return the complete, successful response, or the failure."""
        limit = _limit(request)
        deadline = self._now() + limit
        request.extensions = _with_record(request.extensions, guard, deadline)
        response: BoundedResponse | None = None
        failure: Failure | None = None
        try:
            head = super().send(request, stream=True)
            try:
                response = guard.response(head, deadline)
                if response.needs_body:
                    guard.limit_reads(request.extensions)
                    for piece in (head.content,) if head.is_stream_consumed else head.iter_raw():
                        if not response.add(piece, self._now()):
                            break
            finally:
                head.close()
        except EXCHANGE_ERRORS as exception:
            failure = guard.broken(exception, limit)
        except BaseException:
            # An interruption can leave a lock of httpcore's that is never released; our own transport has no locks.
            self.is_broken = self._may_be_broken
            raise
        return guard.verdict(response, failure, limit)


class OneLoop:
    """Remembers the event loop that uses a client first, and refuses all other event loops."""

    def __init__(self) -> None:
        self._loop: object = None

    def check(self) -> None:
        """Remember the running event loop on the first call; later, refuse any other event loop.

        Raises:
            ConfigurationError: The running event loop is not the first one.
        """
        if self._loop is None:
            with _importing.lock:
                import anyio.lowlevel

                self._loop = anyio.lowlevel.current_token()  # imports what anyio needs in this event loop
        import anyio.lowlevel

        if self._loop != anyio.lowlevel.current_token():
            raise ConfigurationError(
                "this client was first used in another event loop: make one client for each event loop"
            )


class GuardedAsyncClient(OwnCookiesOnly, httpx.AsyncClient):
    """The async `GuardedClient`, for asyncio and trio; it can be used only in the event loop that uses it first."""

    def __init__(self, settings: Settings, transport: httpx.AsyncBaseTransport | None) -> None:
        async def hide(head: httpx.Response) -> None:
            hide_location(head)

        OwnCookiesOnly.__init__(self)
        httpx.AsyncClient.__init__(
            self,
            transport=transport or _async_transport(settings),
            event_hooks={"response": [hide]},
            **_httpx_arguments(settings),
        )
        self.client_headers = ((b"Host", self.base_url.netloc), *self.headers.raw)
        self._now = settings.clock.now
        self._new_guard = functools.partial(guard_for, settings, settings.redact)
        self._loop = OneLoop()
        self.is_broken = False

    async def send(self, request: httpx.Request, **_ignored: Any) -> httpx.Response:
        """Send a request of the generated client; the arguments `stream`, `auth` and `follow_redirects` are ignored."""
        self._loop.check()
        guard = self._new_guard()
        try:
            outcome = await self.exchange(_copy(request, guard.trace_async), guard)
        except BaseException as interruption:
            release_frames(interruption)
            raise
        if isinstance(outcome, Failure):
            raise outcome.error
        return outcome.to_httpx(request)

    async def exchange(self, request: httpx.Request, guard: Guard) -> BoundedResponse | Failure:
        """Send a request, and return the complete, successful response, or the failure."""
        import anyio

        limit = _limit(request)
        deadline = self._now() + limit
        request.extensions = {**request.extensions, RECORD: guard.record}
        response: BoundedResponse | None = None
        failure: Failure | None = None
        with anyio.move_on_after(limit) as scope:
            try:
                head = await super().send(request, stream=True)
                try:
                    response = guard.response(head, deadline)
                    if response.needs_body and head.is_stream_consumed:
                        response.add(head.content, self._now())
                    elif response.needs_body:
                        async for piece in head.aiter_raw():
                            if not response.add(piece, self._now()):
                                # A `break` would leave httpcore's generators suspended, and trio warns about each. The
                                # verdict reports a timeout only if the response is neither too large nor corrupt.
                                scope.cancel()
                finally:
                    await head.aclose()
            except EXCHANGE_ERRORS as exception:
                failure = guard.broken(exception, limit)
        return guard.verdict(response, guard.overdue(limit) if scope.cancelled_caught else failure, limit)

    async def aclose(self) -> None:
        """Close all connections."""
        self._loop.check()
        await super().aclose()
