"""Proxies and TLS contexts, given as arguments or by the environment: which is used, what is refused, what is shown."""

from __future__ import annotations

import base64
import logging
import pickle
import socket
import ssl
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest
import trustme

from anchor_webtask import Anchor, AsyncAnchor, ConfigurationError, RequestTimeoutError, TransportError
from tests.support.certificates import server_certificates, server_tls
from tests.support.errors import raised
from tests.support.raw_proxy import raw_proxy
from tests.support.raw_server import Ending, raw_server
from tests.support.runners import KEY
from tests.support.secret_search import exception_texts, find_secrets, log_texts, secret_parts

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.clocks import InstantClock
    from tests.support.runners import Runner

PASSWORD: Final = "pröxy/p@ssword-0815"
QUOTED: Final = "pr%C3%B6xy%2Fp%40ssword-0815"
PARTS: Final = secret_parts(PASSWORD)
CLIENTS: Final = (Anchor, AsyncAnchor)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """An authority that no client trusts by default."""
    return trustme.CA()


@pytest.fixture(scope="module")
def certificates(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> dict[str, ssl.SSLContext]:
    return server_certificates(authority, tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def trusting(authority: trustme.CA) -> ssl.SSLContext:
    """A client's TLS context that trusts the authority."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.fixture(autouse=True)
def no_exceptions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the caller's `NO_PROXY`."""
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)


def unused_port() -> str:
    """Return an address at which connections are refused."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{unused.getsockname()[1]}"


# -- The argument `proxy` ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_proxy_wins_over_the_environment_also_for_loopback_addresses(
    scheme: str,
    runner: Runner,
    certificates: dict[str, ssl.SSLContext],
    trusting: ssl.SSLContext,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "foo://not-used")
    monkeypatch.setenv("NO_PROXY", "*")
    with (
        raw_server(tls=certificates["trusted"] if scheme == "https" else None) as server,
        raw_proxy(server.base_url) as proxy,
        runner.anchor(
            base_url=server.base_url, proxy=f"http://user:{QUOTED}@{proxy.address}", ssl_context=trusting
        ) as anchor,
    ):
        assert runner.call(anchor.tasks.start, "Read").id == "task-1"
    (head,) = proxy.heads
    place = server.base_url.removeprefix(f"{scheme}://")
    assert head.startswith(
        f"CONNECT {place} ".encode() if scheme == "https" else f"POST {server.base_url}/v1/".encode()
    )
    assert b"Basic " + base64.b64encode(f"user:{PASSWORD}".encode()) in head
    assert (KEY.encode() in head) == (scheme == "http")  # inside the tunnel, the proxy sees only encrypted bytes


@pytest.mark.parametrize("as_object", [False, True], ids=["url", "httpx.Proxy"])
def test_https_proxy_uses_the_same_tls_context_unless_it_has_one(
    runner: Runner, certificates: dict[str, ssl.SSLContext], trusting: ssl.SSLContext, *, as_object: bool
) -> None:
    other_authority = trustme.CA()
    proxy_tls = server_tls(other_authority.issue_cert("127.0.0.1")) if as_object else certificates["trusted"]
    with raw_server(tls=certificates["trusted"]) as server, raw_proxy(server.base_url, tls=proxy_tls) as proxy:
        given: Any = f"https://user:{QUOTED}@{proxy.address}"
        if as_object:
            context = ssl.create_default_context()
            other_authority.configure_trust(context)
            given = httpx.Proxy(given, ssl_context=context, headers={"x-extra": "1"})
        with runner.anchor(base_url=server.base_url, proxy=given, ssl_context=trusting) as anchor:
            assert runner.call(anchor.tasks.start, "Read").id == "task-1"
    assert b"Basic " + base64.b64encode(f"user:{PASSWORD}".encode()) in proxy.heads[0]
    assert (b"x-extra: 1" in proxy.heads[0]) == as_object


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize(
    ("proxy", "problem"),
    [
        (
            f"foo://user:{QUOTED}@proxy.example",
            "must be a URL such as http://proxy.example:3128, with one of the schemes",
        ),
        (f"http://user:{QUOTED}@", "must be a URL such as"),
        (f"http://user:{QUOTED}@proxy.example:port", "must be a URL such as"),
        (f"http://user:{QUOTED}@proxy.example:99999", "must be a URL such as"),
        (f"http://user:{QUOTED}@proxy.example:0", "must be a URL such as"),
        (f"http://user:{QUOTED}@{'a' * 64}.example", "must be a URL such as"),
        (f"http://user:{QUOTED}@proxy..example", "must be a URL such as"),
        (httpx.Proxy(f"http://user:{QUOTED}@a..b"), "must be a URL such as"),
        ("", "must be a URL such as"),
        (PASSWORD.encode(), "must be a URL as text, or an httpx.Proxy, not bytes"),
        ({"https": f"http://user:{QUOTED}@proxy.example"}, "must be a URL as text, or an httpx.Proxy, not dict"),
    ],
    ids=lambda it: "" if isinstance(it, str) and it.startswith("must") else None,
)
def test_invalid_proxy_is_refused_and_no_message_or_frame_shows_its_password(
    client: Any, proxy: object, problem: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        client(KEY, proxy=proxy)
    assert str(caught.value).startswith(f"proxy {problem}")
    assert find_secrets(exception_texts(caught.value), PARTS) == []


@pytest.mark.parametrize("client", CLIENTS)
def test_invalid_proxy_of_the_environment_is_refused_and_no_frame_shows_its_password(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", f"foo://user:{QUOTED}@proxy.example")
    with pytest.raises(ConfigurationError, match=r"^the environment variable https_proxy must be a URL") as caught:
        client(KEY)
    assert find_secrets(exception_texts(caught.value), PARTS) == []


@pytest.mark.parametrize("client", CLIENTS)
def test_proxy_must_be_on_loopback_if_the_base_url_uses_http(client: Any) -> None:
    with pytest.raises(ConfigurationError, match="the proxy would receive the API key unencrypted"):
        client(KEY, base_url="http://127.0.0.1:8000", proxy="http://proxy.example:3128")
    client(KEY, base_url="http://127.0.0.1:8000", proxy="http://localhost:3128")
    client(KEY, base_url="https://127.0.0.1:8000", proxy="http://proxy.example:3128")


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("argument", ["proxy", "ssl_context"])
def test_argument_of_the_connections_cannot_be_combined_with_a_transport(client: Any, argument: str) -> None:
    value: Any = f"http://user:{QUOTED}@proxy.example" if argument == "proxy" else ssl.create_default_context()
    with pytest.raises(ConfigurationError) as caught:
        client(KEY, transport=httpx.MockTransport(lambda _: httpx.Response(200)), **{argument: value})
    assert str(caught.value) == f"{argument} cannot be combined with transport: configure it in the transport"
    assert find_secrets(exception_texts(caught.value), PARTS) == []


@pytest.mark.parametrize("client", CLIENTS)
def test_socks_proxy_without_its_package_is_refused(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(ConfigurationError, match=r"^proxy names a SOCKS proxy, .*: pip install 'httpx\[socks\]'$"):
        client(KEY, proxy="socks5://proxy.example")


# -- The argument `ssl_context` ------------------------------------------------------------------------------------


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("value", [True, "ca.pem", ssl.SSLContext])
def test_ssl_context_of_another_type_is_refused(client: Any, value: object) -> None:
    with pytest.raises(
        ConfigurationError, match=rf"^ssl_context must be an ssl.SSLContext, not {type(value).__name__}$"
    ):
        client(KEY, ssl_context=value)


@pytest.mark.parametrize("has_proxy", [False, True], ids=["direct", "proxy"])
def test_ssl_context_is_used_in_place_of_the_environments_certificates(
    runner: Runner,
    certificates: dict[str, ssl.SSLContext],
    trusting: ssl.SSLContext,
    monkeypatch: pytest.MonkeyPatch,
    *,
    has_proxy: bool,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/missing")
    with raw_server(tls=certificates["trusted"]) as server, raw_proxy(server.base_url) as proxy:
        given = f"http://{proxy.address}" if has_proxy else None
        with runner.anchor(base_url=server.base_url, proxy=given, ssl_context=trusting) as anchor:
            assert runner.call(anchor.tasks.start, "Read").id == "task-1"
        AsyncAnchor(KEY, ssl_context=trusting)  # the missing file matters to no connection
    assert len(proxy.heads) == has_proxy


@pytest.mark.parametrize("has_proxy", [False, True], ids=["direct", "proxy"])
def test_certificate_file_that_is_set_or_renewed_is_used_by_the_next_client(
    runner: Runner,
    clock: InstantClock,
    certificates: dict[str, ssl.SSLContext],
    authority: trustme.CA,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    has_proxy: bool,
) -> None:
    file = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(file))
    with raw_server(tls=certificates["trusted"]) as server, raw_proxy(server.base_url) as proxy:
        given = f"http://{proxy.address}" if has_proxy else None
        monkeypatch.delenv("SSL_CERT_FILE", raising=False)
        for _ in range(2):  # first without the variable, then with a file of another authority
            with runner.anchor(base_url=server.base_url, proxy=given) as anchor:
                error = raised(TransportError, runner, anchor.tasks.start, "Read")
            assert "the server's certificate was issued by an authority that is not trusted here" in str(error)
            monkeypatch.setenv("SSL_CERT_FILE", str(file))
        authority.cert_pem.write_to_path(str(file))
        with runner.anchor(base_url=server.base_url, proxy=given) as anchor:
            assert runner.call(anchor.tasks.start, "Read").id == "task-1"
    assert clock.sleeps == []


def test_client_offers_http_1_1_to_the_server(
    runner: Runner, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    tls = server_tls(authority.issue_cert("127.0.0.1"))
    tls.set_alpn_protocols(["h2", "http/1.1"])
    with raw_server(tls=tls) as server, runner.anchor(base_url=server.base_url) as anchor:
        client = anchor.api.get_httpx_client() if runner.name == "sync" else anchor.api.get_async_httpx_client()
        runner.call(client.send, client.build_request("GET", "/v1/other"))
    assert server.alpn == ["http/1.1"]


def test_context_of_the_user_is_not_changed_and_must_not_offer_http_2(
    runner: Runner, clock: InstantClock, authority: trustme.CA, trusting: ssl.SSLContext
) -> None:
    tls = server_tls(authority.issue_cert("127.0.0.1"))
    tls.set_alpn_protocols(["h2", "http/1.1"])
    with raw_server(tls=tls) as server:
        with runner.anchor(base_url=server.base_url, ssl_context=trusting) as anchor:
            assert runner.call(anchor.tasks.start, "Read").id == "task-1"
        trusting.set_alpn_protocols(["h2"])
        with runner.anchor(base_url=server.base_url, ssl_context=trusting) as anchor:
            error = raised(TransportError, runner, anchor.tasks.start, "Read")
        server.wait_for_open_connections(0)
    assert str(error).endswith(": the server speaks HTTP/2, which this client does not; pass an ssl_context without it")
    assert server.alpn[0] is None
    assert server.alpn[1:] in ([], ["h2"])  # the client may close the connection before the server has seen its choice
    assert (server.starts, clock.sleeps) == (1, [])


def test_extension_sni_hostname_is_the_name_in_the_certificate(
    runner: Runner, certificates: dict[str, ssl.SSLContext], trusting: ssl.SSLContext
) -> None:
    with (
        raw_server(tls=certificates["foreign"]) as server,
        runner.anchor(base_url=server.base_url, ssl_context=trusting) as anchor,
    ):
        client = anchor.api.get_httpx_client() if runner.name == "sync" else anchor.api.get_async_httpx_client()
        request = client.build_request("GET", "/v1/other", extensions={"sni_hostname": "elsewhere.example"})
        assert runner.call(client.send, request).status_code == 200
        error = raised(TransportError, runner, client.send, client.build_request("GET", "/v1/other"))
        assert "the server's certificate is for another host name" in str(error)
        assert runner.call(client.send, request).status_code == 200
    assert server.count("GET") == 2


# -- Errors and secrets --------------------------------------------------------------------------------------------


def refusal(status: str) -> bytes:
    """Return a proxy's response that echoes the password wherever it can."""
    echo = f"you sent {PASSWORD} as {QUOTED}"
    return f"HTTP/1.1 {status} {echo}\r\nx-echo: {echo}\r\ncontent-length: 0\r\n\r\n".encode()


@pytest.mark.parametrize("source", ["argument", "environment"])
@pytest.mark.parametrize(
    ("response", "reason"),
    [
        (refusal("407"), "responded with HTTP 407: it requires a valid user and password in the proxy's URL"),
        (refusal("403"), "responded with HTTP 403: it does not permit this connection"),
        (refusal("502"), "responded with HTTP 502: it cannot reach the server; check base_url"),
        (refusal("418"), "responded with HTTP 418"),
        (b"SSH-2.0 " + PASSWORD.encode() + b"\r\n\r\n", "gave no valid response; check the proxy's URL"),
        (b"", "gave no valid response; check the proxy's URL"),
    ],
    ids=["407", "403", "502", "418", "not-http", "closes"],
)
def test_error_says_why_a_proxy_makes_no_connection_and_nothing_shows_its_password(
    response: bytes,
    reason: str,
    source: str,
    runner: Runner,
    clock: InstantClock,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    with raw_proxy(response=response) as proxy:
        url = f"http://user:{QUOTED}@{proxy.address}"
        if source == "environment":
            monkeypatch.setenv("HTTPS_PROXY", url)
        with runner.anchor(base_url="https://api.example", proxy=url if source == "argument" else None) as anchor:
            error = raised(TransportError, runner, anchor.tasks.start, "Read", secret_values={"NAME": "0123456789"})
            shown = [repr(anchor), repr(anchor.tasks), repr(vars(anchor)), repr(anchor.api)]
    assert str(error) == f"no connection to api.example:443: the proxy {proxy.address} {reason}"
    assert clock.sleeps == [1.0, 1.0]
    assert b"Basic " + base64.b64encode(f"user:{PASSWORD}".encode()) in proxy.heads[0]
    assert find_secrets([*shown, *exception_texts(error), *log_texts(caplog)], PARTS) == []
    assert any("receive_response_headers" in record.getMessage() for record in caplog.records)


class MalformedReply(Exception):  # noqa: N818  named like the exceptions of that library
    """An exception of the SOCKS library, which is not installed."""

    __module__ = "socksio.exceptions"


@pytest.mark.usefixtures("clock")
def test_exception_of_the_socks_library_becomes_an_error_of_this_package(
    runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[tuple[str, dict[str, Any]]] = [
        ("socks.connect_tcp.started", {"host": "127.0.0.1", "port": 1080}),
        ("socks.setup_socks5_connection.started", {"auth": PASSWORD}),
    ]

    def fail(_: object, request: httpx.Request) -> httpx.Response:
        for event in events:
            request.extensions["trace"](*event)
        raise MalformedReply(PASSWORD)

    async def fail_async(_: object, request: httpx.Request) -> httpx.Response:
        for event in events:
            await request.extensions["trace"](*event)
        raise MalformedReply(PASSWORD)

    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", fail)
    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", fail_async)
    with runner.anchor(base_url="https://api.example", proxy="http://127.0.0.1:1080") as anchor:
        error = raised(TransportError, runner, anchor.tasks.start, "Read")
    assert str(error) == (
        "no connection to api.example:443: the proxy 127.0.0.1:1080 gave no valid response; check the proxy's URL"
    )
    assert find_secrets(exception_texts(error), PARTS) == []


@pytest.mark.usefixtures("clock")
def test_error_says_that_there_is_no_connection_to_the_proxy(runner: Runner) -> None:
    address = unused_port()
    with runner.anchor(base_url="https://api.example", proxy=f"http://user:{QUOTED}@{address}") as anchor:
        error = raised(TransportError, runner, anchor.tasks.start, "Read")
    assert str(error) == f"no connection to the proxy {address}: the connection was refused; check the proxy's URL"
    assert find_secrets(exception_texts(error), PARTS) == []


@pytest.mark.usefixtures("clock")
def test_error_says_that_the_certificate_of_the_proxy_is_not_valid(
    runner: Runner, certificates: dict[str, ssl.SSLContext], trusting: ssl.SSLContext
) -> None:
    with (
        raw_proxy(tls=certificates["foreign"]) as proxy,
        runner.anchor(base_url="https://api.example", proxy=f"https://{proxy.address}", ssl_context=trusting) as anchor,
    ):
        error = raised(TransportError, runner, anchor.tasks.start, "Read")
    assert str(error) == (
        f"no connection to the proxy {proxy.address}: the proxy's certificate is for another host name; check the "
        "proxy's URL"
    )


@pytest.mark.usefixtures("clock")
def test_error_says_that_the_server_behind_a_proxy_is_not_valid(
    runner: Runner, certificates: dict[str, ssl.SSLContext], trusting: ssl.SSLContext
) -> None:
    with (
        raw_server(tls=certificates["expired"]) as server,
        raw_proxy(server.base_url) as proxy,
        runner.anchor(
            base_url="https://127.0.0.1:8443", proxy=f"http://{proxy.address}", ssl_context=trusting
        ) as anchor,
    ):
        error = raised(TransportError, runner, anchor.tasks.start, "Read")
    assert str(error) == (
        f"no connection to 127.0.0.1:8443 through the proxy {proxy.address}: the server's certificate has expired; "
        "check the clock of this computer"
    )
    assert server.starts == 0


@pytest.mark.usefixtures("clock")
def test_error_says_that_a_proxy_does_not_respond_in_time(runner: Runner) -> None:
    with raw_server(check=[(Ending.SILENCE,)]) as proxy:
        address = proxy.base_url.removeprefix("http://")
        with runner.anchor(base_url="https://api.example", proxy=proxy.base_url, http_timeout=0.2) as anchor:
            error = raised(RequestTimeoutError, runner, anchor.tasks.start, "Read")
    assert str(error) == (
        f"no connection to api.example:443 within 0.2 s: the proxy {address} did not make it; check base_url and the "
        "network"
    )


@pytest.mark.parametrize("client", CLIENTS)
def test_client_with_a_proxy_cannot_be_pickled_and_its_parts_do_not_show_the_password(client: Any) -> None:
    made = client(KEY, proxy=f"http://user:{QUOTED}@proxy.example")
    assert made._settings.proxy is not None
    with pytest.raises(TypeError) as caught:
        pickle.dumps(made)
    shown = [str(caught.value), repr(made), repr(vars(made)), repr(made._settings), repr(vars(made._sender))]
    assert find_secrets(shown, PARTS) == []
