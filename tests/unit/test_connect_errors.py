"""The words for errors of connecting, by the types and codes of exceptions; `tests/faults/` tests real connections."""

from __future__ import annotations

import errno
import socket
import ssl
from typing import Any

import httpcore
import httpx
import pytest

from anchor_webtask._http.connect_errors import NotConnected, Tunnel, place_of
from anchor_webtask._http.failures import Guard
from anchor_webtask._polling.outcomes import Failure, Fault
from anchor_webtask._redaction.secrets import Redactor, Sealed
from tests.support.clocks import InstantClock

SECRET = "hidden-0123456789"
URL = httpx.URL("https://api.example/v1")
PROXY = {"host": "proxy.example", "port": 3128}
CONNECTED = "connection.connect_tcp.started"
ASKED = "http11.send_request_headers.started"
RESPONDED = "http11.receive_response_headers.complete"
OPEN = "proxy.start_tls.started"
CONNECT_REQUEST = {"request": httpcore.Request(b"CONNECT", "http://proxy.example")}


def caused_by(*causes: BaseException, by: type[httpx.TransportError] = httpx.ConnectError) -> httpx.TransportError:
    """Return an exception of httpx with a cause, or with a group of causes, below an exception of httpcore's kind."""
    error, between = by(SECRET), OSError(SECRET)
    error.__cause__ = between
    between.__cause__ = causes[0] if len(causes) == 1 else ExceptionGroup(SECRET, [*causes])  # type: ignore[type-var]
    return error


def failure(error: Exception, *events: tuple[str, dict[str, Any]], url: httpx.URL | None = URL) -> Failure:
    """Return a guard's failure for an exception, after these events of the transport; it must show no secret."""
    guard = Guard(Redactor(Sealed(())), 100, InstantClock())
    guard.url = url
    for event in events:
        guard.trace(*event)
    found = guard.broken(error, 30)
    assert SECRET not in str(found.error)
    return found


def reason(error: Exception) -> str:
    """Return the reason that the message of an error says, without the place before it."""
    place, _, text = str(failure(error).error).partition(": ")
    assert place == "no connection to api.example:443"
    return text


def certificate_error(code: int) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, SECRET)
    error.verify_code = code
    return error


def tls_error(name: str) -> ssl.SSLError:
    error = ssl.SSLError(1, SECRET)
    error.reason = name
    return error


@pytest.mark.parametrize(
    ("cause", "text"),
    [
        (OSError(errno.ECONNREFUSED, SECRET), "the connection was refused; check base_url"),
        (OSError(errno.ENETUNREACH, SECRET), "the network is unreachable; check base_url and the network"),
        (OSError(errno.EHOSTUNREACH, SECRET), "the host is unreachable; check base_url and the network"),
        (OSError(errno.ETIMEDOUT, SECRET), "the server did not respond; check base_url and the network"),
        (
            OSError(errno.EMFILE, SECRET),
            "too many files are open; raise the limit (ulimit -n), or run fewer tasks at once",
        ),
        (OSError(errno.ENFILE, SECRET), "too many files are open on this system; run fewer tasks at once"),
        (OSError(errno.EACCES, SECRET), "this system does not permit it; check its firewall"),
        (OSError(errno.EXDEV, SECRET), "the system reports EXDEV"),
        (OSError(123_456, SECRET), "the system reports 123456"),
        (OSError(SECRET), "the reason is unknown (OSError)"),
        (RuntimeError(SECRET), "the reason is unknown (OSError)"),
        (socket.gaierror(socket.EAI_NONAME, SECRET), "no such host; check base_url and the network"),
        (socket.gaierror(socket.EAI_AGAIN, SECRET), "the name server did not respond; check the network"),
        (
            socket.gaierror(socket.EAI_FAMILY, SECRET),
            f"the host name cannot be resolved (code {socket.EAI_FAMILY}); check base_url and the network",
        ),
        (UnicodeError(SECRET), "no such host; check base_url and the network"),
        (ssl.SSLEOFError(8, SECRET), "the server closed the connection during the TLS handshake; check base_url"),
        (
            tls_error("HTTP_REQUEST"),
            "the server does not use TLS on this port; check the scheme and the port in base_url",
        ),
        (tls_error("NO_CIPHERS_AVAILABLE"), "the TLS handshake failed (NO_CIPHERS_AVAILABLE)"),
        (tls_error(f"{{{SECRET}}}"), "the TLS handshake failed (SSLError)"),
        (certificate_error(23), "the server's certificate was revoked"),
        (certificate_error(62), "the server's certificate is for another host name; check base_url"),
        (certificate_error(99), "the server's certificate is not valid (code 99)"),
    ],
    ids=repr,
)
def test_reason_depends_on_the_type_and_the_code_of_the_cause(cause: BaseException, text: str) -> None:
    assert reason(caused_by(cause)) == text


@pytest.mark.parametrize(
    ("causes", "text"),
    [
        ((errno.ENETUNREACH, errno.ECONNREFUSED), "the connection was refused"),
        ((errno.ECONNREFUSED, errno.ENETUNREACH), "the connection was refused"),
        ((errno.ECONNREFUSED, errno.EMFILE), "too many files are open"),
        ((errno.EXDEV, errno.EHOSTUNREACH), "the host is unreachable"),
        ((errno.EXDEV, errno.EILSEQ), "the system reports EXDEV, EILSEQ"),
    ],
    ids=str,
)
def test_most_telling_reason_of_several_addresses_is_shown(causes: tuple[int, ...], text: str) -> None:
    error = caused_by(*(OSError(code, SECRET) for code in causes))
    assert reason(error).partition(";")[0] == text


def test_exceptions_that_only_say_that_tls_waits_for_bytes_are_no_reason() -> None:
    reset = OSError(errno.ECONNRESET, SECRET)
    reset.__context__ = ssl.SSLWantReadError(2, SECRET)
    assert reason(caused_by(reset)).startswith("the server closed the connection during the TLS handshake")


def test_circle_of_causes_ends() -> None:
    error = caused_by(OSError(SECRET))
    cause: Any = error.__cause__
    cause.__cause__.__context__ = error
    assert reason(error) == "the reason is unknown (OSError)"


def fail(error: Exception) -> None:
    raise error


def failure_during_another(outer: OSError, error: httpx.ConnectError) -> Failure | None:
    """Return the failure of a request that is made while the caller handles another exception."""
    try:
        fail(outer)
    except OSError:
        guard = Guard(Redactor(Sealed(())), 100, InstantClock())
        try:
            fail(error)
        except httpx.ConnectError:
            return guard.broken(error, 30)
    return None


@pytest.mark.parametrize("outer", [certificate_error(10), OSError(errno.EMFILE, SECRET)], ids=repr)
def test_exception_that_the_caller_is_handling_is_no_reason(outer: OSError) -> None:
    error = httpx.ConnectError(SECRET)
    found = failure_during_another(outer, error)
    assert found is not None
    assert error.__context__ is outer
    assert (found.fault, str(found.error)) == (
        Fault.NOT_CONNECTED,
        "no connection to the server: the reason is unknown (ConnectError)",
    )


def test_reason_of_this_package_is_shown_as_it_is() -> None:
    error = NotConnected("the certificate files cannot be read")
    error.__cause__ = OSError(errno.EMFILE, SECRET)
    assert reason(error) == "the certificate files cannot be read"


@pytest.mark.parametrize("code", [2, 9, 10, 18, 19, 20, 21, 23, 62, 64, 99])
def test_only_certificate_errors_are_not_repeated(code: int) -> None:
    assert failure(caused_by(certificate_error(code))).fault is Fault.CERTIFICATE
    assert failure(caused_by(tls_error("CERTIFICATE_VERIFY_FAILED"))).fault is Fault.NOT_CONNECTED


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://api.example", "api.example:443"),
        ("http://api.example", "api.example:80"),
        ("https://api.example:8443/base", "api.example:8443"),
        ("https://[::1]:8443", "[::1]:8443"),
        ("https://bücher.example", "xn--bcher-kva.example:443"),
        (f"https://user:{SECRET}@api.example", "api.example:443"),
    ],
)
def test_place_is_the_host_and_the_port_of_the_url(url: str, target: str) -> None:
    assert place_of(httpx.URL(url), None).text == f"no connection to {target}"


@pytest.mark.parametrize(
    ("events", "text"),
    [
        (
            [(CONNECTED, {"host": "api.example", "port": 443})],
            "no connection to api.example:443: no such host; check base_url",
        ),
        ([(CONNECTED, PROXY)], "no connection to the proxy proxy.example:3128: no such host; check the proxy's URL"),
        (
            [(CONNECTED, PROXY), (ASKED, CONNECT_REQUEST)],
            "no connection to api.example:443: the proxy proxy.example:3128 gave no valid response; check the proxy's",
        ),
        (
            [(CONNECTED, PROXY), (ASKED, CONNECT_REQUEST), (RESPONDED, {"return_value": (b"HTTP/1.1", 418, SECRET)})],
            "no connection to api.example:443: the proxy proxy.example:3128 responded with HTTP 418",
        ),
        (
            [(CONNECTED, PROXY), (ASKED, CONNECT_REQUEST), (OPEN, {})],
            "no connection to api.example:443 through the proxy proxy.example:3128: no such host; check base_url",
        ),
        ([("socks.connect_tcp.started", PROXY)], "no connection to the proxy proxy.example:3128: no such host"),
        ([("other.connect_tcp.started", {})], "no connection to api.example:443: no such host"),
    ],
    ids=[
        "no-proxy",
        "to-the-proxy",
        "proxy-is-asked",
        "proxy-responds",
        "through-the-proxy",
        "socks",
        "other-transport",
    ],
)
def test_message_names_the_proxy_if_there_is_one(events: list[tuple[str, dict[str, Any]]], text: str) -> None:
    error = caused_by(socket.gaierror(socket.EAI_NONAME, SECRET))
    assert str(failure(error, *events).error).startswith(text)


def test_socks_proxy_that_refuses_is_named() -> None:
    events: list[tuple[str, Any]] = [
        ("socks.connect_tcp.started", PROXY),
        ("socks.setup_socks5_connection.started", {"auth": SECRET}),
    ]
    assert str(failure(httpx.ProxyError(SECRET), *events).error) == (
        "no connection to api.example:443: the proxy proxy.example:3128 refused it; check base_url, "
        "and the user and password of the proxy"
    )


@pytest.mark.parametrize(
    ("events", "text"),
    [
        ([], "no connection to api.example:443 within 30 s; check base_url and the network"),
        (
            [(CONNECTED, PROXY)],
            "no connection to the proxy proxy.example:3128 within 30 s; check the proxy's URL and the network",
        ),
        (
            [(CONNECTED, PROXY), (ASKED, CONNECT_REQUEST)],
            "no connection to api.example:443 within 30 s: the proxy proxy.example:3128 did not make it; "
            "check base_url and the network",
        ),
    ],
    ids=["no-proxy", "to-the-proxy", "proxy-is-asked"],
)
def test_message_of_a_timeout_says_where_there_was_no_connection(
    events: list[tuple[str, dict[str, Any]]], text: str
) -> None:
    assert str(failure(caused_by(TimeoutError(SECRET), by=httpx.ConnectTimeout), *events).error) == text


def test_timeout_of_the_system_is_not_called_one_of_the_request() -> None:
    found = failure(caused_by(TimeoutError(errno.ETIMEDOUT, SECRET), by=httpx.ConnectTimeout))
    assert str(found.error) == (
        "no connection to api.example:443: the server did not respond; check base_url and the network"
    )


def test_trace_events_of_a_sent_request_say_nothing_about_connecting() -> None:
    tunnel = Tunnel()
    tunnel.trace(CONNECTED, {})
    assert tunnel.endpoint is None
