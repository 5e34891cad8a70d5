"""The proxies and certificate files that the environment sets: which apply to a base URL, and which are missing."""

from __future__ import annotations

import ipaddress
import os
from contextlib import suppress
from typing import Final
from urllib.request import getproxies

import httpx

from anchor_webtask._errors import ConfigurationError
from anchor_webtask._redaction.secrets import Sealed

_CERTIFICATE_VARIABLES: Final = ("SSL_CERT_FILE", "SSL_CERT_DIR")
_PORTS: Final = {"http": 80, "https": 443}


def port_of(url: httpx.URL) -> int:
    """Return the port of a URL: that of its scheme if it names none, and 80 if the scheme has none."""
    return url.port or _PORTS.get(url.scheme, 80)


def proxy_setting(url: httpx.URL) -> tuple[str, Sealed[object]] | None:
    """Return the environment's proxy for a URL, and the name of the variable that sets it.

    The result is None if there is no proxy, or if `NO_PROXY` names the URL's host.
    """
    proxies = getproxies()
    name = next((name for name in (url.scheme, "all") if proxies.get(name)), None)
    if name is None or _is_excluded(url, proxies.get("no", "")):
        return None
    variable = next((each for each in (f"{name}_proxy", f"{name}_PROXY".upper()) if os.environ.get(each)), name)
    return variable, Sealed(proxies[name])


def check_certificate_files() -> None:
    """Refuse certificate files that would make every request fail, before the first request is sent.

    Raises:
        ConfigurationError: A certificate file or folder does not exist, or the folder of `SSLKEYLOGFILE`.
    """
    for variable in _CERTIFICATE_VARIABLES:
        path = os.environ.get(variable)
        if path and not os.path.exists(path):  # noqa: PTH110  as ssl does it
            raise ConfigurationError(
                f"the environment variable {variable} names {path!r}, which does not exist: correct it, or unset it"
            )

    log = os.environ.get("SSLKEYLOGFILE")  # ssl writes each connection's keys to this file
    if log and not os.path.isdir(os.path.dirname(log) or "."):  # noqa: PTH112, PTH120  as ssl does it
        raise ConfigurationError(
            f"the environment variable SSLKEYLOGFILE names {log!r}, whose folder does not exist: correct or unset it"
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
    """Whether `NO_PROXY` names a URL's host: by name, domain, address or network, perhaps with a scheme or a port."""
    return any(_matches(url, entry.strip()) for entry in no_proxy.split(",") if entry.strip())


def _matches(url: httpx.URL, entry: str) -> bool:
    scheme, has_scheme, rest = entry.rpartition("://")
    if has_scheme:
        rest = rest.partition("/")[0]
    name, port = _split_port(rest)
    if scheme.lower() not in {"", "all", url.scheme} or port not in {"", str(port_of(url))}:
        return False
    if name == "*":
        return True
    host = url.raw_host.decode("ascii").rstrip(".")
    if (address := _address(host)) is not None:
        with suppress(ValueError):  # the entry is a name
            return address in ipaddress.ip_network(name, strict=False)
        return False
    name = _encoded(name.removeprefix("*").strip("."))
    return bool(name) and (host == name or host.endswith(f".{name}"))


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    with suppress(ValueError):
        return ipaddress.ip_address(host)
    return None


def _split_port(entry: str) -> tuple[str, str]:
    """Return an entry's name, address or network without brackets, and its port, which may be empty."""
    if entry.startswith("["):
        address, _, rest = entry[1:].partition("]")
        return (address, rest[1:]) if rest.startswith(":") else (address + rest, "")
    name, _, port = entry.partition(":") if entry.count(":") == 1 else (entry, "", "")
    return name, port


def _encoded(name: str) -> str:
    """Return a host name as URLs encode it; empty if it is not valid."""
    try:
        return httpx.URL(f"http://{name}").raw_host.decode("ascii") if name else ""
    except httpx.InvalidURL:
        return ""
