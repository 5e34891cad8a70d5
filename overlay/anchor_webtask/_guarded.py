"""httpx clients behind the guard, one for each face: how they are set up, and how they send."""

from __future__ import annotations

import functools
import math
import ssl
import sys
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import httpx

from anchor_webtask._answer import PACKING, Answer
from anchor_webtask._errors import ConfigurationError
from anchor_webtask._guard import DEADLINE, Guard, KeyAuth, hide_location
from anchor_webtask._outcome import Failure
from anchor_webtask._version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from http.cookiejar import CookieJar

    from anchor_webtask._secrets import Redactor, Sealed
    from anchor_webtask._settings import Settings

_PYTHON: Final = ".".join(map(str, sys.version_info[:3]))
USER_AGENT: Final = f"anchor-webtask/{__version__} python/{_PYTHON} httpx/{httpx.__version__}"
EXCHANGE_ERRORS: Final = (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, ssl.SSLError)
"""What an exchange fails with; anything else interrupts it, as a worker's time limit does that a signal raises.

httpx has no error of its own for what goes wrong with TLS after its handshake, on asyncio.
"""
CONNECT_SHARE: Final = 0.9
"""The connection gets a little less than the whole request, so that what strikes first says which of them it was."""
MOST_IDLE: Final = 20
"""How many connections of the generated client are kept; httpx's own default."""


@functools.cache
def ssl_context() -> ssl.SSLContext:
    """Return the context that all clients share: making one takes 20 ms."""
    return httpx.create_ssl_context()


class Prepared(NamedTuple):
    """A request that is ready to be sent but for what the client adds to each.

    httpx would parse the URL three times over, and merge headers anew, for each request; here it is done once for each
    task.
    """

    method: str
    url: httpx.URL
    headers: tuple[tuple[bytes, bytes], ...]
    content: bytes


def built(
    sealed: Sealed[Prepared],
    own_headers: Iterable[tuple[bytes, bytes]],
    limit: float,
    connect: float | None,
    trace: Callable[..., object],
) -> httpx.Request:
    """Return the request that `build_request` would, without what that does again for each.

    Args:
        sealed: The request.
        own_headers: Those that the client sends with each.
        limit: Seconds that it may take.
        connect: Seconds that the connection may take, if less.
        trace: Is told how far it has got.
    """
    prepared = sealed.open()
    content = prepared.content
    length = ((b"Content-Length", str(len(content)).encode()),) if content else ()
    request = httpx.Request(
        prepared.method,
        prepared.url,
        headers=httpx.Headers([*own_headers, *prepared.headers, *length]),
        stream=httpx.ByteStream(content),
        extensions={"timeout": _timeouts(limit, connect), "trace": trace},
    )
    request.read()  # for transports that look at the content
    return request


def _timeouts(limit: float, connect: float | None = None) -> dict[str, float]:
    """Return httpx's time-outs for a request that may take `limit` seconds, `connect` of them for the connection."""
    shortest = CONNECT_SHARE * limit if connect is None else min(connect, CONNECT_SHARE * limit)
    return {"connect": shortest, "read": limit, "write": limit, "pool": shortest}


def _httpx_arguments(settings: Settings, *, is_custom: bool) -> dict[str, Any]:
    arguments = {
        "base_url": settings.base_url,
        "auth": KeyAuth(settings.key, settings.base_url),
        "headers": {"Accept-Encoding": PACKING, "User-Agent": USER_AGENT},
        "timeout": httpx.Timeout(**_timeouts(settings.http_timeout)),
        "follow_redirects": False,
        "limits": httpx.Limits(max_connections=None, max_keepalive_connections=MOST_IDLE),
        # A proxy from the environment is for what leaves the machine; on loopback it would get the key in the clear.
        "trust_env": not settings.is_loopback,
    }
    return arguments if is_custom else {**arguments, "verify": ssl_context()}


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
    def cookies(self, cookies: httpx.Cookies | CookieJar | dict[str, str] | list[tuple[str, str]]) -> None:
        self._own_cookies = _OwnCookies(cookies)


def _limit(request: httpx.Request) -> float:
    read = request.extensions.get("timeout", {}).get("read")
    return math.inf if read is None else float(read)


def guard_of(settings: Settings, redact: Redactor) -> Guard:
    """Return a guard for one exchange."""
    return Guard(redact, settings.max_response_bytes, settings.clock)


class GuardedClient(_WithOwnCookies, httpx.Client):
    """An httpx client whose `send` returns whole, successful answers and raises this package's errors for all else."""

    def __init__(self, settings: Settings, transport: httpx.BaseTransport | None) -> None:
        _WithOwnCookies.__init__(self)
        arguments = _httpx_arguments(settings, is_custom=transport is not None)
        httpx.Client.__init__(self, transport=transport, event_hooks={"response": [hide_location]}, **arguments)
        self.own_headers = ((b"Host", self.base_url.netloc), *self.headers.raw)
        self._now = settings.clock.now
        self._new_guard = functools.partial(guard_of, settings, settings.redact)
        self.is_spent = False

    def send(self, request: httpx.Request, **_decided_here: Any) -> httpx.Response:
        """Send for the generated client; whether to stream, authenticate and redirect is decided here."""
        guard, given = self._new_guard(), request.extensions
        request.extensions = {"trace": guard.trace, **given}
        try:
            outcome = self.exchange(request, guard)
        finally:
            request.extensions = given
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
                    for piece in (response.content,) if response.is_stream_consumed else response.iter_raw():
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


class OneLoop:
    """The event loop in which something is first used."""

    def __init__(self) -> None:
        self._loop: object = None

    def stay(self) -> None:
        """Refuse another event loop.

        Raises:
            ConfigurationError: The running loop is another one.
        """
        import anyio.lowlevel

        loop = anyio.lowlevel.current_token()
        if self._loop is None:
            self._loop = loop
        elif self._loop != loop:
            raise ConfigurationError("this client was first used in another event loop: make one client for each loop")


class GuardedAsyncClient(_WithOwnCookies, httpx.AsyncClient):
    """The same for asyncio and trio, in the one event loop in which it is first used.

    Here a request ends at its limit also while its head is still on its way.
    """

    def __init__(self, settings: Settings, transport: httpx.AsyncBaseTransport | None) -> None:
        async def hide(response: httpx.Response) -> None:
            hide_location(response)

        _WithOwnCookies.__init__(self)
        arguments = _httpx_arguments(settings, is_custom=transport is not None)
        httpx.AsyncClient.__init__(self, transport=transport, event_hooks={"response": [hide]}, **arguments)
        self.own_headers = ((b"Host", self.base_url.netloc), *self.headers.raw)
        self._now = settings.clock.now
        self._new_guard = functools.partial(guard_of, settings, settings.redact)
        self._loop = OneLoop()
        self.is_spent = False

    async def send(self, request: httpx.Request, **_decided_here: Any) -> httpx.Response:
        """Send for the generated client; whether to stream, authenticate and redirect is decided here."""
        self._loop.stay()
        guard, given = self._new_guard(), request.extensions
        request.extensions = {"trace": guard.trace_async, **given}
        try:
            outcome = await self.exchange(request, guard)
        finally:
            request.extensions = given
        if isinstance(outcome, Failure):
            raise outcome.error
        return outcome.as_read()

    async def exchange(self, request: httpx.Request, guard: Guard) -> Answer | Failure:
        """Send, and return the whole answer, or why there is none."""
        import anyio

        limit = _limit(request)
        deadline = self._now() + limit
        answer: Answer | None = None
        failure: Failure | None = None
        with anyio.move_on_after(limit) as scope:
            try:
                response = await super().send(request, stream=True)
                try:
                    answer = guard.answer(response, deadline)
                    if answer.is_wanted and response.is_stream_consumed:
                        answer.add(response.content, self._now())
                    elif answer.is_wanted:
                        async for piece in response.aiter_raw():
                            if not answer.add(piece, self._now()):
                                # Breaking off would leave httpcore's generators half-way, and trio warn of each. What
                                # the answer says of itself comes before the time-out that this looks like.
                                scope.cancel()
                finally:
                    await response.aclose()
            except EXCHANGE_ERRORS as exception:
                failure = guard.broken(exception, limit)
            finally:
                if guard.broken_off is not None:
                    # httpcore 1.0.9 closes it after an error, but leaves it open after a cancellation: the caller's, or
                    # that of the limit, which comes before that of a handshake after a slow connect.
                    with anyio.CancelScope(shield=True):
                        await guard.broken_off.aclose()
        return guard.verdict(answer, guard.overdue(limit) if scope.cancelled_caught else failure, limit)

    async def aclose(self) -> None:
        """Close all connections."""
        self._loop.stay()
        await super().aclose()
