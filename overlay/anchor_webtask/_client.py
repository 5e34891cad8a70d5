"""The two clients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

import httpx

from anchor_webtask._async_tasks import AsyncTasks
from anchor_webtask._errors import ConfigurationError
from anchor_webtask._secrets import Sealed
from anchor_webtask._settings import settings
from anchor_webtask._tasks import Tasks
from anchor_webtask._transport import AsyncTransport, Transport
from anchor_webtask._types import WaitPolicy

if TYPE_CHECKING:
    from types import TracebackType

    from anchor_webtask._settings import Settings
    from anchor_webtask_api import AuthenticatedClient

MAX_RESPONSE_BYTES: Final = 64 * 1024 * 1024


class Anchor:
    """A client of AnchorBrowser's web-task API; a context manager. Threads may share it, event loops use `AsyncAnchor`.

    It sends at most 100 starts and 100 checks at once. Further ones wait their turn: a start as long as that takes, or
    until its deadline, and a check within the time that it has.

    Args:
        api_key: The API key; by default from `ANCHORBROWSER_API_KEY`.
        base_url: Where the API is; by default from `ANCHORBROWSER_BASE_URL`, else the public one. It may have a path,
            and must be https unless it is a loopback address.
        http_timeout: Seconds that one request may take, except `run_in_one_request`.
        wait: How often a wait looks.
        max_response_bytes: How large an answer may be once it's unpacked.
        transport: An httpx transport to send with, in place of one that is made here; proxies from the environment are
            not used then. A start that it raises `httpx.ConnectError` for counts as not sent, and may be sent again; a
            start that times out in a transport other than httpx's own counts as one that may have happened.

    Attributes:
        tasks: What can be done with web tasks.

    Raises:
        ConfigurationError: There is no key, or one of these can't be right.
    """

    def __init__(
        self,
        api_key: str | None = None,
        *,
        base_url: str | None = None,
        http_timeout: float = 30,
        wait: WaitPolicy = WaitPolicy(),  # noqa: B008  it is immutable
        max_response_bytes: int = MAX_RESPONSE_BYTES,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        key = Sealed(api_key)
        del api_key
        self._settings = settings(
            key, base_url=base_url, http_timeout=http_timeout, wait=wait, max_response_bytes=max_response_bytes
        )
        if transport is not None and not isinstance(transport, httpx.BaseTransport):
            raise ConfigurationError(f"transport must be an httpx.BaseTransport, not {type(transport).__name__}")
        self._transport = Transport(self._settings, transport)
        self.tasks: Final = Tasks(self._settings, self._transport)

    @property
    def api(self) -> AuthenticatedClient:
        """The generated client, for operations that `tasks` has not; it sends with the same key, limits and errors."""
        return self._transport.api()

    def close(self) -> None:
        """Close all connections. Tasks run on; handles of this client can't look at them any more."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return _repr(self)


class AsyncAnchor:
    """The same for asyncio and trio, in one event loop; see `Anchor` for arguments, attributes and errors."""

    def __init__(
        self,
        api_key: str | None = None,
        *,
        base_url: str | None = None,
        http_timeout: float = 30,
        wait: WaitPolicy = WaitPolicy(),  # noqa: B008  it is immutable
        max_response_bytes: int = MAX_RESPONSE_BYTES,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        key = Sealed(api_key)
        del api_key
        self._settings = settings(
            key, base_url=base_url, http_timeout=http_timeout, wait=wait, max_response_bytes=max_response_bytes
        )
        if transport is not None and not isinstance(transport, httpx.AsyncBaseTransport):
            raise ConfigurationError(f"transport must be an httpx.AsyncBaseTransport, not {type(transport).__name__}")
        self._transport = AsyncTransport(self._settings, transport)
        self.tasks: Final = AsyncTasks(self._settings, self._transport)

    @property
    def api(self) -> AuthenticatedClient:
        """The generated client, for operations that `tasks` has not; it sends with the same key, limits and errors."""
        return self._transport.api()

    async def aclose(self) -> None:
        """Close all connections. Tasks run on; handles of this client can't look at them any more."""
        await self._transport.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return _repr(self)


def _repr(client: Anchor | AsyncAnchor) -> str:
    """Return what a client shows; one that was refused has no settings, and a traceback may show it all the same."""
    made: Settings | None = vars(client).get("_settings")
    return f"<{type(client).__name__} {made.base_url if made else 'refused'}>"
