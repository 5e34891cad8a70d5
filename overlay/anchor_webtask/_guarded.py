"""httpx clients behind the guard, one for each face: how they are set up, and how they send."""

from __future__ import annotations

import functools
import math
import ssl
import sys
import threading
from typing import TYPE_CHECKING, Any, Final

import httpx

from anchor_webtask._answer import PACKING, Answer
from anchor_webtask._errors import ConfigurationError
from anchor_webtask._guard import DEADLINE, SHORTEST_READ, Guard, KeyAuth, hide_location
from anchor_webtask._outcome import Failure
from anchor_webtask._version import __version__

if TYPE_CHECKING:
    from http.cookiejar import CookieJar

    import anyio

    from anchor_webtask._secrets import Redactor
    from anchor_webtask._settings import Settings

_PYTHON: Final = ".".join(map(str, sys.version_info[:3]))
USER_AGENT: Final = f"anchor-webtask/{__version__} python/{_PYTHON} httpx/{httpx.__version__}"
EXCHANGE_ERRORS: Final = (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, ssl.SSLError)
"""What an exchange fails with; anything else interrupts it, as a worker's time limit does that a signal raises.

httpx has no error of its own for what goes wrong with TLS after its handshake, on asyncio.
"""
CONNECT_SHARE: Final = 0.9
"""The connection gets a little less than the whole request, so that what strikes first says which of them it was."""
AT_ONCE: Final = 30
"""How many starts and checks are on their way at once. More gain nothing: the process is busy, or the server is; and
each connection costs time in httpcore's pool, and one of the files that a process may have open."""


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
        # No limit here: what is held open must not keep a check waiting, and all else waits its turn, see AT_ONCE.
        "limits": httpx.Limits(max_connections=None, max_keepalive_connections=AT_ONCE),
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
    def cookies(self, cookies: httpx.Cookies | CookieJar | dict[str, str] | list[tuple[str, str]]) -> None:
        self._own_cookies = _OwnCookies(cookies)


def _limit(request: httpx.Request) -> float:
    read = request.extensions.get("timeout", {}).get("read")
    return math.inf if read is None else float(read)


def _shorten(request: httpx.Request, seconds: float) -> None:
    """Take the time that a request has waited for its turn from what it may take."""
    limits = request.extensions["timeout"]
    request.extensions["timeout"] = {name: max(limit - seconds, SHORTEST_READ) for name, limit in limits.items()}


def guard_of(settings: Settings, redact: Redactor) -> Guard:
    """Return a guard: one for an exchange, or one for all that the generated client sends."""
    return Guard(redact, settings.max_response_bytes, settings.clock)


class GuardedClient(_WithOwnCookies, httpx.Client):
    """An httpx client whose `send` returns whole, successful answers and raises this package's errors for all else."""

    def __init__(self, settings: Settings, transport: httpx.BaseTransport | None) -> None:
        _WithOwnCookies.__init__(self)
        arguments = _httpx_arguments(settings)
        httpx.Client.__init__(self, transport=transport, event_hooks={"response": [hide_location]}, **arguments)
        self.own_headers = ((b"Host", self.base_url.netloc), *self.headers.raw)
        self._now = settings.clock.now
        self._guard = guard_of(settings, settings.redact)
        self._turns = threading.Semaphore(AT_ONCE)
        self.is_spent = False

    def send(self, request: httpx.Request, **_decided_here: Any) -> httpx.Response:
        """Send for the generated client; whether to stream, authenticate and redirect is decided here."""
        outcome = self.exchange(request, self._guard)
        if isinstance(outcome, Failure):
            raise outcome.error
        return outcome.as_read()

    def exchange_in_turn(self, request: httpx.Request, guard: Guard) -> Answer | Failure:
        """Send when it is this request's turn; to wait for that is to wait for a connection."""
        if not self._turns.acquire(blocking=False):
            queued = self._now()
            if not self._turns.acquire(timeout=request.extensions["timeout"]["pool"]):
                return guard.broken(httpx.PoolTimeout(""), _limit(request))
            _shorten(request, self._now() - queued)
        try:
            return self.exchange(request, guard)
        finally:
            self._turns.release()

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
        self._guard = guard_of(settings, settings.redact)
        self._loop: object = None
        self._turns: anyio.CapacityLimiter | None = None
        self.is_spent = False  # cancellation comes only where httpcore awaits something, and it copes with that

    async def send(self, request: httpx.Request, **_decided_here: Any) -> httpx.Response:
        """Send for the generated client; whether to stream, authenticate and redirect is decided here."""
        outcome = await self.exchange(request, self._guard)
        if isinstance(outcome, Failure):
            raise outcome.error
        return outcome.as_read()

    async def exchange_in_turn(self, request: httpx.Request, guard: Guard) -> Answer | Failure:
        """Send when it is this request's turn; to wait for that is to wait for a connection."""
        import anyio

        self._stay_in_loop()
        if self._turns is None:
            self._turns = anyio.CapacityLimiter(AT_ONCE)
        try:
            self._turns.acquire_nowait()
        except anyio.WouldBlock:
            queued = self._now()
            with anyio.move_on_after(request.extensions["timeout"]["pool"]) as scope:
                await self._turns.acquire()
            if scope.cancelled_caught:
                return guard.broken(httpx.PoolTimeout(""), _limit(request))
            _shorten(request, self._now() - queued)
        try:
            return await self.exchange(request, guard)
        finally:
            self._turns.release()

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
