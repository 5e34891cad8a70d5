"""Creates HTTP clients on first use, replaces them after a fork or an interruption, refuses them after a close."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Final, Generic, Protocol, TypeVar

from anchor_webtask import _importing, _world
from anchor_webtask._errors import ConfigurationError
from anchor_webtask._signals import reraise_from_handler

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchor_webtask._world import World

CLOSED: Final = "this client is closed: make a new one, or call inside its `with` block"

T = TypeVar("T")


def create(make: Callable[[], T]) -> T:
    """Create an httpx client.

    Raises:
        ConfigurationError: The environment has an invalid proxy or certificate setting.
    """
    try:
        return make()
    except ConfigurationError:
        raise
    except (OSError, ValueError, ImportError) as error:
        reraise_from_handler(error)
        kind = type(error).__name__
    # The error's own text may quote a proxy's password.
    raise ConfigurationError(
        f"cannot make an HTTP client ({kind}): check SSL_CERT_FILE, SSL_CERT_DIR, SSLKEYLOGFILE and the proxy "
        "variables in the environment"
    )


def _why_not_here(made_in: World) -> str:
    """Return why a client of this world must not be used now."""
    if _world.current.pid not in (None, os.getpid()):
        return f"this process was forked by a test, and {_world.OTHER_PROCESS}"
    if made_in.transport is None:
        return "this client was made before testing.install(), so it would use the real API: make it inside"
    return "this client was made inside testing.install(), which has ended: make a new one"


class Client(Protocol):
    """A client, which is replaced if it is closed, or if an interruption has broken it."""

    @property
    def is_broken(self) -> bool:
        """Whether an interruption broke it."""
        ...

    @property
    def is_closed(self) -> bool:
        """Whether the client is closed."""
        ...


ClientT = TypeVar("ClientT", bound=Client)


class Lifecycle(Generic[ClientT]):
    """Creates a client on first use, replaces it after a fork or an interruption, and refuses all use after a close.

    After a fork, parent and child would read each other's responses from one connection, so the child gets a new
    client. A custom transport cannot be created again, so a client with a custom transport cannot be used in the child.
    """

    def __init__(self, make: Callable[[], ClientT], world: World, *, is_custom: bool) -> None:
        self._make = make
        self._world = world
        self._is_custom = is_custom
        self._client: ClientT | None = None
        self._inherited: list[ClientT] = []  # kept, since closing them would disturb the parent's connections
        self._pid = os.getpid()
        self._lock = threading.RLock()  # reentrant: a signal handler may call close() while a client is created
        self._is_closed = False

    def client(self) -> ClientT:
        """Return the client of this process.

        Raises:
            ConfigurationError: The client is closed, belongs to another world, or has a custom transport and this is a
                forked process.
        """
        if self._world is not _world.current or self._world.pid not in (None, os.getpid()):
            raise ConfigurationError(_why_not_here(self._world))
        if self._pid != os.getpid():
            if self._is_custom:
                raise ConfigurationError(
                    "a client with a custom transport cannot be used in a forked process: make a new one in the child"
                )
            if self._client is not None:
                self._inherited.append(self._client)
                self._client = None
            self._lock = threading.RLock()  # the old lock may be held by a thread that the child does not have
            self._pid = os.getpid()
        if (client := self._usable()) is not None:
            return client
        # A client imports its transport. That lock is taken first: a signal handler may interrupt its owner and call
        # `close`, which needs the other lock.
        with _importing.lock, self._lock:
            client = self._usable()
            if client is None:
                client = self._client = create(self._make)
            return client

    def _usable(self) -> ClientT | None:
        """Return the client; None if there is none, or if it must be replaced."""
        if self._is_closed:
            raise ConfigurationError(CLOSED)
        client = self._client
        return None if client is None or client.is_closed or client.is_broken else client

    def close(self) -> ClientT | None:
        """Refuse all later use, and return the client that the caller must close; None if this process has none.

        A second call returns the same client, since the first close may have been interrupted. A broken client is not
        returned: closing it could wait for a lock that is never released.
        """
        self._is_closed = True
        if self._pid != os.getpid():
            return None
        with self._lock:
            return None if self._client is None or self._client.is_broken else self._client
