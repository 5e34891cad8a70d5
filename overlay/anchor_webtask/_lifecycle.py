"""When httpx clients are made, and when they may no longer be used."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Final, Generic, Protocol, TypeVar

from anchor_webtask._errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

CLOSED: Final = "this client is closed: make a new one"

T = TypeVar("T")


def made(make: Callable[[], T]) -> T:
    """Make something of httpx's.

    Raises:
        ConfigurationError: It can't be made, as the environment is.
    """
    try:
        return make()
    except Exception as error:  # noqa: BLE001  httpx and ssl raise what they like for what the environment says
        kind = type(error).__name__
    # Not its text, which may quote a proxy's password.
    raise ConfigurationError(
        f"no HTTP client can be made ({kind}): check SSL_CERT_FILE, SSL_CERT_DIR and the proxies in the environment"
    )


class Client(Protocol):
    """What is made anew once it's closed, or spent by an interruption."""

    is_spent: bool

    @property
    def is_closed(self) -> bool:
        """Whether it was closed."""
        ...


ClientT = TypeVar("ClientT", bound=Client)


class Lifecycle(Generic[ClientT]):
    """Makes one when it is first needed, an httpx client or what lends them, and notices a close and a fork.

    After a fork parent and child would read each other's answers from one connection, so the child gets a new client. A
    custom transport can't be made anew, so with one the child is refused.
    """

    def __init__(self, make: Callable[[], ClientT], *, is_custom: bool) -> None:
        self._make = make
        self._is_custom = is_custom
        self._client: ClientT | None = None
        self._inherited: list[ClientT] = []  # kept, since closing them here would disturb the parent's
        self._pid = os.getpid()
        self._lock = threading.RLock()  # a signal handler may close while a client is made
        self._is_closed = False

    def client(self) -> ClientT:
        """Return the client of this process.

        Raises:
            ConfigurationError: It was closed, or has a custom transport from before a fork.
        """
        if self._pid != os.getpid():
            if self._is_custom:
                raise ConfigurationError(
                    "a client with a custom transport can't go on in a forked process: make one here"
                )
            if self._client is not None:
                self._inherited.append(self._client)
                self._client = None
            self._lock = threading.RLock()  # the old one may be held by a thread that the child doesn't have
            self._pid = os.getpid()
        with self._lock:
            if self._is_closed:
                raise ConfigurationError(CLOSED)
            if self._client is None or self._client.is_closed or self._client.is_spent:
                self._client = made(self._make)
            return self._client

    def close(self) -> ClientT | None:
        """Refuse further use, and return the client that is to be closed, if there is one of this process.

        A second time it returns the same, since closing may have been interrupted; not one that was spent, which would
        wait for a lock that is held for ever.
        """
        self._is_closed = True
        if self._pid != os.getpid():
            return None
        with self._lock:
            return None if self._client is None or self._client.is_spent else self._client
