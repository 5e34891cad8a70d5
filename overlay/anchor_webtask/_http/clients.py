"""The httpx clients, sync and async: how they are configured, and how a request is cut off at its limits."""

from __future__ import annotations

import functools
import math
import ssl
import sys
from typing import TYPE_CHECKING, Any, Final, cast

import httpx

from anchor_webtask._http.body import CONTENT_CODING, BoundedResponse
from anchor_webtask._http.connections import Connections
from anchor_webtask._http.cookies import OwnCookiesOnly
from anchor_webtask._http.environment import certificate_state
from anchor_webtask._http.failures import Guard
from anchor_webtask._http.prepared_request import timeouts
from anchor_webtask._http.proxy import proxy_with_context
from anchor_webtask._http.record import DEADLINE, RECORD
from anchor_webtask._http.recording_transport import AsyncRecordingTransport, RecordingTransport
from anchor_webtask._http.redirects import KeyAuth, hide_location
from anchor_webtask._polling.outcomes import Failure
from anchor_webtask._redaction.secrets import release_frames
from anchor_webtask._signals import reraise_from_handler
from anchor_webtask._version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping

    from anchor_webtask._config import Settings
    from anchor_webtask._http.async_transport import AsyncTransport
    from anchor_webtask._http.proxy_transport import AsyncProxyTransport
    from anchor_webtask._http.record import ExchangeRecord
    from anchor_webtask._http.transport import Transport
    from anchor_webtask._redaction.secrets import Redactor, Sealed

_PYTHON: Final = ".".join(map(str, sys.version_info[:3]))
USER_AGENT: Final = f"anchor-webtask/{__version__} python/{_PYTHON} httpx/{httpx.__version__}"
EXCHANGE_ERRORS: Final = (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, ssl.SSLError)
"""The exceptions of a failed exchange. Any other exception is an interruption, such as a time limit raised by a signal.

On asyncio, httpx raises plain `ssl.SSLError` for TLS failures after the handshake.
"""
_PROXY_LIMITS: Final = httpx.Limits(max_connections=None, max_keepalive_connections=0)
"""Through a proxy, each request has a connection of its own: httpx does not show bytes left over after a response."""


def ssl_context() -> ssl.SSLContext:
    """Return the SSL context that all clients share, until the certificate files of the environment change.

    Creating one takes 20 ms.
    """
    return _ssl_context(certificate_state())


@functools.lru_cache(maxsize=4)
def _ssl_context(_: tuple[object, ...]) -> ssl.SSLContext:
    context = httpx.create_ssl_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


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
    """Return a sync transport of our own; httpx's, if the client has a proxy."""
    from anchor_webtask._http.proxy_transport import ProxyTransport
    from anchor_webtask._http.transport import Transport

    make = _ssl_contexts(settings)
    if settings.proxy is None:
        return Transport(make, settings.clock.now)
    return ProxyTransport(**_proxy_arguments(settings.proxy, make()))


def _async_transport(settings: Settings) -> AsyncTransport | AsyncProxyTransport:
    """Return an async transport of our own; httpx's, if the client has a proxy."""
    from anchor_webtask._http.async_transport import AsyncTransport
    from anchor_webtask._http.proxy_transport import AsyncProxyTransport

    make = _ssl_contexts(settings)
    if settings.proxy is None:
        return AsyncTransport(make, settings.clock.now)
    return AsyncProxyTransport(**_proxy_arguments(settings.proxy, make()))


def installed_transport(settings: Settings) -> httpx.MockTransport | None:
    """Return the transport that replaces the network for a client of this world, also a transport of the user's."""
    make = settings.world.transport
    return make(httpx.URL(settings.base_url).path.rstrip("/")) if make else None


def _proxy_arguments(proxy: Sealed[httpx.Proxy], context: ssl.SSLContext) -> dict[str, Any]:
    return {"verify": context, "proxy": proxy_with_context(proxy, context), "limits": _PROXY_LIMITS}


def _ssl_contexts(settings: Settings) -> Callable[[], ssl.SSLContext]:
    """Return a function that returns the SSL context for a new connection; check that it can read the certificates."""
    if (given := settings.ssl_context) is not None:
        return lambda: given
    if settings.base_url.startswith("https:"):
        ssl_context()
    return ssl_context


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


def guard_for(settings: Settings, redact: Redactor, record: ExchangeRecord | None = None) -> Guard:
    """Return a new guard for one exchange, which is a request and its response."""
    return Guard(redact, settings.max_response_bytes, settings.clock, record)


class GuardedClient(OwnCookiesOnly, httpx.Client):
    """An httpx client whose `send` returns a complete, successful response, or raises an error of this package.

    `exchange` returns failures instead of raising them.
    """

    def __init__(self, settings: Settings, transport: httpx.BaseTransport | None) -> None:
        OwnCookiesOnly.__init__(self)
        self._is_custom = transport is not None
        transport = transport or _transport(settings)
        self._own_transport = cast("Transport", transport) if isinstance(transport, Connections) else None
        self._may_be_broken = isinstance(transport, httpx.HTTPTransport)
        httpx.Client.__init__(
            self,
            transport=transport if self._own_transport else RecordingTransport(transport),
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
        guard.url, guard.method = request.url, request.method
        limit = _limit(request)
        deadline = self._now() + limit
        request.extensions = _with_record(request.extensions, guard, deadline)
        record = guard.record
        response: BoundedResponse | None = None
        failure: Failure | None = None

        if record.before_sending is not None:
            prepare: Callable[[], Any] = record.before_sending

            def before_sending() -> None:
                nonlocal deadline
                prepare()
                deadline = self._now() + limit  # what comes before the first byte does not count
                request.extensions[DEADLINE] = deadline

            record.before_sending = before_sending
        with guard.redacted_logs():
            try:
                if self._own_transport is None and record.before_sending is not None:
                    record.before_sending()
                record.is_custom = self._is_custom
                record.is_unobserved = self._own_transport is None
                head = super().send(request, stream=True)
                try:
                    record.response = response = guard.response(head, deadline)
                    if response.needs_body:
                        guard.limit_reads(request.extensions)
                        for record.piece in (head.content,) if head.is_stream_consumed else head.iter_raw():
                            if not response.add(record.piece, self._now()):
                                break
                            record.forget_pieces()
                finally:
                    head.close()
            except EXCHANGE_ERRORS as exception:
                reraise_from_handler(exception)
                failure = guard.broken(exception, limit)
            except BaseException:
                # An interruption can leave a lock of httpcore's that is never released; our own transport has no locks.
                self.is_broken = self._may_be_broken
                if self._own_transport is not None:
                    self._own_transport.abandon(record)
                raise
        return guard.verdict(response, failure, limit)


class GuardedAsyncClient(OwnCookiesOnly, httpx.AsyncClient):
    """The async `GuardedClient`, for asyncio and trio; it sends only in the event loop that uses it first."""

    def __init__(self, settings: Settings, transport: httpx.AsyncBaseTransport | None) -> None:
        from anchor_webtask._http.event_loop import OneLoop

        async def hide(head: httpx.Response) -> None:
            hide_location(head)

        OwnCookiesOnly.__init__(self)
        self._is_custom = transport is not None
        self._made_transport = made = None if transport else _async_transport(settings)
        self._own_transport = made if isinstance(made, Connections) else None
        used = transport or made
        httpx.AsyncClient.__init__(
            self,
            transport=AsyncRecordingTransport(used) if used and not self._own_transport else used,
            event_hooks={"response": [hide]},
            **_httpx_arguments(settings),
        )
        self.client_headers = ((b"Host", self.base_url.netloc), *self.headers.raw)
        self._now = settings.clock.now
        self._new_guard = functools.partial(guard_for, settings, settings.redact)
        self.loop = OneLoop()
        self.is_broken = False

    async def send(self, request: httpx.Request, **_ignored: Any) -> httpx.Response:
        """Send a request of the generated client; the arguments `stream`, `auth` and `follow_redirects` are ignored."""
        self.loop.check()
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

        guard.url, guard.method = request.url, request.method
        limit = _limit(request)
        deadline = self._now() + limit
        request.extensions = {**request.extensions, RECORD: guard.record}
        record = guard.record
        response: BoundedResponse | None = None
        failure: Failure | None = None

        if record.before_sending is not None:
            prepare: Callable[[], Any] = record.before_sending

            async def before_sending() -> None:
                nonlocal deadline
                await prepare()
                deadline = self._now() + limit  # what comes before the first byte does not count
                scope.deadline = anyio.current_time() + limit

            record.before_sending = before_sending
        with guard.redacted_logs(), anyio.move_on_after(limit) as scope:
            try:
                if self._own_transport is None and record.before_sending is not None:
                    await record.before_sending()
                record.is_custom = self._is_custom
                record.is_unobserved = self._own_transport is None
                head = await super().send(request, stream=True)
                try:
                    record.response = response = guard.response(head, deadline)
                    if response.needs_body and head.is_stream_consumed:
                        response.add(head.content, self._now())
                    elif response.needs_body:
                        async for record.piece in head.aiter_raw():
                            if not response.add(record.piece, self._now()):
                                # A `break` would leave httpcore's generators suspended, and trio warns about each. The
                                # verdict reports a timeout only if the response is neither too large nor corrupt.
                                scope.cancel()
                            record.forget_pieces()
                finally:
                    await head.aclose()
            except EXCHANGE_ERRORS as exception:
                reraise_from_handler(exception)
                failure = guard.broken(exception, limit)
            except BaseException:
                if self._own_transport is not None:
                    await self._own_transport.abandon(record)
                raise
        return guard.verdict(response, guard.overdue(limit) if scope.cancelled_caught else failure, limit)

    async def aclose(self) -> None:
        """Close all connections; in another event loop than the client's own, a custom transport is left alone."""
        if not self.loop.is_other():
            await super().aclose()
        elif self._made_transport is not None:
            self.loop.close_from_outside(super().aclose, self._made_transport.streams)
