"""Says in plain words why there is no connection: where it should lead, what went wrong, and what to do.

Only the types and the codes of exceptions decide. Their texts are never shown, since they may quote a server, or hold a
proxy's password.
"""

from __future__ import annotations

import errno
import re
import socket
import ssl
from typing import TYPE_CHECKING, Any, Final

import httpx

from anchor_webtask._http.environment import port_of

if TYPE_CHECKING:
    from collections.abc import Mapping


_CHECK: Final = "check {setting} and the network"
_NO_HOST: Final = f"no such host; {_CHECK}"
_CLOSED: Final = "the {peer} closed the connection during the TLS handshake; check {setting}"
_NO_TLS: Final = "the {peer} does not use TLS on this port; check the scheme and the port in {setting}"
_TRUST: Final = "set SSL_CERT_FILE to a file with it, or pass ssl_context"

_SYSTEM: Final[Mapping[int, str]] = {
    errno.EMFILE: "too many files are open; raise the limit (ulimit -n), or run fewer tasks at once",
    errno.ENFILE: "too many files are open on this system; run fewer tasks at once",
    errno.ECONNREFUSED: "the connection was refused; check {setting}",
    errno.ECONNRESET: _CLOSED,
    errno.ECONNABORTED: _CLOSED,
    errno.EPIPE: _CLOSED,
    errno.ETIMEDOUT: f"the {{peer}} did not respond; {_CHECK}",
    errno.EACCES: "this system does not permit it; check its firewall",
    errno.EPERM: "this system does not permit it; check its firewall",
    errno.EADDRNOTAVAIL: "this system has no address or port for it; run fewer tasks at once, or check the network",
    errno.EHOSTUNREACH: f"the host is unreachable; {_CHECK}",
    errno.ENETUNREACH: f"the network is unreachable; {_CHECK}",
    errno.ENETDOWN: f"the network is unreachable; {_CHECK}",
}
"""Reasons by `errno`. Several addresses of a host can fail for different reasons; the first one here is shown."""
_LOOKUPS: Final[Mapping[int, str]] = {
    socket.EAI_NONAME: _NO_HOST,
    getattr(socket, "EAI_NODATA", socket.EAI_NONAME): _NO_HOST,
    socket.EAI_AGAIN: "the name server did not respond; check the network",
}
_OTHER_HOST: Final = "the {peer}'s certificate is for another host name; check {setting}"
_UNKNOWN_ISSUER: Final = (
    "the {peer}'s certificate was issued by an authority that is not trusted here; to trust the authority's "
    f"certificate, {_TRUST}"
)
_CERTIFICATES: Final[Mapping[int, str]] = {  # the codes are OpenSSL's X509_V_ERR_…
    2: _UNKNOWN_ISSUER,
    9: "the {peer}'s certificate is not valid yet; check the clock of this computer",
    10: "the {peer}'s certificate has expired; check the clock of this computer",
    18: f"the {{peer}}'s certificate is self-signed; to trust it, {_TRUST}",
    19: _UNKNOWN_ISSUER,
    20: _UNKNOWN_ISSUER,
    21: _UNKNOWN_ISSUER,
    23: "the {peer}'s certificate was revoked",
    62: _OTHER_HOST,
    64: _OTHER_HOST,
}
_NO_ERRORS_OF_TLS: Final = (ssl.SSLWantReadError, ssl.SSLWantWriteError, ssl.SSLEOFError, ssl.SSLZeroReturnError)
_ANSWERS_WITHOUT_TLS: Final = frozenset(
    {"WRONG_VERSION_NUMBER", "UNKNOWN_PROTOCOL", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG"}
)
"""OpenSSL's names for a first record that is not of TLS."""
_PROXY_STATUSES: Final[Mapping[int, str]] = {
    403: ": it does not permit this connection",
    407: ": it requires a valid user and password in the proxy's URL",
    502: ": it cannot reach the server; check base_url",
    503: ": it cannot reach the server; check base_url",
    504: ": it cannot reach the server; check base_url",
}


class NotConnected(httpx.ConnectError):
    """There is no connection, for a reason that its text says in this package's own words."""


class UnusableProtocol(NotConnected):
    """The connection speaks a protocol that this package does not; another attempt would not change that."""


class Tunnel:
    """How far a transport of httpx has got with a connection, as its trace events say.

    Attributes:
        endpoint: Host and port that the transport connects to: those of the proxy, if there is one.
        is_asked: Whether the proxy was asked for a connection to the server.
        is_open: Whether the proxy has made that connection.
        status: The HTTP status of the proxy's response, if there is one.
    """

    __slots__ = ("endpoint", "is_asked", "is_open", "status")

    def __init__(self) -> None:
        self.endpoint: str | None = None
        self.is_asked = False
        self.is_open = False
        self.status: int | None = None

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Record an event of httpcore; other transports may report events of the same names with other contents."""
        if event.endswith(".connect_tcp.started") and "host" in info:
            self.endpoint = _host_and_port(info["host"], info["port"])
        elif event in {"http11.send_request_headers.started", "socks.setup_socks5_connection.started"}:
            self.is_asked = True
        elif event == "http11.receive_response_headers.complete" and isinstance(info.get("return_value"), tuple):
            self.status = info["return_value"][1]
        elif event in {"proxy.start_tls.started", "socks.start_tls.started"}:
            self.is_open = True


class Place:
    """Where there is no connection.

    Attributes:
        text: The beginning of the message.
        peer: Who should be at the other end.
        setting: Where its address comes from.
        proxy: The proxy that was asked for the connection and has not made it; None if there is none.
        status: The HTTP status with which this proxy has responded; None if it has not.
    """

    __slots__ = ("peer", "proxy", "setting", "status", "text")

    def __init__(
        self,
        text: str,
        peer: str = "server",
        setting: str = "base_url",
        proxy: str | None = None,
        status: int | None = None,
    ) -> None:
        self.text = text
        self.peer = peer
        self.setting = setting
        self.proxy = proxy
        self.status = status


def place_of(url: httpx.URL | None, tunnel: Tunnel | None) -> Place:
    """Return where there is no connection.

    Args:
        url: The URL of the request; None if it is not known.
        tunnel: What the transport has reported; None if it reports nothing.
    """
    if url is None:
        return Place("no connection to the server")
    target = _host_and_port(url.raw_host.decode("ascii"), port_of(url))
    text = f"no connection to {target}"
    if tunnel is None or tunnel.endpoint in {None, target}:
        return Place(text)
    if tunnel.is_open:
        return Place(f"{text} through the proxy {tunnel.endpoint}")
    if tunnel.is_asked:
        return Place(text, proxy=tunnel.endpoint, status=tunnel.status)
    return Place(f"no connection to the proxy {tunnel.endpoint}", "proxy", "the proxy's URL")


def _host_and_port(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class Causes:
    """An exception and all exceptions that led to it, also those of several addresses of one host.

    Args:
        exception: The exception of httpx.
        outer: The exception that was being handled before the request; it led to nothing here.
    """

    def __init__(self, exception: BaseException, outer: BaseException | None) -> None:
        self._all: list[BaseException] = []
        pending: list[BaseException | None] = [exception]
        while pending:
            each = pending.pop()
            if each is None or each is outer or any(each is known for known in self._all):
                continue
            self._all.append(each)
            inner = each.exceptions if isinstance(each, BaseExceptionGroup) else ()
            pending += (each.__context__, each.__cause__, *inner)

    def is_permanent(self) -> bool:
        """Whether another attempt would fail too, since a certificate or the chosen protocol is not valid."""
        return any(isinstance(each, ssl.SSLCertVerificationError | UnusableProtocol) for each in self._all)

    def has_proxy_error(self) -> bool:
        """Whether a proxy has refused a connection."""
        return any(isinstance(each, httpx.ProxyError) for each in self._all)

    def has_system_timeout(self) -> bool:
        """Whether the system gave up connecting, before any timeout of the request."""
        return any(isinstance(each, OSError) and each.errno == errno.ETIMEDOUT for each in self._all)

    def reason(self) -> str:
        """Return the reason, followed by advice; `{peer}` and `{setting}` in it stand for those of a `Place`."""
        for find in (self._own, self._tls, self._lookup, self._system, self._closed):
            if reason := find():
                return reason
        first, *others = self._all
        libraries = ("httpx", "httpcore", "h11")
        cause = next((each for each in others if not type(each).__module__.startswith(libraries)), first)
        return f"the reason is unknown ({type(cause).__name__})"

    def _own(self) -> str | None:
        return next((str(each) for each in self._all if isinstance(each, NotConnected)), None)

    def _tls(self) -> str | None:
        for each in self._all:
            if isinstance(each, ssl.SSLCertVerificationError):
                code: int | None = getattr(each, "verify_code", None)
                return _CERTIFICATES.get(code or 0) or f"the {{peer}}'s certificate is not valid (code {code})"
            if isinstance(each, ssl.SSLError) and not isinstance(each, _NO_ERRORS_OF_TLS):
                name = str(each.reason)
                if not re.fullmatch("[A-Z0-9_]+", name):  # OpenSSL's own names look so
                    name = type(each).__name__
                return _NO_TLS if name in _ANSWERS_WITHOUT_TLS else f"the TLS handshake failed ({name})"
        return None

    def _lookup(self) -> str | None:
        for each in self._all:
            if isinstance(each, UnicodeError):  # a host name that cannot be encoded
                return _NO_HOST
            if isinstance(each, socket.gaierror):
                return _LOOKUPS.get(each.errno or 0, f"the host name cannot be resolved (code {each.errno}); {_CHECK}")
        return None

    def _system(self) -> str | None:
        codes = {
            each.errno
            for each in self._all
            if isinstance(each, OSError) and each.errno and not isinstance(each, ssl.SSLError)
        }
        known = next((reason for code, reason in _SYSTEM.items() if code in codes), None)
        names = ", ".join(errno.errorcode.get(code, str(code)) for code in sorted(codes))
        return known or (f"the system reports {names}" if codes else None)

    def _closed(self) -> str | None:
        return _CLOSED if any(isinstance(each, ssl.SSLEOFError) for each in self._all) else None


def not_connected(place: Place, causes: Causes) -> str:
    """Return the message of an error that says why there is no connection."""
    if place.proxy is None:
        return f"{place.text}: {causes.reason().format(peer=place.peer, setting=place.setting)}"
    if place.status is not None:
        meaning = _PROXY_STATUSES.get(place.status, "")
        return f"{place.text}: the proxy {place.proxy} responded with HTTP {place.status}{meaning}"
    if causes.has_proxy_error():
        return (
            f"{place.text}: the proxy {place.proxy} refused it; check base_url, and the user and password of the proxy"
        )
    return f"{place.text}: the proxy {place.proxy} gave no valid response; check the proxy's URL"


def timed_out(place: Place, limit: float) -> str:
    """Return the message of an error that says that there was no connection within a time limit."""
    who = "" if place.proxy is None else f": the proxy {place.proxy} did not make it"
    return f"{place.text} within {limit:g} s{who}; {_CHECK.format(setting=place.setting)}"
