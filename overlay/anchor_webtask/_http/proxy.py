"""Which proxy and which TLS context a client uses: those of its arguments, else those of the environment."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Final

import httpx

from anchor_webtask._config import has_valid_host, is_loopback
from anchor_webtask._errors import ConfigurationError
from anchor_webtask._http.environment import check_certificate_files, proxy_setting
from anchor_webtask._redaction.secrets import Redactor, Sealed

if TYPE_CHECKING:
    from anchor_webtask._config import Settings

_SCHEMES: Final = ("http", "https", "socks5", "socks5h")
_NO_URL: Final = f"must be a URL such as http://proxy.example:3128, with one of the schemes {', '.join(_SCHEMES)}"


def connection_settings(
    settings: Settings, proxy: Sealed[object], ssl_context: object, transport: object | None
) -> Settings:
    """Return the settings of a client with its proxy and its TLS context.

    Args:
        settings: The settings so far.
        proxy: The client's argument `proxy`.
        ssl_context: The client's argument `ssl_context`.
        transport: The client's argument `transport`.

    Raises:
        ConfigurationError: An argument is invalid, or a setting of the environment would make every request fail.
    """
    for name, is_given in (("proxy", proxy.open() is not None), ("ssl_context", ssl_context is not None)):
        if is_given and transport is not None:
            raise ConfigurationError(f"{name} cannot be combined with transport: configure it in the transport")
    if ssl_context is not None and not isinstance(ssl_context, ssl.SSLContext):
        raise ConfigurationError(f"ssl_context must be an ssl.SSLContext, not {type(ssl_context).__name__}")
    if transport is not None:
        return settings
    found: Sealed[httpx.Proxy] | None = None
    if proxy.open() is not None:
        found = _checked("proxy", proxy)
        if settings.base_url.startswith("http:") and not is_loopback(found.open().url.host):
            raise ConfigurationError(
                "proxy must be a loopback address if base_url uses http, since the proxy would receive the API key "
                "unencrypted"
            )
    elif not settings.is_loopback:
        found = environment_proxy(settings.base_url)
    if ssl_context is None and settings.base_url.startswith("https:"):
        check_certificate_files()
    if found is not None and (own := _secrets(found)).open():
        secrets = Sealed((*settings.secrets.open(), *own.open()))
        settings = settings._replace(secrets=secrets, redact=Redactor(secrets))
    return settings._replace(proxy=found, ssl_context=ssl_context)


def environment_proxy(base_url: str) -> Sealed[httpx.Proxy] | None:
    """Return the proxy that the environment sets for a base URL.

    Raises:
        ConfigurationError: The proxy is invalid.
    """
    setting = proxy_setting(httpx.URL(base_url))
    if setting is None:
        return None
    variable, text = setting
    return _checked(f"the environment variable {variable}", text, "; correct it, unset it, or set NO_PROXY")


def _checked(name: str, given: Sealed[object], advice: str = "") -> Sealed[httpx.Proxy]:
    """Return a proxy. Neither the error nor its frames show the URL, since it may hold a password."""
    proxy = _parsed(given)
    if isinstance(proxy, Sealed):
        return proxy
    raise ConfigurationError(f"{name} {proxy}{advice}")


def _parsed(given: Sealed[object]) -> Sealed[httpx.Proxy] | str:
    """Return a proxy, or what is wrong with it."""
    value = given.open()
    if not isinstance(value, str | httpx.Proxy):
        return f"must be a URL as text, or an httpx.Proxy, not {type(value).__name__}"
    try:
        proxy = value if isinstance(value, httpx.Proxy) else httpx.Proxy(value if "://" in value else f"http://{value}")
    except (httpx.InvalidURL, ValueError):
        return _NO_URL
    url, port = proxy.url, proxy.url.port
    if url.scheme not in _SCHEMES or not has_valid_host(url) or (port is not None and not 0 < port < 65536):
        return _NO_URL
    from importlib.util import find_spec

    if url.scheme.startswith("socks") and not find_spec("socksio"):
        return "names a SOCKS proxy, which needs another package: pip install 'httpx[socks]'"
    return Sealed(proxy)


def _secrets(proxy: Sealed[httpx.Proxy]) -> Sealed[tuple[str, ...]]:
    """Return a proxy's secrets: its password, a user name without password, which is a token, and headers' values."""
    auth = proxy.open().auth or ("", "")
    return Sealed(tuple(filter(None, (auth[1] or auth[0], *proxy.open().headers.values()))))


def proxy_with_context(proxy: Sealed[httpx.Proxy], context: ssl.SSLContext) -> httpx.Proxy:
    """Return a proxy for a transport of httpx; by default, the connection to an https proxy uses the same context."""
    found = proxy.open()
    if found.url.scheme != "https" or found.ssl_context is not None:
        return found
    return httpx.Proxy(found.url, ssl_context=context, auth=found.auth, headers=found.headers)
