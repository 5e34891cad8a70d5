"""The proxies and certificate files that the environment sets: which apply to a base URL, and which are invalid."""

from __future__ import annotations

import ipaddress
import os
from typing import Final
from urllib.request import getproxies

import httpx

from anchor_webtask import _importing
from anchor_webtask._errors import ConfigurationError

_PROXY_SCHEMES: Final = ("http", "https", "socks5", "socks5h")
_CERTIFICATE_VARIABLES: Final = ("SSL_CERT_FILE", "SSL_CERT_DIR")


def proxy_for(url: httpx.URL) -> httpx.Proxy | None:
    """Return the environment's proxy for a URL; None if there is none, or if `NO_PROXY` names the URL's host.

    Raises:
        ConfigurationError: The proxy is invalid.
    """
    proxies = getproxies()
    name = next((name for name in (url.scheme, "all") if proxies.get(name)), None)
    if name is None or _is_excluded(url, proxies.get("no", "")):
        return None
    variable = next((each for each in (f"{name}_proxy", f"{name}_PROXY".upper()) if os.environ.get(each)), name)
    text = proxies[name]
    problem = f"must be a URL such as http://proxy.example:3128, with one of the schemes {', '.join(_PROXY_SCHEMES)}"
    try:
        proxy = httpx.Proxy(text if "://" in text else f"http://{text}")
        if proxy.url.scheme in _PROXY_SCHEMES and proxy.url.host:
            with _importing.lock:
                from importlib.util import find_spec

            if not proxy.url.scheme.startswith("socks") or find_spec("socksio"):
                return proxy
            problem = "names a SOCKS proxy, which needs another package: pip install 'httpx[socks]'"
    except (httpx.InvalidURL, ValueError):
        pass
    # The message does not show the value, since it may hold a password.
    raise ConfigurationError(f"the environment variable {variable} {problem}; correct it, unset it, or set NO_PROXY")


def check_environment(base_url: str) -> None:
    """Refuse settings of the environment that would make every request fail, before the first request is sent.

    Raises:
        ConfigurationError: The proxy is invalid, or a certificate file or folder does not exist.
    """
    proxy_for(httpx.URL(base_url))
    for variable in _CERTIFICATE_VARIABLES:
        path = os.environ.get(variable)
        if path and not os.path.exists(path):  # noqa: PTH110  as ssl does it
            raise ConfigurationError(
                f"the environment variable {variable} names {path!r}, which does not exist: correct it, or unset it"
            )


def certificate_state() -> tuple[object, ...]:
    """Return a value that changes when the certificate files that the environment names are changed."""
    state: list[object] = []
    for variable in _CERTIFICATE_VARIABLES:
        path = os.environ.get(variable)
        try:
            state.append((path, os.stat(path).st_mtime_ns if path else None))  # noqa: PTH116  as ssl does it
        except OSError:
            state.append((path, None))
    return tuple(state)


def _is_excluded(url: httpx.URL, no_proxy: str) -> bool:
    """Whether `NO_PROXY` names a URL's host: by name, domain, address, network, or with a port."""
    return any(_matches(url, entry.strip()) for entry in no_proxy.split(",") if entry.strip())


def _matches(url: httpx.URL, entry: str) -> bool:
    if entry == "*":
        return True
    entry = entry.rpartition("://")[2]
    host = url.host
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        pass  # the host or the entry is a name
    name, _, port = entry.partition(":") if entry.count(":") == 1 else (entry, "", "")
    if port and port != str(url.port or {"http": 80, "https": 443}.get(url.scheme)):
        return False
    name = name.strip("[]").removeprefix("*").lstrip(".").lower()
    return host == name or host.endswith(f".{name}")
