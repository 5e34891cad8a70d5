"""The settings of a client, and the checks that refuse invalid arguments before anything is sent."""

from __future__ import annotations

import inspect
import ipaddress
import math
import os
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

import httpx

from anchor_webtask import _world
from anchor_webtask._errors import ConfigurationError
from anchor_webtask._polling.policy import WaitPolicy
from anchor_webtask._redaction.secrets import Redactor, Sealed

if TYPE_CHECKING:
    import ssl

    from anchor_webtask._clock import Clock
    from anchor_webtask._world import World

KEY_VARIABLE: Final = "ANCHORBROWSER_API_KEY"
BASE_URL_VARIABLE: Final = "ANCHORBROWSER_BASE_URL"
MAX_SECONDS: Final = 100_000_000
"""About three years; sleeps and sockets overflow at larger values."""

DEFAULT_BASE_URL: Final = "https://api.anchorbrowser.io"


class Settings(NamedTuple):
    """The checked settings of a client.

    Attributes:
        secrets: The key, and the proxy's password, if there is one.
        redact: Removes these secrets from text.
        world: The world that the client was made in.
        proxy: The proxy for all requests.
        ssl_context: The TLS context for all connections; None for one with the certificates of the environment.
        given_base_url: The base URL if it is not the one of the environment: a command that is said needs it then.
    """

    key: Sealed[str]
    secrets: Sealed[tuple[str, ...]]
    redact: Redactor
    base_url: str
    is_loopback: bool
    http_timeout: float
    wait: WaitPolicy
    max_response_bytes: int
    world: World
    proxy: Sealed[httpx.Proxy] | None = None
    ssl_context: ssl.SSLContext | None = None
    given_base_url: str | None = None

    def knowing(self, redact: Redactor) -> Settings:
        """Return the same settings with a redactor that knows more secrets."""
        return self._replace(secrets=Sealed(redact.secrets()), redact=redact)

    @property
    def clock(self) -> Clock:
        """The clock of the client."""
        return self.world.clock


def settings(
    key: Sealed[str | None],
    *,
    base_url: str | None,
    http_timeout: float,
    wait: WaitPolicy,
    max_response_bytes: int,
) -> Settings:
    """Check the arguments of a client, and return its settings; environment variables may provide the key and base URL.

    Raises:
        ConfigurationError: An argument or an environment variable is invalid.
    """
    found, place = (Sealed(os.environ.get(KEY_VARIABLE)), f" in {KEY_VARIABLE}") if key.open() is None else (key, "")
    if problem := _key_problem(found, f"the API key{place}"):
        raise ConfigurationError(problem)
    known = Sealed(found.open() or "")
    if base_url is None:
        if _world.current.transport is None and os.environ.get(BASE_URL_VARIABLE) == _world.UNREACHABLE:
            raise ConfigurationError(f"this process was started by a test, and {_world.OTHER_PROCESS}")
        url = _checked_base_url(os.environ.get(BASE_URL_VARIABLE) or DEFAULT_BASE_URL, BASE_URL_VARIABLE)
    else:
        url = _checked_base_url(base_url, "base_url")
    if isinstance(max_response_bytes, bool) or not isinstance(max_response_bytes, int) or max_response_bytes < 1:
        raise ConfigurationError(f"max_response_bytes must be a whole number above 0, not {max_response_bytes!r}")
    secrets: Sealed[tuple[str, ...]] = Sealed((known.open(),))
    usual = (os.environ.get(BASE_URL_VARIABLE) or DEFAULT_BASE_URL).strip().rstrip("/")
    return Settings(
        key=known,
        secrets=secrets,
        redact=Redactor(secrets),
        base_url=str(url).rstrip("/"),
        is_loopback=is_loopback(url.host),
        http_timeout=checked_seconds("http_timeout", http_timeout),
        wait=checked_wait(wait, WaitPolicy()),
        max_response_bytes=max_response_bytes,
        world=_world.current,
        given_base_url=None if str(url).rstrip("/") == usual else str(url).rstrip("/"),
    )


def checked_seconds(name: str, value: object) -> float:
    """Return the timeout of one request, in seconds.

    Raises:
        ConfigurationError: The value is not a number above 0 and up to `MAX_SECONDS`.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        advice = _seconds_advice(value)
        raise ConfigurationError(f"{name} must be a number of seconds above 0, not {value!r}{advice}")
    return _not_too_long(name, value)


def checked_timeout(value: object) -> float | None:
    """Return the timeout of a wait in seconds; None means that the wait has no deadline.

    Raises:
        ConfigurationError: The value is neither None nor a number from 0 to `MAX_SECONDS`.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise ConfigurationError(
            "timeout must be a number of seconds, at least 0, or None for no deadline, not "
            f"{value!r}{_seconds_advice(value)}"
        )
    return _not_too_long("timeout", value)


def _seconds_advice(value: object) -> str:
    """Return how to pass a duration that is not a number."""
    if isinstance(value, timedelta):
        return ": pass .total_seconds()"
    if isinstance(value, str):
        return ": pass the number, without quotes"
    return ""


def _not_too_long(name: str, value: float) -> float:
    if value > MAX_SECONDS:
        raise ConfigurationError(f"{name} must be at most {MAX_SECONDS} seconds, not {value!r}")
    return float(value)


def checked_wait(value: WaitPolicy | None, default: WaitPolicy) -> WaitPolicy:
    """Return the policy of a wait; by default, the client's policy.

    Raises:
        ConfigurationError: The value is not a `WaitPolicy`.
    """
    if value is not None and not isinstance(value, WaitPolicy):
        raise ConfigurationError(
            f"wait must be a WaitPolicy, such as WaitPolicy(minimum=5), not {type(value).__name__}"
        )
    return value or default


def check_callbacks(*, may_be_async: bool, **callbacks: object) -> None:
    """Refuse invalid callbacks before a task is started and paid for.

    Raises:
        ConfigurationError: A callback cannot be called, or is a coroutine function passed to the sync client.
    """
    for name, callback in callbacks.items():
        if callback is not None and not callable(callback):
            raise ConfigurationError(f"{name} must be a function, not {type(callback).__name__}")
        is_async = inspect.iscoroutinefunction(callback) or inspect.iscoroutinefunction(
            getattr(callback, "__call__", None)  # noqa: B004  an object may have a coroutine function as its `__call__`
        )
        if not may_be_async and is_async:
            raise ConfigurationError(f"{name} is a coroutine function, which Anchor cannot await: use AsyncAnchor")


def check_transport(transport: object, needed: type, other: type) -> None:
    """Refuse an invalid transport.

    Args:
        transport: The client's argument; None for the client's own transport.
        needed: The class that it must have.
        other: The class of the transports of the other client, sync or async.

    Raises:
        ConfigurationError: The transport is invalid.
    """
    if transport is None or isinstance(transport, needed):
        return
    name, advice = type(transport).__name__, ""
    if isinstance(transport, other):
        advice = f": use {'Anchor' if other is httpx.BaseTransport else 'AsyncAnchor'}"
    elif callable(getattr(transport, "transport", None)):
        advice = ": pass its transport()"
    raise ConfigurationError(f"transport must be an httpx.{needed.__name__}, not {name}{advice}")


def _key_problem(key: Sealed[str | None], name: str) -> str | None:
    value = key.open()
    if value is None:
        return f"no API key: pass api_key, or set {KEY_VARIABLE}"
    if not isinstance(value, str):
        return f"{name} must be text, not {type(value).__name__}"
    if not value.strip():
        return f"{name} is empty: pass api_key, or set {KEY_VARIABLE}"
    if value[0] == value[-1] and value[0] in "\"'`" and len(value) > 1:
        return f"{name} is in quotes: remove them"
    if value.startswith(("http://", "https://")):
        return f"{name} is a URL: pass it as base_url=…"
    if not all("!" <= character <= "~" for character in value):
        return f"{name} has an invalid character (white space, a line break, or not ASCII): copy it again"
    return None


def _checked_base_url(text: object, name: str) -> httpx.URL:
    if not isinstance(text, str):
        advice = ": pass its base_url" if hasattr(text, "base_url") else ""
        if hasattr(text, "__enter__"):
            advice = ": enter it by `with … as server`, and pass server.base_url"
        raise ConfigurationError(f"{name} must be text, not {type(text).__name__}{advice}")
    url = httpx.URL()
    with suppress(httpx.InvalidURL, ValueError):  # a ValueError means that the host name cannot be decoded
        url = httpx.URL(text.strip())
    # The messages do not show the URL, since its user part may hold a password.
    if not has_valid_host(url):
        raise ConfigurationError(f"{name} must be a URL with scheme and host, such as {DEFAULT_BASE_URL}")
    if url.port is not None and not 0 < url.port < 65536:
        raise ConfigurationError(f"{name} has an invalid port; use 1 to 65535")
    if url.userinfo:
        raise ConfigurationError(f"{name} must not have a user part (user:password@): the API key is sent in a header")
    if "?" in text or "#" in text:
        raise ConfigurationError(f"{name} must not have a query (?…) or a fragment (#…)")
    if "v1" in url.path.split("/"):
        raise ConfigurationError(f"{name} must not contain /v1: the client adds /v1/… itself, so end before it")
    if url.scheme != "https" and not (url.scheme == "http" and is_loopback(url.host)):
        raise ConfigurationError(
            f"{name} must use https, to protect the API key; http is accepted only for loopback addresses"
        )
    return url


def has_valid_host(url: httpx.URL) -> bool:
    """Whether a URL has a host that can be looked up."""
    try:
        labels = url.raw_host.decode("ascii").removesuffix(".").split(".") if url.host else [""]
    except ValueError:  # the host name cannot be decoded
        return False
    return all(0 < len(label) < 64 for label in labels)


def is_loopback(host: str) -> bool:
    """Whether a host is `localhost` or a loopback address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
