"""Which proxy of the environment applies to a base URL, and which settings of the environment are refused."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

import pytest

from anchor_webtask import Anchor, AsyncAnchor, ConfigurationError
from anchor_webtask._http.environment import certificate_state
from anchor_webtask._http.proxy import environment_proxy

if TYPE_CHECKING:
    from pathlib import Path

API = "https://api.example"
PROXY = "http://proxy.example:3128"


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the proxy settings of the caller."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def found(url: str) -> str | None:
    proxy = environment_proxy(url)
    return None if proxy is None else str(proxy.open().url)


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
def test_proxy_of_the_scheme_or_of_all_schemes_applies(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(API) is None
    monkeypatch.setenv(variable, PROXY)
    assert found(API) == PROXY


def test_proxy_of_another_scheme_does_not_apply(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", PROXY)
    assert found(API) is None


def test_proxy_may_be_given_without_a_scheme(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "proxy.example:3128")
    assert found(API) == PROXY


@pytest.mark.parametrize(
    ("url", "entry", "is_excluded"),
    [
        (API, "*", True),
        (API, "api.example", True),
        (API, ".example", True),
        (API, "example", True),
        (API, "*.example", True),
        (API, "other.example, api.example", True),
        (API, "api.example:443", True),
        (API, "https://api.example", True),
        (API, "pi.example", False),
        (API, "api.example:8443", False),
        (API, "other.example", False),
        (API, "", False),
        ("https://10.1.2.3", "10.0.0.0/8", True),
        ("https://10.1.2.3", "10.1.2.3", True),
        ("https://10.1.2.3", "192.168.0.0/16", False),
        ("https://[2001:db8::1]", "2001:db8::/32", True),
        ("https://[2001:db8::1]", "[2001:db8::1]", True),
        ("https://[2001:db8::1]", "::1/128", False),
        ("https://[2001:db8::1]", "[2001:db8::]/32", True),
        ("https://[2001:db8::1]", "[2001:db8::1]:443", True),
        ("https://[2001:db8::1]:8080", "[2001:db8::1]:8080", True),
        ("https://[2001:db8::1]", "[2001:db8::1]:8080", False),
        ("https://[2001:db8::1]", "https://[2001:db8::1]:443/", True),
        ("https://10.1.2.3:8443", "10.1.2.3:8443", True),
        ("https://10.1.2.3", "2.3", False),
        ("https://10.1.2.3", "example", False),
        (API, "https://api.example:443/path", True),
        (API, "HTTPS://api.example", True),
        (API, "all://api.example", True),
        (API, "http://api.example", False),
        (API, "http://*", False),
        (API, "API.Example", True),
        (API, "api.example.", True),
        ("https://api.example.", "api.example", True),
        ("https://bücher.example", "bücher.example", True),
        ("https://bücher.example", "xn--bcher-kva.example", True),
        ("https://xn--bcher-kva.example", ".BÜCHER.example", True),
        ("https://bücher.example", "cher.example", False),
        (API, "[, ., *., :443, ://, xn--\udcff", False),
    ],
)
def test_no_proxy_names_hosts_domains_addresses_and_networks(
    url: str, entry: str, monkeypatch: pytest.MonkeyPatch, *, is_excluded: bool
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", PROXY)
    monkeypatch.setenv("NO_PROXY", entry)
    assert found(url) == (None if is_excluded else PROXY)


@pytest.mark.parametrize(
    "value", ["foo://user:hidden@proxy.example", "http://user:hidden@:3128", "http://u:hidden@h:x"]
)
@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "all_proxy"])
def test_invalid_proxy_is_refused_by_the_name_of_its_variable(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(
        ConfigurationError, match=f"^the environment variable {variable} must be a URL such as"
    ) as error:
        found(API)
    assert "hidden" not in str(error.value)


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_missing_certificate_file_is_refused_when_a_client_is_made(
    variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "missing"
    monkeypatch.setenv(variable, str(path))
    message = f"the environment variable {variable} names {str(path)!r}, which does not exist: correct it, or unset it"
    for client in (Anchor, AsyncAnchor):
        with pytest.raises(ConfigurationError) as caught:
            client("key")
        assert str(caught.value) == message
        client("key", base_url="http://127.0.0.1:1")  # requests to loopback do not need the file


@pytest.mark.parametrize("client", [Anchor, AsyncAnchor])
def test_missing_folder_for_the_keys_of_connections_is_refused(
    client: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "missing" / "keys"))
    with pytest.raises(ConfigurationError, match=r"SSLKEYLOGFILE names .*, whose folder does not exist"):
        client("key")
    client("key", base_url="http://127.0.0.1:1")
    client("key", ssl_context=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    client("key")


def test_certificate_state_changes_with_the_variable_and_with_the_file(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    states = [certificate_state()]
    file = tmp_path_factory.mktemp("certificates") / "ca.pem"
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    states.append(certificate_state())
    file.write_text("renewed", encoding="ascii")
    states.append(certificate_state())
    assert len({*states}) == 3
    assert certificate_state() == states[-1]
