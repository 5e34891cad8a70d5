"""What a client is made with, and what is refused before it sends anything."""

from __future__ import annotations

import inspect
import ipaddress
import math
import os
from typing import TYPE_CHECKING, Final, NamedTuple

import httpx

from anchor_webtask import _clock
from anchor_webtask._errors import ConfigurationError
from anchor_webtask._secrets import Redactor, Sealed, guard_http_logs
from anchor_webtask._types import WaitPolicy

if TYPE_CHECKING:
    from anchor_webtask._clock import Clock

KEY_VARIABLE: Final = "ANCHORBROWSER_API_KEY"
BASE_URL_VARIABLE: Final = "ANCHORBROWSER_BASE_URL"
LONGEST: Final = 100_000_000
"""Three years, in seconds; sleeps and sockets overflow at more."""

DEFAULT_BASE_URL: Final = "https://api.anchorbrowser.io"


class Settings(NamedTuple):
    """What a client was made with."""

    key: Sealed[str]
    redact: Redactor
    base_url: str
    is_loopback: bool
    http_timeout: float
    wait: WaitPolicy
    max_response_bytes: int
    clock: Clock


def settings(
    key: Sealed[str | None],
    *,
    base_url: str | None,
    http_timeout: float,
    wait: WaitPolicy,
    max_response_bytes: int,
) -> Settings:
    """Check what a client is to be made with; what isn't given comes from the environment.

    Raises:
        ConfigurationError: Something can't be right.
    """
    found = Sealed(os.environ.get(KEY_VARIABLE)) if key.open() is None else key
    if problem := _key_problem(found):
        raise ConfigurationError(problem)
    known = Sealed(found.open() or "")
    url = _checked_base_url(os.environ.get(BASE_URL_VARIABLE) or DEFAULT_BASE_URL if base_url is None else base_url)
    if isinstance(max_response_bytes, bool) or not isinstance(max_response_bytes, int) or max_response_bytes < 1:
        raise ConfigurationError(f"max_response_bytes must be a whole number above 0, not {max_response_bytes!r}")
    guard_http_logs()
    return Settings(
        key=known,
        redact=Redactor(Sealed((known.open(),))),
        base_url=str(url).rstrip("/"),
        is_loopback=_is_loopback(url.host),
        http_timeout=checked_seconds("http_timeout", http_timeout),
        wait=checked_wait(wait, WaitPolicy()),
        max_response_bytes=max_response_bytes,
        clock=_clock.default,
    )


def checked_seconds(name: str, value: object) -> float:
    """Return a time-out for one request.

    Raises:
        ConfigurationError: It is no number of seconds above 0.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        raise ConfigurationError(f"{name} must be a number of seconds above 0, not {value!r}")
    return _not_too_long(name, value)


def checked_timeout(value: object) -> float | None:
    """Return the seconds of a wait, None for a wait without a deadline.

    Raises:
        ConfigurationError: It is neither None nor a number of seconds from 0 up.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise ConfigurationError(
            f"timeout must be a number of seconds from 0 up, or None for no deadline, not {value!r}"
        )
    return _not_too_long("timeout", value)


def _not_too_long(name: str, value: float) -> float:
    if value > LONGEST:
        raise ConfigurationError(f"{name} is in seconds, and {LONGEST} of them are the most")
    return float(value)


def checked_wait(value: WaitPolicy | None, default: WaitPolicy) -> WaitPolicy:
    """Return a wait's policy, by default the client's.

    Raises:
        ConfigurationError: It is no `WaitPolicy`.
    """
    if value is not None and not isinstance(value, WaitPolicy):
        raise ConfigurationError(f"wait must be a WaitPolicy, not {type(value).__name__}")
    return value or default


def check_callbacks(*, may_be_async: bool, **callbacks: object) -> None:
    """Refuse, before a task is paid for, what can't be called once it runs.

    Raises:
        ConfigurationError: One is given and can't be called, or is a coroutine function where nobody awaits it.
    """
    for name, callback in callbacks.items():
        if callback is not None and not callable(callback):
            raise ConfigurationError(f"{name} must be a function, not {type(callback).__name__}")
        if not may_be_async and inspect.iscoroutinefunction(callback):
            raise ConfigurationError(f"{name} is a coroutine function, which Anchor doesn't await: use AsyncAnchor")


def _key_problem(key: Sealed[str | None]) -> str | None:
    value = key.open()
    if value is None:
        return f"no API key: pass api_key, or set {KEY_VARIABLE}"
    if not isinstance(value, str):
        return f"the API key must be text, not {type(value).__name__}"
    if not value.strip():
        return f"the API key is empty: pass api_key, or set {KEY_VARIABLE}"
    if not all("!" <= character <= "~" for character in value):
        return "the API key has a character that no key has (white space, a line end, or not ASCII): copy it again"
    return None


def _checked_base_url(text: object) -> httpx.URL:
    if not isinstance(text, str):
        raise ConfigurationError(f"base_url must be text, not {type(text).__name__}")
    url, labels = httpx.URL(), [""]
    try:
        url = httpx.URL(text.strip())
        labels = url.raw_host.decode("ascii").removesuffix(".").split(".") if url.host else [""]
    except (httpx.InvalidURL, ValueError):  # the latter of host names that can't be decoded
        pass
    # Its text is not shown: a user part has a password.
    if not all(0 < len(label) < 64 for label in labels):
        raise ConfigurationError(f"base_url is no URL with scheme and host, such as {DEFAULT_BASE_URL}")
    if url.port is not None and not 0 < url.port < 65536:
        raise ConfigurationError("base_url has a port that is none: they go from 1 to 65535")
    if url.userinfo:
        raise ConfigurationError("base_url must have no user part: the key is sent in a header")
    if "?" in text or "#" in text:
        raise ConfigurationError("base_url must have no query and no fragment")
    if url.scheme != "https" and not (url.scheme == "http" and _is_loopback(url.host)):
        raise ConfigurationError(
            "base_url must be https: only to this machine itself (loopback) does the key go by http"
        )
    return url


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
