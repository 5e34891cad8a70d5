"""The clients that users create: `Anchor`, and `AsyncAnchor` for asyncio and trio."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Never, NoReturn, Self

import httpx

from anchor_webtask import _importing
from anchor_webtask._config import check_transport, settings
from anchor_webtask._errors import ConfigurationError
from anchor_webtask._misuse import CLIENT_ARGUMENTS, CLIENT_HINTS, missing_attribute, refuse_positional, refuse_unknown
from anchor_webtask._polling.policy import WaitPolicy
from anchor_webtask._redaction.secrets import Sealed

if TYPE_CHECKING:
    import ssl
    from types import TracebackType

    from anchor_webtask._config import Settings
    from anchor_webtask._sessions.async_ import AsyncSessions
    from anchor_webtask._sessions.sync import Sessions
    from anchor_webtask_api import AuthenticatedClient

MAX_RESPONSE_BYTES: Final = 64 * 1024 * 1024
NOT_PICKLED: Final = (
    "a client cannot be pickled or copied, since it holds the API key and connections: make a client in each process, "
    "and pass a task by its token(), which tasks.resume() reads"
)


class Anchor:
    """A sync client for AnchorBrowser's web-task API; use it as a context manager, or close it.

    Threads may share it; in an event loop use `AsyncAnchor`. At most 100 requests that start tasks and 100 that check
    tasks are in flight at once; other requests queue. A start queues until it gets a slot or reaches its deadline. For
    a check, the time in the queue counts against its timeout.

    Args:
        api_key: The API key; by default from `ANCHORBROWSER_API_KEY`.
        base_url: The API's URL; by default from `ANCHORBROWSER_BASE_URL`, else the public API. It may have a path, and
            must use https unless its host is a loopback address.
        http_timeout: Seconds that one request may take, except in `run_in_one_request`.
        wait: How often a wait checks its task.
        max_response_bytes: The maximum size of a response after decompression, in bytes.
        proxy: The proxy for all requests: a URL, perhaps with user and password, or an `httpx.Proxy`. By default the
            proxy that the environment sets for `base_url`, if there is one, but none for a loopback address.
        ssl_context: The TLS context for all connections, also to an https proxy. It must not offer HTTP/2; with a
            proxy, httpx makes it offer HTTP/1.1. By default a context with the certificates that `SSL_CERT_FILE` or
            `SSL_CERT_DIR` names, else those of certifi.
        transport: An httpx transport that sends the requests. It replaces the client's own transport, so `proxy` and
            `ssl_context` cannot be combined with it, and proxies from the environment are not used. If it raises
            `httpx.ConnectError` at a start, the start counts as not sent and may be sent again. If a transport that is
            not httpx's own times out, the task may have started.

    Attributes:
        tasks: Starts web tasks and finds them again.

    Raises:
        ConfigurationError: There is no API key, an argument is invalid, or the environment has an invalid proxy or a
            certificate file that does not exist.
    """

    def __init__(
        self,
        api_key: str | None = None,
        *positional: Never,
        base_url: str | None = None,
        http_timeout: float = 30,
        wait: WaitPolicy = WaitPolicy(),  # noqa: B008  it is immutable
        max_response_bytes: int = MAX_RESPONSE_BYTES,
        proxy: str | httpx.Proxy | None = None,
        ssl_context: ssl.SSLContext | None = None,
        transport: httpx.BaseTransport | None = None,
        **unknown: Never,
    ) -> None:
        key, given_proxy, names = Sealed(api_key), Sealed[object](proxy), tuple(unknown)
        others: Sealed[tuple[Any, ...]] = Sealed(positional)
        del api_key, proxy, unknown, positional
        refuse_positional(type(self).__name__, "API key", others)
        refuse_unknown(type(self).__name__, names, CLIENT_ARGUMENTS)
        checked = settings(
            key, base_url=base_url, http_timeout=http_timeout, wait=wait, max_response_bytes=max_response_bytes
        )
        check_transport(transport, httpx.BaseTransport, httpx.AsyncBaseTransport)
        with _importing.lock:
            from anchor_webtask._http.proxy import connection_settings
            from anchor_webtask._http.sender import Sender
            from anchor_webtask._tasks.sync import Tasks

        self._settings = connection_settings(checked, given_proxy, ssl_context, transport)
        self._sender = Sender(self._settings, transport)
        self.tasks: Final = Tasks(self._settings, self._sender)

    @cached_property
    def sessions(self) -> Sessions:
        """Opens browser sessions, in which tasks run, and finds them again."""
        with _importing.lock:
            from anchor_webtask._sessions.sync import Sessions

        return Sessions(self._settings, self._sender)

    @property
    def api(self) -> AuthenticatedClient:
        """The generated client, for operations of the API that `tasks` does not have.

        It uses the key, timeout and size limit of this client, and raises the same errors as `tasks`.
        """
        with _importing.lock:
            from anchor_webtask._api.generated import generated_client

        return generated_client(self._settings.base_url).set_httpx_client(self._sender.api_client())

    def close(self) -> None:
        """Close all connections. Tasks keep running; handles of this client can no longer check them."""
        self._sender.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return _repr(self)

    def _repr_html_(self) -> str:
        """Return what a notebook shows."""
        return _repr_html(self)

    def __reduce__(self) -> NoReturn:
        raise TypeError(NOT_PICKLED)

    if not TYPE_CHECKING:  # type checkers must go on to refuse `async with`, and attributes that do not exist

        def __getattr__(self, name: str) -> NoReturn:
            raise missing_attribute(self, name, CLIENT_HINTS)

        async def __aenter__(self) -> NoReturn:
            raise ConfigurationError("Anchor is a sync client: write `with`, or use AsyncAnchor")

        async def __aexit__(self, *_: object) -> None: ...


class AsyncAnchor:
    """An async client for AnchorBrowser's web-task API; use it as an async context manager, or close it.

    It runs under asyncio and trio, and belongs to the event loop that uses it first. At most 100 requests that start
    tasks and 100 that check tasks are in flight at once; other requests queue. A start queues until it gets a slot or
    reaches its deadline. For a check, the time in the queue counts against its timeout.

    Args:
        api_key: The API key; by default from `ANCHORBROWSER_API_KEY`.
        base_url: The API's URL; by default from `ANCHORBROWSER_BASE_URL`, else the public API. It may have a path, and
            must use https unless its host is a loopback address.
        http_timeout: Seconds that one request may take, except in `run_in_one_request`.
        wait: How often a wait checks its task.
        max_response_bytes: The maximum size of a response after decompression, in bytes.
        proxy: The proxy for all requests: a URL, perhaps with user and password, or an `httpx.Proxy`. By default the
            proxy that the environment sets for `base_url`, if there is one, but none for a loopback address.
        ssl_context: The TLS context for all connections, also to an https proxy. It must not offer HTTP/2; with a
            proxy, httpx makes it offer HTTP/1.1. By default a context with the certificates that `SSL_CERT_FILE` or
            `SSL_CERT_DIR` names, else those of certifi.
        transport: An async httpx transport that sends the requests. It replaces the client's own transport, so `proxy`
            and `ssl_context` cannot be combined with it, and proxies from the environment are not used. If it raises
            `httpx.ConnectError` at a start, the start counts as not sent and may be sent again. If a transport that is
            not httpx's own times out, the task may have started.

    Attributes:
        tasks: Starts web tasks and finds them again.

    Raises:
        ConfigurationError: There is no API key, an argument is invalid, or the environment has an invalid proxy or a
            certificate file that does not exist.
    """

    def __init__(
        self,
        api_key: str | None = None,
        *positional: Never,
        base_url: str | None = None,
        http_timeout: float = 30,
        wait: WaitPolicy = WaitPolicy(),  # noqa: B008  it is immutable
        max_response_bytes: int = MAX_RESPONSE_BYTES,
        proxy: str | httpx.Proxy | None = None,
        ssl_context: ssl.SSLContext | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        **unknown: Never,
    ) -> None:
        key, given_proxy, names = Sealed(api_key), Sealed[object](proxy), tuple(unknown)
        others: Sealed[tuple[Any, ...]] = Sealed(positional)
        del api_key, proxy, unknown, positional
        refuse_positional(type(self).__name__, "API key", others)
        refuse_unknown(type(self).__name__, names, CLIENT_ARGUMENTS)
        checked = settings(
            key, base_url=base_url, http_timeout=http_timeout, wait=wait, max_response_bytes=max_response_bytes
        )
        check_transport(transport, httpx.AsyncBaseTransport, httpx.BaseTransport)
        with _importing.lock:
            from anchor_webtask._http.proxy import connection_settings
            from anchor_webtask._http.sender import AsyncSender
            from anchor_webtask._tasks.async_ import AsyncTasks

        self._settings = connection_settings(checked, given_proxy, ssl_context, transport)
        self._sender = AsyncSender(self._settings, transport)
        self.tasks: Final = AsyncTasks(self._settings, self._sender)

    @cached_property
    def sessions(self) -> AsyncSessions:
        """Opens browser sessions, in which tasks run, and finds them again."""
        with _importing.lock:
            from anchor_webtask._sessions.async_ import AsyncSessions

        return AsyncSessions(self._settings, self._sender)

    @property
    def api(self) -> AuthenticatedClient:
        """The generated client, for operations of the API that `tasks` does not have.

        It uses the key, timeout and size limit of this client, and raises the same errors as `tasks`.
        """
        with _importing.lock:
            from anchor_webtask._api.generated import generated_client

        return generated_client(self._settings.base_url).set_async_httpx_client(self._sender.api_client())

    async def aclose(self) -> None:
        """Close all connections. Tasks keep running; handles of this client can no longer check them.

        This may be called in another event loop than the client's own, also if that one has ended. There, it does not
        close a transport that was passed to the client.
        """
        await self._sender.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return _repr(self)

    def _repr_html_(self) -> str:
        """Return what a notebook shows."""
        return _repr_html(self)

    def __reduce__(self) -> NoReturn:
        raise TypeError(NOT_PICKLED)

    if not TYPE_CHECKING:  # type checkers must go on to refuse `with`, and attributes that do not exist

        def __getattr__(self, name: str) -> NoReturn:
            raise missing_attribute(self, name, CLIENT_HINTS)

        def __enter__(self) -> NoReturn:
            raise ConfigurationError("AsyncAnchor is an async client: write `async with`, or use Anchor")

        def __exit__(self, *_: object) -> None: ...


def _repr(client: Anchor | AsyncAnchor) -> str:
    """Return a client's repr, also for a client whose arguments were refused.

    Such a client has no settings, but a traceback may show its repr.
    """
    made: Settings | None = vars(client).get("_settings")
    return f"<{type(client).__name__} {made.base_url if made else 'with invalid arguments'}>"


def _repr_html(client: Anchor | AsyncAnchor) -> str:
    """Return what a notebook shows of a client, also of one whose arguments were refused."""
    with _importing.lock:
        from anchor_webtask._display import objects

    made: Settings | None = vars(client).get("_settings")
    return objects.client(type(client).__name__, made.base_url if made else None)
